"""Each effect of the camera alone, against analysis, scipy, or the published floating-point formula."""

import numpy as np
import pytest
from scipy import ndimage, stats

from deblurbench.blur.camera import bayer, crf, jpeg, normal
from deblurbench.blur.camera.colour import (
    WHITE,
    apply_matrix,
    light_of_stored,
    sensor_matrices,
    stored_of_light,
)
from deblurbench.blur.camera.noise import Noise, NoiseLevel
from deblurbench.blur.camera.saturation import saturate, saturation_mask
from deblurbench.blur.camera.sensor import Sensor, WhiteBalance
from deblurbench.blur.convolve import convolve
from deblurbench.blur.exposure import Exposure
from deblurbench.blur.family import FrameMean, Recorded
from deblurbench.blur.kernel import quantise
from deblurbench.draws import Draws
from deblurbench.errors import PictureError, UsageError
from deblurbench.images.codec import Picture

XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def srgb_decode(stored):
    return np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)


def words(count, purpose="test"):
    return Draws(3, "train/a", purpose).stream(count)


def test_srgb_tables_are_the_rounded_curve_and_undo_each_other():
    levels = np.arange(256)
    assert np.abs(light_of_stored() - srgb_decode(levels / 255) * WHITE).max() < 0.5 + 1e-6
    assert (stored_of_light()[light_of_stored()] == levels).all()
    light = np.arange(WHITE + 1) / WHITE
    encoded = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(stored_of_light() - encoded).max() < 0.5 + 1e-4  # 1e-4: the standard's two pieces do not quite meet


def test_the_matrices_are_each_other_inverse_and_keep_every_grey():
    forward, back = sensor_matrices("a7r3")
    published = np.array([[1.69541757, -0.47160184, -0.12843299], [-0.48838234, 1.21303059, 0.23067161],
                          [-0.12672319, 0.21350242, 0.83295296]])  # fmt: skip
    assert np.abs(np.array(forward) / 2**20 - published @ XYZ).max() < 3e-6
    assert np.abs(np.array(back) / 2**20 @ np.array(forward) / 2**20 - np.eye(3)).max() < 1e-5
    grey = np.arange(0, WHITE + 1, 4097).repeat(3).reshape(-1, 3).T
    assert (apply_matrix(grey, forward) == grey).all()
    assert (apply_matrix(grey, back) == grey).all()
    cube = light_of_stored()[np.stack(np.meshgrid(*[np.arange(0, 256, 5)] * 3)).reshape(3, -1)]
    returned = apply_matrix(apply_matrix(cube, forward), back)
    assert np.abs(returned - cube).max() <= 4  # of 2^20


def test_normal_thresholds_are_those_of_scipy():
    found = normal.thresholds()
    exact = stats.norm.cdf((np.arange(len(found)) + 0.5) / 2**normal.STEPS) * 2**32 - 0.5
    assert ((found - exact > -1e-3) & (found - exact < 1 + 1e-3)).all()  # rounded up
    assert (np.diff(found) >= 0).all()


def test_normals_are_normal_as_far_as_they_reach():
    unit = 2**normal.STEPS
    ends = np.array([0, 2**32 - 1], dtype=np.uint32)
    assert (normal.normals(ends) == [-len(normal.thresholds()), len(normal.thresholds())]).all()
    assert len(normal.thresholds()) / unit == pytest.approx(stats.norm.isf(2.0**-33), abs=1 / unit)  # 6.34 sigma
    # In the tails every word counts; in the body its upper half.
    tail = np.arange(0, 4 << 16, 977, dtype=np.uint32)
    assert np.abs(normal.normals(tail) / unit - stats.norm.ppf((tail + 0.5) / 2**32)).max() < 0.51 / unit
    body = np.arange(64 << 16, 2**32 - (64 << 16), 999_983, dtype=np.uint32)
    assert np.abs(normal.normals(body) / unit - stats.norm.ppf((body + 0.5) / 2**32)).max() < 3e-3
    assert (normal.normals(~body) == -normal.normals(body)).all()


def test_the_whole_table_has_the_moments_of_a_normal_distribution():
    unit = 2**normal.STEPS
    z = normal.normals((np.arange(1 << 20, dtype=np.uint32) << np.uint32(12)) + np.uint32(1 << 11)) / unit
    assert z.mean() == pytest.approx(0, abs=1e-8)
    assert z.var() == pytest.approx(1, abs=1e-4)
    assert stats.kurtosis(z) == pytest.approx(0, abs=1e-3)
    values, counts = np.unique(z, return_counts=True)
    steps = np.abs(counts.cumsum() / len(z) - stats.norm.cdf(values + 0.5 / unit)).max()
    assert steps < 1e-5  # the distribution between two steps; within one it is off by phi(0) / 2^13 = 5e-5


def test_drawn_normals_pass_kolmogorov_and_smirnov():
    z = normal.normals(words(200_000)) / 2**normal.STEPS
    distance = stats.kstest(z, "norm").statistic
    assert distance < 1.63 / np.sqrt(len(z)) + 5e-5  # the 1 % bound
    assert np.abs(z).max() > 4


@pytest.mark.parametrize("light", [0.0, 0.001, 0.02, 0.2, 0.7, 1.0])
@pytest.mark.parametrize("level", [(8.8915e-5, 2.943e-5), (1e-4, 9.1504e-4), (0.0, 5e-3)])
def test_noise_has_the_published_variance_at_every_level(light, level):
    shot, read = level
    flat = np.full(100_000, round(light * WHITE))
    noise = (NoiseLevel.of(shot, read).add(flat, words(len(flat))) - flat) / WHITE
    variance = shot * flat[0] / WHITE + read**2
    assert noise.mean() == pytest.approx(0, abs=4 * np.sqrt(variance / len(flat)) + 1e-9)
    assert noise.var() == pytest.approx(variance, rel=4 * np.sqrt(2 / len(flat)))


def test_noise_draws_both_scales_within_the_range():
    drawn = [Noise().draw(Draws(1, str(i), "camera-noise")) for i in range(400)]
    shot = np.array([d["noise_shot"] for d in drawn]) / 8.8915e-5
    read = np.array([d["noise_read"] for d in drawn]) / 2.943e-5
    for scale in (shot, read):
        assert 0.5 - 1e-6 <= scale.min() < 0.52 < 1.48 < scale.max() <= 1.5 + 1e-6
    assert abs(np.corrcoef(shot, read)[0, 1]) < 0.15


def test_mosaic_takes_the_colour_of_the_pattern():
    planes = np.stack([np.full((3, 5), c) for c in range(3)])
    assert bayer.mosaic(planes, "RGGB").tolist() == [[0, 1, 0, 1, 0], [1, 2, 1, 2, 1], [0, 1, 0, 1, 0]]
    assert bayer.mosaic(planes, "BGGR").tolist() == [[2, 1, 2, 1, 2], [1, 0, 1, 0, 1], [2, 1, 2, 1, 2]]
    assert bayer.mosaic(planes, "GRBG").tolist() == [[1, 0, 1, 0, 1], [2, 1, 2, 1, 2], [1, 0, 1, 0, 1]]
    assert bayer.mosaic(planes, "GBRG").tolist() == [[1, 2, 1, 2, 1], [0, 1, 0, 1, 0], [1, 2, 1, 2, 1]]


@pytest.mark.parametrize("pattern", bayer.PATTERNS)
@pytest.mark.parametrize("size", [(9, 12), (1, 1), (2, 7)])
def test_demosaicing_is_exact_on_flats_and_ramps(pattern, size):
    height, width = size
    flat = np.stack([np.full((height + 4, width + 4), value) for value in (70_000, 400_000, 1_000_000)])
    assert (bayer.demosaic(bayer.mosaic(flat, pattern), pattern) == flat[:, 2:-2, 2:-2]).all()
    y, x = np.mgrid[: height + 4, : width + 4]
    ramp = np.stack([1000 * c + 370 * y - 111 * x for c in range(3)])
    assert (bayer.demosaic(bayer.mosaic(ramp, pattern), pattern) == ramp[:, 2:-2, 2:-2]).all()


@pytest.mark.parametrize("pattern", bayer.PATTERNS)
def test_demosaicing_is_malvars_filters(pattern):
    raw = words(15 * 18).reshape(15, 18).astype(np.int64) >> 12
    green = np.array([[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]]) / 8
    beside = (
        np.array([[0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 4, 5, 4, -1], [0, -1, 0, -1, 0], [0, 0, 0.5, 0, 0]]) / 8
    )
    cross = (
        np.array([[0, 0, -1.5, 0, 0], [0, 2, 0, 2, 0], [-1.5, 0, 6, 0, -1.5], [0, 2, 0, 2, 0], [0, 0, -1.5, 0, 0]]) / 8
    )
    by_green, by_beside, by_above, by_cross = (
        ndimage.correlate(raw * 1.0, k) for k in (green, beside, beside.T, cross)
    )
    colour = np.array([["RGB".index(c) for c in pattern]]).reshape(2, 2)
    y, x = np.mgrid[:15, :18]
    own, in_row = colour[y % 2, x % 2], colour[y % 2, 1 - x % 2]
    for channel in range(3):
        expected = np.where(own == channel, raw, by_cross)
        expected = np.where((own != 1) & (channel == 1), by_green, expected)
        expected = np.where((own == 1) & (channel != 1), np.where(in_row == channel, by_beside, by_above), expected)
        assert np.abs(bayer.demosaic(raw, pattern)[channel] - expected[2:-2, 2:-2]).max() <= 0.5


@pytest.mark.parametrize("pattern", [None, *bayer.PATTERNS])
def test_white_balance_undone_and_redone_is_nothing(pattern):
    sensor = Sensor.of({"red_gain": 2.37, "blue_gain": 1.51} | ({"bayer": pattern} if pattern else {}))
    grey = np.broadcast_to(light_of_stored()[None, None], (3, 8, 256)).copy()
    margin = sensor.margin
    shown = sensor.record(grey, None)
    inside = (slice(None), slice(margin, 8 - margin), slice(margin, 256 - margin))
    bare = Sensor(None, pattern, None, None).record(grey, None)
    assert np.abs(shown - bare).max() <= 5  # of 2^20: half a unit, times gain and taps
    assert pattern or (stored_of_light()[shown.clip(0, WHITE)] == stored_of_light()[grey[inside]]).all()


def test_noise_happens_before_the_gains():
    flat = np.full((3, 100, 1000), WHITE // 4)
    sensor = Sensor.of({"red_gain": 2.0, "blue_gain": 1.5, "noise_shot": 1e-4, "noise_read": 0.0})
    noise = (sensor.record(flat, words(flat.size).reshape(flat.shape)) - flat) / WHITE
    assert noise.var(axis=(1, 2)) == pytest.approx([2.0 * 0.25e-4, 0.25e-4, 1.5 * 0.25e-4], rel=0.02)
    drawn = [WhiteBalance().draw(Draws(1, str(i), "w")) for i in range(200)]
    assert all(1.9 <= d["red_gain"] <= 2.4 and 1.5 <= d["blue_gain"] <= 1.9 for d in drawn)
    assert len({d["red_gain"] for d in drawn}) > 190


def test_response_is_the_published_polynomial_and_rises():
    x = np.arange(WHITE + 1) / WHITE
    exact = 255 * np.polyval(crf.A7R3[::-1], x).clip(0, 1)
    table = crf.response("a7r3")
    assert np.abs(table - exact).max() < 0.5 + 1e-6
    assert (np.diff(table.astype(int)) >= 0).all()
    sharp = 255 * np.polyval(crf.A7R3[::-1], srgb_decode(np.arange(256) / 255)).clip(0, 1)
    assert np.abs(crf.remap_sharp("a7r3") - sharp).max() < 0.51


def picture(height: int = 40, width: int = 56) -> Picture:
    y, x = np.mgrid[:height, :width]
    return np.stack([(5 * x + 3 * y) % 256, (x * y) % 256, np.where(x > width // 2, 255, y * 4)], axis=-1).astype(
        np.uint8
    )


def test_jpeg_is_nearer_the_higher_its_quality():
    smooth = convolve(picture(), quantise(np.ones((5, 5))))
    errors = [np.square(jpeg.through_jpeg(smooth, q).astype(float) - smooth).mean() for q in (10, 40, 70, 90, 100)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 3 * errors[-1]
    with pytest.raises(PictureError, match="70000x1"):
        jpeg.through_jpeg(np.zeros((1, 70_000, 3), dtype=np.uint8), 90)


def test_the_mask_is_the_blurred_mark_of_what_was_clipped():
    sharp = picture()
    exposure = Exposure(sharp, lambda: iter([sharp, np.zeros_like(sharp)]), lambda variant: sharp)
    kernel = quantise(np.ones((3, 7)))
    mask = saturation_mask(exposure, kernel)
    expected = ndimage.convolve((sharp == 255) * 255.0, np.ones((3, 7, 1)) / 21, mode="mirror")
    assert np.abs(mask - expected).max() <= 0.51
    assert (saturation_mask(exposure, FrameMean()) == np.where(sharp == 255, 128, 0)).all()
    dark = Exposure(sharp // 2, exposure.frames, exposure.recorded)
    assert not saturation_mask(dark, kernel).any()
    with pytest.raises(UsageError, match=r"camera\.saturation"):
        saturation_mask(exposure, Recorded())


def test_saturation_adds_light_up_to_white():
    light = np.array([0, 1000, WHITE // 2, WHITE])
    mask = np.array([255, 51, 128, 0], dtype=np.uint8)
    assert saturate(light, mask, 0.75).tolist() == [786432, 1000 + 157286, 524288 + 394758, WHITE]
    assert saturate(light, mask, 1.75).tolist()[0] == WHITE
