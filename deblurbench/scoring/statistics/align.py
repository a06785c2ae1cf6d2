"""Scores of several methods side by side: the same pictures in the same order for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deblurbench.errors import DeblurbenchError, UsageError, listed, nearest
from deblurbench.scoring.protocol import Metric, find_protocol
from deblurbench.scoring.reports.csv_file import BLURRED
from deblurbench.scoring.statistics.table import Scores, Track, shown

_ERRORS = ("mse", "rmse", "mae", "lpips", "dists", "niqe")
_SAME_DB = 1e-3  # two paths of the program differ by less; other pictures by more


@dataclass(frozen=True)
class Aligned:
    """One metric of one track.

    Attributes:
        track, metric: what is compared.
        labels: the methods, sorted.
        names: the pictures that all methods have, sorted, without those for which the metric is not defined.
        values: float64, methods x pictures; `inf` for equal pictures.
        missing: how many pictures some method does not have (or not the metric of), and are left out.
        undefined: for how many more no method has the metric.
    """

    track: Track
    metric: str
    labels: tuple[str, ...]
    names: tuple[str, ...]
    values: npt.NDArray[np.float64]
    missing: int
    undefined: int

    @property
    def lower_is_better(self) -> bool:
        """As the protocol says; of one that is not known here, as the metric's name says: errors are."""
        found = self._metric
        return found.lower_is_better if found else self.metric.lower().split("_")[0] in _ERRORS

    @property
    def pooled(self) -> bool:
        """Whether the protocol's number for a set comes from the error over all samples, not from pictures' numbers."""
        return self._metric is not None and self._metric.pooled

    @property
    def _metric(self) -> Metric | None:
        try:
            return next((m for m in find_protocol(self.track.protocol).metrics if m.name == self.metric), None)
        except UsageError:
            return None


def align(
    methods: Sequence[Scores],
    *,
    protocols: Sequence[str] = (),
    metrics: Sequence[str] = (),
    allow_missing: bool = False,
) -> tuple[list[Aligned], list[str]]:
    """All that can be compared, by track and metric, and notes on what only some methods have.

    Args:
        methods: of different labels; their order changes nothing.
        protocols, metrics: only these; all that the methods share where none is given.
        allow_missing: compare on the pictures that all have, instead of asking for the others.

    Raises: UsageError for a metric or protocol that is not there; DeblurbenchError where methods share no protocol,
        have different versions of one, were scored on different pictures, or lack pictures that others have.
    """
    methods = sorted(methods, key=lambda method: method.label)
    tracks, notes = _common_tracks(methods, protocols, allow_missing=allow_missing)
    known = list(dict.fromkeys(metric for method in methods for metric in method.metrics))
    for metric in metrics:
        if metric not in known:
            raise UsageError(f"no metric {shown(metric)!r} in these files", nearest(metric, known))
    aligned = []
    for track in tracks:
        _check_same_pictures(methods, track)
        for metric in metrics or known:
            lacking = [m.label for m in methods if all(v.get(metric) is None for v in m.tracks[track].values())]
            if not lacking:
                aligned.append(_align_one(methods, track, metric, allow_missing=allow_missing))
            elif metrics or len(lacking) < len(methods):
                notes.append(f"{track}: {metric} is not compared: {', '.join(lacking)} has no number of it")
    if not aligned:
        raise DeblurbenchError("there is nothing that all methods have", "; ".join(notes) or "score them alike")
    return aligned, notes


def _common_tracks(
    methods: Sequence[Scores], protocols: Sequence[str], *, allow_missing: bool
) -> tuple[list[Track], list[str]]:
    versions: dict[str, str] = {}
    for protocol in (track.protocol for method in methods for track in method.tracks):
        name = protocol.partition("@")[0]
        if versions.setdefault(name, protocol) != protocol:
            raise DeblurbenchError(
                f"{versions[name]} and {protocol} are different protocols", "score all methods with one version"
            )
    known = sorted(versions.values())
    chosen = [_find_protocol(name, known) for name in protocols] or known
    shared = [p for p in chosen if all(any(t.protocol == p for t in method.tracks) for method in methods)]
    if not shared:
        have = "; ".join(f"{m.label}: {', '.join(sorted({t.protocol for t in m.tracks}))}" for m in methods[:4])
        raise DeblurbenchError(f"the methods share no protocol ({have})", "score them with the same")
    notes = [f"{p} is not compared: not all methods were scored with it" for p in chosen if p not in shared]
    tracks = sorted({t for m in methods for t in m.tracks if t.protocol in shared})
    lacking = [(t, m.label) for t in tracks for m in methods if t not in m.tracks]
    if lacking and not allow_missing:
        raise DeblurbenchError(
            f"{lacking[0][1]} has no scores of {lacking[0][0]}", "score it, or give --allow-missing to leave that out"
        )
    without = {track for track, _ in lacking}
    notes += [f"{track} is not compared: {label} has no scores of it" for track, label in lacking]
    return [track for track in tracks if track not in without], notes


def _find_protocol(name: str, known: Sequence[str]) -> str:
    found = [p for p in known if name in (p, p.partition("@")[0])]
    if not found:
        raise UsageError(f"no protocol {shown(name)!r} in these files", nearest(name, known))
    return found[0]


def _align_one(methods: Sequence[Scores], track: Track, metric: str, *, allow_missing: bool) -> Aligned:
    columns = [{name: values.get(metric) for name, values in m.tracks[track].items()} for m in methods]
    everywhere = sorted(set[str]().union(*columns))
    defined = [name for name in everywhere if any(column.get(name) is not None for column in columns)]
    common = [name for name in defined if all(column.get(name) is not None for column in columns)]
    if len(common) < len(defined) and not allow_missing:
        raise _missing(methods, columns, track, metric, defined)
    if not common:
        raise DeblurbenchError(f"{track}: no picture has {metric} of all methods", "score them on the same pictures")
    return Aligned(
        track=track,
        metric=metric,
        labels=tuple(m.label for m in methods),
        names=tuple(common),
        values=np.array([[column[name] for name in common] for column in columns], np.float64),
        missing=len(defined) - len(common),
        undefined=len(everywhere) - len(defined),
    )


def _missing(
    methods: Sequence[Scores],
    columns: Sequence[Mapping[str, float | None]],
    track: Track,
    metric: str,
    names: Sequence[str],
) -> DeblurbenchError:
    parts = []
    for method, column in zip(methods, columns, strict=True):
        absent = [shown(name, 80) for name in names if column.get(name) is None]
        if absent:
            parts.append(f"{method.label} lacks {listed(absent)}")
    return DeblurbenchError(
        f"{track}, {metric}: {'; '.join(parts[:4])}", "score them, or give --allow-missing to compare on the others"
    )


def _check_same_pictures(methods: Sequence[Scores], track: Track) -> None:
    """The numbers of the blurred pictures, where files have them, tell whether the pairs are the same."""
    seen: dict[tuple[str, str], tuple[float, str]] = {}
    for method in methods:
        for name, values in method.tracks[track].items():
            value = values.get(f"{BLURRED}psnr_db")
            if value is None:
                continue
            first, other = seen.setdefault((name, "psnr"), (value, method.label))
            if value != first and not abs(value - first) <= _SAME_DB:
                raise DeblurbenchError(
                    f"{other} and {method.label} were scored on different pictures: the blurred {shown(name, 80)} has "
                    f"{first:.4f} and {value:.4f} dB",
                    "score both on the same dataset",
                )
