"""The baselines that ship, behind the contract that the core knows."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import deblurbench_baselines
from deblurbench.dataset.reader import Dataset
from deblurbench.errors import RecipeError, RunError, UsageError
from deblurbench.runs.baseline import Resources
from deblurbench.runs.model import read_metadata
from deblurbench_baselines import (
    cnn,
    identity,
    nafnet,
    swift,
    swift_general,
    unet,
    unet_3,
    unet_8m,
    unet_512,
    unet_1024,
    wiener,
)
from deblurbench_baselines.configs import UNetConfig
from deblurbench_baselines.inference.restorer import NetworkRestorer
from deblurbench_baselines.inference.weights import load_weights, save_weights
from deblurbench_baselines.networks.count import printed_total, trainable_parameters
from deblurbench_baselines.networks.settings.unet import UNetSettings
from deblurbench_baselines.tensors import place, to_batch, to_picture, torch_device

CPU = torch.device("cpu")
TRAINED = [cnn, unet, unet_8m, unet_512, unet_1024, unet_3, nafnet, swift, swift_general]
ALL = [identity, wiener, *TRAINED]
VARIANTS = [(baseline, preset) for baseline in TRAINED for preset in (None, *baseline.presets)]
SMALLER = [variant for variant in VARIANTS if variant[0].counts(variant[0].configure(variant[1]))[0] < 10_000_000]


def variant_id(value):
    return getattr(value, "name", value)


@pytest.mark.parametrize("baseline", ALL, ids=variant_id)
def test_baseline_says_what_it_is(baseline):
    assert getattr(deblurbench_baselines, baseline.name.replace("-", "_")) is baseline
    assert baseline.version >= 1
    assert "\n" not in baseline.summary
    assert (baseline.parameters, baseline.trainable) == baseline.counts(baseline.configure())


@pytest.mark.parametrize(("baseline", "preset"), VARIANTS, ids=variant_id)
def test_declared_counts_are_those_of_the_built_network(baseline, preset):
    network = baseline.configure(preset).network.build()
    as_torch = baseline in (unet_512, unet_1024, swift, swift_general)  # of document 004, which is no Keras, and ours
    total = trainable_parameters(network) if as_torch else printed_total(network)
    assert baseline.counts(baseline.configure(preset)) == (total, trainable_parameters(network))


def test_founders_totals_are_declared():
    assert (cnn.parameters, cnn.trainable) == (83_715, 83_715)
    assert (unet.parameters, unet.trainable) == (7_763_491, 7_761_827)
    assert cnn.counts(cnn.configure("demo")) == (83_715, 83_715)
    assert (unet_8m.parameters, unet_8m.trainable) == (8_438_403, 8_438_403)
    assert (unet_512.parameters, unet_512.trainable) == (7_700_291, 7_700_291)
    assert (unet_1024.parameters, unet_1024.trainable) == (31_037_763, 31_037_763)
    assert wiener.parameters is None


def test_import_is_light():
    heavy = "torch scipy pandas matplotlib skimage safetensors"
    code = f"""
import sys, deblurbench_baselines as b
b.unet.configure("demo"); b.unet_8m.configure("smoke"); b.nafnet.configure("w16"); b.wiener.configure()
print([name for name in {heavy.split()!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_configure_puts_settings_over_the_preset_over_the_default():
    config = unet.configure("demo", ["training.epochs=3", "network.widths=[4, 8]"])
    assert isinstance(config, UNetConfig)
    assert config.training.epochs == 3
    assert config.network.widths == (4, 8)
    assert config.network.residual
    assert unet.configure().training.losses == {"mse": 1.0}
    assert unet.label(config.preset) == "unet (demo)"
    assert unet.label(unet.configure().preset) == "unet"


@pytest.mark.parametrize(("baseline", "preset"), [(identity, None), (wiener, None), *VARIANTS], ids=variant_id)
def test_configuration_is_read_back(baseline, preset):
    config = baseline.configure(preset)
    assert baseline.config_from(config.as_dict()) == config
    assert baseline.config_from(config.as_dict()).hash() == config.hash()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.epoch=3", "did you mean 'epochs'"),
        ("network.width=[3, 3]", "did you mean 'widths'"),
        ("training.losses={mae=1.0}", "unet:training.losses.mae"),
        ("training.learning_rate=0", "unet:training.learning_rate"),
        ("training.weight_decay=0.1", "weight_decay is for the optimiser adamw"),
        ("preset='demo'", "chosen by name"),
        ("sharpen=1", "unknown key"),
    ],
)
def test_wrong_settings_are_named(setting, message):
    with pytest.raises(RecipeError, match=message):
        unet.configure(None, [setting])


@pytest.mark.parametrize("baseline", ALL, ids=variant_id)
def test_unknown_preset_is_refused(baseline):
    with pytest.raises(UsageError, match="has no preset 'demmo'"):
        baseline.configure("demmo")


def test_classical_baselines_have_nothing_to_set_or_to_train(tmp_path):
    with pytest.raises(RecipeError, match="unknown key"):
        wiener.configure(None, ["sigma=1"])
    with pytest.raises(UsageError, match="needs no training"):
        wiener.train(wiener.configure(), Dataset(tmp_path, "", "", 1, {}), tmp_path, Resources("cpu"))
    with pytest.raises(UsageError, match="takes no weights"):
        identity.restorer(identity.configure(), tmp_path / "weights.safetensors", "cpu")


@pytest.mark.parametrize("baseline", [identity, wiener], ids=variant_id)
def test_classical_restorer_keeps_shape_and_dtype(baseline):
    picture = np.random.default_rng(1).integers(0, 256, (33, 47, 3), dtype=np.uint8)
    restored = baseline.restorer(baseline.configure(), None, "cpu")(picture)
    assert restored.shape == picture.shape
    assert restored.dtype == np.uint8
    if baseline is identity:
        np.testing.assert_array_equal(restored, picture)


@pytest.mark.parametrize(("baseline", "preset"), SMALLER, ids=variant_id)
@pytest.mark.parametrize("size", [(1, 1), (35, 18)])
def test_trained_restorer_keeps_shape_and_dtype(baseline, preset, size, tmp_path):
    config = baseline.configure(preset)
    save_weights(tmp_path / "w.safetensors", config.network.build(), {})
    picture = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    restored = baseline.restorer(config, tmp_path / "w.safetensors", "cpu")(picture)
    assert restored.shape == picture.shape
    assert restored.dtype == np.uint8


def test_untrained_residual_network_restores_the_picture_itself(tmp_path):
    """All 256 levels survive the way into the network and back."""
    config = unet.configure("demo")
    save_weights(tmp_path / "w.safetensors", config.network.build(), {})
    picture = np.arange(256 * 3, dtype=np.int64).reshape(16, 16, 3).astype(np.uint8)
    np.testing.assert_array_equal(unet.restorer(config, tmp_path / "w.safetensors", "cpu")(picture), picture)


class Fixed(nn.Module):
    """Gives the same output whatever comes in."""

    def __init__(self, levels):
        super().__init__()
        self.output = torch.tensor(levels, dtype=torch.float32).div(255).reshape(1, 1, 1, -1).expand(1, 3, 1, -1)

    def forward(self, batch):
        return self.output


def test_output_is_clipped_and_rounded_not_truncated_wrapped_or_stretched():
    levels = [-300.0, -1.0, 0.4, 0.6, 100.3, 100.7, 254.6, 256.0, 511.0]
    restored = NetworkRestorer(Fixed(levels), CPU)(np.zeros((1, len(levels), 3), np.uint8))
    assert restored[0, :, 0].tolist() == [0, 0, 0, 1, 100, 101, 255, 255, 255]
    dull = NetworkRestorer(Fixed([100.0, 120.0]), CPU)(np.zeros((1, 2, 3), np.uint8))
    assert dull[0, :, 1].tolist() == [100, 120]


def test_output_that_is_not_finite_is_refused():
    with pytest.raises(RunError, match="not finite"):
        to_picture(torch.full((3, 2, 2), torch.nan))


def test_batch_is_float_nchw_between_0_and_1():
    picture = np.zeros((2, 5, 3), np.uint8)
    picture[0, 4] = (255, 51, 0)
    batch = to_batch([picture, picture], CPU)
    assert (batch.shape, batch.dtype) == ((2, 3, 2, 5), torch.float32)
    torch.testing.assert_close(batch[1, :, 0, 4], torch.tensor([1.0, 0.2, 0.0]))


def test_restorer_is_in_evaluation_mode():
    network = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout(0.5))
    picture = np.random.default_rng(2).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    np.testing.assert_array_equal(NetworkRestorer(network.train(), CPU)(picture), picture)
    assert float(network.get_buffer("0.running_mean").abs().sum()) == 0


def test_weights_come_back_with_their_metadata(tmp_path):
    settings = UNetSettings(widths=(4, 8), batch_norm=("e1",))
    network, path = settings.build(), tmp_path / "w.safetensors"
    metadata = {"baseline": "unet", "preset": "", "config": "{}", "dataset_id": "0"}
    save_weights(path, network, metadata)
    other = settings.build()
    load_weights(other, path)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name])
    assert read_metadata(path) == metadata
    first = path.read_bytes()
    save_weights(path, place(network, CPU), dict(reversed(metadata.items())))
    assert path.read_bytes() == first


def test_weights_that_do_not_fit_are_named(tmp_path):
    config = unet.configure(None, ["network.widths=[4, 8]", "network.batch_norm=[]"])
    path = tmp_path / "w.safetensors"
    save_weights(path, config.network.build(), {})
    tensors = load_file(path)
    tensors["tail.weight"] = tensors.pop("head.weight")
    tensors["head.bias"] = torch.zeros(5)
    save_file(tensors, path)
    with pytest.raises(RunError, match=r"missing: head.weight; unexpected: tail.weight; wrong shape: head.bias"):
        unet.restorer(config, path, "cpu")
    with pytest.raises(RunError, match="and 41 more"):
        unet.restorer(unet.configure(), path, "cpu")


def test_unreadable_weights_are_refused(tmp_path):
    with pytest.raises(RunError, match="no weights at"):
        unet.restorer(unet.configure("demo"), tmp_path / "w.safetensors", "cpu")
    (tmp_path / "w.safetensors").write_bytes(b"not weights")
    with pytest.raises(RunError, match="not a safetensors file"):
        unet.restorer(unet.configure("demo"), tmp_path / "w.safetensors", "cpu")
    with pytest.raises(RunError, match="not a safetensors file"):
        read_metadata(tmp_path / "w.safetensors")
    with pytest.raises(RunError, match="needs weights"):
        cnn.restorer(cnn.configure(), None, "cpu")


def test_building_a_restorer_leaves_the_random_stream_alone(tmp_path):
    config = unet.configure("demo")
    save_weights(tmp_path / "w.safetensors", config.network.build(), {})
    before = torch.get_rng_state()
    unet.restorer(config, tmp_path / "w.safetensors", "cpu")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cpu:1", ""])
def test_unknown_device_is_refused(name):
    with pytest.raises(UsageError, match="it is auto, cpu, cuda or cuda:N"):
        torch_device(name)


def test_devices():
    assert torch_device("cpu") == CPU
    assert torch_device("auto").type in ("cpu", "cuda")
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="0 CUDA devices"):
            torch_device("cuda:0")
