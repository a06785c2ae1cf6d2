"""swift and swift-general: their pieces against the core's, and the weights that ship."""

import csv
import json
import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch._subclasses.fake_tensor import FakeTensorMode

from deblurbench.blur import estimate
from deblurbench.blur.bank import Candidate
from deblurbench.blur.convolve import convolve
from deblurbench.blur.gaussian import Gaussian, GaussianOpenCV
from deblurbench.runs.model import open_model, read_metadata
from deblurbench.sources.deadleaves import draw
from deblurbench_baselines import swift, swift_general
from deblurbench_baselines.classical import wiener
from deblurbench_baselines.networks import cosine, gaussian_bank, spectrum
from deblurbench_baselines.networks.belief import Reader, averaging, binned, likeliest
from deblurbench_baselines.networks.settings.swift import SwiftGeneralSettings, SwiftSettings
from deblurbench_baselines.networks.swift import from_planes, to_planes
from deblurbench_baselines.trained import SHIPPED

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
SIZES = [(1, 1), (1, 9), (2, 2), (3, 3), (2, 5), (40, 57), (57, 40), (64, 96)]


def psnr(picture, sharp):
    error = np.mean((picture.astype(np.float64) - sharp) ** 2)
    return 10 * math.log10(255**2 / error) if error else math.inf


def blurred(sharp, sigma, family=GaussianOpenCV):
    return convolve(sharp, family(sigma=sigma).kernel())


# The cosine transform, against the core's, which is SciPy's


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_cosine_transform_is_the_cores(height, width):
    planes = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(1))
    wanted = estimate.cosine_transform(planes.numpy().astype(np.float64))
    spectra = cosine.cosine_transform(planes)
    np.testing.assert_allclose(spectra, wanted, atol=1e-6 * np.abs(wanted).max())
    torch.testing.assert_close(cosine.inverse_cosine_transform(spectra), planes, atol=2e-6, rtol=0)
    powers = np.stack([estimate.power(plane) for plane in planes.numpy().astype(np.float64)[0]])
    np.testing.assert_allclose(cosine.power(spectra)[0], powers, atol=2e-6 * powers.max())
    for size in (height, width):
        np.testing.assert_allclose(cosine.frequencies(size, CPU), estimate.frequencies(size), atol=1e-6)


@pytest.mark.parametrize("size", [2, 3, 8, 57, 160])
def test_matrices_that_can_be_traced_are_the_same(size):
    for traced, kept in zip(cosine._cosines(size, CPU), cosine._kept(size), strict=True):
        np.testing.assert_allclose(traced, kept, atol=1e-7)


def test_a_look_with_fake_tensors_leaves_nothing_fake_behind():
    """The summary of a training runs the network once on tensors without numbers."""
    with FakeTensorMode():
        cosine.cosine_transform(torch.rand(1, 3, 31, 33))
    assert float(cosine.cosine_transform(torch.ones(1, 3, 31, 33))[0, 0, 0, 0]) == pytest.approx(60 * 64)


# The bank


@pytest.mark.parametrize("sigma", [0.3, 0.8, 1.2, 1.95])
@pytest.mark.parametrize(("family", "is_opencv"), [(Gaussian, False), (GaussianOpenCV, True)])
def test_transfers_are_those_of_the_kernels(sigma, family, is_opencv):
    bank = gaussian_bank.candidates(CPU)
    chosen = (bank.is_opencv == is_opencv) & ((bank.sigmas - sigma).abs() < 1e-4)
    assert int(chosen.sum()) == 1
    rows, columns = cosine.frequencies(20, CPU), cosine.frequencies(33, CPU)
    mean, square = gaussian_bank.transfers(bank, chosen[None].float(), rows, columns)
    wanted = estimate.transfer(family(sigma=sigma).kernel(), rows.double().numpy(), columns.double().numpy()).real
    np.testing.assert_allclose(mean[0], wanted, atol=1e-3)  # the core's taps are whole numbers, of 16 bits
    torch.testing.assert_close(square, mean.square())


# Spectra and beliefs, against the core's


def core_bank():
    """The bank of the network, with the core's kernels."""
    bank = gaussian_bank.candidates(CPU)
    families = [GaussianOpenCV if opencv else Gaussian for opencv in bank.is_opencv]
    sigmas = [round(float(sigma), 6) for sigma in bank.sigmas]
    return tuple(
        Candidate(str(sigma), family(sigma=sigma).kernel()) for sigma, family in zip(sigmas, families, strict=True)
    )


@pytest.fixture(scope="module")
def given():
    """A blurred picture, its planes and their spectra."""
    picture = blurred(draw(3, 0, 128, 160), 1.2)
    planes = to_planes(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255)
    return picture, planes, cosine.cosine_transform(planes)


def test_evidence_is_the_cores(given):
    picture, _, spectra = given
    wanted = estimate.estimate(picture, core_bank()).log_evidence
    found = spectrum.evidence(spectrum.Bins(spectra), gaussian_bank.candidates(CPU))[0].double().numpy()
    near = wanted > wanted.max() - 10
    assert int(found.argmax()) == int(wanted.argmax())
    difference = (found - wanted)[near]
    assert np.ptp(difference) < 0.5  # only differences have a meaning; a few steps less, and float32


def test_spectra_are_the_cores(given):
    _, planes, spectra = given
    bank = gaussian_bank.candidates(CPU)
    kernels = core_bank()
    chosen = 20
    parameters = spectrum.fitted(spectrum.Bins(spectra), bank, torch.eye(len(kernels))[[chosen]])
    frequencies = spectrum.Frequencies(planes.shape[2:], CPU)
    rows, columns = frequencies.rows, frequencies.columns
    ratios = spectrum.noise_to_signal(parameters, frequencies)
    for number, plane in enumerate(planes[0].double().numpy() * 255):
        wanted = estimate.fit_spectrum(estimate.power(plane), kernels[chosen].kernel)
        np.testing.assert_allclose(parameters[0, number], wanted.parameters, atol=0.02)
        expected = estimate.noise_to_signal([wanted], rows.double().numpy(), columns.double().numpy())[0]
        np.testing.assert_allclose(ratios[0, number][1:, 1:], expected[1:, 1:], rtol=0.05)
    assert bool((ratios[..., 0, 0] == 0).all())


def test_elimination_solves():
    generator = torch.Generator().manual_seed(1)
    root = torch.rand(5, 8, 8, generator=generator, dtype=torch.float64)
    matrices, right = root @ root.mT + torch.eye(8), torch.rand(5, 8, generator=generator, dtype=torch.float64)
    found, volume = spectrum._solve(matrices, right)
    torch.testing.assert_close(found, torch.linalg.solve(matrices, right))
    torch.testing.assert_close(volume, torch.logdet(matrices))


def test_an_opinion_moves_the_belief_and_says_so():
    bank = gaussian_bank.candidates(CPU)
    reader, flat = Reader(), torch.zeros(1, len(bank.sigmas))
    sure = torch.tensor([[math.log(1.0 / 1.4), 3.0, 9.0]])  # sigma 1.2, and OpenCV's
    belief = reader.believe(flat, sure, bank)
    assert float(belief.probabilities.sum()) == pytest.approx(1)
    assert float(belief.sigma) == pytest.approx(1.2, abs=0.01)
    assert float(belief.summary[0, 2]) > 0.99
    assert not belief.probabilities.requires_grad
    assert belief.log_probabilities.requires_grad
    weak = reader.believe(flat, torch.zeros(1, 3), bank)
    assert float(weak.summary[0, 1]) > float(belief.summary[0, 1]) + 1


@pytest.mark.parametrize(("sigma", "family"), [(0.8, Gaussian), (1.2, GaussianOpenCV), (1.65, Gaussian)])
def test_the_likeliest_kernel_is_the_true_one(sigma, family):
    sharp = draw(3, 0, 128, 160)
    pair = [torch.from_numpy(p).permute(2, 0, 1)[None].float() / 255 for p in (blurred(sharp, sigma, family), sharp)]
    bank = gaussian_bank.candidates(CPU)
    found = int(likeliest(*pair, bank))
    assert float(bank.sigmas[found]) == pytest.approx(sigma, abs=0.03)
    assert bool(bank.is_opencv[found]) == (family is GaussianOpenCV)


def test_a_lesson_is_learnt():
    """The surprise at the true kernels falls by its own gradient, and reaches the reader."""
    network = SwiftSettings(width=8, blocks=(0, 1)).build().train()
    sharp = draw(3, 0, 96, 96)
    pair = [torch.from_numpy(p).permute(2, 0, 1)[None].float() / 255 for p in (blurred(sharp, 1.6), sharp)]
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    surprises = []
    for _ in range(8):
        network(pair[0])
        surprise = network.lesson(*pair)
        optimiser.zero_grad()
        surprise.backward()
        optimiser.step()
        surprises.append(float(surprise.detach()))
    assert surprises[-1] < surprises[0] - 0.2
    assert network.reader.opine[0].weight.grad is not None


# The network


def test_opponent_planes_are_orthonormal():
    batch = torch.rand(2, 3, 5, 7, generator=torch.Generator().manual_seed(1))
    planes = to_planes(batch)
    torch.testing.assert_close(from_planes(planes), batch)
    torch.testing.assert_close(planes.square().sum(), batch.square().sum())


@pytest.mark.parametrize("size", [1, 2, 3, 15, 16, 17, 100, 721])
def test_each_bin_is_a_mean(size):
    means = averaging(size, CPU)
    torch.testing.assert_close(means.sum(1), torch.ones(16))
    assert bool((means >= 0).all())
    assert bool((means.sum(0) > 0).all())  # every frequency is seen


def test_white_noise_of_rounding_reads_flat():
    noise = torch.rand(1, 3, 200, 200, generator=torch.Generator().manual_seed(1)).sub(0.5).div(255)
    bins = binned(cosine.cosine_transform(noise))
    normal = np.random.default_rng(1).normal(size=1_000_000)
    assert float(bins.mean()) == pytest.approx(np.log(normal**2 + 0.1).mean() / 2 - 1, abs=0.03)
    assert float(bins.std()) < 0.1


@pytest.mark.parametrize(
    "settings", [SwiftSettings(width=8, blocks=(1, 1)), SwiftGeneralSettings(widths=(8, 12), blocks=(1, 1))]
)
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 2), (13, 9), (37, 51)])
def test_any_size_goes_in_and_comes_out(settings, height, width):
    network = settings.build().eval()
    batch = torch.rand(2, 3, height, width)
    with torch.inference_mode():
        output = network(batch)
    assert output.shape == batch.shape
    assert bool(torch.isfinite(output).all())


def test_general_starts_as_the_identity():
    batch = torch.rand(1, 3, 20, 36)
    torch.testing.assert_close(SwiftGeneralSettings(widths=(8, 12), blocks=(1, 1)).build()(batch), batch)


def test_what_seems_sharp_comes_back_untouched_but_not_in_training():
    network = SwiftSettings(width=8, blocks=(0, 1)).build()
    sharp = torch.from_numpy(draw(3, 0, 96, 96)).permute(2, 0, 1)[None].float() / 255
    assert torch.equal(network.eval()(sharp), sharp)
    assert not torch.equal(network.train()(sharp), sharp)


@pytest.mark.parametrize("sigma", [1.0, 1.4])
def test_before_training_it_is_the_baseline_wiener(sigma):
    network = SwiftSettings(width=8, blocks=(0, 1)).build().eval()
    sharp = draw(3, 0, 128, 160)
    given = blurred(sharp, sigma)
    with torch.inference_mode():
        output = network(torch.from_numpy(given).permute(2, 0, 1)[None].float() / 255)
    restored = output[0].permute(1, 2, 0).mul(255).round().clamp(0, 255).numpy()
    assert psnr(restored, sharp) > psnr(given, sharp) + 3
    assert psnr(restored, sharp) == pytest.approx(psnr(wiener.restore(given), sharp), abs=0.5)


# What ships


@pytest.mark.parametrize("baseline", [swift, swift_general], ids=lambda baseline: baseline.name)
def test_weights_ship_with_all_that_is_known_of_them(baseline):
    file = baseline.shipped(baseline.configure())
    assert file == SHIPPED / f"{baseline.name}.safetensors"
    assert file.stat().st_size <= 12e6
    said = read_metadata(file)
    assert said["baseline"] == baseline.name
    assert baseline.config_from(json.loads(said["config"])) == baseline.configure()
    assert sum(tensor.numel() for tensor in load_file(file).values()) == baseline.parameters <= 3_000_000
    card = (SHIPPED / f"{baseline.name}.md").read_text()
    assert said["dataset_id"] in card
    assert "CC BY-SA 4.0" in card
    with (SHIPPED / f"{baseline.name}.metrics.csv").open() as log:
        assert len(list(csv.DictReader(log))) == baseline.configure().training.epochs


def test_every_photo_that_they_have_seen_is_listed():
    with (SHIPPED / "photos.csv").open() as file:
        photos = list(csv.DictReader(file))
    assert len(photos) == 185
    for photo in photos:
        assert photo["repository"].startswith("https://")
        assert len(photo["sha256"]) == 64
        assert photo["licence"]
        assert "unstated" not in photo["licence"]


def test_a_changed_recipe_has_no_shipped_weights():
    assert swift.shipped(swift.configure("smoke")) is None
    assert swift.shipped(swift.configure(None, ["training.seed=2"])) is None


@pytest.fixture(scope="module")
def leaves():
    return draw(5, 1, 192, 256)


@pytest.mark.parametrize(("sigma", "gain"), [(0.8, 8), (1.2, 6), (1.6, 4)])
def test_shipped_swift_restores(leaves, sigma, gain):
    given = blurred(leaves, sigma)
    restored = open_model("swift", "cpu").restorer()(given)
    assert psnr(restored, leaves) > psnr(given, leaves) + gain


def test_shipped_swift_leaves_a_sharp_picture_as_it_is(leaves):
    given = blurred(leaves, 0.3)
    np.testing.assert_array_equal(open_model("swift", "cpu").restorer()(given), given)
