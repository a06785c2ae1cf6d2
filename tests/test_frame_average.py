"""Frame averaging, on real sequences and at its limits."""

import weakref
from decimal import Decimal, localcontext

import numpy as np
import pytest
from conftest import noise

from deblurbench.blur.exposure import Exposure, expose
from deblurbench.blur.family import FrameMean, blur_from
from deblurbench.blur.frame_average import FrameAverage
from deblurbench.draws import Draws
from deblurbench.errors import PictureError, RecipeError, UsageError
from deblurbench.sources.frames import Frames

SEQUENCES = ["reds027_x4_sharp", "sam2_coffee_30fps", "sam2_juggle_24fps"]


def mean(pictures, light="stored"):
    return expose(Exposure(pictures[0], lambda: iter(pictures), {}.__getitem__), FrameMean(), light)


def windows(shared, sequence, count):
    source = Frames(path=str(shared / "frames" / sequence), window=count)
    for photo in source.photos(seed=1):
        yield Exposure(source.read(photo), lambda photo=photo: source.frames(photo), {}.__getitem__)


def ideal_of_gamma(frames):
    """(mean x^2.2)^(1/2.2), halves up, from tables that `decimal` makes and in integers of 40 bits."""
    with localcontext(prec=60):
        table = [int(2**40 * (Decimal(i) / 255) ** Decimal("2.2")) if i else 0 for i in range(256)]
        halves = [int(2**40 * (Decimal(2 * i + 1) / 510) ** Decimal("2.2")) for i in range(255)]
    sums = sum(np.array(table, dtype=np.int64)[frame] for frame in frames)
    return np.searchsorted(np.array(halves, dtype=np.int64) * len(frames), sums, side="right")


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_blur_and_blur_gamma_of_real_sequences(sequence, shared):
    """`blur` is (2 sum + n) // (2 n) in every sample. `blur_gamma` is the ideal but for 0.005 % of the samples of
    these sequences (measured over all windows of 9), which are one level off."""
    samples = wrong = 0
    for count in (7, 13):
        for exposure in list(windows(shared, sequence, count))[:2]:
            frames = np.stack(list(exposure.frames())).astype(np.int64)
            assert len(frames) == count
            assert np.array_equal(exposure.sharp, frames[count // 2])
            assert np.array_equal(expose(exposure, FrameMean()), (2 * frames.sum(axis=0) + count) // (2 * count))
            got, ideal = expose(exposure, FrameMean(), "gamma-2.2"), ideal_of_gamma(frames)
            assert np.abs(got - ideal).max() <= 1
            samples, wrong = samples + ideal.size, wrong + int((got != ideal).sum())
            assert got.mean() > expose(exposure, FrameMean()).mean()  # light adds up brighter than values do
    assert wrong / samples < 2e-4


def test_halves_are_rounded_up():
    pictures = [np.full((2, 3, 3), value, dtype=np.uint8) for value in (10, 11)]
    assert (mean(pictures) == 11).all()
    assert (mean([pictures[0], pictures[0], pictures[1], pictures[1]]) == 11).all()
    assert (mean([*pictures, pictures[0]]) == 10).all()


@pytest.mark.parametrize("light", ["stored", "srgb", "gamma-2.2"])
def test_frames_that_are_alike_are_their_mean(light):
    picture = noise(16, 17)
    for count in (2, 3, 7, 300):
        assert np.array_equal(mean([picture] * count, light), picture)


@pytest.mark.parametrize("light", ["stored", "srgb", "gamma-2.2"])
def test_the_order_of_frames_does_not_matter(light):
    pictures = [noise(8, 9, seed=i) for i in range(9)]
    assert np.array_equal(mean(pictures, light), mean(pictures[::-1], light))


def test_white_stays_white_over_more_frames_than_32_bits_hold():
    white = np.full((1, 2, 3), 255, dtype=np.uint8)
    assert (mean([white] * 4200, "gamma-2.2") == 255).all()
    black = np.zeros((1, 2, 3), dtype=np.uint8)
    assert (mean([white] * 4100 + [black] * 4100) == 128).all()


@pytest.mark.parametrize("light", ["stored", "srgb"])
def test_one_frame_is_in_memory_at_a_time(light):
    made = []

    def frames():
        for seed in range(12):
            frame = noise(20, 20, seed=seed)
            made.append(weakref.ref(frame))
            assert sum(held() is not None for held in made) <= 2  # this one and, until it is taken, the last
            yield frame

    expose(Exposure(noise(20, 20), frames, {}.__getitem__), FrameMean(), light)
    assert len(made) == 12


def test_frames_of_another_size_are_named():
    pictures = [noise(8, 9), noise(8, 9), noise(9, 8)]
    with pytest.raises(PictureError, match="frame 2 of the exposure is 8x9, the sharp picture 9x8"):
        mean(pictures)


def test_a_photo_that_is_no_window_cannot_be_averaged():
    for pictures in ([], [noise(8, 9)]):
        exposure = Exposure(noise(8, 9), lambda pictures=pictures: pictures, {}.__getitem__)
        with pytest.raises(UsageError, match=r"a photo that is a single picture.*source `frames`"):
            expose(exposure, FrameMean())


def test_the_family_has_no_parameters():
    blur = blur_from({"family": "frame-average"}, "r.toml", "splits.0.blurs.0")
    assert isinstance(blur, FrameAverage)
    assert blur.draw(Draws(1, "train/a", "blur")) == (FrameMean(), {})
    with pytest.raises(RecipeError, match=r"r\.toml:splits\.0\.blurs\.0\.frames: unknown key"):
        blur_from({"family": "frame-average", "frames": 7}, "r.toml", "splits.0.blurs.0")
