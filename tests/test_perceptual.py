"""The perceptual loss: features that can be worked out by hand, files of weights as torchvision has them, refusals."""

import math
import tomllib

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from deblurbench.config import parse
from deblurbench.errors import RecipeError, UsageError
from deblurbench.files import sha256_file
from deblurbench.scoring.lpips.nets import VGG
from deblurbench_baselines.losses.features import Features, fill
from deblurbench_baselines.losses.layers import layer_names
from deblurbench_baselines.losses.perceptual import make_perceptual, save_slim
from deblurbench_baselines.losses.settings import PerceptualSettings

# Of torchvision's files: module number -> inputs, outputs.
FIRST = {0: (3, 64), 2: (64, 64), 5: (64, 128), 7: (128, 128), 10: (128, 256), 12: (256, 256), 14: (256, 256)}
VGG16 = {**FIRST, 17: (256, 512), **dict.fromkeys((19, 21, 24, 26, 28), (512, 512))}
VGG19 = {**FIRST, 16: (256, 256), 19: (256, 512), **dict.fromkeys((21, 23, 25, 28, 30, 32, 34), (512, 512))}
CONVS = {"vgg16": VGG16, "vgg19": VGG19}
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def number(value):
    return value.detach().item()


def published(arch, upto=99):
    """All names and shapes of torchvision's file, with random weights as far as module `upto`.

    Later ones are one number each, repeated without taking any place: nothing may look at them.
    """
    random = torch.Generator().manual_seed(1)
    tensors = {}
    for module, (inputs, outputs) in CONVS[arch].items():
        shape = (outputs, inputs, 3, 3)
        drawn = torch.randn(shape, generator=random) * (2 / (9 * inputs)) ** 0.5 if module <= upto else None
        tensors[f"features.{module}.weight"] = torch.zeros(1, 1, 1, 1).expand(shape) if drawn is None else drawn
        tensors[f"features.{module}.bias"] = torch.randn(outputs, generator=random) / 20
    for module, (inputs, outputs) in {0: (25088, 4096), 3: (4096, 4096), 6: (4096, 1000)}.items():
        tensors[f"classifier.{module}.weight"] = torch.zeros(1, 1).expand(outputs, inputs)
        tensors[f"classifier.{module}.bias"] = torch.zeros(outputs)
    return tensors


def only_look(upto, sign=1):
    """VGG16's weights up to a module that pass RGB on in the first three channels; the last may turn the sign."""
    tensors = {}
    for module, (inputs, outputs) in VGG16.items():
        if module <= upto:
            tensors[f"features.{module}.weight"] = weight = torch.zeros(outputs, inputs, 3, 3)
            tensors[f"features.{module}.bias"] = torch.zeros(outputs)
            weight[range(3), range(3), 1, 1] = sign if module == upto else 1
    return tensors


def save(folder, tensors, name="weights.pth", **how):
    """Write a file; returns its path and SHA-256."""
    path = folder / name
    save_file(tensors, path) if path.suffix == ".safetensors" else torch.save(tensors, path, **how)
    return path, sha256_file(path)


def make(folder, tensors, seed=0, **settings):
    """The loss with these weights."""
    path, digest = save(folder, tensors)
    return make_perceptual(PerceptualSettings(sha256=digest, **settings), path, seed)


def at_random(arch="vgg16", layer="relu1_2", seed=0, **settings):
    return make_perceptual(PerceptualSettings(arch=arch, layer=layer, random=True, **settings), None, seed)


def pictures(count=3, height=16, width=20, seed=0):
    """Outputs and targets; each pair further apart than the one before."""
    random = torch.Generator().manual_seed(seed)
    target = torch.rand(count, 3, height, width, generator=random)
    away = torch.randn(target.shape, generator=random) * torch.arange(1, count + 1)[:, None, None, None]
    return target + away / 20, target


def pooled(x):
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).max((3, 5))


@pytest.mark.parametrize("inputs", ["imagenet", "symmetric"])
@pytest.mark.parametrize(
    ("layer", "module", "sign", "halvings", "seen"),
    [
        ("conv1_1", 0, -1, 0, lambda x: -x),
        ("relu1_1", 0, -1, 0, lambda x: np.maximum(-x, 0)),
        ("conv3_3", 14, -1, 2, lambda x: -x),
        ("relu3_3", 14, 1, 2, lambda x: x),
        ("pool3", 14, 1, 3, lambda x: x),
    ],
)
def test_the_value_is_that_of_the_formula(tmp_path, inputs, layer, module, sign, halvings, seen):
    loss = make(tmp_path, only_look(module, sign), layer=layer, inputs=inputs)
    mean, deviation = ([0.5] * 3, [0.5] * 3) if inputs == "symmetric" else (MEAN, DEVIATION)
    features = []
    for picture in pictures(2, 16, 24):
        x = (picture.double().numpy() - np.reshape(mean, (3, 1, 1))) / np.reshape(deviation, (3, 1, 1))
        x = np.maximum(x, 0) if module else x
        for _ in range(halvings):
            x = pooled(x)
        features.append(seen(x))
    channels = VGG16[module][1]
    expected = ((features[0] - features[1]) ** 2).sum() / (features[0].size / 3 * channels)
    assert number(loss(*pictures(2, 16, 24))) == pytest.approx(expected, rel=1e-5)


def test_relu3_3_lies_behind_conv3_3(tmp_path):
    """Before the ReLU negative features count, after it they are gone: a shift by one module would be seen."""
    pair = pictures()
    assert number(make(tmp_path, only_look(14, -1), layer="conv3_3")(*pair)) > 0
    assert number(make(tmp_path, only_look(14, -1), layer="relu3_3")(*pair)) == 0


@pytest.mark.parametrize("arch", CONVS)
def test_layers_have_torchvisions_numbers(arch):
    names = layer_names(arch)
    assert [place for place, name in enumerate(names) if name.startswith("conv")] == list(CONVS[arch])
    assert (names[14], names[15]) == ("conv3_3", "relu3_3")
    assert names[-1] == "pool5"


def test_layers_are_those_of_lpips():
    stages = [[conv.layer for conv in stage] for stage in VGG.stages]
    names = layer_names("vgg16")
    assert [[names.index(f"conv{s}_{i}") for i in range(1, len(stages[s - 1]) + 1)] for s in range(1, 6)] == stages


@pytest.mark.parametrize(
    ("arch", "layer", "convs", "parameters"),
    [
        ("vgg16", "conv3_3", 7, 1_735_488),
        ("vgg19", "conv3_3", 7, 1_735_488),
        ("vgg19", "conv3_4", 8, 2_325_568),
        ("mobilenetv2", "stem", 1, 928),
    ],
)
def test_parameters(arch, layer, convs, parameters):
    features = Features(arch, layer)
    assert sum(isinstance(module, nn.Conv2d) for module in features.modules()) == convs
    assert sum(parameter.numel() for parameter in features.parameters()) == parameters


@pytest.mark.parametrize("arch", CONVS)
def test_every_name_and_shape_is_torchvisions(arch):
    wanted = {name: tuple(value.shape) for name, value in published(arch, -1).items() if name.startswith("features")}
    assert {name: tuple(value.shape) for name, value in Features(arch, "pool5").state_dict().items()} == wanted


@pytest.mark.parametrize("arch", CONVS)
@pytest.mark.parametrize(
    ("name", "how"),
    [("w.pth", {}), ("w.pth", {"_use_new_zipfile_serialization": False}), ("w.safetensors", {})],
    ids=["zip", "before torch 1.6", "safetensors"],
)
def test_files_are_read_as_they_are_published(tmp_path, arch, name, how):
    tensors = published(arch, 14)
    whole = {key: value.contiguous() for key, value in tensors.items() if not key.startswith("classifier")}
    path, digest = save(tmp_path, whole if name.endswith("s") else tensors, name, **how)
    loss = make_perceptual(PerceptualSettings(arch=arch, sha256=digest), path, 0)
    for module in (0, 2, 5, 7, 10, 12, 14):
        for part in ("weight", "bias"):
            key = f"features.{module}.{part}"
            assert torch.equal(loss.features.state_dict()[key], tensors[key])


def test_a_slim_file_gives_the_same_loss(tmp_path):
    path, digest = save(tmp_path, published("vgg16", 14))
    settings = PerceptualSettings(sha256=digest)
    slim = tmp_path / "slim.safetensors"
    found = save_slim(path, slim, settings)
    assert found == sha256_file(slim)
    assert set(load_file(slim)) == {f"features.{m}.{p}" for m in (0, 2, 5, 7, 10, 12, 14) for p in ("weight", "bias")}
    pair = pictures()
    whole = make_perceptual(settings, path, 0)(*pair)
    assert torch.equal(make_perceptual(PerceptualSettings(sha256=found), slim, 0)(*pair), whole)
    assert save_slim(path, slim, settings) == found
    deeper = PerceptualSettings(layer="conv4_1", sha256=found)
    with pytest.raises(UsageError, match=r"conv4_1: without features\.17\.weight, features\.17\.bias"):
        make_perceptual(deeper, slim, 0)


def test_half_precision_files_are_read(tmp_path):
    tensors = {name: value.half() for name, value in published("vgg16", 0).items() if name.startswith("features.0.")}
    loss = make(tmp_path, tensors, layer="conv1_1")
    assert loss(*pictures()).dtype == torch.float32
    assert torch.equal(loss.features.features[0].weight, tensors["features.0.weight"].float())


def mobilenet():
    """All names and shapes of torchvision's file of MobileNetV2, with random weights."""
    random = torch.Generator().manual_seed(1)
    tensors = {}

    def conv_norm(conv, norm, outputs, inputs, size):
        tensors[f"{conv}.weight"] = (
            torch.randn(outputs, inputs, size, size, generator=random) / (inputs * size**2) ** 0.5
        )
        for part in ("weight", "running_var"):
            tensors[f"{norm}.{part}"] = torch.rand(outputs, generator=random) + 0.5
        for part in ("bias", "running_mean"):
            tensors[f"{norm}.{part}"] = torch.randn(outputs, generator=random) / 10
        tensors[f"{norm}.num_batches_tracked"] = torch.tensor(7)

    conv_norm("features.0.0", "features.0.1", 32, 3, 3)
    conv_norm("features.1.conv.0.0", "features.1.conv.0.1", 32, 1, 3)
    conv_norm("features.1.conv.1", "features.1.conv.2", 16, 32, 1)
    outputs = [24] * 2 + [32] * 3 + [64] * 4 + [96] * 3 + [160] * 3 + [320]
    for block, (before, after) in enumerate(zip([16, *outputs], outputs, strict=False), 2):
        name = f"features.{block}.conv"
        conv_norm(f"{name}.0.0", f"{name}.0.1", 6 * before, before, 1)
        conv_norm(f"{name}.1.0", f"{name}.1.1", 6 * before, 1, 3)
        conv_norm(f"{name}.2", f"{name}.3", after, 6 * before, 1)
    conv_norm("features.18.0", "features.18.1", 1280, 320, 1)
    tensors["classifier.1.weight"], tensors["classifier.1.bias"] = torch.zeros(1000, 1280), torch.zeros(1000)
    return tensors


def test_every_name_and_shape_of_mobilenet_is_torchvisions():
    tensors = mobilenet()
    assert len(tensors) == 314
    wanted = {name: tuple(value.shape) for name, value in tensors.items() if name.startswith("features")}
    features = Features("mobilenetv2", "head")
    assert {name: tuple(value.shape) for name, value in features.state_dict().items()} == wanted
    fill(features, {name: value for name, value in tensors.items() if not name.endswith("tracked")}, "file")
    sides = {"stem": 32, "block1": 32, "block3": 16, "block6": 8, "block10": 4, "block13": 4, "block17": 2, "head": 2}
    for layer, side in sides.items():
        assert Features("mobilenetv2", layer)(torch.rand(1, 3, 64, 64)).shape[-1] == side


def test_mobilenets_stem_normalises_by_the_statistics_of_the_file(tmp_path):
    tensors = mobilenet()
    weight = tensors["features.0.0.weight"].zero_()
    weight[:, 0, 1, 1] = 1  # every channel sees red
    loss = make(tmp_path, tensors, arch="mobilenetv2", layer="stem")
    loss.train()
    features = []
    for x in pictures():
        red = (x[:, :1, ::2, ::2].double().numpy() - MEAN[0]) / DEVIATION[0]
        norm = {
            name: tensors[f"features.0.1.{name}"].double().numpy()[:, None, None]
            for name in ("weight", "bias", "running_mean", "running_var")
        }
        y = (red - norm["running_mean"]) / np.sqrt(norm["running_var"] + 1e-5) * norm["weight"] + norm["bias"]
        features.append(np.clip(y, 0, 6))
    assert number(loss(*pictures())) == pytest.approx(((features[0] - features[1]) ** 2).mean(), rel=1e-5)
    assert torch.equal(loss.features.features[0][1].running_mean, tensors["features.0.1.running_mean"])


def test_mobilenets_bottlenecks_add_their_input_where_it_fits(tmp_path):
    tensors, pair = mobilenet(), pictures(2, 32, 32)
    for block in (3, 4):
        tensors[f"features.{block}.conv.3.weight"].zero_()  # nothing comes from the convolutions
    before, same, gone = (
        number(make(tmp_path, tensors, arch="mobilenetv2", layer=f"block{block}")(*pair)) for block in (2, 3, 4)
    )
    assert before > 0
    assert same == pytest.approx(before, rel=1e-5)  # 24 to 24 channels
    assert gone == 0  # 24 to 32, half the size


@pytest.mark.parametrize(("arch", "layer"), [("vgg16", "conv3_3"), ("mobilenetv2", "block4")])
def test_the_loss_of_a_batch_is_the_mean_of_those_of_its_pictures(arch, layer):
    """Every sample is normalised: DeblurGANv2 treats the first one of a batch alone so."""
    loss, (output, target) = at_random(arch, layer), pictures(3, 32, 32)
    singles = [number(loss(output[i : i + 1], target[i : i + 1])) for i in range(3)]
    assert singles[0] < singles[1] < singles[2]
    assert number(loss(output, target)) == pytest.approx(np.mean(singles), rel=1e-5)


def test_the_pictures_stay_as_they_are():
    loss, (output, target) = at_random(), pictures()
    copies = output.clone(), target.clone()
    loss(output, target)
    assert torch.equal(output, copies[0])
    assert torch.equal(target, copies[1])


def test_gradients_reach_the_output_alone():
    loss, (output, target) = at_random("mobilenetv2", "block3"), pictures(2, 32, 32)
    output.requires_grad_(), target.requires_grad_()
    value = loss.train()(output, target)
    value.backward()
    assert output.grad.abs().sum() > 0
    assert target.grad is None
    assert not any(parameter.requires_grad for parameter in loss.parameters())
    assert not any(module.training for module in loss.features.modules())
    closer = output.detach() - 1e-2 * output.grad / output.grad.norm()
    assert loss(closer, target) < value


def test_under_autocast_the_loss_is_float32_and_near_that_without():
    loss, pair = at_random(layer="conv3_3"), pictures()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss(pair[0].bfloat16(), pair[1])
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, loss(*pair), rtol=0.05, atol=0)


@pytest.mark.parametrize("arch", ["vgg16", "mobilenetv2"])
def test_random_features_are_those_of_the_seed_and_move_no_other_stream(arch):
    layer = "relu1_2" if arch == "vgg16" else "block3"
    torch.manual_seed(4)
    before = torch.get_rng_state()
    values = [number(at_random(arch, layer, seed)(*pictures(2, 32, 32))) for seed in (7, 7, 8)]
    assert torch.equal(torch.get_rng_state(), before)
    assert values[0] == values[1] != values[2]


def test_random_features_neither_vanish_nor_explode():
    loss = at_random(layer="relu5_3")
    assert 0.1 < number(loss.features(torch.randn(2, 3, 64, 64)).square().mean()) < 10
    weights = loss.features.features[28].weight
    assert number(weights.std()) == pytest.approx(math.sqrt(2 / (9 * 512)), rel=0.01)


def test_a_file_moves_no_random_stream(tmp_path):
    torch.manual_seed(4)
    before = torch.get_rng_state()
    make(tmp_path, only_look(0), layer="conv1_1")
    assert torch.equal(torch.get_rng_state(), before)


def test_without_a_file_it_says_what_is_needed():
    for arch, name in (
        ("vgg16", "vgg16-397923af"),
        ("vgg19", "vgg19-dcbb9e9d"),
        ("mobilenetv2", "mobilenet_v2-b0353104"),
    ):
        layer = "block3" if arch == "mobilenetv2" else "conv3_3"
        with pytest.raises(UsageError, match=f"needs --vgg PATH.* nothing is ever downloaded: .*{name}.pth"):
            make_perceptual(PerceptualSettings(arch=arch, layer=layer), None, 0)


def test_another_file_is_refused_by_both_hashes(tmp_path):
    path, digest = save(tmp_path, only_look(0))
    wanted = "ab" * 32
    with pytest.raises(UsageError, match=f"{digest}, not {wanted}"):
        make_perceptual(PerceptualSettings(sha256=wanted, layer="conv1_1"), path, 0)


def test_a_file_without_a_hash_in_the_recipe_is_refused(tmp_path):
    path, _ = save(tmp_path, only_look(0))
    with pytest.raises(UsageError, match=r"--set training\.perceptual\.sha256="):
        make_perceptual(PerceptualSettings(layer="conv1_1"), path, 0)


def test_a_file_beside_random_features_is_refused(tmp_path):
    with pytest.raises(UsageError, match="of no use"):
        make_perceptual(PerceptualSettings(random=True), tmp_path / "w.pth", 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.pop("features.2.bias"), r"without features\.2\.bias"),
        (lambda w: w.update({"features.2.weight": torch.zeros(64, 3, 3, 3)}), r"\(64, 3, 3, 3\), not \(64, 64, 3, 3\)"),
        (lambda w: w["features.0.weight"].fill_(math.nan), r"features\.0\.weight holds what is no finite number"),
        (lambda w: w.update({"features.0.bias": torch.zeros(64, dtype=torch.int64)}), "no finite number"),
        (lambda w: w.clear(), r"without features\.0\.weight, features\.0\.bias, features\.2\.weight and 1 more"),
    ],
    ids=["missing", "misshapen", "nan", "integers", "empty"],
)
def test_files_that_do_not_fit_are_refused(tmp_path, change, words):
    tensors = only_look(2)
    change(tensors)
    with pytest.raises(UsageError, match=words):
        make(tmp_path, tensors, layer="relu1_2")


@pytest.mark.parametrize("content", [{"state_dict": {}}, nn.Linear(1, 1), "text"])
def test_files_that_hold_no_tensors_by_name_are_refused(tmp_path, content):
    with pytest.raises(UsageError):
        make(tmp_path, content, layer="conv1_1")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no file"):
        make_perceptual(PerceptualSettings(sha256="0" * 64), tmp_path / "none.pth", 0)


def test_crops_too_small_for_the_layer_are_refused():
    loss = at_random(layer="conv3_3")
    assert loss(*pictures(1, 4, 4)).isfinite()
    with pytest.raises(UsageError, match="4 x 4"):
        loss(*pictures(1, 3, 8))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('layer = "block3_conv3"', "vgg16 has no layer 'block3_conv3'"),
        ('layer = "conv3_4"', "did you mean 'conv3_"),
        ('arch = "vgg19"\nlayer = "conv3_5"', "vgg19 has no layer"),
        ('arch = "mobilenetv2"', "mobilenetv2 has no layer 'conv3_3'.*stem"),
        (f'random = true\nsha256 = "{"0" * 64}"', "not both"),
    ],
)
def test_wrong_settings_are_refused_by_name(table, words):
    with pytest.raises(RecipeError, match=words):
        parse(PerceptualSettings, tomllib.loads(table), "gan.toml", "training.perceptual")
