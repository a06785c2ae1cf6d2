"""A comparison as a picture: the means with their intervals, and what each method lacks to the best one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deblurbench.errors import DeblurbenchError
from deblurbench.files import replacing
from deblurbench.scoring.statistics.compare import Comparison, Interval, PairResult
from deblurbench.scoring.statistics.ranks import UNKNOWN
from deblurbench.scoring.statistics.report import rank_words, unit
from deblurbench.scoring.statistics.table import shown

_BLUE, _ORANGE, _GREY = "#1f5fa8", "#c8500a", "#8a8a8a"
_LABEL = 34  # characters of a method's name
_LINE = 0.30  # inches per method
_HEAD = 1.35  # inches per comparison, for its title and axes
_TALLEST = 160  # inches: beyond it a PNG gets too large to look at
_DPI = 120


def draw(path: Path, comparisons: Sequence[Comparison]) -> None:
    """Write a PNG with one row per comparison: left the means, right the paired differences to the best mean.

    Bars beside the names join methods that cannot be told apart. Raises DeblurbenchError where there is too much to
    draw.
    """
    import warnings

    from matplotlib.figure import Figure

    heights = [_HEAD + _LINE * max(2, len(c.methods)) for c in comparisons]
    if sum(heights) > _TALLEST:
        raise DeblurbenchError("too many comparisons for one plot", "choose some with --metric and --protocol")
    figure = Figure(figsize=(11, sum(heights)), layout="constrained", dpi=_DPI)
    rows = figure.subfigures(len(comparisons), 1, height_ratios=heights, squeeze=False)[:, 0]
    for row, comparison in zip(rows, comparisons, strict=True):
        _draw_row(row, comparison)
    with replacing(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a name in a script that the font does not have
        figure.savefig(temporary, format="png")


def _draw_row(figure: Any, comparison: Comparison) -> None:
    aligned = comparison.aligned
    ties = _tie_groups(comparison)
    means, bars, paired = figure.subplots(1, 3, sharey=True, width_ratios=[5, min(5, 0.3 + 0.22 * len(ties)), 5])
    arrow = "lower is better" if comparison.lower_is_better else "higher is better"
    figure.suptitle(
        f"{shown(str(aligned.track), 70)}: {shown(aligned.metric, 40)} ({arrow}), "
        f"{len(aligned.names)} pictures, {comparison.scenes} scenes",
        fontsize=10,
        parse_math=False,
    )
    places = range(len(comparison.methods))
    for place, method in zip(places, comparison.methods, strict=True):
        if method.mean is not None:
            _draw_point(means, place, method.mean, method.interval, _BLUE)
    means.set_yticks(places)
    titles = [f"{shown(m.label, _LABEL)}  ({rank_words(m.ranks)})" for m in comparison.methods]
    means.set_yticklabels(titles, fontsize=9, parse_math=False)
    means.set_ylim(len(comparison.methods) - 0.5, -0.5)
    means.set_xlabel(f"mean{unit(aligned.metric)}, 95 % interval over scenes", fontsize=8)
    _draw_ties(bars, ties)
    _draw_differences(paired, comparison)
    for axes in (means, paired):
        axes.grid(axis="x", alpha=0.3)
        axes.locator_params(axis="x", nbins=6)
        axes.tick_params(axis="x", labelsize=8)
        axes.tick_params(axis="y", length=0)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
    paired.tick_params(axis="y", labelleft=False)


def _draw_point(
    axes: Any, place: int, value: float, interval: Interval | None, colour: str, *, full: bool = True
) -> None:
    if interval is not None:
        axes.plot(interval, [place, place], color=colour, linewidth=2, solid_capstyle="butt")
    axes.plot([value], [place], "o", color=colour, markersize=6, markerfacecolor=colour if full else "white")


def _draw_ties(axes: Any, ties: Sequence[Sequence[int]]) -> None:
    """One vertical bar per group of methods that are not told apart, as in critical difference diagrams."""
    for x, group in enumerate(ties):
        axes.plot([x] * len(group), group, "o-", color=_GREY, linewidth=2, markersize=4)
    axes.set_xlim(-0.7, max(len(ties) - 0.3, 0.7))
    axes.set_xlabel("tied", fontsize=8)
    axes.set_xticks([])
    axes.tick_params(axis="y", length=0, labelleft=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _tie_groups(comparison: Comparison) -> list[list[int]]:
    """The places of the methods of each group of two or more that share a letter; none where there are too many."""
    if comparison.methods[0].ties == UNKNOWN:
        return []
    between = " " if any(" " in method.ties for method in comparison.methods) else None
    letters = [method.ties.split(between) if between else list(method.ties) for method in comparison.methods]
    known = dict.fromkeys(letter for mine in letters for letter in mine)
    groups = [[k for k, mine in enumerate(letters) if letter in mine] for letter in known]
    return [group for group in groups if len(group) > 1]


def _draw_differences(axes: Any, comparison: Comparison) -> None:
    first = comparison.methods[0]
    against: dict[str, PairResult] = {pair.b: pair for pair in comparison.pairs if pair.a == first.label}
    axes.axvline(0, color="black", linewidth=0.8)
    axes.plot([0], [0], "D", color="black", markersize=5)  # the method that the others are compared with
    for place, method in enumerate(comparison.methods):
        pair = against.get(method.label)
        if pair is None or pair.difference is None:
            continue
        turned = None if pair.interval is None else (-pair.interval[1], -pair.interval[0])
        colour = _ORANGE if pair.told_apart else _GREY
        _draw_point(axes, place, -pair.difference, turned, colour, full=pair.told_apart)
    axes.set_xlabel(
        f"paired difference{unit(comparison.aligned.metric)}: method - {shown(first.label, 24)}\n"
        "full: told apart, p < 0.05 after Holm; hollow: not",
        fontsize=8,
        parse_math=False,
    )
