"""LPIPS: the formula on networks that can be worked out by hand, and weights that are named by file and hash."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import noise
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image
from safetensors.torch import save_file

from deblurbench.errors import UsageError
from deblurbench.files import sha256_file
from deblurbench.scoring.lpips.nets import ALEX, VGG, Net
from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.pictures.pairing import pair_folders
from deblurbench.scoring.protocol import find_protocol
from deblurbench.scoring.score import score_pairing
from deblurbench.scoring.weights import foreign, give_weights, read_weights, with_weights

NETS = {"lpips-alex": ALEX, "lpips-vgg": VGG}


def draw(net: Net, seed: int = 0) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Random weights: of the backbone (of such sizes that features neither vanish nor explode) and the linear ones."""
    random = torch.Generator().manual_seed(seed)
    backbone = {}
    for conv in (conv for stage in net.stages for conv in stage):
        shape = (conv.outputs, conv.inputs, conv.size, conv.size)
        scale = (2 / (conv.inputs * conv.size**2)) ** 0.5
        backbone[f"features.{conv.layer}.weight"] = torch.randn(shape, generator=random) * scale
        backbone[f"features.{conv.layer}.bias"] = torch.randn(conv.outputs, generator=random) / 20
    linear = {f"lin{i}.model.1.weight": torch.rand(1, n, 1, 1, generator=random) for i, n in enumerate(net.channels)}
    return backbone, linear


def only_look(net: Net) -> dict[str, torch.Tensor]:
    """A backbone whose convolutions pass RGB on as it is, in the first three channels."""
    backbone, _ = draw(net)
    for conv in (conv for stage in net.stages for conv in stage):
        backbone[f"features.{conv.layer}.bias"].zero_()
        weight = backbone[f"features.{conv.layer}.weight"].zero_()
        for channel in range(3):
            weight[channel, channel, conv.size // 2, conv.size // 2] = 1
    return backbone


def by_hand(x, y, net: Net, linear) -> float:
    """LPIPS with such a backbone, in NumPy and float64."""
    seen = []
    for picture in (x, y):
        scaled = (picture / 127.5 - 1 - [-0.030, -0.088, -0.188]) / [0.458, 0.448, 0.450]
        if net is ALEX:
            rows, columns = ((n - 7) // 4 + 1 for n in scaled.shape[:2])
            scaled = scaled[3::4, 3::4][:rows, :columns]  # 11 taps, 4 apart, after 2 of padding
        seen.append(np.maximum(scaled, 0))
    total = 0.0
    for stage in range(5):
        if stage in net.pooled:
            windows = (sliding_window_view(z, (net.pool, net.pool), axis=(0, 1)) for z in seen)
            seen = [window[::2, ::2].max(axis=(-2, -1)) for window in windows]
        a, b = (z / (np.sqrt((z**2).sum(-1, keepdims=True)) + 1e-10) for z in seen)
        weights = linear[f"lin{stage}.model.1.weight"].numpy()[0, :3, 0, 0]
        total += ((a - b) ** 2 @ weights).mean()
    return total


def save(folder: Path, name: str, tensors) -> str:
    """Save and return `FILE=SHA256`."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    save_file(tensors, file) if name.endswith(".safetensors") else torch.save(tensors, file)
    return f"{file}={sha256_file(file)}"


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, list[str]]:
    """Random weights on disk: per protocol the backbone's file and the linear one."""
    folder = tmp_path_factory.mktemp("weights")
    named = {}
    for name, net in NETS.items():
        backbone, linear = draw(net)
        whole = backbone | {"classifier.1.weight": torch.zeros(2, 2)}
        named[name] = [save(folder, f"{name}.pth", whole), save(folder, f"{name}-linear.pth", linear)]
    return named


@pytest.fixture(params=NETS)
def measure(request, files):
    """LPIPS of two pictures with random weights."""
    (ready,) = give_weights([find_protocol(request.param)], files[request.param])
    return lambda x, y: ready.metrics[0].function(Compared(x, y))


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("size", [(64, 48), (33, 71)])
def test_the_value_is_that_of_the_formula(tmp_path, name, size):
    _, linear = draw(NETS[name])
    named = [save(tmp_path, "a.safetensors", only_look(NETS[name])), save(tmp_path, "b.safetensors", linear)]
    (ready,) = give_weights([find_protocol(name)], named)
    x, y = noise(*size, seed=1), noise(*size, seed=2)
    expected = by_hand(x, y, NETS[name], linear)
    assert expected > 0.1
    assert ready.metrics[0].function(Compared(x, y)) == pytest.approx(expected, abs=1e-6)


def test_equal_pictures_have_0_and_the_order_does_not_matter(measure):
    x, y = noise(40, 50, seed=1), noise(40, 50, seed=2)
    assert measure(x, x) == 0
    assert measure(x, y) == pytest.approx(measure(y, x), abs=1e-9)
    near = np.clip(x.astype(int) + noise(40, 50, seed=3) // 32, 0, 255).astype(np.uint8)
    assert 0 < measure(x, near) < measure(x, y)


def test_floats_and_bytes_agree(measure):
    x, y = noise(40, 50, seed=1), noise(40, 50, seed=2)
    assert measure(x / 255, y / 255) == pytest.approx(measure(x, y), abs=1e-6)


def test_pictures_that_the_network_cannot_take_have_no_value(measure):
    small = 30 if measure(noise(30, 99), noise(30, 99)) is None else 15
    assert measure(noise(small, 99), noise(small, 99)) is None
    assert measure(noise(small + 1, 99), noise(small + 1, 99)) is not None
    assert measure(noise(40, 40, None), noise(40, 40, None)) is None
    assert measure(noise(40, 40, 4), noise(40, 40, 4)) is None


def test_results_say_which_weights_gave_them(tmp_path, files):
    for folder, seed in (("sharp", 1), ("preds", 2)):
        (tmp_path / folder).mkdir()
        Image.fromarray(noise(40, 50, seed=seed)).save(tmp_path / folder / "a.png")
    ready = give_weights([find_protocol("lpips-alex"), find_protocol("gnr638-eval")], files["lpips-alex"])
    report = score_pairing(pair_folders(tmp_path / "preds", tmp_path / "sharp"), ready, quiet=True)
    lpips, plain = json.loads(json.dumps(report.as_dict()))["protocols"]
    digests = [named.rpartition("=")[2] for named in files["lpips-alex"]]
    assert [weights["sha256"] for weights in lpips["weights"]] == digests
    assert [weights["file"] for weights in lpips["weights"]] == ["lpips-alex.pth", "lpips-alex-linear.pth"]
    assert lpips["mean"]["lpips"] > 0
    assert "weights" not in plain
    assert foreign(ready[0]) == ["lpips-alex.pth", "lpips-alex-linear.pth"]
    published = dataclasses.replace(ready[0], weights=(("mine.pth", ALEX.backbone.sha256),))
    assert foreign(published) == []


def test_each_protocol_takes_its_own_files(files):
    protocols = [find_protocol(name) for name in NETS]
    ready = give_weights(protocols, [*files["lpips-vgg"], *files["lpips-alex"]])
    assert [[file for file, _ in p.weights] for p in ready] == [[f"{n}.pth", f"{n}-linear.pth"] for n in NETS]
    left = give_weights(protocols, files["lpips-alex"], optional=["lpips-vgg"])
    assert [p.name for p in left] == ["lpips-alex"]
    with pytest.raises(UsageError, match=r"lpips-vgg: needs .* torchvision's vgg16-397923af.pth and vgg.pth"):
        give_weights(protocols, files["lpips-alex"])
    with pytest.raises(UsageError, match=r"no protocol takes the weights lpips-vgg.pth"):
        give_weights(protocols[:1], [*files["lpips-alex"], *files["lpips-vgg"]])


def test_without_weights_nothing_is_measured(tmp_path):
    with pytest.raises(UsageError, match=r"name each file as --weights FILE=SHA256") as error:
        give_weights([find_protocol("lpips-alex")], [])
    assert "alexnet-owt-7be5be79.pth and alex.pth of LPIPS 0.1" in str(error.value)
    with pytest.raises(UsageError, match="no weights are given"):
        find_protocol("lpips-alex").metrics[0].function(Compared(noise(40, 40), noise(40, 40)))
    assert give_weights([find_protocol("lpips-alex")], [], optional=["lpips-alex"]) == []


def test_a_name_that_is_no_file_with_its_hash_is_refused(tmp_path, files):
    file, _, digest = files["lpips-alex"][1].rpartition("=")
    assert read_weights(f"{file}={digest.upper()}").sha256 == digest
    for named, text in [
        (file, "is no FILE=SHA256"),
        (f"{file}=7be5be79", "is no FILE=SHA256"),
        (f"={digest}", "is no FILE=SHA256"),
        (f"{tmp_path / 'gone.pth'}={digest}", "no file .*: deblurbench downloads no weights"),
        (f"{tmp_path}={digest}", "no file"),
        (f"{file}={'0' * 64}", f"has SHA-256 {digest}, not 0000"),
    ]:
        with pytest.raises(UsageError, match=text):
            read_weights(named)


class Trap:
    """Unpickling it would run code."""

    def __reduce__(self):
        return (Path.touch, (Path("trap-was-sprung"),))


def test_files_are_never_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="holds no weights that can be read safely"):
        read_weights(save(tmp_path, "trap.pth", {"a": Trap()}))
    assert not Path("trap-was-sprung").exists()
    for name, content in [("noise.pth", b"1" * 100), ("noise.safetensors", b"1" * 100), ("empty.pth", b"")]:
        Path(name).write_bytes(content)
        with pytest.raises(UsageError, match="holds no weights that can be read safely"):
            read_weights(f"{name}={sha256_file(Path(name))}")
    for content in ([torch.zeros(1)], {"epoch": 3}):
        with pytest.raises(UsageError, match="holds no tensors by name"):
            read_weights(save(tmp_path, "odd.pth", content))


@pytest.mark.parametrize("part", [0, 1])
def test_incomplete_and_wrong_weights_are_refused(tmp_path, part):
    key = ["features.10.weight", "lin4.model.1.weight"][part]
    for spoil, text in [
        (lambda t: t.pop(key), f"{key} is missing"),
        (lambda t: t.update({key: t[key][:, :7]}), rf"{key} is \(\d+, 7, \d, \d\), not"),
        (lambda t: t[key].fill_(torch.nan), f"{key} holds what is no finite number"),
    ]:
        tensors = draw(ALEX)
        spoil(tensors[part])
        named = [save(tmp_path, f"{i}.pth", t) for i, t in enumerate(tensors)]
        with pytest.raises(UsageError, match=text):
            give_weights([find_protocol("lpips-alex")], named)


def test_half_precision_files_are_taken(tmp_path, files):
    halves = [{k: v.half() for k, v in tensors.items()} for tensors in draw(ALEX)]
    named = [read_weights(save(tmp_path, f"{i}.safetensors", t)) for i, t in enumerate(halves)]
    pair = Compared(noise(40, 50, seed=1), noise(40, 50, seed=2))
    whole = with_weights(find_protocol("lpips-alex"), [read_weights(f) for f in files["lpips-alex"]])
    values = [p.metrics[0].function(pair) for p in (whole, with_weights(find_protocol("lpips-alex"), named))]
    assert values[0] == pytest.approx(values[1], rel=1e-2)


@pytest.mark.filterwarnings("ignore")  # torch warns of what it may drop some day
@pytest.mark.parametrize(
    "odd",
    [
        lambda: torch.zeros(3, 3).to_sparse(),
        lambda: torch.zeros(3, device="meta"),
        lambda: torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]),
    ],
)
def test_tensors_without_their_numbers_are_refused(tmp_path, odd):
    with pytest.raises(UsageError, match="holds no tensors by name"):
        read_weights(save(tmp_path, "odd.pth", {"features.0.weight": odd()}))


def test_weights_that_give_no_number_are_an_error(tmp_path):
    backbone, linear = draw(ALEX)
    backbone["features.3.weight"].fill_(3e38)
    named = [save(tmp_path, f"{i}.pth", tensors) for i, tensors in enumerate((backbone, linear))]
    (protocol,) = give_weights([find_protocol("lpips-alex")], named)
    with pytest.raises(UsageError, match="no finite number"):
        protocol.metrics[0].function(Compared(noise(40, 50, seed=1), noise(40, 50, seed=2)))
