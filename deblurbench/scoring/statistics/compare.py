"""Methods against one another on the same pictures: the numbers behind "A is better than B"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from deblurbench.scoring.statistics.align import Aligned
from deblurbench.scoring.statistics.bootstrap import intervals
from deblurbench.scoring.statistics.permutation import EXACT, sign_flip_p, smallest_p
from deblurbench.scoring.statistics.ranks import holm, rank_ranges, tie_letters
from deblurbench.scoring.statistics.sums import Floats, sum_by_scene

SAME = 1e-6
"""Numbers of a picture that differ by no more are equal: by as much the ways differ in which SSIM may be computed."""

ALPHA = 0.05
RESAMPLES = 10_000

Interval = tuple[float, float]


@dataclass(frozen=True)
class MethodResult:
    """One method.

    Attributes:
        label: what it is called.
        n: pictures in its mean: those where the numbers of all methods are finite.
        mean, interval: their mean and its 95 % interval over scenes; None where there are no such pictures, or no
            two scenes with any.
        infinite: pictures whose number is infinite (equal to the sharp one), in the mean or not.
        ranks: the first and the last rank that it may have.
        ties: letters; methods that share one cannot be told apart.
    """

    label: str
    n: int
    mean: float | None
    interval: Interval | None
    infinite: int
    ranks: tuple[int, int]
    ties: str


@dataclass(frozen=True)
class PairResult:
    """Method `a` against method `b`. All differences are the number of a less that of b.

    Attributes:
        n, scenes: pictures in the difference, and how many scenes they are of.
        left_out: pictures where one number is infinite and the other is not: in wins and losses alone.
        mean_a, mean_b: means of the pictures where both are finite; None without any.
        difference, interval: the mean difference and its 95 % interval; where both numbers are infinite it is 0.
        effect: the mean difference in standard deviations of the pictures' differences; None where those do not vary.
        p: of the sign-flip test; `p_holm`: corrected for all pairs of methods.
        wins, ties, losses: pictures where a is better than b, equal, worse.
    """

    a: str
    b: str
    n: int
    scenes: int
    left_out: int
    mean_a: float | None
    mean_b: float | None
    difference: float | None
    interval: Interval | None
    effect: float | None
    p: float
    p_holm: float
    wins: int
    ties: int
    losses: int

    @property
    def win_rate(self) -> float:
        """The share of pictures where a is better; ties count half."""
        return (self.wins + self.ties / 2) / (self.wins + self.ties + self.losses)

    @property
    def told_apart(self) -> bool:
        """Whether the methods differ at 5 % over all pairs."""
        return self.p_holm < ALPHA


@dataclass(frozen=True)
class Comparison:
    """All methods under one metric of one track, best first.

    Attributes:
        aligned: what was compared.
        scenes, scene_source: how many scenes there are, and how they were found.
        lower_is_better: of the metric.
        methods: by mean, best first, then by label.
        pairs: every two methods, the one that ranks higher first.
        resamples, seed: of the bootstrap, and of the flips where they are random.
    """

    aligned: Aligned
    scenes: int
    scene_source: str
    lower_is_better: bool
    methods: tuple[MethodResult, ...]
    pairs: tuple[PairResult, ...]
    resamples: int
    seed: int

    @property
    def exact(self) -> bool:
        """Whether the test counts all flips."""
        return self.scenes <= EXACT

    @property
    def smallest_p(self) -> float:
        """The smallest p-value after Holm's correction that any pair could have."""
        return min(1.0, smallest_p(self.scenes, self.resamples) * len(self.pairs))


def compare(
    aligned: Aligned,
    scenes: Sequence[str],
    scene_source: str = "scenes",
    *,
    lower_is_better: bool = False,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare every two methods.

    Neither the order of methods nor that of pictures changes a number, and a pair's numbers but `p_holm` do not depend
    on which other methods there are.

    Args:
        aligned: the numbers.
        scenes: of each picture, the scene that it belongs to.
        scene_source: how the scenes were found, in words.
        lower_is_better: True for errors and distances.
        resamples: of the bootstrap, and flips of the test where there are too many to count them all.
        seed: of both.
    """
    number = {name: k for k, name in enumerate(sorted(set(scenes)))}
    scene = np.array([number[name] for name in scenes], np.int64)
    means, mean_intervals = _means(aligned.values, scene, resamples, seed)
    order = sorted(range(len(means)), key=lambda i: _rank_key(float(means[i]), aligned.labels[i], lower_is_better))
    places = list(combinations(order, 2))
    pairs = _pairs(aligned, scene, places, lower_is_better, resamples, seed)
    better, apart = _better(pairs, [aligned.labels[i] for i in order], lower_is_better)
    ranks, ties = rank_ranges(better), tie_letters(apart)
    finite = int(np.isfinite(aligned.values).all(axis=0).sum())
    methods = tuple(
        MethodResult(
            label=aligned.labels[i],
            n=finite,
            mean=None if math.isnan(means[i]) else float(means[i]),
            interval=mean_intervals[i],
            infinite=int(np.isinf(aligned.values[i]).sum()),
            ranks=ranks[place],
            ties=ties[place],
        )
        for place, i in enumerate(order)
    )
    return Comparison(aligned, len(number), scene_source, lower_is_better, methods, tuple(pairs), resamples, seed)


def _rank_key(mean: float, label: str, lower_is_better: bool) -> tuple[float, str]:
    return (0.0 if math.isnan(mean) else mean if lower_is_better else -mean, label)


def _means(
    values: Floats, scene: npt.NDArray[np.int64], resamples: int, seed: int
) -> tuple[Floats, list[Interval | None]]:
    """Means over the pictures that are finite for all methods, so that they can be compared with one another."""
    columns = np.where(np.isfinite(values).all(axis=0), values, np.nan).T
    sums = sum_by_scene(columns, scene)
    return sums.means(), intervals(sums, resamples, seed)


def _pairs(
    aligned: Aligned,
    scene: npt.NDArray[np.int64],
    places: Sequence[tuple[int, int]],
    lower_is_better: bool,
    resamples: int,
    seed: int,
) -> list[PairResult]:
    if not places:
        return []
    values, labels = aligned.values, aligned.labels
    differences = np.stack([_differences(values[i], values[j]) for i, j in places], axis=1)
    sums = sum_by_scene(differences, scene)
    means, scenes = sums.means(), sums.scenes
    between = intervals(sums, resamples, seed)
    p = [float(value) for value in sign_flip_p(sums.totals, resamples, seed)]
    corrected = holm(p)
    results = []
    for k, (i, j) in enumerate(places):
        a, b = (values[j], values[i]) if lower_is_better else (values[i], values[j])
        both, apart = np.isfinite(a) & np.isfinite(b), differences[:, k] != 0
        known = differences[:, k][~np.isnan(differences[:, k])]
        results.append(
            PairResult(
                a=labels[i],
                b=labels[j],
                n=len(known),
                scenes=int(scenes[k]),
                left_out=len(a) - len(known),
                mean_a=_mean(values[i][both]),
                mean_b=_mean(values[j][both]),
                difference=None if math.isnan(means[k]) else float(means[k]) + 0.0,  # no -0
                interval=between[k],
                effect=_effect(known),
                p=p[k],
                p_holm=corrected[k],
                wins=int((apart & (a > b)).sum()),
                ties=int((~apart).sum()),
                losses=int((apart & (a < b)).sum()),
            )
        )
    return results


def _differences(a: Floats, b: Floats) -> Floats:
    """a - b; 0 where both are infinite or they are the same but for `SAME`, nan where one is infinite."""
    finite = np.isfinite(a) & np.isfinite(b)
    difference = np.subtract(a, b, out=np.full(len(a), np.nan), where=finite)
    difference[(a == b) | (np.abs(difference) <= SAME)] = 0.0
    return difference


def _mean(values: Floats) -> float | None:
    return math.fsum(values) / len(values) if len(values) else None


def _effect(differences: Floats) -> float | None:
    """Cohen's d of paired numbers; the pictures are taken as they are, whatever scene they are of."""
    n = len(differences)
    if n < 2 or not np.ptp(differences):
        return None
    mean = math.fsum(differences) / n
    return mean / math.sqrt(math.fsum((differences - mean) ** 2) / (n - 1))


def _better(
    pairs: Sequence[PairResult], labels: Sequence[str], lower_is_better: bool
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which method is shown to be better than which, and which two are told apart, in the order of `labels`."""
    better = np.zeros((len(labels), len(labels)), np.bool_)
    place = {label: k for k, label in enumerate(labels)}
    for pair in pairs:
        if pair.told_apart and pair.difference:
            first = (pair.difference < 0) == lower_is_better
            winner, loser = (pair.a, pair.b) if first else (pair.b, pair.a)
            better[place[winner], place[loser]] = True
    return better, better | better.T
