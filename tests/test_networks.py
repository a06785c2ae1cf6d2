"""The networks against the founders' printed totals and layer tables."""

import numpy as np
import pytest
import torch
from torch import nn

from deblurbench.blur.convolve import reflect101
from deblurbench.config import parse
from deblurbench.errors import RecipeError
from deblurbench_baselines.networks.count import printed_total, trainable_parameters
from deblurbench_baselines.networks.padding import next_multiple, pad_to
from deblurbench_baselines.networks.settings.cnn import CNNSettings
from deblurbench_baselines.networks.settings.unet import UNetSettings

SIZES = [(1, 1), (1, 7), (2, 3), (16, 16), (17, 31), (33, 20)]
SMALL = UNetSettings(widths=(4, 8, 8), batch_norm=("e2",))


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def shapes_of(network: nn.Module, kind: type[nn.Module], picture: torch.Tensor) -> list[tuple[int, ...]]:
    """The output shapes of all layers of a kind, in the order in which they run."""
    seen: list[tuple[int, ...]] = []
    for module in network.modules():
        if isinstance(module, kind):
            module.register_forward_hook(lambda _m, _i, output: seen.append(tuple(output.shape[1:])))
    with torch.inference_mode():
        network.eval()(picture)
    return seen


def test_cnn_has_the_parameters_of_document_004():
    network = CNNSettings().build()
    assert printed_total(network) == trainable_parameters(network) == 83_715
    assert [count(layer) for layer in network.children()] == [9_728, 73_792, 195]


def test_cnn_shrinks_by_two_and_grows_by_two():
    assert shapes_of(CNNSettings().build(), nn.Conv2d, torch.rand(1, 3, 20, 30)) == [
        (128, 18, 28),
        (64, 18, 28),
        (3, 20, 30),
    ]


def test_cnn_paints_its_frame_in_one_colour_and_is_never_negative():
    network = CNNSettings().build()
    with torch.inference_mode():
        output = network(torch.rand(2, 3, 12, 14))
    frame = torch.ones(12, 14, dtype=torch.bool)
    frame[1:-1, 1:-1] = False
    assert torch.equal(output[:, :, frame], torch.full_like(output[:, :, frame], 0.5))  # relu of the first bias
    assert float(output.min()) >= 0


def test_unet_has_the_parameters_of_document_001():
    network = UNetSettings().build()
    assert printed_total(network) == 7_763_491
    assert trainable_parameters(network) == 7_761_827
    normalised = [layer.num_features for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert normalised == [64, 256, 512]


def test_unet_has_the_layer_table_of_document_001():
    network = UNetSettings(batch_norm=()).build()
    parts = dict(network.named_children())
    assert [count(block) for block in parts["encoder"].children()] == [10_144, 55_424, 221_440, 885_248]
    assert count(parts["bottleneck"]) == 3_539_968
    assert [count(step) for step in parts["up"].children()] == [524_544, 131_200, 32_832, 8_224]
    assert [count(block) for block in parts["decoder"].children()] == [1_769_984, 442_624, 110_720, 27_712]
    assert count(parts["head"]) == 99
    assert count(network) == 7_760_163


def test_unet_halves_and_doubles():
    shapes = shapes_of(SMALL.build(), nn.Conv2d, torch.rand(1, 3, 16, 24))
    down = [(4, 16, 24)] * 2 + [(8, 8, 12)] * 2 + [(8, 4, 6)] * 2
    up = [(8, 8, 12)] * 2 + [(4, 16, 24)] * 2 + [(3, 16, 24)]
    assert shapes == down + up


def test_batch_norm_ends_its_block():
    block = next(iter(UNetSettings(widths=(4, 8), batch_norm=("e1",)).build().children()))[0]  # type: ignore[index]
    assert [type(layer) for layer in block] == [nn.Conv2d, nn.ReLU, nn.Conv2d, nn.ReLU, nn.BatchNorm2d]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "settings",
    [CNNSettings(widths=(4, 4)), SMALL, UNetSettings(widths=(4, 8), batch_norm=(), unshuffle=2, residual=True)],
    ids=["cnn", "unet", "residual"],
)
def test_any_size_comes_back(settings, size):
    with torch.inference_mode():
        output = settings.build().eval()(torch.rand(1, 3, *size))
    assert output.shape == (1, 3, *size)
    assert bool(torch.isfinite(output).all())


def test_sigmoid_keeps_the_output_in_range():
    with torch.inference_mode():
        output = SMALL.build().eval()(100 * torch.randn(1, 3, 16, 16))
    assert 0 <= float(output.min()) <= float(output.max()) <= 1


@pytest.mark.parametrize("unshuffle", [1, 2])
def test_residual_network_starts_as_the_identity(unshuffle):
    settings = UNetSettings(widths=(4, 8, 8), batch_norm=("e1", "bottleneck"), unshuffle=unshuffle, residual=True)
    picture = torch.rand(2, 3, 19, 22)
    assert torch.equal(settings.build()(picture), picture)


def test_padding_leaves_the_result_inside_as_it_is():
    """A picture padded by hand and cropped gives what the network gives."""
    network, picture = SMALL.build().eval(), torch.rand(1, 3, 13, 18)
    padded = torch.from_numpy(picture.numpy()[:, :, reflect101(13, 0, 3)][:, :, :, reflect101(18, 0, 2)])
    with torch.inference_mode():
        assert torch.equal(network(picture), network(padded)[:, :, :13, :18])


def test_pad_to_reflects_as_the_blur_does():
    picture = torch.arange(2 * 3, dtype=torch.float32).reshape(1, 1, 2, 3)
    expected = picture.numpy()[:, :, reflect101(2, 0, 5)][:, :, :, reflect101(3, 0, 6)]
    np.testing.assert_array_equal(pad_to(picture, 7, 9).numpy(), expected)
    assert next_multiple(17, 8) == 24
    assert next_multiple(16, 8) == 16


def test_counts_leave_out_the_batch_counters():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    assert printed_total(network) == 16 + 8 + 8
    assert trainable_parameters(network) == 16 + 8


def test_unknown_block_is_refused():
    with pytest.raises(RecipeError, match="batch_norm names blocks once each, of e1, bottleneck, d1"):
        parse(UNetSettings, {"widths": [4, 8], "batch_norm": ["e9"]}, "unet")
