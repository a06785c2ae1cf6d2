"""Classical rows: blur and its adjoint are exact, known blur is undone, a row that is told the kernel says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import noise
from scipy.ndimage import gaussian_filter
from skimage import data_dir

from deblurbench.blur.bank import general_bank
from deblurbench.blur.convolve import convolve, weighted_sums
from deblurbench.blur.defocus import disk_areas
from deblurbench.blur.estimate import estimate
from deblurbench.blur.gaussian import GaussianOpenCV
from deblurbench.blur.kernel import quantise
from deblurbench.blur.kernel import spread as kernel_of
from deblurbench.blur.light import curve
from deblurbench.blur.linear_motion import line_weights
from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.recipe import read_recipe
from deblurbench.errors import RecipeError, UsageError
from deblurbench.images.codec import read_rgb
from deblurbench.images.resize import crop_to_ratio, resize
from deblurbench.runs.inference import Inference
from deblurbench.runs.record import read_run
from deblurbench.runs.run import run_baseline
from deblurbench_baselines import identity, richardson_lucy, tv, unsharp, wiener, wiener_oracle
from deblurbench_baselines.classical.belief import certain
from deblurbench_baselines.classical.border import Cosines, Mirror
from deblurbench_baselines.classical.light import to_picture, to_planes
from deblurbench_baselines.classical.tv import shrink, slopes, slopes_adjoint

DECONVOLUTIONS = [(wiener_oracle, None), (richardson_lucy, "oracle"), (tv, "oracle")]
SHAKE = quantise([[0, 0, 0, 0, 3], [0, 0, 1, 4, 0], [0, 2, 6, 0, 0], [0, 9, 0, 0, 0], [5, 0, 0, 0, 0]])
GAUSS = GaussianOpenCV(sigma=1.2).kernel()


@pytest.fixture(scope="module")
def sharp():
    return photo("astronaut.png", 97, 169)


def photo(name, height, width):
    """A photograph; its transforms are fast where sides are one more than a product of small primes."""
    return resize(crop_to_ratio(read_rgb(Path(data_dir) / name), 7, 4), height, width)


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


def told(baseline, preset):
    return baseline.told_restorer(baseline.configure(preset))


@pytest.mark.parametrize("shape", [(9, 14), (6, 5), (2, 7), (1, 4)])
@pytest.mark.parametrize(("kernel", "kind"), [(GAUSS, Cosines), (GAUSS, Mirror), (SHAKE, Mirror)])
def test_blur_of_a_border_is_that_of_the_datasets(kernel, kind, shape):
    picture, border = noise(*shape), kind(*shape)
    mean, _ = certain(kernel).moments(border)
    expected = np.moveaxis(weighted_sums(picture, kernel) / 65536, 2, 0)
    assert np.abs(border.blur(to_planes(picture), mean) - expected).max() < 1e-10


@pytest.mark.parametrize("shape", [(9, 14), (6, 5), (2, 7), (1, 4)])
def test_adjoint_of_the_mirror_is_that_of_its_blur(shape):
    random = np.random.default_rng(1)
    a, b = random.normal(size=(2, 3, *shape))
    border = Mirror(*shape)
    mean, _ = certain(SHAKE).moments(border)
    assert (border.blur(a, mean) * b).sum() == pytest.approx((a * border.adjoint(b, mean)).sum(), abs=1e-10)


def weighed(a, b):
    """The inner product in which border samples count half along each axis."""
    weights = [np.r_[0.5, np.ones(n - 2), 0.5] for n in a.shape[-2:]]
    return (a * b * np.outer(*weights)).sum()


def test_adjoint_of_the_cosines_is_that_of_their_blur():
    a, b = np.random.default_rng(2).normal(size=(2, 3, 9, 14))
    border = Cosines(9, 14)
    mean, _ = certain(GAUSS).moments(border)
    assert weighed(border.blur(a, mean), b) == pytest.approx(weighed(a, border.adjoint(b, mean)), abs=1e-10)


def test_the_mirror_continues_a_blurred_picture_by_what_is_expected():
    planes = to_planes(noise(9, 14))
    border = Mirror(9, 14)
    mean, _ = certain(SHAKE).moments(border)
    blurred = border.blur(planes, mean)
    expected = border.forward(planes) * mean
    assert np.abs(border.observed(blurred, expected) - expected).max() < 1e-8
    assert np.abs(border.observed(blurred) - expected).max() > 1


@pytest.mark.parametrize("border", [Cosines(9, 14), Mirror(9, 14)])
def test_slopes_and_their_adjoint_make_the_laplacian_of_the_border(border):
    planes = np.random.default_rng(3).normal(size=(3, 9, 14))
    laplacian = 4 - 2 * np.cos(border.rows)[:, None] - 2 * np.cos(border.columns)
    assert np.abs(slopes_adjoint(slopes(planes)) - border.blur(planes, laplacian)).max() < 1e-10


def test_shrinking_shortens_each_pixels_slope_over_all_planes():
    steps = np.zeros((2, 3, 1, 2))
    steps[:, :, 0, 0] = [[2, 0, 0], [0, 1, 2]]  # of length 3
    steps[0, 0, 0, 1] = 0.5
    shorter = shrink(steps, 1.0)
    assert np.allclose(shorter[..., 0, 0], steps[..., 0, 0] * 2 / 3)
    assert not shorter[..., 1].any()


@pytest.mark.parametrize(("baseline", "preset"), DECONVOLUTIONS, ids=lambda value: getattr(value, "name", value))
@pytest.mark.parametrize(("kernel", "least"), [(GAUSS, 4.0), (SHAKE, 5.0)], ids=["gaussian", "shake"])
def test_a_known_blur_is_undone(sharp, baseline, preset, kernel, least):
    blurred = convolve(sharp, kernel)
    restored = told(baseline, preset)(blurred, kernel)
    assert psnr(restored, sharp) > psnr(blurred, sharp) + least
    frame = np.ones(sharp.shape[:2], dtype=bool)
    frame[6:-6, 6:-6] = False  # its border, too
    assert psnr(restored[frame], sharp[frame]) > psnr(blurred[frame], sharp[frame]) + least - 2


def test_total_variation_beats_the_linear_filter_that_it_begins_with(sharp):
    blurred = convolve(sharp, GAUSS)
    assert (
        psnr(told(tv, "oracle")(blurred, GAUSS), sharp) > psnr(told(wiener_oracle, None)(blurred, GAUSS), sharp) + 0.2
    )


@pytest.mark.parametrize("baseline", [wiener, richardson_lucy, tv], ids=lambda value: value.name)
def test_blind_rows_gain_and_leave_what_is_sharp_alone(sharp, baseline):
    restore = baseline.restorer(baseline.configure(), None, "cpu")
    blurred = convolve(sharp, GAUSS)
    assert psnr(restore(blurred), sharp) > psnr(blurred, sharp) + 2.5
    assert np.array_equal(restore(sharp), sharp)


@pytest.mark.parametrize(("baseline", "preset"), DECONVOLUTIONS, ids=lambda value: getattr(value, "name", value))
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 40), (17, 16)])
def test_constant_and_tiny_pictures_survive(baseline, preset, shape):
    for kernel in (GAUSS, SHAKE):
        for value in (0, 77, 255):
            picture = np.full((*shape, 3), value, dtype=np.uint8)
            assert np.array_equal(told(baseline, preset)(picture, kernel), picture)
        restored = told(baseline, preset)(noise(*shape), kernel)
        assert restored.shape == (*shape, 3)


@pytest.mark.parametrize("light", ["stored", "srgb", "gamma-2.2"])
def test_a_picture_that_changes_light_and_comes_back_is_the_same(light):
    picture = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    planes = to_planes(picture, light)
    assert (planes.min(), planes.max()) == (0, 255)
    assert np.array_equal(to_picture(planes, light), picture)
    assert to_picture(planes + np.array([-300.0, 0.0, 300.0])[:, None, None], light)[3, 3].tolist() == [0, 51, 255]


@pytest.mark.parametrize(("baseline", "preset"), DECONVOLUTIONS, ids=lambda value: getattr(value, "name", value))
def test_an_oracle_works_in_the_light_in_which_the_picture_was_blurred(sharp, baseline, preset):
    response = curve("srgb")
    blurred = response.to_stored(weighted_sums(response.to_linear(sharp), GAUSS), 16)
    restore = told(baseline, preset)
    right, wrong = restore(blurred, GAUSS, "srgb"), restore(blurred, GAUSS)
    assert psnr(right, sharp) > psnr(wrong, sharp) + 1
    assert psnr(right, sharp) > psnr(blurred, sharp) + 3


@pytest.mark.parametrize(("baseline", "preset"), DECONVOLUTIONS, ids=lambda value: getattr(value, "name", value))
def test_behind_a_camera_the_noise_is_read_from_the_picture(sharp, baseline, preset):
    grain = np.random.default_rng(4).normal(0, 3, sharp.shape)
    blurred = np.clip(np.rint(convolve(sharp, GAUSS) + grain), 0, 255).astype(np.uint8)
    restore = told(baseline, preset)
    assert psnr(restore(blurred, GAUSS, camera=True), sharp) > psnr(blurred, sharp) + 0.5
    if baseline is not wiener_oracle:  # whose spectra leave room for some noise of their own
        assert psnr(restore(blurred, GAUSS), sharp) < psnr(blurred, sharp)


def test_unsharp_adds_what_the_mask_takes_away(sharp):
    masked = gaussian_filter(sharp.astype(float), (1.5, 1.5, 0), mode="mirror")
    expected = np.clip(np.rint(sharp + 0.5 * (sharp - masked)), 0, 255)
    restore = unsharp.restorer(unsharp.configure(None, ["sigma=1.5", "amount=0.5"]), None, "cpu")
    assert np.array_equal(restore(sharp), expected)
    blurred = convolve(sharp, GAUSS)
    assert psnr(unsharp.restorer(unsharp.configure(), None, "cpu")(blurred), sharp) > psnr(blurred, sharp) + 1.5


@pytest.mark.parametrize(
    ("kernel", "label"),
    [
        (kernel_of(disk_areas(3.0)), "defocus"),
        (quantise(line_weights(6.0, 30.0)), "linear-motion 6.11 at 30"),
        (quantise(line_weights(6.0, 150.0)), "linear-motion 6.11 at 150"),
        (GAUSS, "gaussian"),
    ],
    ids=["disk", "30", "150", "gaussian"],
)
def test_the_general_bank_knows_families_and_directions(kernel, label):
    picture = photo("coffee.png", 193, 337)
    blurred = convolve(picture, kernel)
    found = estimate(blurred, general_bank())
    assert found.bank[found.index].label.startswith(label)
    restored = wiener.restorer(wiener.configure("general"), None, "cpu")(blurred)
    assert psnr(restored, picture) > psnr(blurred, picture) + 3


def test_who_is_told_says_so():
    assert wiener_oracle.is_told(wiener_oracle.configure())
    assert not wiener.is_told(wiener.configure("general"))
    assert tv.label_of(tv.configure("oracle"), "oracle") == "tv (oracle)"
    assert tv.label_of(tv.configure(None, ["kernel=told"]), None) == "tv (oracle)"
    assert wiener.label_of(wiener.configure("general"), "general") == "wiener (general)"
    for baseline, setting in ((wiener, "kernel=told"), (wiener_oracle, "kernel=gaussian"), (unsharp, "amount=-1")):
        with pytest.raises(RecipeError, match=setting.partition("=")[0]):
            baseline.configure(None, [setting])


def test_what_classical_rows_cannot_do_is_refused(tmp_path):
    with pytest.raises(UsageError, match="wiener-oracle is told the kernel: run it on a dataset"):
        wiener_oracle.restorer(wiener_oracle.configure(), None, "cpu")
    with pytest.raises(UsageError, match="run-baseline tv --preset oracle"):
        tv.restorer(tv.configure("oracle"), None, "cpu")
    with pytest.raises(UsageError, match="takes no weights"):
        tv.restorer(tv.configure(), tmp_path / "w.safetensors", "cpu")
    with pytest.raises(UsageError, match="restores whole pictures"):
        identity.restorer(identity.configure(), None, "cpu", Inference(tile=64))


RECIPE = """
schema = 1
name = "known"
version = 1
summary = "A dataset for tests."
seed = 4
[[sources]]
source = "deadleaves"
count = 2
size = "64x48"
scenes = { test = 1 }
[[splits]]
name = "test"
blurs = [{ family = "linear-motion", length = [3.0, 6.0], angle = [0.0, 180.0], LIGHT }]
[[splits]]
name = "test-more"
blurs = [BLUR]
"""


def made(folder, light="light = 'stored'", blur="{ family = 'gaussian', sigma = [0.8, 1.5] }"):
    (folder / "known.toml").write_text(RECIPE.replace("LIGHT", light).replace("BLUR", blur))
    return build(make_plan(read_recipe(folder / "known.toml")), folder / "set", quiet=True)


@pytest.mark.parametrize("light", ["stored", "srgb"])
def test_a_run_tells_each_picture_its_own_kernel_and_light(tmp_path, light):
    """Every picture has another kernel; with that of another one it would not be restored."""
    dataset = made(tmp_path, f"light = '{light}'")
    rows = run_baseline("wiener-oracle", dataset, tmp_path / "run", quiet=True)
    assert len({record.kernels for record in dataset.records()}) == len(rows) == 4
    gains = [row.psnr_db - row.blurred_psnr_db for row in rows]
    assert min(gains) > 0.2, gains
    assert np.mean(gains) > 1.5, gains
    assert read_run(tmp_path / "run").label == "wiener-oracle"


def test_a_dataset_without_a_single_kernel_per_picture_is_refused(tmp_path):
    varying = "{ family = 'spatially-varying', rows = 2, columns = 2, blur = { family = 'gaussian', sigma = 1.0 } }"
    dataset = made(tmp_path, blur=varying)
    with pytest.raises(UsageError, match=r"tv is told the kernel .* has several for one picture: spatially-varying"):
        run_baseline("tv", dataset, tmp_path / "run", preset="oracle", quiet=True)
    assert not (tmp_path / "run").exists()
    assert run_baseline("tv", dataset, tmp_path / "run", quiet=True)


def test_predict_refuses_a_method_that_is_told_the_kernel(cli, tmp_path, sharp):
    from deblurbench.images.codec import write_png

    write_png(tmp_path / "a.png", sharp)
    result = cli("predict", "wiener-oracle", tmp_path / "a.png", tmp_path / "out")
    assert result.code == 2
    assert "wiener-oracle is told the kernel: run it on a dataset: run-baseline wiener-oracle" in result.err
