"""How sharp a picture is: blur in any direction is told, whatever the size, noise and JPEG; what is sharp stays so."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from deblurbench.blur.convolve import convolve
from deblurbench.blur.defocus import Defocus
from deblurbench.blur.family import Blur
from deblurbench.blur.gaussian import Gaussian
from deblurbench.blur.linear_motion import LinearMotion
from deblurbench.draws import Draws
from deblurbench.fetch.photo_file import Checks
from deblurbench.images.codec import Picture, list_pictures, read_rgb
from deblurbench.images.resize import resize
from deblurbench.images.sharpness import sharpness
from deblurbench.sources.deadleaves import DeadLeaves

LEAST = Checks().min_sharpness
BLURS = [
    Gaussian(sigma=2.0),
    Gaussian(sigma=5.0),
    Defocus(radius=4.0),
    *(LinearMotion(length=15.0, angle=float(angle)) for angle in (0, 20, 45, 70, 90, 120, 160)),
]


@pytest.fixture(scope="module")
def scene() -> Picture:
    """Dead leaves: edges of all directions, as steep as can be."""
    source = DeadLeaves(count=1, size="320x256")
    return source.read(source.photos(3)[0])


def blurred(picture: Picture, blur: Blur) -> Picture:
    return convolve(picture, blur.draw(Draws(0, "photo", "blur")).operator)


def noisy(picture: Picture, sigma: float) -> Picture:
    noise = np.random.default_rng(1).normal(0, sigma, picture.shape)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


def jpeg(picture: Picture, quality: int) -> Picture:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="JPEG", quality=quality)
    return np.array(Image.open(buffer))


def steps(width: int) -> Picture:
    """Vertical edges that take `width` pixels from dark to bright, far from each other."""
    ramp = np.clip(np.arange(40) - 20, 0, width) / width
    row = np.concatenate([ramp, ramp[::-1]] * 4)
    return np.rint(40 + 160 * np.tile(row, (96, 1)))[:, :, None].repeat(3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5])
def test_it_is_one_over_the_width_of_edges(width):
    assert sharpness(steps(width)) == pytest.approx(1 / width, abs=0.01)
    assert sharpness(steps(width).transpose(1, 0, 2)) == sharpness(steps(width))


def test_more_blur_is_less_sharp(scene):
    values = [sharpness(blurred(scene, Gaussian(sigma=sigma))) for sigma in (0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0)]
    assert sharpness(scene) > 0.9
    assert values == sorted(values, reverse=True)
    assert values[2] > LEAST > values[3]
    assert values[-1] < 0.15


@pytest.mark.parametrize("blur", BLURS, ids=str)
def test_what_is_blurred_is_told_with_noise_and_after_jpeg(scene, blur):
    picture = blurred(scene, blur)
    for seen in (picture, noisy(picture, 3), jpeg(picture, 60), jpeg(noisy(picture, 3), 75)):
        assert sharpness(seen) < LEAST


def test_what_is_sharp_stays_so(scene):
    for seen in (noisy(scene, 5), jpeg(scene, 50), scene // 3 + 100, scene[::-1], scene[:, ::-1], np.rot90(scene)):
        assert sharpness(seen) > 0.8


def test_larger_copies_of_a_picture_are_as_sharp(scene):
    scene = np.tile(scene, (2, 2, 1))  # 512 x 640: what is larger is reduced to that
    for factor in (2, 3, 5):
        large = scene.repeat(factor, axis=0).repeat(factor, axis=1)
        assert sharpness(large) == sharpness(scene)
        assert sharpness(np.pad(large, ((0, factor - 1), (0, factor - 1), (0, 0)), mode="edge")) == sharpness(scene)
        assert sharpness(blurred(large, Gaussian(sigma=0.3 * factor))) > 0.8


def test_an_enlarged_picture_is_blurred(scene):
    assert sharpness(resize(scene[:64, :80], 256, 320, "bicubic")) < LEAST


def test_a_sharp_subject_is_enough(scene):
    picture = blurred(np.tile(scene, (2, 2, 1)), Gaussian(sigma=5.0))
    assert sharpness(picture) < LEAST
    picture[100:260, 200:360] = scene[:160, :160]  # 8 % of it
    assert sharpness(picture) > 0.8


def test_lines_of_one_direction_are_sharp():
    stripes = np.zeros((300, 400, 3), dtype=np.uint8)
    stripes[:, np.arange(400) // 20 % 2 == 0] = 180
    assert sharpness(stripes) == 1.0
    assert sharpness(stripes.transpose(1, 0, 2)) == 1.0


@pytest.mark.parametrize("noise", [0, 1, 3, 6])
def test_without_an_edge_there_is_no_sharpness(noise):
    sky = np.tile(np.linspace(60, 220, 400), (300, 1))[:, :, None].repeat(3, axis=2)
    assert sharpness(noisy(sky, noise)) == 0.0
    assert sharpness(noisy(np.full((300, 400, 3), 128), noise)) == 0.0


def test_low_contrast_is_no_blur(scene):
    fog = (scene // 8 + 150).astype(np.uint8)
    assert sharpness(fog) > 0.8
    assert sharpness(blurred(fog, Gaussian(sigma=3.0))) < LEAST


@given(height=st.integers(1, 70), width=st.integers(1, 70), seed=st.integers(0, 9))
@settings(deadline=None, max_examples=150)
def test_any_size_has_a_value(height, width, seed):
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    before = picture.copy()
    assert 0.0 <= sharpness(picture) <= 1.0
    assert np.array_equal(picture, before)
    if min(height, width) < 14:
        assert sharpness(picture) == 0.0


def test_long_strips_have_a_value():
    strip = np.random.default_rng(0).integers(0, 256, (40, 300_000, 3), dtype=np.uint8)
    assert sharpness(strip) > LEAST
    assert sharpness(strip[:2]) == 0.0
    assert sharpness(strip.transpose(1, 0, 2)) > LEAST


def test_every_machine_gets_the_same_number():
    picture = np.random.default_rng(7).integers(0, 256, (40, 56, 3), dtype=np.uint8)
    soft = resize(picture, 1200, 1680, "bicubic")
    found = [sharpness(p) for p in (soft, resize(picture, 300, 420, "bicubic"), blurred(soft, Gaussian(sigma=3.0)))]
    assert found == [0.122, 0.215, 0.121]


@pytest.mark.parametrize("folder", ["photos/test", "photos/train/unsplash"])
def test_photographs_are_told_from_their_blurred_copies(shared, folder):
    for name in list_pictures(shared / folder)[::5]:
        photo = read_rgb(shared / folder / name)
        assert sharpness(photo) > LEAST, name
        for blur in (Gaussian(sigma=2.0), LinearMotion(length=15.0, angle=30.0)):
            assert sharpness(blurred(photo, blur)) < LEAST, name
