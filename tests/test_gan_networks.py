"""The adversarial networks and their critics against the founders' totals, layer tables and Keras's arithmetic."""

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d
from torch import nn

from deblurbench.config import parse
from deblurbench.errors import RecipeError
from deblurbench_baselines import gan, gan_2m, gir
from deblurbench_baselines.losses.adversarial import gradient_penalty, make_adversarial
from deblurbench_baselines.networks.count import printed_total, trainable_parameters
from deblurbench_baselines.networks.keras import SameConv2d, batch_norm
from deblurbench_baselines.networks.resnet_generator import ResidualBlock
from deblurbench_baselines.networks.settings.critics import ConvCriticSettings
from deblurbench_baselines.networks.settings.gir import GIRSettings
from deblurbench_baselines.networks.settings.resnet_generator import ResnetGeneratorSettings
from deblurbench_baselines.networks.spectral import IdentityTransform, SpectralGain
from deblurbench_baselines.tensors import place

pytestmark = pytest.mark.usefixtures("one_thread")

BASELINES = [gan, gan_2m, gir]
VARIANTS = [(baseline, preset) for baseline in BASELINES for preset in (None, *baseline.presets)]
SIZES = [(1, 1), (1, 9), (7, 5), (8, 8), (33, 20)]

SMALL_GAN = ResnetGeneratorSettings(width=4, blocks=2)
SMALL_GIR = GIRSettings(widths=(4, 6, 8))
PUBLISHED_GIR = GIRSettings(widths=(4, 6, 8), fourier="published", pooled=False, skips=False)
SMALL = {"gan": SMALL_GAN, "gir": SMALL_GIR, "published": PUBLISHED_GIR}

SMALL_CRITIC = ConvCriticSettings(widths=(4, 6, 8), strides=(2, 2, 1), hidden=5)
PATCH_CRITIC = ConvCriticSettings(widths=(4, 6), strides=(2, 2), hidden=0)
FLAT_CRITIC = ConvCriticSettings(kernel=3, widths=(4, 6), strides=(2, 2), patches=False, hidden=5, activation="relu")
CRITICS = {"document 002": SMALL_CRITIC, "patches": PATCH_CRITIC, "document 003": FLAT_CRITIC}


@pytest.fixture(autouse=True)
def same_draws():
    torch.manual_seed(2)


def each(settings):
    return pytest.mark.parametrize("settings", settings.values(), ids=settings)


def variant_id(value):
    return getattr(value, "name", value)


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def layers_of(network: nn.Module, kind: type[nn.Module] | tuple[type[nn.Module], ...]) -> list[nn.Module]:
    return [module for module in network.modules() if isinstance(module, kind)]


def shapes_of(network: nn.Module, picture: torch.Tensor) -> list[tuple[int, ...]]:
    """The output shapes of all convolutions, in the order in which they run."""
    seen: list[tuple[int, ...]] = []
    for module in layers_of(network, nn.Conv2d):
        module.register_forward_hook(lambda _m, _i, output: seen.append(tuple(output.shape[1:])))
    with torch.inference_mode():
        network.eval()(picture)
    return seen


def with_random_statistics(network: nn.Module) -> nn.Module:
    """As after a training: no BatchNorm is neutral."""
    for layer in layers_of(network, nn.BatchNorm2d):
        nn.init.uniform_(layer.running_mean, -0.5, 0.5)
        nn.init.uniform_(layer.running_var, 0.5, 1.5)
    return network


# Totals and tables of layers


@pytest.mark.parametrize(("baseline", "preset"), VARIANTS, ids=variant_id)
def test_declared_counts_are_those_of_what_is_built(baseline, preset):
    config = baseline.configure(preset)
    declared = baseline._recipe.variant(preset)
    network, critic = config.network.build(), config.critic.build(config.training.crop)
    assert (declared.parameters, declared.trainable) == (printed_total(network), trainable_parameters(network))
    assert declared.critic_parameters == printed_total(critic)


def test_totals_are_the_founders():
    """Of document 002 and 003 to the last digit; of document 004 within 1 %."""
    assert (gan.parameters, gan.trainable, gan._recipe.critic_parameters) == (11_399_171, 11_388_675, 3_098_370)
    published = gir._recipe.variant("published")
    assert (published.parameters, published.trainable) == (1_666_627, 1_664_323)
    assert published.critic_parameters == gir._recipe.critic_parameters == 656_705
    assert gan_2m.parameters + gan_2m._recipe.critic_parameters == pytest.approx(2_075_928, rel=0.01)


def test_trainable_totals_of_the_critics():
    assert trainable_parameters(gan.configure().critic.build(256)) == 3_096_450
    assert trainable_parameters(gir.configure().critic.build(256)) == 655_745


def test_gan_has_the_layer_table_of_document_002():
    network = gan.configure().network.build()
    table = [9_472, 73_856, 295_168, *[590_080] * 18, 295_040, 73_792, 9_411]
    assert [count(layer) for layer in layers_of(network, nn.Conv2d)] == table
    norms = [layer.num_features for layer in layers_of(network, nn.BatchNorm2d)]
    assert norms == [64, 128, *[256] * 19, 128, 64]
    assert [layer.p for layer in layers_of(network, nn.Dropout)] == [0.5] * 9


def test_critic_has_the_layer_table_of_document_002():
    critic = gan.configure().critic.build(256)
    table = [3_136, 65_600, 131_200, 524_544, 2_097_664, 8_193, 263_168, 1_025]
    assert [count(layer) for layer in layers_of(critic, (nn.Conv2d, nn.Linear))] == table
    assert [layer.num_features for layer in layers_of(critic, nn.BatchNorm2d)] == [64, 128, 256, 512]


def test_gir_has_the_layer_table_of_document_003():
    network = gir.configure("published").network.build()
    table = [1_792, 73_856, 147_584, 295_168, 590_080, 295_040, 147_584, 73_792, 36_928, 195]
    assert [count(layer) for layer in layers_of(network, nn.Conv2d)] == table
    assert sum(layer.num_features for layer in layers_of(network, nn.BatchNorm2d)) == 1_152
    critic = gir.configure().critic.build(256)
    table = [448, 4_640, 18_496, 73_856, 295_168, 262_160, 17]
    assert [count(layer) for layer in layers_of(critic, (nn.Conv2d, nn.Linear))] == table


@pytest.mark.parametrize(
    ("skips", "counts"), [(False, (1_666_627, 1_664_323)), (True, (1_850_947, 1_848_643))], ids=["none", "skips"]
)
@pytest.mark.parametrize("pooled", [False, True])
def test_readings_of_document_003(skips, counts, pooled):
    """Pooling has no parameters; skips have those of the wider layers."""
    network = GIRSettings(fourier="published", pooled=pooled, skips=skips).build()
    assert (printed_total(network), trainable_parameters(network)) == counts


# Shapes


def test_gan_goes_to_a_quarter_and_back():
    shapes = shapes_of(SMALL_GAN.build(), torch.rand(1, 3, 16, 24))
    blocks = [(16, 4, 6)] * 4
    assert shapes == [(4, 16, 24), (8, 8, 12), (16, 4, 6), *blocks, (8, 8, 12), (4, 16, 24), (3, 16, 24)]


def test_published_gir_stays_at_full_size_as_its_list_says():
    assert {shape[1:] for shape in shapes_of(PUBLISHED_GIR.build(), torch.rand(1, 3, 12, 20))} == {(12, 20)}


def test_gir_goes_to_a_quarter_and_back():
    shapes = shapes_of(SMALL_GIR.build(), torch.rand(1, 3, 16, 24))
    down = [(4, 16, 24), (6, 8, 12), (6, 8, 12), (8, 4, 6), (8, 4, 6)]
    assert shapes == [*down, (6, 8, 12), (6, 8, 12), (4, 16, 24), (4, 16, 24), (3, 16, 24)]


@pytest.mark.parametrize("size", SIZES)
@each(SMALL)
def test_any_size_comes_back_in_range(settings, size):
    with torch.inference_mode():
        output = with_random_statistics(settings.build()).eval()(torch.rand(2, 3, *size))
    assert output.shape == (2, 3, *size)
    assert 0 <= float(output.min()) <= float(output.max()) <= 1


@each(SMALL)
def test_channels_last_gives_the_same(settings):
    network, picture = with_random_statistics(settings.build()).eval(), torch.rand(2, 3, 20, 12)
    with torch.inference_mode():
        expected = network(picture)
        output = place(network, torch.device("cpu"))(picture.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(output, expected)


@pytest.mark.parametrize("side", [16, 31, 32, 50])
@each(CRITICS)
def test_critics_take_crops_of_any_side(settings, side):
    scores = settings.build(side)(torch.rand(3, 3, side, side))
    patches = -(-side // 4)
    assert scores.shape == ((3, 1) if settings.hidden else (3, 1, patches, patches))
    assert bool(torch.isfinite(scores).all())


def test_patch_scores_of_the_recipe_are_16_by_16():
    config = gan_2m.configure()
    assert config.critic.build(config.training.crop)(torch.rand(1, 3, 128, 128)).shape == (1, 1, 16, 16)


# What they compute


def test_gan_is_half_tanh_and_half_input_between_minus_1_and_1():
    """In the signed world of document 002: (tanh + input) / 2. Both ends of the range are reached exactly."""
    network, picture = SMALL_GAN.build().eval(), torch.rand(1, 3, 12, 8)
    picture[0, :, 0, 0], picture[0, :, 0, 1] = 1, 0
    head = network.layers[-2]
    nn.init.zeros_(head.weight)
    for logit, tanh in ((30.0, 1.0), (-30.0, -1.0), (0.0, 0.0)):
        nn.init.constant_(head.bias, logit)
        with torch.inference_mode():
            signed = 2 * network(picture) - 1
        torch.testing.assert_close(signed, (tanh + 2 * picture - 1) / 2)
        assert -1 <= float(signed.min()) <= float(signed.max()) <= 1


def test_residual_block_passes_its_input_on():
    block = layers_of(SMALL_GAN.build(), ResidualBlock)[0]
    nn.init.zeros_(block.layers[-1].weight)
    hidden = torch.rand(2, 16, 5, 4)
    assert torch.equal(block(hidden), hidden)


@each({"gan": SMALL_GAN, "gir": SMALL_GIR})
def test_padding_leaves_the_result_inside_as_it_is(settings):
    """A picture mirrored by hand and cropped gives what the network gives."""
    network, picture = with_random_statistics(settings.build()).eval(), torch.rand(1, 3, 9, 14)
    padded = nn.functional.pad(picture, (0, 2, 0, 3), mode="reflect")
    with torch.inference_mode():
        torch.testing.assert_close(network(picture), network(padded)[:, :, :9, :14])


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (4, 1), (4, 2), (5, 3)])
@pytest.mark.parametrize("size", [(8, 8), (7, 9), (1, 2)])
def test_same_padding_is_that_of_keras(kernel, stride, size):
    """Keras's documented rule, carried out by scipy: ceil(size / stride) outputs, the odd zero at the far side."""
    layer = SameConv2d(2, 1, kernel, stride)
    picture = torch.rand(1, 2, *size)
    before, after = [], []
    for length in size:
        rest = length % stride
        total = max(kernel - (rest or stride), 0)
        before.append(total // 2)
        after.append(total - total // 2)
    padded = np.pad(picture[0].numpy(), [(0, 0), (before[0], after[0]), (before[1], after[1])])
    weights, bias = layer.weight.detach().numpy()[0], float(layer.bias.detach())
    full = sum(correlate2d(plane, weight, mode="valid") for plane, weight in zip(padded, weights, strict=True))
    with torch.inference_mode():
        output = layer(picture)[0, 0].numpy()
    np.testing.assert_allclose(output, full[::stride, ::stride] + bias, rtol=1e-5, atol=1e-6)
    assert output.shape == tuple(-(-length // stride) for length in size)


def test_batch_norm_has_the_constants_of_keras():
    layer = batch_norm(3)
    assert (layer.eps, layer.momentum) == (1e-3, 0.01)
    layer(torch.full((4, 3, 2, 2), 10.0))
    torch.testing.assert_close(layer.running_mean, torch.full((3,), 0.1))  # 0.99 x 0 + 0.01 x 10


def test_first_weights_are_glorot_and_biases_zero():
    network = ResnetGeneratorSettings(width=16, blocks=1).build()
    for layer in layers_of(network, nn.Conv2d):
        limit = (6 / (layer.weight[0].numel() + layer.weight[:, 0].numel())) ** 0.5
        assert 0.8 * limit < float(layer.weight.detach().abs().max()) <= limit
        assert not bool(layer.bias.any())


def test_gir_hands_both_skips_to_its_decoder():
    """With all that comes from below taken away, each decoder block still sees the picture."""
    network, picture = SMALL_GIR.build().eval(), torch.rand(1, 3, 16, 16)
    seen = []
    for block in network.decoder:
        block.register_forward_pre_hook(lambda _m, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        network(picture)
        first = network.encoder[0](nn.functional.max_pool2d(network.stem(picture).relu(), 2))
        assert torch.equal(seen[0][:, :6], first)
        assert torch.equal(seen[1][:, :4], network.stem(picture).relu())
    assert [tuple(features.shape) for features in seen] == [(1, 14, 8, 8), (1, 10, 16, 16)]


# Modes


@each(SMALL)
def test_prediction_draws_nothing(settings):
    network, picture = with_random_statistics(settings.build()).eval(), torch.rand(2, 3, 16, 16)
    state = torch.get_rng_state()
    with torch.inference_mode():
        assert torch.equal(network(picture), network(picture))
        torch.testing.assert_close(network(picture)[:1], network(picture[:1]))  # nor looks at the rest of the batch
    assert torch.equal(torch.get_rng_state(), state)


def test_dropout_is_there_in_training_and_only_there():
    network, picture = SMALL_GAN.build(), torch.rand(2, 3, 16, 16)
    network.train()
    assert not torch.equal(network(picture), network(picture))
    network = ResnetGeneratorSettings(width=4, blocks=2, dropout=0.0).build().train()
    assert torch.equal(network(picture), network(picture))


@pytest.mark.parametrize(("norm", "alone"), [("batch", False), ("layer", True), ("none", True)])
def test_only_batch_norm_lets_a_score_depend_on_the_batch(norm, alone):
    """Why the paper of WGAN-GP wants none in its critic."""
    critic = SMALL_CRITIC.model_copy(update={"norm": norm}).build(16).train()
    batch = torch.rand(4, 3, 16, 16)
    other = torch.cat([batch[:1], torch.rand(3, 3, 16, 16)])
    assert torch.allclose(critic(batch)[0], critic(other)[0], atol=1e-6) == alone


# The Fourier blocks


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (7, 12)])
def test_published_block_is_the_absolute_value(size):
    features = torch.randn(2, 3, *size)
    output = IdentityTransform()(features)
    torch.testing.assert_close(output, features.abs(), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(IdentityTransform()(features.relu()), features.relu(), atol=1e-6, rtol=1e-5)


def test_published_block_changes_nothing_in_its_network():
    """The control: with the block taken out, the network gives the same pictures."""
    network, picture = with_random_statistics(PUBLISHED_GIR.build()).eval(), torch.rand(1, 3, 24, 20)
    with torch.inference_mode():
        with_block = network(picture)
        network.fourier = nn.Identity()
        torch.testing.assert_close(network(picture), with_block, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (16, 16), (15, 22)])
def test_spectral_gain_starts_as_the_identity_of_any_size(size):
    features = torch.randn(2, 3, *size)
    torch.testing.assert_close(SpectralGain(3)(features), features, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("size", [(20, 26), (21, 25), (32, 32)])
def test_spectral_gain_multiplies_the_spectrum_and_drops_nothing_imaginary(size):
    """Against the whole complex plane: a gain that is even in frequency, whose pictures are real."""
    block = SpectralGain(2)
    nn.init.uniform_(block.knots, 0.5, 2.0)
    height, width = size
    with torch.inference_mode():
        half = block.gain(height, width).double()
    columns = torch.arange(width)
    rows = torch.arange(height)
    mirrored = columns > width // 2
    whole = half[:, rows[:, None], torch.where(mirrored, width - columns, columns)]
    whole[:, :, mirrored] = half[:, (-rows % height)[:, None], width - columns[mirrored]]
    torch.testing.assert_close(whole, whole[:, (-rows % height)[:, None], -columns % width], atol=1e-6, rtol=1e-6)
    features = torch.randn(2, *size, dtype=torch.float64)
    expected = torch.fft.ifft2(torch.fft.fft2(features) * whole)
    assert float(expected.imag.abs().max()) < 1e-6
    output = torch.fft.irfft2(torch.fft.rfft2(features) * half, s=size)
    torch.testing.assert_close(output, expected.real)


def test_gain_means_the_same_at_every_size():
    """Of a picture twice as large, every second frequency is one of the small picture's."""
    block = SpectralGain(3)
    nn.init.uniform_(block.knots, 0.5, 2.0)
    with torch.inference_mode():
        torch.testing.assert_close(block.gain(24, 32)[:, ::2, ::2], block.gain(12, 16))


def test_gain_can_undo_a_blur():
    """The knots hold the inverse of a small blur's transfer: what a Wiener filter does without noise."""
    kernel = torch.tensor([0.15, 0.7, 0.15])
    sharp = torch.rand(1, 1, 40, 48)
    padded = nn.functional.pad(sharp, (1, 1, 1, 1), mode="reflect")
    blurred = nn.functional.conv2d(padded, (kernel[:, None] * kernel)[None, None])
    block = SpectralGain(1)
    rows, columns = torch.linspace(-0.5, 0.5, 17), torch.linspace(0, 0.5, 9)
    transfer = [0.7 + 0.3 * torch.cos(2 * torch.pi * frequencies) for frequencies in (rows, columns)]
    with torch.inference_mode():
        block.knots.copy_(1 / (transfer[0][:, None] * transfer[1]))
        error = (block(blurred) - sharp)[:, :, 8:-8, 8:-8].abs().mean()  # inside: features have no periodic border
    assert float(error) < 0.1 * float((blurred - sharp).abs().mean())


@each({"gan": SMALL_GAN, "gir": SMALL_GIR, "published": PUBLISHED_GIR})
def test_half_precision_runs_and_no_complex_number_is_cut(settings):
    """Document 003's log warns of complex numbers cast to float16. Here warnings are errors."""
    network, picture = with_random_statistics(settings.build()).eval(), torch.rand(1, 3, 16, 20)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        output = network(picture)
    with torch.inference_mode():
        torch.testing.assert_close(output.float(), network(picture), atol=0.05, rtol=0)


@pytest.mark.parametrize("block", [IdentityTransform(), SpectralGain(3)], ids=["published", "spectral"])
def test_spectral_blocks_compute_in_float32_under_autocast(block):
    for weights in block.parameters():
        nn.init.uniform_(weights, 0.5, 2.0)
    features = torch.rand(1, 3, 12, 12)
    with torch.inference_mode():
        expected = block(features)
        halved = block(features.bfloat16())
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert torch.equal(block(features), expected)
            assert torch.equal(block(features.bfloat16()), halved)
    assert halved.dtype == torch.bfloat16


# Gradients


@each(SMALL)
def test_every_weight_of_the_network_gets_a_gradient(settings):
    network = settings.build().train()
    network(torch.rand(2, 3, 16, 16)).square().mean().backward()
    assert [name for name, weight in network.named_parameters() if weight.grad is None] == []
    assert all(bool(torch.isfinite(weight.grad).all()) for weight in network.parameters())


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
@each(CRITICS)
def test_gradient_penalty_goes_through_the_critic(settings, norm):
    """The derivative of the slope by the weights, against a difference quotient in float64."""
    critic = settings.model_copy(update={"norm": norm}).build(16).double().train()
    batch = torch.rand(3, 3, 16, 16, dtype=torch.float64)

    def penalty() -> torch.Tensor:
        between = batch.clone().requires_grad_()
        (slope,) = torch.autograd.grad(critic(between).flatten(1).mean(1).sum(), between, create_graph=True)
        return (slope.flatten(1).norm(dim=1) - 1).square().mean()

    weight = layers_of(critic, nn.Conv2d)[1].weight
    (gradient,) = torch.autograd.grad(penalty(), weight)
    direction, step = torch.randn_like(weight), 1e-7  # so small that no LeakyReLU changes sides
    values = []
    for sign in (1, -1):
        with torch.no_grad():
            weight += sign * step * direction
        values.append(float(penalty().detach()))
        with torch.no_grad():
            weight -= sign * step * direction
    expected = (values[0] - values[1]) / (2 * step)
    assert float((gradient * direction).sum()) == pytest.approx(expected, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_penalty_pulls_the_slope_towards_one(norm):
    critic = SMALL_CRITIC.model_copy(update={"norm": norm}).build(16).train()
    restored, sharp = torch.rand(8, 3, 16, 16), torch.rand(8, 3, 16, 16)
    optimiser = torch.optim.Adam(critic.parameters(), lr=2e-3)
    values = []
    for _ in range(40):
        penalty = gradient_penalty(critic, restored, sharp)
        optimiser.zero_grad()
        penalty.backward()
        optimiser.step()
        values.append(float(penalty.detach()))
    assert values[-1] < 0.5 * values[0]


@pytest.mark.parametrize("baseline", BASELINES, ids=variant_id)
def test_one_step_of_the_smoke_preset_moves_network_and_critic(baseline):
    """On crops of the preset's side, with its kind of adversarial loss, in channels-last order."""
    config = baseline.configure("smoke")
    device = torch.device("cpu")
    network, critic = place(config.network.build(), device), place(config.critic.build(config.training.crop), device)
    blurred, sharp = torch.rand(2, 4, 3, config.training.crop, config.training.crop)
    adversarial = make_adversarial(config.adversarial)
    restored = network.train()(blurred)
    adversarial.critic(critic.train(), restored, sharp)[0].backward()
    # The last bias of a critic that is told only differences of scores has no gradient of any size.
    assert all(weight.grad is not None for weight in critic.parameters())
    assert all(weight.grad is None for weight in network.parameters())
    adversarial.network(critic, restored).backward()
    assert any(bool(weight.grad.any()) for weight in network.parameters() if weight.grad is not None)


# Recipes


def test_presets_are_shown_by_their_names():
    labels = {preset: gan.label(preset) for preset in (None, *gan.presets)}
    assert labels == {
        None: "gan-nofeat",
        "vgg": "gan",
        "vgg19": "gan (vgg19)",
        "mobilenet": "gan (mobilenet)",
        "sigmoid": "gan (sigmoid)",
        "smoke": "gan (smoke, randfeat)",
    }
    assert gan_2m.label(None) == "gan-2m"
    assert gir.label("published") == "gir (published)"
    assert gan.label(None, "3f2a91") == "gan-nofeat (changed 3f2a91)"
    assert gan.label("smoke", "3f2a91") == "gan (smoke, randfeat, changed 3f2a91)"


def test_recipe_of_gan_is_wgan_gp_without_features():
    config = gan.configure()
    assert config.adversarial.kind == "wgan-gp"
    assert config.adversarial.critic_steps == 5
    assert set(config.training.losses) == {"charbonnier", "fft"}
    assert config.training.perceptual is None
    assert gan.configure("sigmoid").adversarial.kind == "wgan-sigmoid"
    assert gan.configure("sigmoid").critic == config.critic


@pytest.mark.parametrize(("preset", "arch"), [("vgg", "vgg16"), ("vgg19", "vgg19"), ("mobilenet", "mobilenetv2")])
def test_feature_presets_have_the_weights_of_document_002(preset, arch):
    config = gan.configure(preset)
    assert config.training.losses == {"perceptual": 100.0}
    assert config.adversarial.weight == 1.0
    assert config.training.perceptual.arch == arch
    assert not config.training.perceptual.random
    assert gan.configure("smoke").training.perceptual.random


def test_published_gir_has_no_loss_but_the_critics():
    config = gir.configure("published")
    assert config.training.losses == {}
    assert config.adversarial.kind == "bce"
    assert config.training.learning_rate == config.adversarial.learning_rate == 2e-4
    assert gir.configure().training.losses == {"l1": 100.0}


@pytest.mark.parametrize(("baseline", "preset"), VARIANTS, ids=variant_id)
def test_configuration_is_read_back(baseline, preset):
    config = baseline.configure(preset)
    assert baseline.config_from(config.as_dict()) == config


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"widths": [4, 8], "strides": [2]}, "2 widths and 1 strides do not go together"),
        ({"patches": False, "hidden": 0}, "a critic gives scores by `patches`, by `hidden`, or by both"),
        ({"norms": "batch"}, "did you mean 'norm'"),
    ],
)
def test_critics_that_cannot_be_are_refused(settings, message):
    with pytest.raises(RecipeError, match=message):
        parse(ConvCriticSettings, settings, "critic")
