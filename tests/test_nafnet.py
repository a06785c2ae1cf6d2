"""NAFNet: its size, its layers written out, and the local statistics of its attention."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from deblurbench.config import parse
from deblurbench.errors import RecipeError
from deblurbench_baselines import nafnet
from deblurbench_baselines.networks.layers import ChannelNorm
from deblurbench_baselines.networks.local_mean import spread, window_means
from deblurbench_baselines.networks.nafnet import NAFBlock
from deblurbench_baselines.networks.settings.nafnet import NAFNetSettings
from deblurbench_baselines.tensors import place

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = NAFNetSettings(width=4, encoder_blocks=(1, 2), middle_blocks=1, decoder_blocks=(1, 1), local_statistics=24)
SIZES = [(1, 1), (1, 9), (3, 2), (16, 16), (17, 31), (40, 22)]


@pytest.fixture(autouse=True)
def same_draws():
    torch.manual_seed(6)


def trained(settings):
    """As after a training: nothing is zero any more."""
    network = settings.build()
    for name, parameter in network.named_parameters():
        if name.endswith(("beta", "gamma")) or name.startswith("last"):
            nn.init.normal_(parameter, std=0.3)
    return network.eval()


def naive_means(batch, side):
    """The mean that each pixel sees: of the window around it, moved into the picture where it would leave it."""
    height, width = batch.shape[2:]
    rows, columns = min(side, height), min(side, width)
    seen = np.empty(batch.shape)
    for y in range(height):
        for x in range(width):
            top = min(max(y - (rows - 1) // 2, 0), height - rows)
            left = min(max(x - (columns - 1) // 2, 0), width - columns)
            seen[:, :, y, x] = batch[:, :, top : top + rows, left : left + columns].mean((2, 3))
    return seen


# The network


def test_size_is_that_of_the_paper():
    """17.11 M parameters and 16 GMAC at 256x256 for width 32, as the authors state."""
    network = nafnet.configure().network.build().eval()
    assert sum(parameter.numel() for parameter in network.parameters()) == 17_111_907
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.rand(1, 3, 64, 64))
    assert 16 * counter.get_total_flops() / 2 == pytest.approx(16.0e9, rel=0.005)


def test_block_is_the_sum_of_its_parts():
    block, batch = NAFBlock(4, 0), torch.randn(2, 4, 6, 5)
    for name, parameter in block.named_parameters():
        if "norm" not in name:
            nn.init.normal_(parameter, std=0.5)

    def normalised(values):
        centred = values - values.mean(1, keepdim=True)
        return centred / (centred.square().mean(1, keepdim=True) + 1e-6).sqrt()

    with torch.inference_mode():
        hidden = block.depthwise(block.expand1(normalised(batch)))
        hidden = hidden[:, :4] * hidden[:, 4:]
        weights = block.attention(hidden.mean((2, 3), keepdim=True))
        middle = batch + block.project1(hidden * weights) * block.beta
        hidden = block.expand2(normalised(middle))
        expected = middle + block.project2(hidden[:, :4] * hidden[:, 4:]) * block.gamma
        torch.testing.assert_close(block(batch), expected, rtol=1e-4, atol=1e-5)


def test_network_is_the_sum_of_its_parts():
    network, picture = trained(SMALL), torch.rand(1, 3, 8, 12)
    with torch.inference_mode():
        full = network.encoder[0](network.first(picture))
        half = network.encoder[1](network.down[0](full))
        hidden = network.middle(network.down[1](half))
        hidden = network.decoder[0](functional.pixel_shuffle(network.up[0][0](hidden), 2) + half)
        hidden = network.decoder[1](functional.pixel_shuffle(network.up[1][0](hidden), 2) + full)
        assert torch.equal(network(picture), picture + network.last(hidden))


def test_network_starts_as_the_identity_and_every_weight_can_learn():
    network, picture = SMALL.build(), torch.rand(2, 3, 10, 13)
    assert torch.equal(network(picture), picture)
    network = trained(SMALL).train()
    network(picture).square().sum().backward()
    assert [name for name, value in network.named_parameters() if not bool(value.grad.any())] == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("local_statistics", [0, 8, 24])
def test_any_size_comes_back(size, local_statistics):
    network = trained(SMALL.model_copy(update={"local_statistics": local_statistics}))
    with torch.inference_mode():
        output = network(torch.rand(1, 3, *size))
    assert output.shape == (1, 3, *size)
    assert bool(torch.isfinite(output).all())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"encoder_blocks": [1, 1]}, "encoder_blocks has 2 levels, decoder_blocks 4"),
        ({"local_statistics": 15}, "local_statistics is 0 or at least a pixel of the lowest level, 16"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(values, message):
    with pytest.raises(RecipeError, match=message):
        parse(NAFNetSettings, values, "nafnet")


@pytest.mark.parametrize("preset", [None, *nafnet.presets])
def test_local_statistics_are_those_of_the_training_crops(preset):
    config = nafnet.configure(preset)
    assert config.network.local_statistics == 1.5 * config.training.crop


# Normalisation


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last], ids=["contiguous", "channels last"])
def test_channel_norm_normalises_each_pixel_and_keeps_the_order_in_memory(order):
    norm, batch = ChannelNorm(5), (3 * torch.randn(2, 5, 3, 4) + 1).contiguous(memory_format=order)
    nn.init.uniform_(norm.weight)
    nn.init.uniform_(norm.bias)
    values = batch.detach().double().numpy()
    deviation = np.sqrt(values.var(axis=1, keepdims=True) + 1e-6)
    expected = (values - values.mean(axis=1, keepdims=True)) / deviation
    expected = expected * norm.weight.detach().numpy()[:, None, None] + norm.bias.detach().numpy()[:, None, None]
    output = norm(batch).detach()
    np.testing.assert_allclose(output.numpy(), expected, atol=1e-5)
    if order is torch.channels_last:
        assert output.is_contiguous(memory_format=order)


def test_mixed_precision_stays_near_single_precision():
    network, picture = place(trained(SMALL), torch.device("cpu")), torch.rand(1, 3, 32, 40)
    with torch.inference_mode():
        single = network(picture)
        with torch.autocast("cpu", torch.bfloat16):
            mixed = network(picture)
    assert float((mixed.float() - single).abs().max()) < 0.05 * float((single - picture).abs().max())


# Local statistics


@pytest.mark.parametrize("size", [(7, 9), (5, 16), (16, 5), (4, 4), (12, 11)])
@pytest.mark.parametrize("side", [1, 4, 5, 11])
def test_window_means_are_those_of_a_loop(size, side):
    batch = torch.rand(2, 3, *size)
    found = spread(window_means(batch, side), *size)
    np.testing.assert_allclose(found.numpy(), naive_means(batch.double().numpy(), side), atol=1e-6)


def test_window_means_stay_exact_in_large_pictures():
    """An integral image in single precision is off by 2e-7 here, and its error grows with the area."""
    batch = torch.rand(1, 1, 720, 1280)
    exact = functional.avg_pool2d(batch.double(), 384, stride=16)
    found = window_means(batch, 384)[:, :, ::16, ::16]
    assert float((found - exact).abs().max()) < 1.2e-7


def test_window_means_keep_single_precision_of_half_precision_input():
    batch = torch.rand(1, 2, 40, 60).bfloat16()
    torch.testing.assert_close(window_means(batch, 16), window_means(batch.float(), 16), rtol=0, atol=0)


def test_small_pictures_see_the_mean_of_the_whole():
    network = trained(SMALL)
    whole = trained(SMALL.model_copy(update={"local_statistics": 0}))
    whole.load_state_dict(network.state_dict())
    fits, larger = torch.rand(1, 3, 24, 20), torch.rand(1, 3, 24, 28)
    with torch.inference_mode():
        assert torch.equal(network(fits), whole(fits))
        assert float((network(larger) - whole(larger)).abs().max()) > 1e-5


def test_training_sees_the_mean_of_the_whole():
    network, picture = trained(SMALL), torch.rand(1, 3, 48, 40)
    whole = trained(SMALL.model_copy(update={"local_statistics": 0}))
    whole.load_state_dict(network.state_dict())
    with torch.no_grad():
        assert torch.equal(network.train()(picture), whole(picture))


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last], ids=["contiguous", "channels last"])
def test_attention_of_a_large_picture_is_that_of_each_window(order):
    block = NAFBlock(4, 6).eval()
    nn.init.normal_(block.attention.weight)
    hidden = torch.rand(1, 4, 9, 15).contiguous(memory_format=order)
    with torch.inference_mode():
        expected = block.attention(torch.from_numpy(naive_means(hidden.double().numpy(), 6)).float())
        torch.testing.assert_close(block._channel_weights(hidden), expected)


def test_windows_shrink_with_the_levels():
    windows = {name: block.window for name, block in SMALL.build().named_modules() if isinstance(block, NAFBlock)}
    assert windows == {
        "encoder.0.0": 24,
        "encoder.1.0": 12,
        "encoder.1.1": 12,
        "middle.0": 6,
        "decoder.0.0": 12,
        "decoder.1.0": 24,
    }
