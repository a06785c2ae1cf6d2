"""The camera as a whole: RSBlur's order against floating point, what is drawn for whom, what a recipe may say."""

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, stats

from deblurbench.blur.camera import RSBLUR, Camera, saturation_mask
from deblurbench.blur.camera.camera import _STRIP
from deblurbench.blur.convolve import convolve
from deblurbench.blur.exposure import Exposure
from deblurbench.blur.kernel import quantise
from deblurbench.config import parse
from deblurbench.draws import Draws
from deblurbench.errors import PictureError, RecipeError, UsageError
from deblurbench.images.hashing import pixel_hash
from deblurbench.versions import jpeg_codec

KERNEL = quantise(np.eye(9))
LINEAR_TO_XYZ = np.array(
    [
        [0.41245643908969226, 0.3575760776439089, 0.1804374832663989],
        [0.21267285140562256, 0.7151521552878178, 0.07217499330655956],
        [0.0193338955823293, 0.11919202588130294, 0.9503040785363677],
    ]
)
XYZ_TO_CAMERA = np.array(
    [
        [1.6954175654007513, -0.4716018438697571, -0.12843298725852076],
        [-0.4883823389175844, 1.213030589789571, 0.23067161253953877],
        [-0.126723194569989, 0.21350242146585263, 0.8329529616901491],
    ]
)
CRF = [-0.0095228006747797977, 8.6985159845222775, -45.157820516451963, 150.71180861706543]
CRF += [-308.19782922237312, 368.30811688022197, -235.16339845543246, 61.832224095872682]


def draws_of(pair="train/a", seed=7):
    return lambda purpose: Draws(seed, pair, purpose)


def pair_of(height=90, width=75):
    """A coloured picture with dark, bright and clipped parts, its blur, and the mask of what was clipped."""
    y, x = np.mgrid[:height, :width]
    sharp = np.stack([x * 3 + y, (y * 7) // 3 + (x // 16) * 20, 255 * ((x // 9 + y // 11) % 3 == 0)], axis=-1)
    sharp[height // 3 : height // 2, width // 3 : width // 2] = 255
    sharp[: height // 4] //= 9
    sharp = sharp.clip(0, 255).astype(np.uint8)
    exposure = Exposure(sharp, lambda: [sharp], lambda variant: sharp)
    return sharp, convolve(sharp, KERNEL), saturation_mask(exposure, KERNEL)


def in_floating_point(blurred, mask, drawn, words):
    """RSBlur's steps in float64 as its paper and code describe them, unrounded until the end."""
    stored = blurred / 255
    light = np.where(stored < 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)
    light = np.minimum(light + drawn["saturation"] * mask / 255, 1)
    white = light >= 1
    padded = np.pad(light, ((2, 2), (2, 2), (0, 0)), mode="reflect")
    camera = padded @ LINEAR_TO_XYZ.T @ XYZ_TO_CAMERA.T
    colour = np.array(["RGB".index(c) for c in drawn["bayer"]]).reshape(2, 2)
    y, x = np.mgrid[: padded.shape[0], : padded.shape[1]]
    own, in_row = colour[y % 2, x % 2], colour[y % 2, 1 - x % 2]
    gains = np.array([drawn["red_gain"], 1, drawn["blue_gain"]])[own]
    raw = np.take_along_axis(camera, own[..., None], axis=2)[..., 0] / gains
    deviation = np.sqrt(drawn["noise_shot"] * np.maximum(raw, 0) + drawn["noise_read"] ** 2)
    raw = (raw + deviation * stats.norm.ppf((words.reshape(raw.shape) + 0.5) / 2**32)) * gains
    green, beside, cross = np.zeros((5, 5)), np.zeros((5, 5)), np.zeros((5, 5))
    green[2], green[:, 2] = [-1, 2, 4, 2, -1], [-1, 2, 4, 2, -1]
    beside[:, 2], beside[2] = [0.5, 0, 5, 0, 0.5], [-1, 4, 5, 4, -1]
    beside[1, 1] = beside[1, 3] = beside[3, 1] = beside[3, 3] = -1
    cross[:, 2], cross[2] = [-1.5, 0, 6, 0, -1.5], [-1.5, 0, 6, 0, -1.5]
    cross[1, 1] = cross[1, 3] = cross[3, 1] = cross[3, 3] = 2
    by_green, by_beside, by_above, by_cross = (ndimage.correlate(raw, k / 8) for k in (green, beside, beside.T, cross))
    planes = []
    for channel in range(3):
        at_green = by_green if channel == 1 else np.where(in_row == channel, by_beside, by_above)
        elsewhere = by_green if channel == 1 else by_cross
        planes.append(np.where(own == channel, raw, np.where(own == 1, at_green, elsewhere))[2:-2, 2:-2])
    light = np.stack(planes, axis=-1) @ np.linalg.inv(XYZ_TO_CAMERA).T @ np.linalg.inv(LINEAR_TO_XYZ).T
    light = np.where(white, 1, light.clip(0, 1))
    return 255 * np.polyval(CRF[::-1], light).clip(0, 1)


@pytest.mark.parametrize("pair", ["train/a", "train/b", "train/c", "test/d", "test/e", "test/f"])
def test_rsblur_is_the_published_chain(pair):
    sharp, blurred, mask = pair_of()
    shot = RSBLUR.apply(sharp, blurred, draws_of(pair), mask)
    words = draws_of(pair)("camera-noise").stream(94 * 79)
    expected = in_floating_point(blurred, mask, shot.parameters, words)
    difference = np.abs(shot.blurred - expected)
    assert difference.max() < 0.52  # half a step is the rounding
    assert len({p for p in shot.parameters if p != "crf"}) == 7


def test_the_pairs_above_have_all_four_patterns():
    pairs = [f"train/{i}" for i in range(40)]
    drawn = [Camera(bayer=True).apply(*pair_of(4, 4)[:2], draws_of(p)).parameters["bayer"] for p in pairs]
    assert set(drawn) == {"RGGB", "BGGR", "GRBG", "GBRG"}


def test_the_pixels_are_pinned():
    sharp, blurred, mask = pair_of()
    shot = RSBLUR.apply(sharp, blurred, draws_of(), mask)
    assert shot.parameters == {
        "saturation": 0.905053,
        "colour": "a7r3",
        "bayer": "BGGR",
        "red_gain": 1.973226,
        "blue_gain": 1.65341,
        "noise_shot": 0.000108022211,
        "noise_read": 2.68112009e-05,
        "crf": "a7r3",
    }
    assert pixel_hash(shot.sharp) == "2e4989b1f49fa5c1822b3b30fecc994bbeed260c203fb900c96eaf8306eac0dd"
    assert pixel_hash(shot.blurred) == "5a338bfaff976458aebda45ad32a692bf2409a152f593f8ff93617a46b4d7229"


def test_nothing_happens_unless_it_is_named():
    sharp, blurred, _ = pair_of()
    shot = Camera().apply(sharp, blurred, draws_of())
    assert shot.sharp is sharp
    assert shot.blurred is blurred
    assert shot.parameters == {}


def test_without_noise_the_sensor_shows_the_picture_again():
    sharp, blurred, _ = pair_of()
    shown = Camera(colour="a7r3", white_balance={"red": 2.4, "blue": 1.9}).apply(sharp, blurred, draws_of()).blurred
    assert (shown == blurred).all()
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2).repeat(5, axis=0)
    flat = np.broadcast_to(grey[:, 77:78], grey.shape)
    everything = Camera(colour="a7r3", white_balance={"red": 2.4, "blue": 1.9}, bayer=True)
    assert (everything.apply(flat, flat, draws_of()).blurred == flat).all()


def test_white_samples_have_no_noise_and_the_others_have():
    sharp = np.full((64, 64, 3), 200, dtype=np.uint8)
    sharp[:, 32:, 0] = 255
    loud = Camera(noise={"shot": 0.01, "read": 0.01, "scale": 1.0})
    noisy = loud.apply(sharp, sharp, draws_of()).blurred
    assert (noisy[:, 32:, 0] == 255).all()
    assert noisy[:, 32:, 1:].std() > 3
    assert noisy[:, :32].std() > 3
    assert (loud.apply(sharp, sharp, draws_of()).sharp == sharp).all()


def test_saturation_makes_the_blurred_highlight_white():
    sharp = np.full((21, 21, 3), 60, dtype=np.uint8)
    sharp[10, 10] = 255
    box = quantise(np.ones((5, 5)))
    mask = saturation_mask(Exposure(sharp, lambda: [sharp], lambda variant: sharp), box)
    blurred = convolve(sharp, box)
    weak, strong = (Camera(saturation=a).apply(sharp, blurred, draws_of(), mask).blurred for a in (1.0, 40.0))
    light = ((blurred[10, 10, 0] / 255 + 0.055) / 1.055) ** 2.4 + mask[10, 10, 0] / 255
    assert weak[8:13, 8:13] == pytest.approx(255 * (1.055 * light ** (1 / 2.4) - 0.055), abs=0.51)
    assert (strong[8:13, 8:13] == 255).all()
    assert (strong[:8] == 60).all()


def test_only_the_response_touches_the_sharp_picture():
    sharp, blurred, mask = pair_of()
    assert (RSBLUR.apply(sharp, blurred, draws_of(), mask).sharp != sharp).any()
    plain = Camera(saturation=True, bayer=True, noise=True, white_balance=True, colour="a7r3", jpeg=80)
    assert (plain.apply(sharp, blurred, draws_of(), mask).sharp == sharp).all()


def test_jpeg_comes_last_and_names_its_codec():
    sharp, blurred, _ = pair_of()
    shot = Camera(jpeg=(60, 90)).apply(sharp, blurred, draws_of())
    assert shot.parameters == {"jpeg": 73, "jpeg_subsampling": "4:2:0", "jpeg_codec": jpeg_codec()}
    assert shot.parameters["jpeg_codec"].startswith("libjpeg")
    assert (shot.blurred != blurred).any()
    noisy = Camera(noise=True).apply(sharp, blurred, draws_of()).blurred
    both = Camera(noise=True, jpeg=73).apply(sharp, blurred, draws_of()).blurred
    assert (both == Camera(jpeg=73).apply(sharp, noisy, draws_of()).blurred).all()


def test_same_pair_same_pixels_other_pair_other_noise():
    sharp, blurred, mask = pair_of()
    first, again = (RSBLUR.apply(sharp, blurred, draws_of("a"), mask) for _ in range(2))
    assert first.parameters == again.parameters
    assert (first.blurred == again.blurred).all()
    for other in (draws_of("b"), draws_of("a", seed=8)):
        shot = RSBLUR.apply(sharp, blurred, other, mask)
        assert shot.parameters != first.parameters
        assert (shot.blurred != first.blurred).mean() > 0.2
    # An effect draws the same whatever other effects there are.
    alone = Camera(noise=True).apply(sharp, blurred, draws_of("a")).parameters
    assert alone.items() <= first.parameters.items()


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (3, 1), (2, 2), (_STRIP, 5), (_STRIP + 1, 3)])
@pytest.mark.parametrize("bayer", [True, False])
def test_any_size_works(size, bayer):
    sharp = np.full((*size, 3), 90, dtype=np.uint8)
    camera = Camera(saturation=True, colour="a7r3", bayer=bayer, white_balance=True, noise=True, crf="a7r3", jpeg=90)
    shot = camera.apply(sharp, sharp, draws_of(), np.zeros_like(sharp))
    assert shot.blurred.shape == shot.sharp.shape == sharp.shape
    assert np.abs(shot.blurred.astype(int) - shot.sharp).max() < 60
    json.dumps(shot.parameters)


@pytest.mark.parametrize("bayer", [True, False])
def test_strips_do_not_show(bayer, monkeypatch):
    sharp, blurred, mask = pair_of(2 * _STRIP + 7, 20)
    camera = RSBLUR.model_copy(update={"bayer": bayer})
    strips = camera.apply(sharp, blurred, draws_of(), mask).blurred
    for rows in (2, 10_000):
        monkeypatch.setattr("deblurbench.blur.camera.camera._STRIP", rows)
        assert (camera.apply(sharp, blurred, draws_of(), mask).blurred == strips).all()


def test_what_does_not_fit_is_refused():
    sharp, blurred, mask = pair_of()
    with pytest.raises(PictureError, match="75x89"):
        Camera(noise=True).apply(sharp, blurred[:-1], draws_of())
    with pytest.raises(PictureError, match="mask"):
        RSBLUR.apply(sharp, blurred, draws_of(), mask[:, 1:])
    with pytest.raises(UsageError, match="saturation_mask"):
        RSBLUR.apply(sharp, blurred, draws_of())


def from_recipe(table):
    return parse(Camera, table, "recipe.toml", "blurs.0.camera")


def test_true_is_the_published_effect():
    camera = from_recipe({"saturation": True, "colour": "a7r3", "bayer": True, "white_balance": True, "noise": True,
                          "crf": "a7r3", "jpeg": [80, 95]})  # fmt: skip
    assert camera == RSBLUR.model_copy(update={"jpeg": (80, 95)})
    assert from_recipe(camera.as_dict()) == camera
    assert camera.as_dict()["noise"] == {"shot": 8.8915e-5, "read": 2.943e-5, "scale": [0.5, 1.5]}
    assert from_recipe({"noise": False, "saturation": False, "bayer": False}) == Camera()
    own = from_recipe({"noise": {"shot": 1e-4, "read": 9e-4, "scale": [1, 2]}, "white_balance": {"red": [2, 3]}})
    assert own.noise.scale == (1, 2)
    assert own.white_balance.blue == (1.5, 1.9)


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({"nois": True}, "blurs.0.camera.nois: unknown key, did you mean 'noise'"),
        ({"noise": {"shoot": 1}}, "blurs.0.camera.noise.shoot: unknown key, did you mean 'shot'"),
        ({"noise": 3}, "blurs.0.camera.noise:"),
        ({"noise": {"shot": -1.0}}, "noise.shot"),
        ({"noise": {"scale": [2, 1]}}, "noise.scale"),
        ({"white_balance": {"red": 0.0}}, "white_balance.red"),
        ({"saturation": [1.0, "x"]}, "saturation"),
        ({"jpeg": 0}, "jpeg"),
        ({"jpeg": [95, 80]}, "jpeg"),
        ({"jpeg": True}, "jpeg"),
        ({"crf": "a7r2"}, "crf"),
        ({"bayer": "RGGB"}, "bayer"),
    ],
)
def test_wrong_settings_are_named(table, named):
    with pytest.raises(RecipeError, match=r"recipe\.toml") as caught:
        from_recipe(table)
    assert named in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from([*Camera.model_fields, "x"]), st.recursive(
    st.none() | st.booleans() | st.integers(-9, 200) | st.floats(-9, 200) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["shot", "red", "y"]), inner),
    max_leaves=4)))  # fmt: skip
def test_any_table_is_a_camera_or_a_recipe_error(table):
    try:
        camera = from_recipe(table)
    except RecipeError:
        return
    assert from_recipe(camera.as_dict()) == camera


def test_a_stream_is_the_documented_shake():
    draws = Draws(7, "train/cat", "camera-noise")
    for k, count in enumerate([5, 3]):
        text = f"7\x1ftrain/cat\x1fcamera-noise\x1fstream\x1f{k}"
        digest = hashlib.shake_256(text.encode()).digest(4 * count)
        expected = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 4 * count, 4)]
        assert draws.stream(count).tolist() == expected
    assert draws.words(4).tolist() == Draws(7, "train/cat", "camera-noise").words(4).tolist()
