"""An explanation of a model: four measurements on some pictures, as PNGs and one JSON file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deblurbench.blur.bank import Bank, spread
from deblurbench.blur.estimate import Estimate, estimate
from deblurbench.errors import UsageError
from deblurbench.files import make_folder, write_json
from deblurbench.progress import say
from deblurbench.runs.baseline import Restorer
from deblurbench.runs.explain.errors import psnr, write_error_sheet
from deblurbench.runs.explain.figures import Belief, draw_gains, draw_posteriors, draw_receptive
from deblurbench.runs.explain.receptive import Response, by_differences, by_gradient
from deblurbench.runs.explain.spectra import Gains, gains
from deblurbench.runs.explain.subjects import Subject, restored, restorers
from deblurbench.runs.model import Model

RECEPTIVE, GAIN, ERRORS, POSTERIOR = "receptive-field.png", "gain.png", "errors.png", "posterior.png"
EXPLAIN = "explain.json"

_FILES = (RECEPTIVE, GAIN, ERRORS, POSTERIOR, EXPLAIN)
_BELIEVED = 0.01  # candidates less probable than this are not listed
_PANELS = 12  # pictures whose posteriors are drawn
_GROUPS = 6  # that have a row in a figure; the others are in the JSON file alone


@dataclass(frozen=True)
class Explanation:
    """What was found; made by `explain`.

    Attributes:
        responses: by group; a group without a pixel that could be changed is left out.
        gains: by group.
        subjects: the pictures, restored.
        beliefs: of the pictures.
    """

    model: Model
    name: str
    responses: Mapping[str, Response]
    gains: Mapping[str, Gains]
    subjects: Sequence[Subject]
    beliefs: Sequence[Belief]

    @property
    def told(self) -> bool:
        """Whether the model was told each picture's kernel."""
        return self.model.baseline.is_told(self.model.config)

    @property
    def title(self) -> str:
        """What figures call the model: its name, and that it was told the kernel."""
        return self.name + " (told the kernel)" * self.told

    def as_dict(self) -> dict[str, Any]:
        """For JSON; infinities as the string "inf"."""
        return {
            "schema": 1,
            "model": self.name,
            "baseline": self.model.baseline.name,
            "told": self.told,
            "weights_sha256": self.model.weights_sha256(),
            "device": self.model.device,
            "receptive_field": {group: of.as_dict() for group, of in self.responses.items()},
            "gain": {group: of.as_dict() for group, of in self.gains.items()},
            "pictures": [_picture(*pair) for pair in zip(self.subjects, self.beliefs, strict=True)],
        }


def explain(
    model: Model, name: str, subjects: Sequence[Subject], bank: Bank | None = None, *, quiet: bool = False
) -> Explanation:
    """Restore the subjects and measure what the model does to them.

    Args:
        model: what restores; `name`: what figures call it.
        subjects: at least one, without restored pictures.
        bank: of the kernels that the posterior is over; None: Gaussians.

    Raises: UsageError where the model is told kernels that are not known; RunError where it cannot restore.
    """
    by = restorers(model, subjects)
    done = restored(subjects, by, quiet=quiet)
    groups: dict[str, list[tuple[Subject, Restorer]]] = {}
    for subject, restorer in zip(done, by, strict=True):
        groups.setdefault(subject.group, []).append((subject, restorer))
    sensitivity = model.baseline.sensitivity(model.config, model.weights, model.device)
    how = "by its gradient" if sensitivity else "by changing pixels"
    say(f"{name}: looking at how far it looks, {how}", quiet=quiet)
    responses = {}
    for group, of in groups.items():
        pictures = [subject.blurred for subject, _ in of]
        if sensitivity:
            response: Response | None = by_gradient(sensitivity, pictures)
        else:
            response = by_differences([restorer for _, restorer in of], pictures)
        if response:
            responses[group] = response
        else:
            say(f"{group}: too near black or white everywhere for a receptive field", quiet=quiet)
    beliefs = [_belief(subject, bank) for subject in done]
    gained = {group: gains([subject for subject, _ in of]) for group, of in groups.items()}
    return Explanation(model, name, responses, gained, done, beliefs)


def _belief(subject: Subject, bank: Bank | None) -> Belief:
    known = spread(subject.blur.kernel) if subject.blur else None
    name = f"{subject.group}: {subject.name}"
    return Belief(name, estimate(subject.blurred, bank), known)


def _picture(subject: Subject, belief: Belief) -> dict[str, Any]:
    found: dict[str, Any] = {"group": subject.group, "name": subject.name}
    if subject.sharp is not None and subject.restored is not None:
        for side, picture in (("blurred", subject.blurred), ("restored", subject.restored)):
            value = psnr(picture, subject.sharp)
            found[f"{side}_psnr_db"] = "inf" if math.isinf(value) else round(value, 4)
    if subject.blur is not None:
        found |= {"kernel": subject.blur.kernel.id, "kernel_spread": round(belief.known or 0.0, 4)}
    return found | {"posterior": _posterior(belief.estimate)}


def _posterior(found: Estimate) -> dict[str, Any]:
    likely = [int(i) for i in np.argsort(-found.posterior, kind="stable") if found.posterior[i] >= _BELIEVED]
    return {
        "spread": round(found.spread, 4),
        "likeliest": found.bank[found.index].label,
        "candidates": {found.bank[i].label: round(float(found.posterior[i]), 4) for i in likely},
    }


def check_out(out: Path, *, overwrite: bool) -> None:
    """Raise UsageError where `out` cannot be written, or holds a file that is not to be replaced."""
    there = [out / name for name in _FILES if (out / name).exists()]
    if there and not overwrite:
        raise UsageError(f"{there[0]} is there already", "choose another --out, or --overwrite to replace it")
    make_folder(out)


def write_explanation(out: Path, found: Explanation) -> list[Path]:
    """Write the pictures and, last, `explain.json`; returns the files. What an older one left goes."""
    for name in _FILES:
        (out / name).unlink(missing_ok=True)
    written = []
    if found.responses:
        title = f"{found.title}: what a restored pixel depends on"
        draw_receptive(out / RECEPTIVE, _first(found.responses), title)
        written.append(out / RECEPTIVE)
    draw_gains(out / GAIN, _first(found.gains), f"{found.title}: what becomes of each frequency")
    written.append(out / GAIN)
    with_sharp = [subject for subject in found.subjects if subject.sharp is not None]
    if with_sharp:
        write_error_sheet(out / ERRORS, with_sharp, f"{found.title}: where the error is largest")
        written.append(out / ERRORS)
    draw_posteriors(out / POSTERIOR, found.beliefs[:_PANELS], "Which blur the pictures show: the posterior over a bank")
    write_json(out / EXPLAIN, found.as_dict())
    return [*written, out / POSTERIOR, out / EXPLAIN]


def _first(of: Mapping[str, Any]) -> dict[str, Any]:
    return dict(list(of.items())[:_GROUPS])


def explanation_text(found: Explanation) -> str:
    """The figures for a terminal: a line for each group."""
    from deblurbench.grid import grid

    rows = [["group", "n", "50 % within", "90 %", "99 %", "gain at 0.1", "0.2", "0.3", "0.4"]]
    for group, of in found.gains.items():
        response = found.responses.get(group)
        radii = [response.radius(share) if response else None for share in (0.5, 0.9, 0.99)]
        at = [float(np.interp(f, of.frequencies, of.model)) for f in (0.1, 0.2, 0.3, 0.4)]
        count = sum(subject.group == group for subject in found.subjects)
        rows.append(
            [group, str(count), *("-" if r is None else f"{r:.1f} px" for r in radii), *(f"{v:.2f}" for v in at)]
        )
    return (
        f"{found.title}\n{grid(rows)}\n"
        "(within: the radius that holds so much of the squared dependence of a restored pixel on blurred ones;\n"
        " gain: amplitude of restored over blurred, at frequencies in cycles per pixel)"
    )
