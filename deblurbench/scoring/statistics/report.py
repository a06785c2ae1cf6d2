"""A comparison as text, CSV and JSON."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from deblurbench import files
from deblurbench.grid import grid
from deblurbench.scoring.statistics.compare import ALPHA, Comparison, Interval, MethodResult, PairResult
from deblurbench.scoring.statistics.table import shown

_MOST_PAIRS = 45  # of ten methods; of more, only those that a reader asks for first are printed
_FEW_SCENES = 5
_WIDTH = 40  # characters of a label
_WIDTH_IN_PAIRS = 26

COLUMNS = (
    *("protocol", "split", "metric", "a", "b", "n", "scenes", "left_out", "mean_a", "mean_b"),
    *("difference", "low", "high", "effect", "p", "p_holm", "told_apart", "wins", "ties", "losses", "win_rate"),
)


def unit(metric: str) -> str:
    """` dB` for a metric in dB, else nothing."""
    return " dB" if metric.endswith("_db") else ""


def write_csv(path: Path, comparisons: Sequence[Comparison]) -> None:
    """One row per pair of methods, with full digits; what is not defined is empty."""
    files.write_csv(path, COLUMNS, (_cells(c, pair) for c in comparisons for pair in c.pairs))


def _cells(comparison: Comparison, pair: PairResult) -> list[Any]:
    track, metric = comparison.aligned.track, comparison.aligned.metric
    low, high = pair.interval or (None, None)
    values = vars(pair) | {
        "protocol": track.protocol,
        "split": track.split,
        "metric": metric,
        "a": _no_formula(pair.a),
        "b": _no_formula(pair.b),
        "low": low,
        "high": high,
        "told_apart": str(pair.told_apart).lower(),
        "win_rate": pair.win_rate,
    }
    return [values[column] for column in COLUMNS]


def _no_formula(label: str) -> str:
    """A label that a spreadsheet takes for text."""
    return f"'{label}" if label[:1] in "=+-@" else label


def as_dict(comparisons: Sequence[Comparison], notes: Sequence[str]) -> dict[str, Any]:
    """The result as JSON values: `schema` 1. What is not defined is null."""
    return {"schema": 1, "alpha": ALPHA, "comparisons": [_one(c) for c in comparisons], "notes": list(notes)}


def _one(comparison: Comparison) -> dict[str, Any]:
    aligned = comparison.aligned
    return {
        "protocol": aligned.track.protocol,
        "split": aligned.track.split or None,
        "metric": aligned.metric,
        "better": "lower" if comparison.lower_is_better else "higher",
        "pictures": len(aligned.names),
        "missing": aligned.missing,
        "undefined": aligned.undefined,
        "scenes": comparison.scenes,
        "scene_source": comparison.scene_source,
        "resamples": comparison.resamples,
        "seed": comparison.seed,
        "exact": comparison.exact,
        "smallest_p_holm": comparison.smallest_p,
        "methods": [_fields(method) for method in comparison.methods],
        "pairs": [
            _fields(pair) | {"win_rate": pair.win_rate, "told_apart": pair.told_apart} for pair in comparison.pairs
        ],
    }


def _fields(result: MethodResult | PairResult) -> dict[str, Any]:
    return {name: list(v) if isinstance(v, tuple) else v for name, v in vars(result).items()}


def lines(comparison: Comparison) -> Iterator[str]:
    """The comparison for people: the ranks, the pairs, and what to know about them."""
    aligned, metric = comparison.aligned, comparison.aligned.metric
    direction = "lower" if comparison.lower_is_better else "higher"
    digits = _digits(comparison)
    yield f"{aligned.track}: {metric}, {direction} is better"
    yield f"{counted(len(aligned.names), 'picture')} of {comparison.scenes} {comparison.scene_source}"
    yield ""
    yield _indented(
        [["rank", "ties", "method", "mean" + unit(metric), "95 % interval"]]
        + [
            [rank_words(m.ranks), m.ties, shown(m.label, _WIDTH), _mean(m, digits), _between(m.interval, f".{digits}f")]
            for m in comparison.methods
        ],
        left=(1, 2),
    )
    pairs = _worth_printing(comparison)
    if pairs:
        yield ""
        yield _indented(
            [["pair", "difference" + unit(metric), "95 % interval", "p (Holm)", "", "won/tied/lost", "win rate"]]
            + [_pair_cells(pair, digits) for pair in pairs],
            left=(0, 4),
        )
    yield ""
    yield from (f"- {note}" for note in notes(comparison, len(pairs)))


def _indented(rows: Sequence[Sequence[str]], left: Sequence[int]) -> str:
    return textwrap.indent(grid(rows, left=left), "  ")


def counted(count: int, what: str) -> str:
    """`1 pair`, `2 pairs`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _digits(comparison: Comparison) -> int:
    """Decimals: four, and more for metrics whose numbers are small."""
    largest = max((abs(m.mean) for m in comparison.methods if m.mean is not None), default=0.0)
    return min(10, max(4, 5 - math.floor(math.log10(largest)))) if largest else 4


def rank_words(ranks: tuple[int, int]) -> str:
    """`2`, or `1-3` where it may be any of these."""
    return str(ranks[0]) if ranks[0] == ranks[1] else f"{ranks[0]}-{ranks[1]}"


def _mean(method: MethodResult, digits: int) -> str:
    if method.mean is None:
        return "inf" if method.infinite else "-"
    return f"{method.mean:.{digits}f}"


def _between(interval: Interval | None, form: str) -> str:
    return "-" if interval is None else f"[{interval[0]:{form}}, {interval[1]:{form}}]"


def _pair_cells(pair: PairResult, digits: int) -> list[str]:
    return [
        f"{shown(pair.a, _WIDTH_IN_PAIRS)} - {shown(pair.b, _WIDTH_IN_PAIRS)}",
        "-" if pair.difference is None else f"{pair.difference:+.{digits}f}",
        _between(pair.interval, f"+.{digits}f"),
        f"{pair.p_holm:.4f}" if pair.p_holm >= 0.0001 else f"{pair.p_holm:.0e}",
        "*" if pair.told_apart else "",
        f"{pair.wins}/{pair.ties}/{pair.losses}",
        f"{100 * pair.win_rate:.1f} %",
    ]


def _worth_printing(comparison: Comparison) -> list[PairResult]:
    """All pairs, or of very many those with the first method and those of neighbours in the ranking."""
    if len(comparison.pairs) <= _MOST_PAIRS:
        return list(comparison.pairs)
    labels = [method.label for method in comparison.methods]
    wanted = {(labels[0], label) for label in labels} | set(pairwise(labels))
    return [pair for pair in comparison.pairs if (pair.a, pair.b) in wanted]


def notes(comparison: Comparison, printed: int | None = None) -> Iterator[str]:
    """What a reader must know to believe the numbers, or not to."""
    aligned, pairs = comparison.aligned, comparison.pairs
    if pairs:
        how = "all sign flips" if comparison.exact else f"{comparison.resamples:,} random sign flips"
        many = f", corrected over {len(pairs)} pairs" if len(pairs) > 1 else ""
        yield f"*: told apart (p < {ALPHA} by {how} of scenes{many}); methods that share a letter are not"
    if printed is not None and printed < len(pairs):
        yield f"{len(pairs) - printed} more pairs are in --csv and --json"
    if comparison.scenes < 2:
        yield "ONE SCENE: no interval and no test is possible; nothing follows for other pictures"
    elif comparison.scenes < _FEW_SCENES:
        yield f"ONLY {comparison.scenes} SCENES: the intervals are too narrow, do not rely on them"
    if pairs and comparison.scenes > 1 and comparison.smallest_p >= ALPHA:
        smallest = f"the smallest possible p is {comparison.smallest_p:.2g}"
        yield f"NO PAIR CAN BE TOLD APART: {smallest}; {_way_out(comparison)}"
    if aligned.pooled:
        yield "the protocol pools the error over all pictures; compared are the pictures' own numbers, and their means"
    if any(method.infinite for method in comparison.methods):
        yield from _infinite_notes(comparison)
    if aligned.missing:
        yield f"{counted(aligned.missing, 'picture')} left out: not all methods have {aligned.metric} of them"
    if aligned.undefined:
        yield f"{counted(aligned.undefined, 'picture')} left out: {aligned.metric} is not defined for them"


def _way_out(comparison: Comparison) -> str:
    if not comparison.exact:
        return "give more --resamples"
    few = f"{comparison.scenes} scenes are too few for {counted(len(comparison.pairs), 'pair')}"
    return few if len(comparison.pairs) == 1 else f"{few}, compare fewer methods at once"


def _infinite_notes(comparison: Comparison) -> Iterator[str]:
    counts = ", ".join(f"{shown(m.label, _WIDTH)} {m.infinite}" for m in comparison.methods if m.infinite)
    outside = len(comparison.aligned.names) - comparison.methods[0].n
    yield f"infinite (equal to the sharp picture): {counts}; the means are over the other {comparison.methods[0].n}"
    left_out = max((pair.left_out for pair in comparison.pairs), default=0)
    if left_out:
        yield f"up to {left_out} of these {outside} are left out of a difference, but count as won or lost"
