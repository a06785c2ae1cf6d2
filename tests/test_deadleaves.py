"""Dead leaves: the same bytes everywhere, the law of the radii, full coverage, statistics near photographs'."""

import numpy as np
import pytest

from deblurbench.blur.convolve import convolve
from deblurbench.blur.gaussian import GaussianOpenCV
from deblurbench.config import parse
from deblurbench.draws import Draws
from deblurbench.errors import PictureError, RecipeError
from deblurbench.images.hashing import pixel_hash
from deblurbench.sources.deadleaves import DeadLeaves, _focus, draw, fall
from deblurbench.sources.photo import Photo
from deblurbench.sources.texture import noise_tile, radii, sine

# Made once, by this code: a change here is a change of the pictures, and needs a new VERSION.
GOLDEN = {
    (1, 0, 40, 56): "5fff956f9a76049ad609eadb13d60efe00767a8d5aaa2111518fb0d73b36a196",
    (2, 5, 17, 33): "94cb94c2ca5febace76ae4231998e21a8dd4a108084f7d2af9051a654bbe1f3c",
}

# PSNR of 201 photographs against themselves blurred: 172 of CID22, 23 of Unsplash (none from a test split)
# and the 6 colour ones of skimage.data, cropped to 7:4 and resized to 448 x 256. (size, sigma) -> (mean, sd).
PHOTOGRAPHS = {(7, 1.0): (29.6, 4.1), (9, 1.2): (28.4, 4.1), (11, 1.6): (26.6, 4.0)}


@pytest.mark.parametrize("case", GOLDEN)
def test_pixels_are_the_golden_ones(case):
    assert pixel_hash(draw(*case)) == GOLDEN[case]


def test_a_picture_depends_on_its_key_alone():
    photos = DeadLeaves(count=4, size="24x16").photos(3)
    in_order = [pixel_hash(DeadLeaves(count=4, size="24x16").read(photo)) for photo in photos]
    other_source = DeadLeaves(count=1)
    backwards = [pixel_hash(other_source.read(photo)) for photo in reversed(photos)]
    assert in_order == backwards[::-1]


def test_a_picture_does_not_depend_on_the_count():
    assert DeadLeaves(count=9).photos(3)[:4] == DeadLeaves(count=4).photos(3)


def test_seeds_indices_and_sizes_give_other_pictures_names_and_scenes():
    source = DeadLeaves(count=3, size="24x16")
    photos = [*source.photos(1), *source.photos(2), *DeadLeaves(count=1, size="25x16").photos(1)]
    assert len({pixel_hash(source.read(photo)) for photo in photos}) == 7
    assert len({photo.name for photo in photos}) == 7
    assert len({photo.scene for photo in photos}) == 7


def test_provenance():
    (photo,) = DeadLeaves(count=1).photos(7)
    assert photo.key == '{"drawing":"deadleaves","index":0,"seed":7,"size":"448x256","version":1}'
    assert photo.name == f"leaves-{photo.raw_sha256[:8]}"
    assert (photo.source, photo.author, photo.licence, photo.url) == ("deadleaves", "deblurbench", "CC0-1.0", "")


@pytest.mark.parametrize("size", ["33x17", "1x1", "2x1", "1x40"])
def test_any_size(size):
    source = DeadLeaves(count=1, size=size)
    picture = source.read(source.photos(0)[0])
    width, height = map(int, size.split("x"))
    assert picture.shape == (height, width, 3)
    assert picture.dtype == np.uint8


@pytest.mark.parametrize(
    "key",
    [
        "",
        "[1]",
        "astronaut",
        '{"drawing":"deadleaves"}',
        '{"drawing":"deadleaves","index":0,"seed":0,"size":"wide","version":1}',
        '{"drawing":"deadleaves","index":0,"seed":0,"size":"8x8","version":0}',
        '{"drawing":"mountains","index":0,"seed":0,"size":"8x8","version":1}',
    ],
)
def test_a_foreign_key_is_refused(key):
    with pytest.raises(PictureError):
        DeadLeaves(count=1).read(Photo("deadleaves", key, "leaves", "", ""))


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({}, "count"),
        ({"count": 0}, "count"),
        ({"count": 1_000_001}, "count"),
        ({"count": "9"}, "count"),
        ({"count": 9, "size": "448"}, "size"),
        ({"count": 9, "radius": 3}, "radius"),
    ],
)
def test_wrong_settings_are_named(settings, key):
    with pytest.raises(RecipeError, match=f"sources.0:{key}"):
        parse(DeadLeaves, settings, "sources.0")


@pytest.mark.parametrize("smallest", [5, 14, 40])
def test_radii_follow_the_power_law(smallest):
    words = np.arange(0, 1 << 32, 1 << 14)
    found = radii(words, smallest, 512)
    assert found[0] == smallest
    assert radii(np.array([(1 << 32) - 1]), smallest, 512)[0] == 511
    assert (np.diff(found) >= 0).all()
    for radius in (smallest + 1, 2 * smallest, 100, 300):
        tail = (radius**-2 - 512**-2) / (smallest**-2 - 512**-2)
        assert np.mean(found >= radius) == pytest.approx(tail, abs=2 / len(words))


def test_sine():
    angles = np.arange(-3000, 3000)
    assert np.abs(sine(angles) - 4096 * np.sin(angles * 2 * np.pi / 1024)).max() < 0.002 * 4096
    assert sine(np.array([0, 256, 512, 768])).tolist() == [0, 4096, 0, -4096]


@pytest.mark.parametrize(("gain", "slope"), [(160, 0.64), (256, 2.0), (400, 3.29)])
def test_noise_has_unit_strength_and_the_slope_of_its_gain(gain, slope):
    tile = noise_tile(Draws(1, "noise", "test"), gain)
    assert tile.shape == (512, 512)
    assert abs(tile.mean()) < 4
    assert tile.std() == pytest.approx(4096, rel=0.01)
    power = np.abs(np.fft.rfft2(tile)) ** 2
    frequency = np.hypot(np.fft.fftfreq(512)[:, None], np.fft.rfftfreq(512)[None])
    octaves = [2.0**-k for k in range(2, 7)]
    means = [power[(frequency > f / 2) & (frequency <= f)].mean() for f in octaves]
    # An octave's mean power falls by 2^slope; 0.6 is for the enlarging, which is no ideal filter.
    assert -np.polyfit(np.log2(octaves), np.log2(means), 1)[0] == pytest.approx(slope, abs=0.6)


def test_noise_is_periodic():
    tile = noise_tile(Draws(1, "noise", "test"), 480)
    inside = np.abs(np.diff(tile, axis=0)).mean()
    assert np.abs(tile[0] - tile[-1]).mean() < 1.5 * inside


def test_leaves_cover_everything_and_keep_within_their_radius():
    flat = np.zeros((512, 512), dtype=np.int64)
    leaves, labels = fall(Draws(4, "cover", "test"), 10, 128, 200, flat)
    assert labels.shape == (128, 200)
    assert labels.min() >= 0
    assert labels.max() < len(leaves)
    assert np.mean(labels == len(leaves) - 1) <= 1 / 256  # the background
    x, y, radius = leaves[labels].transpose(2, 0, 1)
    rows, columns = np.indices(labels.shape)
    reach = radius + 1 + radius // 256  # the sine is up to 0.2 % off
    assert ((columns - x) ** 2 + (rows - y) ** 2 <= reach**2)[labels < len(leaves) - 1].all()
    assert radius.min() >= 10


def test_leaves_in_front_hide_those_behind():
    flat = np.zeros((512, 512), dtype=np.int64)
    leaves, labels = fall(Draws(4, "cover", "test"), 20, 128, 200, flat)
    for index in range(20):  # the centre of a leaf shows it, or one before it
        x, y, _ = leaves[index]
        if 0 <= x < 200 and 0 <= y < 128:
            assert labels[y, x] <= index


def test_what_is_near_stays_sharp_and_does_not_bleed():
    far = np.zeros((32, 48), dtype=bool)
    far[:, 24:] = True
    fine = np.full((32, 48, 3), 16 * 250, dtype=np.int64)
    fine[:, 24:36] = 16 * 10
    fine[:, 36:] = 16 * 90
    picture = _focus(fine, far, 2)
    assert (picture[:, :12] == 250).all()
    assert picture[:, 12:].max() <= 90  # nothing of 250
    assert (np.diff(picture[0, 12:, 0].astype(int)) >= 0).all()
    assert len(np.unique(picture[:, 12:])) > 4  # the step from 10 to 90 is a ramp now
    assert np.array_equal(_focus(fine, np.zeros_like(far), 2)[0, ::6, 0], [250, 250, 10, 90])


def test_blurred_they_are_as_far_off_as_photographs():
    pictures = [draw(1, index, 128, 224) for index in range(24)]
    for (size, sigma), (mean, spread) in PHOTOGRAPHS.items():
        kernel = GaussianOpenCV(sigma=sigma, size=size).kernel()
        errors = [np.mean((convolve(p, kernel).astype(float) - p) ** 2) for p in pictures]
        psnr = 10 * np.log10(255**2 / np.array(errors))
        assert psnr.mean() == pytest.approx(mean, abs=2)
        assert psnr.std() == pytest.approx(spread, abs=1.5)


def test_colours_are_mostly_muted_and_tones_use_the_range():
    pictures = np.stack([draw(2, index, 128, 224) for index in range(12)]).astype(int)
    saturation = pictures.max(axis=3) - pictures.min(axis=3)
    assert 20 < saturation.mean() < 60
    assert np.percentile(saturation, 99) > 90
    assert 80 < pictures.mean() < 150
    assert 35 < pictures.std(axis=(1, 2, 3)).mean() < 70
    assert np.isin(pictures, [0, 255]).mean() < 0.05
