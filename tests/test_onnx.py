"""ONNX: what is exported gives what torch gives. Weights and states of others run no code."""

import json
import os
import pickle
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from torch import nn

import deblurbench_baselines
from deblurbench.blur.border import reflect101
from deblurbench.errors import DeblurbenchError, RunError, UsageError
from deblurbench.files import sha256_file
from deblurbench.images.codec import write_png
from deblurbench_baselines import gir, unet, wiener
from deblurbench_baselines.inference import onnx as onnx_export
from deblurbench_baselines.inference.onnx import export_onnx
from deblurbench_baselines.inference.restorer import load_restorer
from deblurbench_baselines.inference.weights import save_weights
from deblurbench_baselines.losses.perceptual import make_perceptual
from deblurbench_baselines.losses.settings import PerceptualSettings
from deblurbench_baselines.networks import tracing
from deblurbench_baselines.networks.padding import next_multiple
from deblurbench_baselines.networks.spectral import SpectralGain
from deblurbench_baselines.trained import TrainedBaseline
from deblurbench_baselines.training.checkpoint import load_state

pytestmark = pytest.mark.usefixtures("one_thread")

INSTALLED = all(find_spec(name) for name in ("onnx", "onnxruntime", "onnxscript"))
needs_onnx = pytest.mark.skipif(not INSTALLED, reason="the extra deblurbench[onnx] is not installed")
TRAINED = [value for value in vars(deblurbench_baselines).values() if isinstance(value, TrainedBaseline)]
SIZES = [(1, 1, 1), (1, 2, 5), (3, 17, 90), (1, 131, 3), (1, 64, 64)]
TINY = ["network.widths=[4, 6]", "network.batch_norm=['e1']"]


# Tracing takes a tenth of a second a layer: fewer of the same ones prove as much.
FEWER = {
    "gan": ["network.blocks=1"],
    "nafnet": ["network.encoder_blocks=[1, 1]", "network.decoder_blocks=[1, 1]", "network.local_statistics=48"],
}


def smallest(baseline, changed):
    """The settings of the network of the smallest preset, with fewer blocks."""
    preset = next((preset for preset in ("smoke", "demo") if preset in baseline.presets), None)
    return baseline.configure(preset, [*FEWER.get(baseline.name, []), *changed]).network


def shaken(settings, seed=1):
    """A network whose weights and running statistics are all a little away from where they start."""
    torch.manual_seed(seed)
    network = settings.build().eval()
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(0.02 * torch.randn_like(tensor))
    return network


@pytest.fixture
def tiny_weights(tmp_path):
    """A weights file of a tiny U-Net."""
    config = unet.configure("demo", TINY)
    metadata = {"baseline": "unet", "preset": "demo", "config": config.model_dump_json(), "dataset_id": "0" * 64}
    save_weights(tmp_path / "w.safetensors", shaken(config.network), metadata)
    return tmp_path / "w.safetensors"


def outputs(path, batch):
    import onnxruntime

    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"blurred": batch})[0]


# Forms that can be traced


@pytest.mark.parametrize("size", [1, 2, 3, 7, 20])
@pytest.mark.parametrize(("before", "after"), [(0, 0), (0, 5), (8, 8), (0, 61)])
def test_mirror_is_reflect101(size, before, after):
    batch = torch.arange(size).float().view(1, 1, 1, size)
    mirrored = tracing.mirror_to(batch, 3, before, before + size + after)
    assert mirrored.flatten().tolist() == reflect101(size, before, after).tolist()


@pytest.mark.parametrize(
    ("height", "width", "side"), [(9, 13, 4), (9, 13, 5), (9, 13, 9), (3, 20, 8), (6, 5, 30), (1, 1, 3)]
)
def test_means_around_are_means_of_the_nearest_windows(height, width, side):
    batch = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(1))
    means = tracing.means_around(batch, side)
    tall, wide = min(side, height), min(side, width)
    for y in range(height):
        for x in range(width):
            top = min(max(y - (tall - 1) // 2, 0), height - tall)
            left = min(max(x - (wide - 1) // 2, 0), width - wide)
            wanted = batch[:, :, top : top + tall, left : left + wide].mean((2, 3))
            torch.testing.assert_close(means[:, :, y, x], wanted)


@pytest.mark.parametrize("size", [1, 2, 3, 8, 9, 50])
def test_frequencies_are_those_of_fft(size):
    cpu = torch.device("cpu")
    torch.testing.assert_close(tracing.frequencies(size, cpu), torch.fft.fftfreq(size))
    assert tracing.opposite(size, cpu).tolist() == [-index % size for index in range(size)]


@pytest.mark.parametrize(("height", "width"), [(8, 8), (9, 8), (8, 9), (11, 7), (1, 2), (30, 17)])
def test_gain_of_whole_spectrum_filters_as_that_of_half(height, width):
    block = SpectralGain(2)
    nn.init.uniform_(block.knots, 0, 2, generator=torch.Generator().manual_seed(1))
    picture = torch.rand(1, 2, height, width, generator=torch.Generator().manual_seed(2))
    half = torch.fft.irfft2(torch.fft.rfft2(picture) * block.gain(height, width), s=(height, width))
    whole = torch.fft.ifft2(torch.fft.fft2(picture) * block.whole_gain(height, width))
    torch.testing.assert_close(whole.real, half, atol=1e-5, rtol=0)
    assert whole.imag.abs().max() < 1e-5


def test_next_multiple():
    assert [next_multiple(size, 4) for size in range(1, 10)] == [4, 4, 4, 4, 8, 8, 8, 8, 12]


# Export


@needs_onnx
@pytest.mark.parametrize(
    ("baseline", "changed"),
    [
        *(pytest.param(b, [], id=b.name) for b in TRAINED),
        pytest.param(gir, ["network.fourier=published"], id="gir-abs"),
    ],
)
def test_every_network_gives_the_same_by_onnx_at_any_size(baseline, changed, tmp_path):
    network = shaken(smallest(baseline, changed))
    assert export_onnx(network, tmp_path / "n.onnx", opset=20, metadata={}) <= 1e-4
    for count, height, width in SIZES:
        batch = torch.rand(count, 3, height, width)
        with torch.inference_mode():
            wanted = network(batch).numpy()
        got = outputs(tmp_path / "n.onnx", batch.numpy())
        assert got.shape == wanted.shape
        np.testing.assert_allclose(got, wanted, atol=1e-4 * max(1, np.abs(wanted).max()), rtol=0)
        assert wanted.std() > 1e-3 or height * width < 16  # a constant would prove nothing


@needs_onnx
def test_command_writes_a_file_that_says_what_it_is(cli, tiny_weights, tmp_path):
    import onnx

    picture = tmp_path / "p.png"
    write_png(picture, np.random.default_rng(1).integers(0, 256, (21, 34, 3), dtype=np.uint8))
    result = cli("export-onnx", tiny_weights, tmp_path / "out" / "u.onnx", "--check", picture, "--opset", "18")
    assert result.code == 0, result.err
    assert "opset 18" in result.out
    model = onnx.load(tmp_path / "out" / "u.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version == 18
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert said["baseline"] == "unet"
    assert said["weights_sha256"] == sha256_file(tiny_weights)
    assert unet.config_from(json.loads(said["config"])) == unet.configure("demo", TINY)
    for values, name in ((model.graph.input, "blurred"), (model.graph.output, "restored")):
        (value,) = values
        assert value.name == name
        dims = [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        assert dims == ["batch", 3, "height", "width"]
    data = (tmp_path / "out" / "u.onnx").read_bytes()
    assert b".py" not in data
    assert str(tmp_path).encode() not in data
    again = cli("export-onnx", tiny_weights, tmp_path / "out" / "u.onnx")
    assert again.code == 2
    assert "there already" in again.err
    assert (tmp_path / "out" / "u.onnx").read_bytes() == data


@needs_onnx
def test_export_is_the_same_bytes_again(tmp_path):
    network = nn.Conv2d(3, 3, 3, padding=1).eval()
    for name in ("a", "b"):
        export_onnx(network, tmp_path / name, opset=20, metadata={"b": "1", "a": "2"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


class Shaky(nn.Module):
    """Gives something else each time it is run by torch."""

    def __init__(self, step):
        super().__init__()
        self.step, self.runs = step, 0

    def forward(self, batch):
        if torch.compiler.is_exporting():
            return batch * 1.0
        self.runs += 1
        return batch + self.step * self.runs


@needs_onnx
@pytest.mark.parametrize("step", [2e-4, float("nan")])
def test_file_that_differs_is_not_left(tmp_path, step):
    (tmp_path / "n.onnx").write_bytes(b"old")
    with pytest.raises(RunError, match=r"ONNX Runtime's output differs"):
        export_onnx(Shaky(step), tmp_path / "n.onnx", opset=20, metadata={})
    assert [path.name for path in tmp_path.iterdir()] == ["n.onnx"]
    assert (tmp_path / "n.onnx").read_bytes() == b"old"


class Stubborn(nn.Module):
    """Looks at values: that cannot be traced."""

    def forward(self, batch):
        return batch if float(batch.mean()) > 0.5 else 1 - batch


@needs_onnx
def test_network_that_cannot_be_exported_is_one_line(tmp_path):
    with pytest.raises(RunError, match=r"cannot be exported to ONNX \(opset 20\)") as caught:
        export_onnx(Stubborn(), tmp_path / "n.onnx", opset=20, metadata={})
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_missing_extra_says_how_to_get_it(tmp_path, monkeypatch):
    for name in ("onnx", "onnxruntime", "onnxscript"):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(UsageError, match=r"pip install 'deblurbench\[onnx\]'"):
            export_onnx(nn.Identity(), tmp_path / "n.onnx", opset=20, metadata={})
        monkeypatch.undo()


def test_what_is_no_network_or_no_onnx_is_refused(cli, tmp_path, tiny_weights):
    assert "has no network" in cli("export-onnx", "wiener", tmp_path / "a.onnx").err
    assert "does not end in .onnx" in cli("export-onnx", tiny_weights, tmp_path / "a.pt").err
    assert cli("export-onnx", tiny_weights, tmp_path / "a.onnx", "--opset", "9").code == 2
    assert "ships without weights" in cli("export-onnx", "unet", tmp_path / "a.onnx").err
    with pytest.raises(UsageError, match="has no network"):
        wiener.export_onnx(wiener.configure(), None, tmp_path / "a.onnx", opset=20)


def test_network_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, "_LARGEST", 1000)
    monkeypatch.setattr(onnx_export, "_check_installed", lambda: None)
    with pytest.raises(RunError, match="does not fit"):
        export_onnx(nn.Conv2d(3, 3, 20), tmp_path / "n.onnx", opset=20, metadata={})


# Files of others


class Payload:
    """Unpickled, it makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def pickles(path, payload):
    """The same payload as a bare pickle, and as torch writes it in both of its formats."""
    path.write_bytes(pickle.dumps(payload, protocol=2))
    yield path
    for values, zipped in ((payload, True), ({"features.0.weight": payload}, True), (payload, False)):
        torch.save(values, path, _use_new_zipfile_serialization=zipped)
        yield path


def test_payload_would_run(tmp_path):
    for index, path in enumerate(pickles(tmp_path / "file", Payload(tmp_path / "ran"))):
        torch.load(path, weights_only=False) if index else pickle.loads(path.read_bytes())
        (tmp_path / "ran").rmdir()


def test_no_state_of_others_runs_code(tmp_path):
    for path in pickles(tmp_path / "state.pt", Payload(tmp_path / "ran")):
        with pytest.raises(RunError, match="is damaged"):
            load_state(path, "config", "dataset")
    assert not (tmp_path / "ran").exists()


def test_no_weights_of_others_run_code(cli, tmp_path):
    picture = tmp_path / "p.png"
    write_png(picture, np.zeros((8, 8, 3), np.uint8))
    for path in pickles(tmp_path / "weights.safetensors", Payload(tmp_path / "ran")):
        with pytest.raises(RunError, match="not a safetensors file"):
            load_restorer(unet.configure("demo", TINY).network, path, "cpu")
        for command in (("predict", path, picture, tmp_path / "o"), ("export-onnx", path, tmp_path / "o.onnx")):
            assert "not a safetensors file" in cli(*command).err
    assert not (tmp_path / "ran").exists()


def test_no_features_of_others_run_code(tmp_path):
    for path in pickles(tmp_path / "vgg16.pth", Payload(tmp_path / "ran")):
        settings = PerceptualSettings(sha256=sha256_file(path))
        with pytest.raises(DeblurbenchError):
            make_perceptual(settings, path, seed=1)
    assert not (tmp_path / "ran").exists()
