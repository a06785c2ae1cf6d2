"""The statistics against foreign references, brute force, simulation and what must not change a number."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deblurbench.scoring.statistics import bootstrap, permutation
from deblurbench.scoring.statistics.align import Aligned
from deblurbench.scoring.statistics.compare import compare
from deblurbench.scoring.statistics.permutation import sign_flip_p
from deblurbench.scoring.statistics.ranks import holm, rank_ranges, tie_letters
from deblurbench.scoring.statistics.sums import sum_by_scene
from deblurbench.scoring.statistics.table import Track

TRACK = Track("gnr638-eval@1", "")


def table(values: dict[str, list[float]], metric: str = "psnr_db") -> Aligned:
    labels = tuple(sorted(values))
    numbers = np.array([values[label] for label in labels], np.float64)
    names = tuple(f"{i:04d}.png" for i in range(numbers.shape[1]))
    return Aligned(TRACK, metric, labels, names, numbers, missing=0, undefined=0)


def drawn(methods: int = 3, pictures: int = 60, scenes: int = 9, seed: int = 0) -> tuple[Aligned, list[str]]:
    rng = np.random.default_rng(seed)
    scene = rng.integers(0, scenes, pictures)
    own = rng.normal(size=(methods, scenes))
    values = 30 + rng.normal(size=pictures) + 0.3 * own[:, scene] + 0.1 * rng.normal(size=(methods, pictures))
    values += 0.2 * np.arange(methods)[:, None]
    return table({f"m{i}": list(row) for i, row in enumerate(values)}), [f"s{k}" for k in scene]


def test_unclustered_interval_is_that_of_scipy():
    """Percentiles at our level of SciPy's bootstrap, up to the chance in 20,000 resamples."""
    from scipy.stats import bootstrap as foreign

    values = np.random.default_rng(5).normal(1, 2, 40)
    ours = bootstrap.intervals(sum_by_scene(values[:, None], np.arange(40)), 20_000, 0)[0]
    level = 1 - 2 * bootstrap.tail(40)
    theirs = foreign(
        (values,), np.mean, n_resamples=20_000, method="percentile", confidence_level=level, rng=1
    ).confidence_interval
    assert ours == pytest.approx(tuple(theirs), abs=0.03)
    assert ours != pytest.approx(
        tuple(foreign((values,), np.mean, n_resamples=20_000, method="percentile", rng=1).confidence_interval),
        abs=0.005,
    )


def test_expanded_tail_is_that_of_hesterberg():
    """Phi(-sqrt(n / (n - 1)) t), from tables: t = 2.262 for 9 degrees of freedom, Phi(-2.3845) = 0.00855."""
    assert bootstrap.tail(10) == pytest.approx(0.00855, abs=2e-5)
    assert bootstrap.tail(100_000) == pytest.approx(0.025, abs=1e-5)


def test_clustered_interval_holds_the_truth():
    """12 scenes of unequal sizes: near 95 % of 400 simulated intervals hold 0; those that ignore scenes far fewer."""
    rng = np.random.default_rng(3)
    held = alone = 0
    for seed in range(400):
        sizes = rng.integers(3, 15, 12)
        scene = np.repeat(np.arange(12), sizes)
        values = (rng.normal(size=12)[scene] + 0.5 * rng.normal(size=len(scene)))[:, None]
        low, high = bootstrap.intervals(sum_by_scene(values, scene), 400, seed)[0]
        held += low <= 0 <= high
        low, high = bootstrap.intervals(sum_by_scene(values, np.arange(len(scene))), 400, seed)[0]
        alone += low <= 0 <= high
    assert 0.915 <= held / 400 <= 0.985
    assert alone / 400 < 0.7


def test_test_holds_its_level():
    """Of 500 true ties on 12 scenes, about 5 % have p <= 0.05; never more than chance allows."""
    rng = np.random.default_rng(4)
    scene = np.repeat(np.arange(12), rng.integers(3, 15, 12))
    values = rng.normal(size=(12, 500))[scene] + rng.normal(size=(len(scene), 500))
    rejected = (sign_flip_p(sum_by_scene(values, scene).totals, 100, 0) <= 0.05).mean()
    assert 0.025 <= rejected <= 0.08


def test_unclustered_p_is_that_of_scipy():
    from scipy.stats import permutation_test

    values = np.random.default_rng(6).normal(0.4, 1, 9)
    ours = sign_flip_p(sum_by_scene(values[:, None], np.arange(9)).totals, 100, 0)[0]
    theirs = permutation_test(
        (values, np.zeros(9)), lambda a, b, axis: np.mean(a - b, axis), permutation_type="samples"
    )
    assert ours == pytest.approx(theirs.pvalue, abs=1e-12)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=8))
def test_exact_p_by_brute_force(totals):
    """Small integers make many ties, which must count as equally far out."""
    seen = abs(sum(totals))
    far = [
        abs(sum(s * t for s, t in zip(signs, totals, strict=True))) >= seen
        for signs in product((1, -1), repeat=len(totals))
    ]
    assert sign_flip_p(np.array(totals, float)[:, None], 100, 0)[0] == sum(far) / len(far)


@pytest.mark.parametrize("seed", range(5))
def test_rounded_numbers_tie_as_their_decimals_do(seed):
    """As binary fractions, sums of differences of numbers with one decimal are hardly ever equal."""
    tenths = np.random.default_rng(seed).integers(297, 303, (2, 24))
    a, b = tenths / 10
    (pair,) = compare(table({"a": list(a), "b": list(b)}), list("abcdefgh") * 3).pairs
    totals = (tenths[0] - tenths[1]).reshape(3, 8).sum(axis=0)
    assert pair.p == sign_flip_p(totals[:, None].astype(float), 100, 0)[0]


def test_random_flips_near_exact_ones(monkeypatch):
    totals = np.rint(1e6 * np.random.default_rng(8).normal(0.3, 1, (14, 5)))
    exact = sign_flip_p(totals, 100, 0)
    monkeypatch.setattr(permutation, "EXACT", 0)
    drawn_p = sign_flip_p(totals, 20_000, 0)
    assert drawn_p == pytest.approx(exact, abs=0.015)
    assert (drawn_p != exact).any()
    assert sign_flip_p(np.ones((40, 1)), 999, 0)[0] == 1 / 1000  # never 0


def test_holm_example():
    """Holm's procedure as Wikipedia's article works it: 0.01, 0.04, 0.03, 0.005 at 5 %; H1 and H4 are rejected."""
    adjusted = holm([0.01, 0.04, 0.03, 0.005])
    assert adjusted == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert [p < 0.05 for p in adjusted] == [True, False, False, True]
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.integers(1, 7), st.data())
def test_letters_say_who_is_told_apart(n, data):
    """Two methods share a letter exactly where they are not told apart, and no letter is idle."""
    apart = np.zeros((n, n), bool)
    for i, j in combinations(range(n), 2):
        apart[i, j] = apart[j, i] = data.draw(st.booleans())
    letters = [set(text) for text in tie_letters(apart)]
    for i, j in combinations(range(n), 2):
        assert bool(letters[i] & letters[j]) != apart[i, j]
    groups = [{i for i in range(n) if letter in letters[i]} for letter in set().union(*letters)]
    assert all(letters)
    assert not any(a < b for a in groups for b in groups)


def test_ranks_of_a_chain():
    """a > c is shown, the middle one may be either: a, ab, b."""
    better = np.zeros((3, 3), bool)
    better[0, 2] = True
    assert rank_ranges(better) == [(1, 2), (1, 3), (2, 3)]
    assert tie_letters(better | better.T) == ["a", "ab", "b"]
    assert tie_letters(np.zeros((1, 1), bool)) == ["a"]


def plain(methods: int, pictures: int) -> Aligned:
    """Numbers that need no generator."""
    return table({f"m{m}": [30 + (i * 37 + m * m * 11) % 101 / 16 for i in range(pictures)] for m in range(methods)})


def test_pinned_values():
    """The same on every machine, to the last digit."""
    result = compare(plain(3, 60), [f"s{i * i % 13}" for i in range(60)], resamples=1000)
    pair, first = result.pairs[0], result.methods[0]
    assert (pair.a, pair.b, pair.n, pair.scenes) == ("m1", "m2", 60, 7)
    assert (pair.difference, pair.interval, pair.p, pair.p_holm) == (
        0.041666666666666664,
        (-0.484375, 0.501953125),
        0.765625,
        1.0,
    )
    assert (first.mean, first.interval) == (33.151041666666664, (32.72840909090909, 33.445436507936506))
    random = compare(plain(2, 40), [f"s{i}" for i in range(40)], resamples=1000).pairs[0]
    assert (random.interval, random.p) == ((-0.5296875, 0.890625), 0.7642357642357642)


def test_order_of_methods_and_rows_changes_nothing():
    aligned, scenes = drawn(4)
    first = compare(aligned, scenes, resamples=500)
    rows, methods = np.random.default_rng(1).permutation(60), [2, 0, 3, 1]
    turned = Aligned(
        TRACK,
        "psnr_db",
        tuple(aligned.labels[m] for m in methods),
        tuple(aligned.names[r] for r in rows),
        aligned.values[np.ix_(methods, rows)],
        missing=0,
        undefined=0,
    )
    second = compare(turned, [scenes[r] for r in rows], resamples=500)
    assert second.methods == first.methods
    assert second.pairs == first.pairs


def test_other_methods_change_no_pair():
    aligned, scenes = drawn(4)
    everything = {(p.a, p.b): p for p in compare(aligned, scenes, resamples=500).pairs}
    two = Aligned(TRACK, "psnr_db", aligned.labels[1:3], aligned.names, aligned.values[1:3], missing=0, undefined=0)
    pair = compare(two, scenes, resamples=500).pairs[0]
    other = everything[pair.a, pair.b]
    assert (pair.difference, pair.interval, pair.p) == (other.difference, other.interval, other.p)


def test_a_against_b_is_b_against_a_turned_round():
    """Lower is better turns the order of a pair, and nothing else."""
    aligned, scenes = drawn(2, seed=2)
    up = compare(aligned, scenes, resamples=500).pairs[0]
    down = compare(aligned, scenes, resamples=500, lower_is_better=True).pairs[0]
    assert (up.a, up.b) == (down.b, down.a)
    assert up.difference == -down.difference
    assert up.interval == (-down.interval[1], -down.interval[0])
    assert up.p == down.p
    assert (up.mean_a, up.mean_b) == (down.mean_b, down.mean_a)
    assert up.effect == -down.effect
    assert (up.wins, up.losses) == (down.wins, down.losses)  # the pair and the direction turn: a wins as often


def test_equal_methods_are_tied():
    values = list(np.random.default_rng(0).normal(30, 2, 12))
    result = compare(table({"a": values, "b": values}), [f"s{i}" for i in range(12)])
    pair = result.pairs[0]
    assert (pair.difference, pair.interval, pair.p, pair.effect, pair.win_rate) == (0, (0, 0), 1, None, 0.5)
    assert [method.ranks for method in result.methods] == [(1, 2), (1, 2)]


def test_ways_of_computing_are_no_difference():
    """SSIM is good to 1e-6: that one way is always the lower by 1e-7 tells nothing of the pictures."""
    values = [0.5 + i / 100 for i in range(12)]
    aligned = table({"exact": values, "fast": [value - 1e-7 for value in values]}, "ssim")
    (pair,) = compare(aligned, [str(i) for i in range(12)]).pairs
    assert (pair.wins, pair.ties, pair.losses, pair.difference, pair.p) == (0, 12, 0, 0.0, 1.0)


def test_a_clear_difference_is_told_apart():
    rng = np.random.default_rng(0)
    base = rng.normal(30, 3, 40)
    values = {"good": list(base + 0.3 + 0.1 * rng.normal(size=40)), "bad": list(base)}
    result = compare(table(values), [f"s{i // 4}" for i in range(40)])
    assert [(m.label, m.ranks, m.ties) for m in result.methods] == [("good", (1, 1), "a"), ("bad", (2, 2), "b")]
    pair = result.pairs[0]
    assert pair.p == 2**-9  # every scene agrees
    assert pair.interval[0] > 0.2
    low, high = result.methods[0].interval
    assert low < result.methods[1].mean < high  # which means and their intervals alone would not show


def test_infinite_values():
    inf = float("inf")
    aligned = table({"a": [inf, inf, 30, 31, 32], "b": [inf, 29, 29, 31, 33]})
    pair = compare(aligned, list("vwxyz")).pairs[0]
    assert (pair.n, pair.left_out) == (4, 1)
    assert pair.difference == 0.0  # of 0, 1, 0 and -1
    assert {(pair.a, pair.wins, pair.ties, pair.losses)} <= {("a", 2, 2, 1), ("b", 1, 2, 2)}
    only = compare(table({"a": [inf, inf], "b": [inf, inf], "c": [30.0, 31.0]}), ["x", "y"])
    assert [method.mean for method in only.methods] == [None, None, None]
    assert {p.difference for p in only.pairs} == {0.0, None}
    assert all(p.p == 1 for p in only.pairs)


def test_one_scene_and_one_picture_give_no_interval():
    for values in ({"a": [30.0], "b": [29.0]}, {"a": [30.0, 31, 33], "b": [29.0, 29, 29]}):
        result = compare(table(values), ["s"] * len(values["a"]))
        assert (result.pairs[0].interval, result.pairs[0].p, result.pairs[0].scenes) == (None, 1, 1)
        assert result.methods[0].interval is None


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=20), st.data())
def test_sums_are_exact_and_mean_is_near(values, data):
    """No sum leaves the integers that float64 holds, whatever the numbers."""
    scene = np.array([data.draw(st.integers(0, 3)) for _ in values])
    scene = np.unique(scene, return_inverse=True)[1]
    sums = sum_by_scene(np.array(values)[:, None], scene)
    assert (sums.totals == np.rint(sums.totals)).all()
    assert len(sums.totals) * np.abs(sums.totals).max() <= 2**53
    assert sums.means()[0] == pytest.approx(np.mean(values), abs=1e-13 * max(map(abs, values)) * len(values) + 1e-290)


def test_twenty_methods_and_two_thousand_scenes_take_seconds():
    import time

    aligned, scenes = drawn(20, 2000, 2000)
    start = time.perf_counter()
    compare(aligned, scenes)
    assert time.perf_counter() - start < 30  # 1.5 on an idle machine; a loop over pairs would take minutes


def test_letters_of_many_confused_methods_take_no_ages():
    """Random graphs have very many groups; then there are no letters rather than no answer."""
    apart = np.triu(np.random.default_rng(0).random((60, 60)) < 0.5, 1)
    assert tie_letters(apart | apart.T) == ["?"] * 60
