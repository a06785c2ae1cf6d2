"""The U-Nets of the documents 000, 002 and 004 against their totals and layer tables."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from deblurbench.config import parse
from deblurbench.errors import RecipeError
from deblurbench_baselines import unet_3, unet_8m, unet_512, unet_1024
from deblurbench_baselines.networks.count import printed_total, trainable_parameters
from deblurbench_baselines.networks.settings.course_unet import CourseUNetSettings
from deblurbench_baselines.networks.settings.unet import UNetSettings

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = CourseUNetSettings(widths=(4, 6, 8))
SIZES = [(1, 1), (1, 7), (2, 3), (16, 16), (17, 31), (33, 20)]


@pytest.fixture(autouse=True)
def same_draws():
    torch.manual_seed(4)


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def counts(modules: nn.Module) -> list[int]:
    return [count(module) for module in modules.children()]


def restored(settings, picture):
    with torch.inference_mode():
        return settings.build().eval()(picture)


# Document 000


def test_course_unet_has_the_layer_table_of_document_000():
    network = unet_8m.configure().network.build()
    parts = dict(network.named_children())
    assert counts(parts["encoder"]) == [1_792, 73_856, 295_168, 1_180_160, 2_359_808]
    assert counts(parts["up"]) == [1_049_088, 262_400, 65_664, 16_448]
    assert counts(parts["decoder"]) == [2_359_552, 589_952, 147_520, 36_896]
    assert count(parts["head"]) == 99
    assert printed_total(network) == trainable_parameters(network) == 8_438_403


def test_course_unet_is_the_sum_of_its_parts():
    """The forward pass written out: pool before each stage but the first, skip first in the concatenation."""
    network, picture = SMALL.build().eval(), torch.rand(2, 3, 8, 12)
    (e1, e2, e3), (up2, up1), (d2, d1) = network.encoder, network.up, network.decoder
    with torch.inference_mode():
        full = torch.relu(e1(picture))
        half = torch.relu(e2(functional.max_pool2d(full, 2)))
        quarter = torch.relu(e3(functional.max_pool2d(half, 2)))
        hidden = torch.relu(d2(torch.cat([half, up2(quarter)], 1)))
        hidden = torch.relu(d1(torch.cat([full, up1(hidden)], 1)))
        assert torch.equal(network(picture), network.head(hidden))


def test_course_unet_has_no_activation_at_its_end():
    output = restored(SMALL, 50 * torch.randn(1, 3, 16, 16))
    assert float(output.min()) < 0
    assert float(output.max()) > 1


def test_widths_that_have_no_half_are_refused():
    with pytest.raises(RecipeError, match="widths above the lowest level are even, not 5, 7"):
        parse(CourseUNetSettings, {"widths": [5, 6, 7, 9]}, "unet-8m")


# Document 004


@pytest.mark.parametrize(
    ("baseline", "trainable", "with_biases"),
    [(unet_512, 7_700_291, 7_703_107), (unet_1024, 31_037_763, 31_043_651)],
    ids=["512", "1024"],
)
def test_bottleneck_sweep_has_the_totals_of_document_004(baseline, trainable, with_biases):
    network = baseline.configure().network.build()
    normalised = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    channels = sum(layer.num_features for layer in normalised)
    assert trainable_parameters(network) == trainable
    assert printed_total(network) == trainable + 2 * channels
    assert trainable + channels == with_biases  # one bias for each normalised channel


def test_batch_norm_after_each_convolution_replaces_its_bias():
    settings = UNetSettings(widths=(4, 8), batch_norm=("e1",), batch_norm_after="convolution")
    parts = dict(settings.build().named_children())
    block = next(parts["encoder"].children())
    half = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]
    assert [type(layer) for layer in block.children()] == half + half
    assert [layer.bias is None for layer in block.children() if isinstance(layer, nn.Conv2d)] == [True, True]
    assert all(layer.bias is not None for layer in parts["bottleneck"].children() if isinstance(layer, nn.Conv2d))


def test_sigmoid_can_be_left_out():
    plain = UNetSettings(widths=(4, 8), batch_norm=(), sigmoid=False)
    picture = torch.randn(1, 3, 8, 8)
    network = plain.build().eval()
    ended = plain.model_copy(update={"sigmoid": True}).build().eval()
    ended.load_state_dict(network.state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(torch.sigmoid(network(picture)), ended(picture))


# Document 002


def test_shallow_unet_has_three_blocks_down_three_up_and_three_skips():
    network = unet_3.configure().network.build()
    parts = dict(network.named_children())
    assert counts(parts["encoder"]) == [10_144, 55_424, 221_440]
    assert count(parts["bottleneck"]) == 885_248
    assert counts(parts["up"]) == [131_200, 32_832, 8_224]
    assert counts(parts["decoder"]) == [442_624, 110_720, 27_712]
    assert printed_total(network) == trainable_parameters(network) == 1_925_667


# All


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("baseline", [unet_8m, unet_512, unet_1024, unet_3], ids=lambda baseline: baseline.name)
def test_any_size_comes_back(baseline, size):
    output = restored(baseline.configure("smoke").network, torch.rand(1, 3, *size))
    assert output.shape == (1, 3, *size)
    assert bool(torch.isfinite(output).all())


@pytest.mark.parametrize("baseline", [unet_8m, unet_512, unet_1024, unet_3], ids=lambda baseline: baseline.name)
def test_smoke_is_the_same_network_but_narrower(baseline):
    whole, smoke = (baseline.configure(preset).network for preset in (None, "smoke"))
    assert len(smoke.widths) == len(whole.widths)
    assert smoke.model_copy(update={"widths": whole.widths}) == whole
