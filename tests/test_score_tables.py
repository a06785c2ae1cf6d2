"""What `score` prints: golden text of reports made by hand."""

import math
from dataclasses import replace

import pytest

from deblurbench.grid import grid
from deblurbench.scoring.protocol import Metric
from deblurbench.scoring.protocols.gnr638 import GNR638_EVAL
from deblurbench.scoring.reports.csv_file import write_csv
from deblurbench.scoring.reports.gain import gain, mean_gains, worse
from deblurbench.scoring.reports.spread import extent, reference_of, spread_dict, spread_table
from deblurbench.scoring.reports.tables import gain_table, result_table, score_text
from deblurbench.scoring.score import ImageScore, ProtocolScores, ScoreReport

PSNR, SSIM = Metric("psnr_db", lambda _: None), Metric("ssim", lambda _: None)
MSE = Metric("mse", lambda _: None, lower_is_better=True)
POOLED = replace(PSNR, pooled=True)


def protocol(name, *metrics, unpublished=False):
    return replace(GNR638_EVAL, name=name, metrics=metrics or (PSNR, SSIM), unpublished=unpublished)


def images(metrics, rows, samples=300):
    return tuple(
        ImageScore(f"{i}.png", {m.name: v for m, v in zip(metrics, row, strict=True) if v is not None}, samples)
        for i, row in enumerate(rows)
    )


def scored(of, rows, blurred=None):
    return ProtocolScores(of, images(of.metrics, rows), images(of.metrics, blurred) if blurred else None)


def report(*scores, failures=()):
    return ScoreReport(scores, failures, (), ())


def test_one_protocol_without_marks():
    text = result_table(report(scored(protocol("basicsr-rgb"), [(30, 0.9), (31.5, 0.8)])))
    assert text == (
        "protocol       n  psnr_db    ssim\n"  #
        "basicsr-rgb@1  2  30.7500  0.8500"
    )


def test_blurred_row_gain_and_worse_with_an_added_metric():
    text = result_table(report(scored(GNR638_EVAL, [(30, 0.9), (24, 0.7)], [(25, 0.8), (24.5, 0.7)])))
    assert text == (
        "protocol              n  psnr_db     ssim\n"
        "gnr638-eval@1         2  27.0000   0.8000+\n"
        "  blurred                24.7500   0.7500\n"
        "  gain                   +2.2500  +0.0500\n"
        "  worse than blurred           1        0\n"
        "\n"
        "+ added by deblurbench, not in the published script"
    )


def test_marks_errors_and_our_reading():
    text = result_table(
        report(
            scored(protocol("tm-pooled", POOLED), [(30,), (30,)]),
            scored(protocol("gir", MSE, SSIM, unpublished=True), [(65.025, 0.5), (130.05, 0.7)]),
        )
    )
    assert text.splitlines() == [
        "protocol             n  psnr_db     ssim     mse",
        "tm-pooled@1          2  30.0000*",
        "gir@1 (unpublished)  2            0.6000  97.538",
        "",
        "* pooled: one PSNR of the error over all samples of all pictures, not the mean of their dB",
        "unpublished: nobody has published a recipe under this name; it is our reading",
    ]


def test_infinities_what_is_not_defined_and_what_is_missing():
    rows = [(math.inf, None), (30, 0.9), (31, 0.8)]
    text = result_table(report(scored(protocol("basicsr-rgb"), rows), failures=("x.png: the prediction is missing",)))
    assert text.splitlines() == [
        "protocol       n  psnr_db  ssim",
        "basicsr-rgb@1  3      inf     -",
        "",
        "n = 3 of 4: 1 could not be scored; not rankable",
        "psnr_db is infinite for 1 of 3 pictures, which equal their sharp ones; 30.5000 over the 2 finite",
        "ssim is not defined for 1 of 3 pictures, so it has no mean",
    ]


def test_the_finite_pictures_of_a_pooled_metric_are_pooled_in_tables_and_in_json():
    pooled = scored(protocol("tm-pooled", POOLED), [(math.inf,), (20,), (40,)])
    number = -10 * math.log10((1e-2 + 1e-4) / 2)
    assert pooled.as_dict()["finite_mean"] == {"psnr_db": pytest.approx(number)}
    assert f"{number:.4f} over the 2 finite" in result_table(report(pooled))


def test_black_against_white_has_no_negative_zero():
    assert "0.0000*" in result_table(report(scored(protocol("tm-pooled", POOLED), [(0.0,)]))).split()


def test_all_infinite_and_blurred_ones_infinite():
    text = result_table(report(scored(protocol("a", PSNR), [(math.inf,)] * 2, [(math.inf,), (30,)])))
    assert "psnr_db is infinite for all 2 pictures: each equals its sharp picture" in text
    assert "blurred psnr_db is infinite for 1 of 2 pictures, which equal their sharp ones; 30.0000 over the 1 f" in text
    assert [line.split()[-1] for line in text.splitlines()[1:5]] == ["inf", "inf", "+0.0000", "0"]


def test_notes_that_several_protocols_share_are_said_once():
    same = [scored(protocol(name, PSNR), [(math.inf,), (30,)]) for name in ("a", "b")]
    lines = result_table(report(*same)).splitlines()
    assert lines[-1].endswith("30.0000 over the 1 finite (a, b)")
    assert sum("infinite" in line for line in lines) == 1


@pytest.fixture
def many():
    return report(
        scored(protocol("torchmetrics-pooled", POOLED), [(20,), (40,)]),
        scored(protocol("nafnet"), [(20, 0.9), (40, 0.98)]),
        scored(protocol("basicsr-y"), [(21.5, 0.7), (44, 0.95)]),
        scored(protocol("basicsr-rgb"), [(20, 0.6), (40, 0.99)]),
        scored(protocol("gir", MSE, SSIM, unpublished=True), [(650, 0.61), (6.5, 0.992)]),
    )


def test_the_spread_of_protocols(many):
    text = spread_table(many)
    assert text.splitlines() == [
        "protocol                 PSNR    diff      by picture    SSIM     diff        by picture",
        "basicsr-y@1            32.750  +2.750  +1.50 .. +4.00  0.8250  +0.0300  -0.040 .. +0.100",
        "nafnet@1               30.000       0               0  0.9400  +0.1450  -0.010 .. +0.300",
        "basicsr-rgb@1          30.000               reference  0.7950                  reference",
        "torchmetrics-pooled@1  22.967  -7.033          pooled       -",
        "gir@1 (unpublished)         -                          0.8010  +0.0060  +0.002 .. +0.010",
        "",
        "diff: less that of basicsr-rgb@1; n = 2",
        "also: gir@1 mse 328.25",
        "The protocol alone moves PSNR by 9.78 dB: 22.967 (torchmetrics-pooled@1) .. 32.750 (basicsr-y@1)",
        "The protocol alone moves SSIM by 0.145: 0.7950 (basicsr-rgb@1) .. 0.9400 (nafnet@1)",
    ]
    assert max(map(len, text.splitlines())) <= 100
    assert spread_dict(many)["ssim"]["highest"] == "nafnet@1"
    assert spread_dict(many)["psnr_db"]["width"] == pytest.approx(9.783, abs=1e-3)


def test_added_ssim_is_marked_and_protocols_without_psnr_and_ssim_are_said_below():
    text = score_text(
        report(
            scored(protocol("tf"), [(20, 0.6)]),
            scored(GNR638_EVAL, [(20, 0.6)]),
            scored(protocol("mimo-unet", PSNR), [(20,)]),
            scored(protocol("pixel-errors", MSE), [(12.5,)]),
        )
    )
    assert text.splitlines() == [
        "protocol         PSNR  diff  by picture    SSIM   diff  by picture",
        "gnr638-eval@1  20.000         reference  0.6000+         reference",
        "tf@1           20.000     0           0  0.6000      0           0",
        "mimo-unet@1    20.000     0           0       -",
        "",
        "diff: less that of gnr638-eval@1; n = 1",
        "also: pixel-errors@1 mse 12.5",
        "All protocols agree on PSNR: 20.000 dB",
        "All protocols agree on SSIM: 0.6000",
        "",
        "+ added by deblurbench, not in the published script",
    ]


def test_a_spread_beside_infinite_means_says_so():
    values = {"a": math.inf, "b": 100.0, "c": 80.0}
    text = spread_table(report(*(scored(protocol(name), [(value, 1)]) for name, value in values.items())))
    assert "moves PSNR by 20.00 dB, infinite means aside: 80.000 (c@1) .. 100.000 (b@1)" in text


def test_infinite_pictures_and_single_protocols_make_no_spread():
    both = report(scored(protocol("a"), [(math.inf, 1), (30, 0.9)]), scored(protocol("b"), [(math.inf, 1), (33, 0.8)]))
    assert extent(both, "psnr_db") is None
    assert "moves PSNR" not in spread_table(both)
    assert "inf        0  0 .. +3.00" not in spread_table(both)
    assert [line.split()[:4] for line in spread_table(both).splitlines()[1:3]] == [
        ["a@1", "inf", "reference", "0.9500"],
        ["b@1", "inf", "0", "+3.00"],
    ]


def test_what_is_compared_with(many):
    assert reference_of(many).protocol.name == "basicsr-rgb"
    assert reference_of(report(scored(protocol("a"), [(1, 1)]), scored(GNR638_EVAL, [(1, 1)]))).protocol == GNR638_EVAL
    assert reference_of(report(scored(protocol("a"), [(1, 1)]))).protocol.name == "a"


def test_the_gain_under_many_protocols():
    text = gain_table(
        report(
            scored(protocol("basicsr-rgb"), [(30, 0.9), (24, 0.7)], [(25, 0.8), (24.5, 0.7)]),
            scored(protocol("gir", MSE, SSIM), [(30, 0.9), (24, 0.7)], [(25, 0.8), (24.5, 0.8)]),
        )
    )
    assert text.splitlines() == [
        "protocol         PSNR  blurred    gain  worse    SSIM  blurred     gain  worse",
        "basicsr-rgb@1  27.000   24.750  +2.250      1  0.8000   0.7500  +0.0500      0",
        "gir@1               -        -       -      -  0.8000   0.8000  +0.0000      1",
        "worse: how many of 2 pictures are further from the sharp one than the blurred one",
    ]


def test_the_text_of_few_and_of_many(many):
    few = replace(many, protocols=many.protocols[:3])
    assert score_text(few) == result_table(few)
    assert score_text(many).startswith(spread_table(many) + "\n\nunpublished: ")
    with_blur = replace(many, protocols=tuple(replace(p, blurred=p.images) for p in many.protocols))
    assert gain_table(with_blur) in score_text(with_blur)


def test_gain_is_positive_where_it_is_better():
    assert gain(PSNR, 30, 25) == 5
    assert gain(MSE, 30, 25) == -5
    assert gain(PSNR, math.inf, math.inf) == 0
    assert gain(PSNR, math.inf, 25) == math.inf
    scores = scored(protocol("a", MSE), [(30,), (10,)], [(25,), (25,)])
    assert mean_gains(scores) == {"mse": 5}
    assert worse(scores) == {"mse": ["0.png"]}
    assert worse(replace(scores, blurred=None)) == mean_gains(replace(scores, blurred=None)) == {}


def test_csv_has_further_columns_only_where_they_mean_something(tmp_path, many):
    few = replace(many, protocols=many.protocols[3:4])
    write_csv(tmp_path / "a.csv", few)
    assert (tmp_path / "a.csv").read_text().splitlines()[0] == "protocol,name,psnr_db,ssim"
    write_csv(tmp_path / "b.csv", many)
    lines = (tmp_path / "b.csv").read_text().splitlines()
    assert lines[0] == "protocol,name,psnr_db,ssim,mse,samples"
    assert lines[1] == "torchmetrics-pooled@1,0.png,20,,,300"
    blurred = scored(protocol("a"), [(math.inf, None)], [(25.125, 0.5)])
    write_csv(tmp_path / "c.csv", report(blurred))
    assert (tmp_path / "c.csv").read_text() == (
        "protocol,name,psnr_db,ssim,blurred_psnr_db,blurred_ssim\n"  #
        "a@1,0.png,inf,,25.125,0.5\n"
    )


def test_a_grid_drops_empty_columns_and_ends_without_blanks():
    assert grid([["a", "", "b"], ["long", "", ""]]) == "a     b\nlong"


def test_marks_stand_behind_the_digits_of_a_column():
    assert grid([["a", "psnr"], ["b", "12.5+"], ["c", "9.25"]], marks="+*") == "a  psnr\nb  12.5+\nc  9.25"
