"""The plots of an explanation: receptive field, gains, posteriors of the kernel."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deblurbench.blur.bank import spread
from deblurbench.blur.estimate import Estimate
from deblurbench.files import replacing
from deblurbench.runs.explain.receptive import SHARES, Response
from deblurbench.runs.explain.spectra import Gains

# Okabe and Ito's colours, which people with any kind of colour blindness tell apart; the dashes help in grey.
_BLUE, _ORANGE, _GREEN, _RED, _GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#666666"
_RINGS = ("-", "--", ":")
_FAMILIES = ((_BLUE, "-"), (_ORANGE, "--"), (_GREEN, "-."), ("#CC79A7", ":"))
_STEP = 0.05  # pixels of spread: kernels nearer than that are drawn as one
_NEGLIGIBLE = 0.002  # probability that is not worth the room it takes
_FAINTEST = 1e-6  # of the energy in the middle, in the colours of a map


def draw_receptive(path: Path, responses: Mapping[str, Response], title: str) -> None:
    """Of each group of pictures: a map of the energy, the filter along both axes, and the share within each radius."""
    figure = _figure(11.5, 3.1 * len(responses) + 0.75)
    grid = figure.subplots(len(responses), 3, squeeze=False, width_ratios=(1.1, 1.5, 1.3))
    reach = max(6, *(math.ceil(1.6 * (response.radius(0.99) or 0)) for response in responses.values()))
    for (group, response), (where, profile, share) in zip(responses.items(), grid, strict=True):
        half = response.energy.shape[0] // 2
        _map(figure, where, response, min(reach, half))
        where.set_title(f"{group}: squared dependence", fontsize="medium")
        offsets = np.arange(-half, half + 1)
        profile.plot(offsets, response.filter[half], ".-", color=_BLUE, label="along its row")
        profile.plot(offsets, response.filter[:, half], ".--", color=_ORANGE, label="along its column")
        profile.axhline(0, color=_GREY, linewidth=0.8)
        profile.set_xlim(-min(reach, half) - 0.5, min(reach, half) + 0.5)
        total = "" if response.total is None else f" (sum {response.total:.2f})"
        profile.set_title(f"weight of each blurred pixel{total}", fontsize="medium")
        profile.set_xlabel("offset (pixels)")
        profile.legend(fontsize="small")
        _shares(share, response, reach)
    _save(figure, path, title)


def _map(figure: Any, axes: Any, response: Response, reach: int) -> None:
    from matplotlib.colors import LogNorm
    from matplotlib.patches import Circle

    half = response.energy.shape[0] // 2
    part = response.energy[half - reach : half + reach + 1, half - reach : half + reach + 1]
    largest = float(part.max())
    shown = np.maximum(part / largest if largest > 0 else part, _FAINTEST)
    edge = reach + 0.5
    image = axes.imshow(
        shown, norm=LogNorm(_FAINTEST, 1), cmap="magma", extent=(-edge, edge, edge, -edge), interpolation="nearest"
    )
    bar = figure.colorbar(image, ax=axes, fraction=0.05, pad=0.03)
    bar.set_label("share of the largest", fontsize="small")
    for share, dashes in zip(SHARES, _RINGS, strict=True):
        radius = response.radius(share)
        if radius:
            axes.add_patch(Circle((0, 0), radius, fill=False, color="white", linestyle=dashes, linewidth=1.2))
    axes.set_xlabel("offset (pixels)")


def _shares(axes: Any, response: Response, reach: int) -> None:
    radii, shares = response.cumulative()
    axes.plot(radii, 100 * shares, ".-", color=_BLUE)
    for share, dashes in zip(SHARES, _RINGS, strict=True):
        radius = response.radius(share)
        if radius is not None:
            axes.axvline(radius, color=_RED, linestyle=dashes, label=f"{share:.0%} {_within(radius)}")
    axes.set_xlim(0, min(reach, radii[-1]) if len(radii) > 1 else 1)
    axes.set_ylim(min(45.0, 100 * float(shares[0]) - 5), 102)
    axes.set_title(f"by {response.method}, n = {response.n}", fontsize="medium")
    axes.set_xlabel("radius (pixels)")
    axes.set_ylabel("share within (%)")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize="small", loc="lower right")


def _within(radius: float) -> str:
    return f"within {radius:.1f} px" if radius else "in the pixel itself"


def draw_gains(path: Path, gains: Mapping[str, Gains], title: str) -> None:
    """Of each group of pictures: the gains, on a logarithmic scale, and the agreement with the sharp pictures."""
    with_sharp = any(of.agreement is not None for of in gains.values())
    figure = _figure(11.5 if with_sharp else 7, 3.1 * len(gains) + 0.75)
    grid = figure.subplots(len(gains), 2 if with_sharp else 1, squeeze=False)
    for (group, of), axes in zip(gains.items(), grid, strict=True):
        _gain(axes[0], of)
        axes[0].set_title(f"{group}: gain", fontsize="medium")
        if with_sharp:
            _agreement(axes[1], of)
            axes[1].set_title(f"{group}: agreement with the sharp picture", fontsize="medium")
    for axes in grid[-1]:
        axes.set_xlabel("frequency (cycles per pixel)")
    _save(figure, path, title)


def _gain(axes: Any, of: Gains) -> None:
    axes.plot(
        of.frequencies, np.maximum(of.model, 1e-3), color=_BLUE, linewidth=2, label="model: |restored| / |blurred|"
    )
    if of.right is not None:
        axes.plot(of.frequencies, of.right, "--", color=_GREEN, linewidth=2, label="right: |sharp| / |blurred|")
    if of.ideal is not None:
        axes.plot(of.frequencies, of.ideal, ":", color=_RED, linewidth=1.6, label="inverse of the blur: 1 / |H|")
    axes.axhline(1, color=_GREY, linewidth=0.8)
    shown = [of.model, *(value for value in (of.right,) if value is not None)]
    low, top = min(float(value.min()) for value in shown), max(float(value.max()) for value in shown)
    axes.set_yscale("log")
    low, top = max(0.05, min(0.8, 0.8 * low)), max(1.5, 2 * top if top > 1.5 else 0)
    axes.set_ylim(low, top)
    _plain_ticks(axes, (1, 2, 5) if top / low > 5 else (1, 1.2, 1.5, 2, 3, 5, 8))
    axes.set_xlim(0, 0.5)
    axes.set_ylabel("gain of the amplitude")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", loc="upper left")


def _plain_ticks(axes: Any, steps: Sequence[float]) -> None:
    """Numbers for people, not powers of ten, at `steps` of each."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.yaxis.set_major_locator(LogLocator(subs=steps))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def _agreement(axes: Any, of: Gains) -> None:
    if of.agreement is not None and of.before is not None:
        axes.plot(of.frequencies, of.agreement, color=_BLUE, linewidth=2, label="restored")
        axes.plot(of.frequencies, of.before, "--", color=_ORANGE, linewidth=2, label="blurred")
        axes.set_ylim(min(0.0, float(of.agreement.min()), float(of.before.min())) - 0.02, 1.03)
        axes.legend(fontsize="small", loc="lower left")
    axes.set_xlim(0, 0.5)
    axes.set_ylabel("correlation")
    axes.grid(alpha=0.3)


@dataclass(frozen=True)
class Belief:
    """What a blurred picture says of its kernel; `known`: the spread of that kernel in pixels, where it is known."""

    name: str
    estimate: Estimate
    known: float | None


def draw_posteriors(path: Path, beliefs: Sequence[Belief], title: str) -> None:
    """Of each picture the posterior over the families of the bank, by the spread of their kernels."""
    columns = min(3, len(beliefs))
    rows = -(-len(beliefs) // columns)
    figure = _figure(max(6.0, 3.9 * columns), 2.6 * rows + 0.75)
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    low, high = _range(beliefs)
    for belief, axes in zip(beliefs, grid, strict=False):
        for i, (family, (places, heights)) in enumerate(by_family(belief.estimate).items()):
            if sum(heights) < 0.005:
                continue  # its colour stays its own
            colour, dashes = _FAMILIES[i % len(_FAMILIES)]
            axes.fill_between(places, heights, step="mid", color=colour, alpha=0.2)
            name = f"{family}: {100 * sum(heights):.0f} %"
            axes.step(places, heights, where="mid", color=colour, linestyle=dashes, label=name)
        axes.axvline(belief.estimate.spread, color=_GREY, label=f"expected: {belief.estimate.spread:.2f} px")
        if belief.known is not None:
            axes.axvline(belief.known, color=_RED, linestyle=":", linewidth=1.6, label=f"true: {belief.known:.2f} px")
        axes.set_title(belief.name, fontsize="medium", parse_math=False)
        axes.set_xlim(low, high)
        axes.set_ylim(0, 1.45 * axes.get_ylim()[1])  # room for the legend
        axes.set_yticks([tick for tick in axes.get_yticks() if tick <= 1])
        axes.legend(fontsize="x-small", ncols=2, loc="upper center")
        axes.set_xlabel("spread of the kernel (pixels)")
        axes.set_ylabel("probability")
    for axes in grid[len(beliefs) :]:
        axes.set_visible(False)
    _save(figure, path, title)


def by_family(estimate: Estimate) -> dict[str, tuple[list[float], list[float]]]:
    """Of each family of the bank (spreads in pixels, probabilities): those of one spread, to 0.05 px, are added up."""
    sums: dict[str, dict[float, float]] = {}
    for candidate, share in zip(estimate.bank, estimate.posterior, strict=True):
        family = sums.setdefault(candidate.label.partition(" ")[0], {})
        place = round(round(spread(candidate.kernel) / _STEP) * _STEP, 2)
        family[place] = family.get(place, 0.0) + float(share)
    return {name: (sorted(of), [of[place] for place in sorted(of)]) for name, of in sums.items()}


def _range(beliefs: Sequence[Belief]) -> tuple[float, float]:
    """The spreads that are worth drawing."""
    likely = [belief.known for belief in beliefs if belief.known is not None]
    for belief in beliefs:
        for places, heights in by_family(belief.estimate).values():
            likely += [place for place, height in zip(places, heights, strict=True) if height >= _NEGLIGIBLE]
    margin = 0.2
    return max(0.0, min(likely) - margin), max(likely) + margin


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=110, layout="constrained")


def _save(figure: Any, path: Path, title: str) -> None:
    figure.suptitle(title, parse_math=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")
