"""`explain`: receptive fields, gains, errors and posteriors, against methods whose answers are known."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import noise
from layout_kit import TREES
from scipy.ndimage import convolve as correlate
from torch import nn

from deblurbench.blur.convolve import convolve
from deblurbench.blur.estimate import frequencies, transfer
from deblurbench.blur.gaussian import Gaussian
from deblurbench.dataset.adopt import adopt
from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.reader import open_dataset
from deblurbench.dataset.recipe import read_recipe
from deblurbench.errors import UsageError
from deblurbench.images.codec import read_rgb, write_png
from deblurbench.runs.cost_probe import blurred_picture
from deblurbench.runs.explain.explanation import explain
from deblurbench.runs.explain.receptive import Response, by_differences, by_gradient
from deblurbench.runs.explain.spectra import BINS, gains
from deblurbench.runs.explain.subjects import Subject, dataset_subjects, folder_subjects
from deblurbench.runs.known_blur import KnownBlur
from deblurbench.runs.model import open_model
from deblurbench.runs.run import run_baseline
from deblurbench.sources.layouts.find import LAYOUTS
from deblurbench_baselines import unet
from deblurbench_baselines.inference.sensitivity import NetworkSensitivity
from deblurbench_baselines.inference.weights import save_weights

FILES = ["receptive-field.png", "gain.png", "errors.png", "posterior.png", "explain.json"]
KERNEL = Gaussian(sigma=1.2).kernel()


def photo(height=120, width=150):
    """A sharp picture like a photograph, not too near black and white."""
    return (64 + blurred_picture(height, width, Gaussian(sigma=0.3, size=3).kernel()) / 2).astype(np.uint8)


# Receptive field


class Filter(nn.Module):
    """A known filter, the same for each channel: asymmetric, so that a mirrored answer shows."""

    taps = torch.tensor([[0.0, 0.5, 0.0], [-0.25, 1.0, 0.0], [0.0, 0.0, -0.25]])

    def forward(self, batch):
        return nn.functional.conv2d(batch, self.taps.repeat(3, 1, 1, 1), padding=1, groups=3)


def test_the_gradient_of_a_filter_is_the_filter():
    response = by_gradient(NetworkSensitivity(Filter(), torch.device("cpu")), [noise(40, 51), noise(40, 51, seed=1)])
    assert response.filter.shape == (39, 39)
    np.testing.assert_allclose(response.filter[18:21, 18:21], Filter.taps, atol=1e-6)
    assert np.abs(response.filter).sum() == pytest.approx(2.0)
    assert response.energy.sum() == pytest.approx(1.375)
    assert response.total == pytest.approx(1.0)


def test_differences_find_the_same_filter():
    """Of a function of 8-bit pictures, which rounds: the weights, where they lie, and their energy."""

    def restorer(picture):
        filtered = correlate(picture.astype(np.float64), Filter.taps.numpy()[:, :, None], mode="mirror")
        return np.clip(np.rint(filtered), 0, 255).astype(np.uint8)

    def true_correlation(picture):
        """`scipy.ndimage.convolve` turns its weights; the network's layer does not."""
        return restorer(picture[::-1, ::-1])[::-1, ::-1]

    pictures = [photo(400, 400)]
    response = by_differences([true_correlation], pictures)
    assert response is not None
    assert (response.method, response.total, response.n) == ("differences", None, 9)
    middle = response.filter.shape[0] // 2
    near = slice(middle - 1, middle + 2)
    np.testing.assert_allclose(response.filter[near, near], Filter.taps, atol=0.03)
    assert response.energy.sum() == pytest.approx(1.375, abs=0.03)
    assert response.radius(0.99) == pytest.approx(1.0, abs=0.1)


def test_radii_by_hand():
    energy = np.zeros((9, 9))
    energy[4, 4], energy[4, 7], energy[1, 4] = 6.0, 3.0, 1.0  # 60 % in the middle, 40 % at a distance of 3
    response = Response("gradient", energy, energy, 1)
    radii, shares = response.cumulative()
    assert radii.tolist() == [0, 1, 2, 3, 4]
    assert shares.tolist() == pytest.approx([0.6, 0.6, 0.6, 1, 1])
    assert response.radius(0.5) == 0
    assert response.radius(0.9) == pytest.approx(2.75)
    assert Response("gradient", 0 * energy, 0 * energy, 1).radius(0.5) is None


def test_rounding_adds_no_energy_far_away():
    """A blind blur with dithered rounding: what is far from the changed pixel is noise, and is taken off."""
    generator = np.random.default_rng(0)

    def restorer(picture):
        return np.clip(picture + generator.integers(-1, 2, picture.shape), 0, 255).astype(np.uint8)

    response = by_differences([restorer] * 2, [photo(400, 400)] * 2)
    assert response is not None
    radius = response.radius(0.9)
    assert radius is not None
    assert radius < 1


def test_black_pictures_have_no_pixel_to_change():
    assert by_differences([lambda p: p], [np.zeros((40, 40, 3), np.uint8)]) is None


def test_each_step_is_small_enough_not_to_be_cut_off():
    """A gain of 30 about mid-grey: with a step of 12 the pixel would be white."""
    grey = np.full((60, 60, 3), 128, np.uint8)

    def restorer(picture):
        return np.clip((picture.astype(int) - 128) * 30 + 128, 0, 255).astype(np.uint8)

    response = by_differences([restorer], [grey])
    assert response is not None
    assert response.filter.max() == pytest.approx(30)


# Gains


def subject(restored, sharp=None, blurred=None, kernel=KERNEL):
    sharp = photo() if sharp is None else sharp
    blurred = convolve(sharp, KERNEL) if blurred is None else blurred
    return Subject("g", "a", blurred, sharp, KnownBlur(kernel, "stored", False) if kernel else None, restored)


def test_doing_nothing_is_a_gain_of_one_and_blur_is_undone_by_the_inverse():
    blurred = convolve(photo(), KERNEL)
    found = gains([subject(blurred, blurred=blurred)])
    np.testing.assert_allclose(found.model, 1, atol=1e-12)
    assert found.right is not None
    assert found.ideal is not None
    # A round Gaussian: 1 / |H| = exp(2 (pi sigma f)^2); within a bin it varies.
    by_hand = np.exp(2 * (np.pi * 1.2 * found.frequencies) ** 2)
    np.testing.assert_allclose(found.ideal[:35], by_hand[:35], rtol=0.05)
    # Where rounding does not matter, sharp over blurred is the inverse of the blur.
    np.testing.assert_allclose(found.right[1:20], found.ideal[1:20], rtol=0.05)
    assert found.agreement is not None
    np.testing.assert_allclose(found.agreement, found.before)


def test_the_sharp_picture_has_the_right_gain_and_agrees():
    found = gains([subject(photo())])
    np.testing.assert_allclose(found.model, found.right)
    assert found.agreement is not None
    np.testing.assert_allclose(found.agreement, 1)
    assert found.before is not None
    assert found.before[-1] < 0.9


def test_ideal_gain_of_a_bin_is_that_of_its_coefficients():
    found = gains([subject(photo())])
    rows, columns = frequencies(120), frequencies(150)
    radius = np.hypot(rows[:, None], columns) / (2 * np.pi)
    inside = (radius >= 0.25) & (radius < 0.25 + 0.5 / BINS)
    power = np.abs(transfer(KERNEL, rows, columns)[inside]) ** 2
    assert found.ideal is not None
    assert found.ideal[BINS // 2] == pytest.approx(1 / np.sqrt(power.mean()), rel=1e-4)


def test_what_is_not_known_is_left_out():
    found = gains([Subject("g", "a", photo(), restored=photo())])
    assert found.as_dict().keys() == {"frequencies", "model"}
    light = [SimpleNamespace(**vars(subject(photo())) | {"blur": KnownBlur(KERNEL, "srgb", False)})]
    assert "ideal" not in gains(light).as_dict()  # type: ignore[arg-type]


def test_small_pictures_fill_all_bins():
    found = gains([subject(noise(16, 16), sharp=noise(16, 16))])
    assert all(np.isfinite(value).all() for value in vars(found).values())


# The command


def test_explain_a_dataset_with_a_classical_method(cli, tiny, tmp_path):
    out = tmp_path / "out"
    result = cli("explain", "wiener", tiny.path, "--out", out, "--limit", "1")
    assert result.code == 0
    assert sorted(file.name for file in out.iterdir()) == sorted(FILES)
    assert [line for line in result.out.splitlines() if line.endswith((".png", ".json"))] == [
        str(out / name) for name in FILES
    ]
    for name in FILES[:4]:
        assert read_rgb(out / name).shape[0] > 200
    found = json.loads((out / "explain.json").read_text())
    assert found["model"] == found["baseline"] == "wiener"
    assert not found["told"]
    assert found["receptive_field"]["test-g1.2"]["method"] == "differences"
    assert len(found["gain"]["test-g1.2"]["ideal"]) == BINS
    (picture,) = found["pictures"]
    assert picture["kernel_spread"] == pytest.approx(1.19, abs=0.01)
    assert sum(picture["posterior"]["candidates"].values()) <= 1.001
    again = cli("explain", "wiener", tiny.path, "--out", out)
    assert (again.code, "receptive-field.png is there already" in again.err) == (2, True)
    shown = cli("explain", "wiener", tiny.path, "--out", out, "--limit", "1", "--overwrite", "--json", "-")
    assert json.loads(shown.out) == found  # the same figures again


def test_explain_a_network_by_its_weights_on_a_pair_of_folders(cli, tmp_path, one_thread):
    config = unet.configure("demo")
    torch.manual_seed(1)
    weights = tmp_path / "mine" / "weights.safetensors"
    weights.parent.mkdir()
    network = config.network.build()
    with torch.no_grad():
        for parameter in network.parameters():  # the demo starts as the identity: give it something to say
            parameter.add_(0.02 * torch.randn_like(parameter))
    save_weights(weights, network, {"baseline": "unet", "preset": "demo", "config": json.dumps(config.as_dict())})
    for side, picture in (("blur", convolve(photo(64, 80), KERNEL)), ("sharp", photo(64, 80))):
        (tmp_path / side).mkdir()
        write_png(tmp_path / side / "a.png", picture)
    out = tmp_path / "out"
    assert cli("explain", weights, tmp_path / "blur", tmp_path / "sharp", "--out", out).code == 0
    found = json.loads((out / "explain.json").read_text())
    assert (found["model"], found["baseline"]) == ("mine", "unet")
    assert found["receptive_field"]["blur"]["method"] == "gradient"
    assert found["receptive_field"]["blur"]["window"] == 63
    assert found["gain"]["blur"].keys() == {"frequencies", "model", "right", "agreement", "before"}
    assert found["pictures"][0]["restored_psnr_db"] > 10
    assert len(found["weights_sha256"]) == 64


def test_who_is_told_the_kernel_says_so(cli, tiny, tmp_path):
    """Of a run folder, whose name need not say it."""
    run_baseline("tv", tiny, tmp_path / "mine", settings=["kernel=told"], quiet=True)
    result = cli("explain", tmp_path / "mine", tiny.path, "--limit", "1", "--out", tmp_path / "out")
    assert result.out.splitlines()[0] == "mine (told the kernel)"
    assert json.loads((tmp_path / "out" / "explain.json").read_text())["told"]


def test_blurred_pictures_alone_are_explained_without_errors(cli, tmp_path):
    (tmp_path / "in").mkdir()
    write_png(tmp_path / "in" / "a.png", photo(40, 40))
    out = tmp_path / "out"
    out.mkdir()
    write_png(out / "errors.png", noise(4, 4))  # somebody's, or of an earlier explanation
    refused = cli("explain", "identity", tmp_path / "in" / "a.png", "--out", out)
    assert (refused.code, "errors.png is there already" in refused.err) == (2, True)
    assert cli("explain", "identity", tmp_path / "in" / "a.png", "--out", out, "--overwrite").code == 0
    assert sorted(file.name for file in out.iterdir()) == sorted(set(FILES) - {"errors.png"})
    assert "psnr" not in (out / "explain.json").read_text()


def test_the_gradient_is_that_of_the_restorer(tmp_path, one_thread):
    """A second opinion on `Baseline.sensitivity`: the restorer itself, with pixels changed."""
    config = unet.configure("demo", ["network.residual=true"])
    weights = tmp_path / "w.safetensors"
    network = config.network.build()
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
    save_weights(weights, network, {"baseline": "unet", "preset": "demo", "config": json.dumps(config.as_dict())})
    model = open_model(str(weights), "cpu")
    sensitivity = model.baseline.sensitivity(config, weights, "cpu")
    assert sensitivity is not None
    picture = photo(33, 33)
    gradient = sensitivity(picture)
    with torch.no_grad():
        batch = torch.from_numpy(picture).permute(2, 0, 1)[None].double() / 255
        exact = network.eval().double()
        changed = [batch.clone(), batch.clone()]
        for sign, one in zip((1, -1), changed, strict=True):
            one[0, :, 16, 17] += sign * 1e-4
        values = [float(exact(one)[0, :, 16, 16].mean()) for one in changed]
    assert gradient[16, 17] == pytest.approx((values[0] - values[1]) / 2e-4, rel=1e-2, abs=1e-4)


def test_pictures_in_which_no_pixel_can_be_changed_have_no_receptive_field(cli, tmp_path):
    (tmp_path / "in").mkdir()
    write_png(tmp_path / "in" / "a.png", np.zeros((40, 40, 3), np.uint8))
    out = tmp_path / "out"
    result = cli("explain", "identity", tmp_path / "in", "--out", out)
    assert result.code == 0
    assert "in: too near black or white everywhere for a receptive field" in result.err
    assert not (out / "receptive-field.png").exists()
    assert json.loads((out / "explain.json").read_text())["receptive_field"] == {}


def test_a_model_that_is_told_kernels_needs_them(monkeypatch, tiny):
    told = []

    class Told:
        name = "oracle"

        def is_told(self, config):
            return True

        def told_restorer(self, config):
            return lambda picture, kernel, light, camera: told.append(kernel.id) or picture.copy()

        def sensitivity(self, *_):
            return None

    model = SimpleNamespace(baseline=Told(), config=None, weights=None, device="cpu", weights_sha256=lambda: None)
    subjects = dataset_subjects(tiny, (), 1)
    explain(model, "oracle", subjects, quiet=True)  # type: ignore[arg-type]
    assert set(told) == {next(iter(tiny.records("test-g1.2"))).kernels[0]}
    with pytest.raises(UsageError, match="that of a is not known"):
        explain(model, "oracle", [Subject("g", "a", photo())], quiet=True)  # type: ignore[arg-type]
    in_a_file = Subject("g", "a", photo(), blur=KnownBlur(KERNEL, "crf:curve.txt", False))
    with pytest.raises(UsageError, match="that of a is not known"):
        explain(model, "oracle", [in_a_file], quiet=True)  # type: ignore[arg-type]


def test_an_adopted_dataset_has_no_kernels_to_read(tmp_path):
    layout = LAYOUTS["gopro"]
    root = TREES["gopro"](tmp_path / "tree")
    for seed, file in enumerate(root.rglob("*.png")):
        write_png(file, noise(20, 24, seed=seed))  # with sides that have a spectrum
    adopt(layout, root, tmp_path / "out", variant=layout.default, workers=1, allow_incomplete=True, quiet=True)
    (subject, *_) = dataset_subjects(open_dataset(tmp_path / "out"), (), 1)
    assert (subject.group, subject.blur) == ("test", None)
    assert subject.sharp is not None


def test_every_split_that_is_named_and_only_as_many_as_asked(tiny):
    chosen = dataset_subjects(tiny, ["val", "train"], 2)
    assert [s.group for s in chosen].count("train") == 2
    assert all(s.blur is not None and s.sharp is not None for s in chosen)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense", "IN"], "no baseline, run folder or weights file 'nonsense'"),
        (["unet", "IN"], "unet ships without weights"),
        (["wiener", "IN", "--bank", "generl"], "no bank of kernels 'generl': did you mean 'general'?"),
        (["wiener", "missing"], "no dataset, picture or folder missing"),
        (["wiener", "EMPTY"], "no pictures in"),
        (["wiener", "DATA", "--split", "test-g2"], "did you mean 'test-g1.2'?"),
        (["wiener", "IN", "--split", "test"], "is no dataset, and has no splits"),
        (["wiener", "IN", "IN", "IN"], "3 paths after the model"),
        (["wiener", "IN", "EMPTY"], "no pictures in"),
        (["wiener", "IN", "OTHER"], "a blurred picture and its sharp one have one size"),
        (["wiener-oracle", "IN"], "wiener-oracle is told the kernel of each picture, and that of a is not known"),
        (["wiener", "TINY"], "both sides need at least 16 pixels"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_made(cli, tiny, tmp_path, arguments, message):
    for name, side in (("IN", 30), ("OTHER", 31), ("TINY", 8)):
        (tmp_path / name).mkdir()
        write_png(tmp_path / name / "a.png", noise(side, side))
    (tmp_path / "EMPTY").mkdir()
    places = {name: str(tmp_path / name) for name in ("IN", "OTHER", "TINY", "EMPTY")} | {"DATA": str(tiny.path)}
    result = cli("explain", *(places.get(word, word) for word in arguments), "--out", tmp_path / "out")
    assert result.code == 2
    assert message in result.err
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_into_the_input(cli, tiny):
    result = cli("explain", "wiener", tiny.path, "--out", tiny.path / "explained")
    assert (result.code, "nothing is written there" in result.err) == (2, True)
    assert not (tiny.path / "explained").exists()
    run = tiny.path.parent / "run"
    assert cli("run-baseline", "identity", "--data", tiny.path, "--out", run, "--quiet").code == 0
    assert cli("explain", run, tiny.path, "--out", run / "explained").code == 2
    assert not (run / "explained").exists()


def test_many_kernels_in_a_split(cli, tiny_recipe, tmp_path):
    """Pictures with kernels of their own: one gain for all, and a known spread for each."""
    recipe = read_recipe(
        tiny_recipe, ['splits.2.blurs=[{ family = "linear-motion", length = [5, 12], angle = [0, 180] }]']
    )
    dataset = build(make_plan(recipe), tmp_path / "many", quiet=True)
    subjects = folder_subjects(dataset.folder("test-g1.2", "blur"), dataset.folder("test-g1.2", "sharp"), 9)
    assert {s.blur for s in subjects} == {None}
    assert cli("explain", "identity", dataset.path, "--out", tmp_path / "out", "--bank", "general").code == 0
    found = json.loads((tmp_path / "out" / "explain.json").read_text())
    assert len({picture["kernel"] for picture in found["pictures"]}) == len(found["pictures"]) > 1
    assert max(found["gain"]["test-g1.2"]["ideal"]) > 1.5
    families = {label.partition(" ")[0] for p in found["pictures"] for label in p["posterior"]["candidates"]}
    assert "linear-motion" in families
