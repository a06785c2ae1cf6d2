"""`predict` and `average-weights`: what is restored, kept, refused and gone on with."""

import json
import re

import cv2
import numpy as np
import pytest
import torch
from conftest import noise
from PIL import Image
from safetensors.torch import load_file
from skimage import data

from deblurbench import plugins
from deblurbench.errors import RunError
from deblurbench.files import canonical_json, sha256_file
from deblurbench.images.codec import read_rgb, write_png
from deblurbench.runs import predict as predict_module
from deblurbench.runs.composed import Composed
from deblurbench.runs.inference import Inference
from deblurbench.runs.jobs import Job
from deblurbench.runs.model import open_model, read_metadata
from deblurbench.runs.predict import predict
from deblurbench.runs.weights_file import average_weights, write_weights
from deblurbench_baselines.inference.weights import save_weights

pytestmark = pytest.mark.usefixtures("one_thread")


def write_deep(path, picture):
    path.write_bytes(cv2.imencode(path.suffix, picture[:, :, ::-1])[1].tobytes())


def make_weights(path, seed, *settings, dataset_id="d" * 64, dead=()):
    """A file of weights of a small U-Net that nobody has trained."""
    unet = plugins.load("baselines", "unet")
    config = unet.configure("smoke", ["training.seed=" + str(seed), *settings])
    torch.manual_seed(seed)
    network = config.network.build()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim == 1:
                parameter.uniform_(0.1, 0.6)
            if name in dead:
                parameter.fill_(torch.nan)
    said = {"baseline": "unet", "preset": "smoke", "config": canonical_json(config.as_dict()), "dataset_id": dataset_id}
    save_weights(path, network, said)
    return path


@pytest.fixture(name="weights")
def weights_fixture(tmp_path):
    return make_weights(tmp_path / "a.safetensors", 1)


@pytest.fixture(name="folder")
def folder_fixture(tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for i, name in enumerate(["a.png", "b.png", "deep/c.png"]):
        write_png(tmp_path / "in" / name, noise(40, 50 + i // 2, seed=i))
    return tmp_path / "in"


def test_one_pixel_and_one_row_are_restored(cli, tmp_path, weights):
    (tmp_path / "in").mkdir()
    for shape in ((1, 1), (1, 70), (70, 1), (17, 33)):
        write_png(tmp_path / "in" / f"{shape[0]}.png", noise(*shape))
    for options in ([], ["--tile", "32"], ["--tile", "16", "--overlap", "0"], ["--ensemble", "--tile", "32"]):
        out = tmp_path / "-".join(["out", *options])
        assert cli("predict", weights, tmp_path / "in", out, "--device", "cpu", *options).code == 0
        for file in (tmp_path / "in").iterdir():
            assert read_rgb(out / file.name).shape == read_rgb(file).shape


def test_options_reach_the_network(cli, tmp_path, folder, weights):
    other = make_weights(tmp_path / "b.safetensors", 2)
    picture, (one, two) = read_rgb(folder / "a.png"), (open_model(str(f), "cpu") for f in (weights, other))
    asked = {
        "--ensemble": Composed([one.bare_restorer()], Inference(ensemble=True)),
        f"--with {other}": Composed([one.bare_restorer(), two.bare_restorer()], Inference()),
        "--tile 32 --overlap 8": Composed([one.bare_restorer()], Inference(tile=32, overlap=8)),
        "--tile 32": Composed([one.bare_restorer()], Inference(tile=32, overlap=8)),
        "--tile none --batch 2": Composed([one.bare_restorer()], Inference()),
        "--precision bfloat16": one.restorer(Inference(precision="bfloat16")),
    }
    plain = one.restorer()(picture)
    for i, (options, restorer) in enumerate(asked.items()):
        out = tmp_path / f"{i}"
        result = cli("predict", weights, folder, out, "--device", "cpu", *options.split())
        assert result.code == 0, result.err
        assert np.array_equal(read_rgb(out / "a.png"), restorer(picture)), options
        assert np.array_equal(read_rgb(out / "a.png"), plain) == ("none" in options)
        assert len(list(out.rglob("*.png"))) == 3


def test_16_bits_come_out_as_16_bits(cli, tmp_path, weights):
    picture = np.random.default_rng(0).integers(0, 65536, (20, 30, 3), dtype=np.uint16)
    write_deep(tmp_path / "in.tif", picture)
    assert cli("predict", weights, tmp_path / "in.tif", tmp_path / "out.png", "--device", "cpu").code == 0
    restored = cv2.imread(str(tmp_path / "out.png"), cv2.IMREAD_UNCHANGED)[:, :, ::-1]
    floats = open_model(str(weights), "cpu").bare_restorer().floats([picture])[0]
    assert restored.dtype == np.uint16
    assert np.array_equal(restored, np.rint(np.clip(floats, 0, 1) * np.float32(65535)))
    assert len(set((restored % 257).ravel().tolist())) > 100  # it never was of 8 bits


def test_methods_of_8_bits_say_so_once(cli, tmp_path):
    (tmp_path / "in").mkdir()
    picture = np.random.default_rng(0).integers(0, 65536, (8, 9, 3), dtype=np.uint16)
    for name in "ab":
        write_deep(tmp_path / "in" / f"{name}.png", picture)
    result = cli("predict", "identity", tmp_path / "in", tmp_path / "out")
    assert result.code == 0
    assert result.err.count("identity works with 8 bits") == 1
    assert np.array_equal(read_rgb(tmp_path / "out" / "b.png"), np.rint(picture / 257))


def test_what_the_file_said_is_said_again(cli, tmp_path):
    said = Image.Exif()
    said[0x0112], said[271] = 6, "Maker"
    Image.fromarray(noise(6, 9)).save(tmp_path / "a.jpg", exif=said, icc_profile=b"0" * 16 + b"RGB " + b"0" * 200)
    assert cli("predict", "identity", tmp_path / "a.jpg", tmp_path / "out.png").code == 0
    assert np.array_equal(read_rgb(tmp_path / "out.png"), read_rgb(tmp_path / "a.jpg"))
    with Image.open(tmp_path / "out.png") as out:
        assert out.size == (6, 9)
        assert (out.getexif()[0x0112], out.getexif()[271]) == (1, "Maker")
        assert out.info["icc_profile"][16:20] == b"RGB "
    clear = noise(5, 6, 4)
    Image.fromarray(clear).save(tmp_path / "clear.png")
    assert cli("predict", "identity", tmp_path / "clear.png", tmp_path / "clear-out.png").code == 0
    assert np.array_equal(np.array(Image.open(tmp_path / "clear-out.png")), clear)


def test_an_interrupted_folder_is_gone_on_with(cli, tmp_path, folder, monkeypatch):
    written = predict_module.write_original

    def write(path, original, restored):
        if path.name == "b.png":
            raise KeyboardInterrupt
        written(path, original, restored)

    monkeypatch.setattr(predict_module, "write_original", write)
    result = cli("predict", "identity", folder, tmp_path / "out")
    assert result.code == 130
    stays = "Error: interrupted: what is restored stays: the same command"
    assert result.err.splitlines()[-1] == f"{stays} with --skip-existing goes on"
    anew = cli("predict", "identity", folder, tmp_path / "out", "--overwrite")
    assert (anew.code, anew.err.splitlines()[-1]) == (130, f"{stays} begins anew")
    assert [p.name for p in (tmp_path / "out").rglob("*.*")] == ["a.png"]
    monkeypatch.undo()
    (tmp_path / "out" / "a.png").write_bytes(b"mine")
    assert cli("predict", "identity", folder, tmp_path / "out").code == 2
    again = cli("predict", "identity", folder, tmp_path / "out", "--skip-existing")
    assert (again.code, again.out) == (0, f"{tmp_path / 'out'}: 2 restored, 1 were there\n")
    assert (tmp_path / "out" / "a.png").read_bytes() == b"mine"
    assert cli("predict", "identity", folder, tmp_path / "out", "--skip-existing").out.endswith(
        "0 restored, 3 were there\n"
    )
    assert cli("predict", "identity", folder, tmp_path / "out", "--overwrite").code == 0
    assert np.array_equal(read_rgb(tmp_path / "out" / "a.png"), read_rgb(folder / "a.png"))


@pytest.mark.parametrize("options", ["", "--overwrite", "--skip-existing"])
def test_no_picture_takes_the_place_of_its_original(cli, tmp_path, folder, options):
    before = (folder / "a.png").read_bytes()
    (tmp_path / "link.png").symlink_to(folder / "a.png")
    for out in (folder / "a.png", tmp_path / "link.png"):
        result = cli("predict", "identity", folder / "a.png", out, *options.split())
        assert result.code == 2
        assert result.err == (
            f"Error: {out} is the input itself: choose another OUT: no picture is replaced by its result\n"
        )
    assert (folder / "a.png").read_bytes() == before


def test_what_cannot_be_written_is_said_before_anything_is_restored(cli, tmp_path, folder):
    (tmp_path / "out" / "b.png").mkdir(parents=True)
    result = cli("predict", "identity", folder, tmp_path / "out", "--overwrite")
    assert result.code == 2
    assert "b.png: it is a folder" in result.err
    assert not (tmp_path / "out" / "a.png").exists()


def test_bad_pictures_are_named_and_do_not_stop_the_others(cli, tmp_path, folder):
    (folder / "a1.png").write_bytes(b"")
    (folder / "a2.tif").write_bytes((folder / "a.png").read_bytes()[:90])
    result = cli("predict", "identity", folder, tmp_path / "out")
    assert result.code == 1
    assert sorted(p.name for p in (tmp_path / "out").rglob("*.*")) == ["a.png", "b.png", "c.png"]
    last = result.err.splitlines()[-1]
    assert last.startswith("Error: 2 of 5 pictures are not restored")
    assert "a1.png" in last
    assert "a2.tif" in last


def test_pictures_of_one_size_go_together(tmp_path, folder):
    calls = []

    class Counting(Composed):
        def restore(self, pictures, tick=None):
            calls.append(len(pictures))
            return super().restore(pictures)

    jobs = [Job(folder / name, tmp_path / "out" / name) for name in ("a.png", "b.png", "deep/c.png")]
    predict(Counting([lambda picture: 255 - picture], Inference(batch=2)), jobs, quiet=True)
    assert calls == [2, 1]
    for job in jobs:
        assert np.array_equal(read_rgb(job.target), 255 - read_rgb(job.source))


def test_tiles_that_nobody_asked_for_are_mentioned_once(cli, tmp_path, folder, weights, monkeypatch):
    monkeypatch.setattr("deblurbench_baselines.inference.restorer._SMALL", 0)
    monkeypatch.setattr("deblurbench_baselines.inference.restorer.free_bytes", lambda _: 0)
    result = cli("predict", weights, folder, tmp_path / "out", "--device", "cpu")
    assert result.code == 0
    assert result.err.count("restored in tiles of 256 pixels") == 1
    assert "a.png (50 x 40)" in result.err
    assert "in tiles" not in cli("predict", weights, folder, tmp_path / "o2", "--device", "cpu", "--tile", "none").err


WRONG = [
    ("--tile 8", "'8' is not auto, none, or a side of 16"),
    ("--tile some", "'some' is not auto"),
    ("--tile 32 --overlap 32", "--overlap 32 leaves nothing of tiles of 32 pixels"),
    ("--overlap 16", "--overlap is of tiles"),
    ("--tile none --overlap 16", "--overlap is of tiles"),
    ("--tile 16 --overlap 15", "in steps of 16 pixels: use tiles of 31 or more"),
    ("--batch 0", "0 is not in the range"),
    ("--precision float16", "'float16' is not one of"),
    ("--with nothing", "no baseline, run folder or weights file 'nothing'"),
    ("--skip-existing --overwrite", "opposite things"),
    ("--with identity --precision bfloat16", "identity has no network"),
]


@pytest.mark.parametrize(("options", "why"), WRONG, ids=[options for options, _ in WRONG])
def test_wrong_options_are_one_line(cli, tmp_path, folder, weights, options, why):
    result = cli("predict", weights, folder, tmp_path / "out", "--device", "cpu", *options.split())
    assert result.code == 2
    assert why in result.err
    assert result.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_weights_that_give_no_numbers_are_said(cli, tmp_path, folder):
    file = make_weights(tmp_path / "nan.safetensors", 1, dead=("head.bias",))
    result = cli("predict", file, folder, tmp_path / "out", "--device", "cpu", "--tile", "32")
    assert result.code == 1
    assert "not finite" in result.err
    assert not list((tmp_path / "out").rglob("*.*"))


def test_the_mean_of_weights_is_a_model_that_says_what_it_is(cli, tmp_path, folder, weights):
    files = [weights, make_weights(tmp_path / "b.safetensors", 2), make_weights(tmp_path / "c.safetensors", 3)]
    mean = tmp_path / "mean.safetensors"
    result = cli("average-weights", mean, *files)
    assert (result.code, result.out) == (0, f"{mean}  mean of 3\n")
    tensors, averaged = [load_file(file) for file in files], load_file(mean)
    assert averaged.keys() == tensors[0].keys()
    for name, tensor in averaged.items():
        one = torch.stack([of[name].double() for of in tensors])
        expected = one.mean(0) if tensor.is_floating_point() else one[0]
        torch.testing.assert_close(tensor.double(), expected, rtol=1e-6, atol=1e-7)
        assert tensor.dtype == tensors[0][name].dtype
    said = read_metadata(mean)
    assert said["config"] == read_metadata(weights)["config"]
    assert said["dataset_id"] == "d" * 64
    assert [of["weights_sha256"] for of in json.loads(said["averaged"])] == [sha256_file(file) for file in files]
    assert len({of["config_sha256"] for of in json.loads(said["averaged"])}) == 3  # their seeds differ
    assert cli("predict", mean, folder, tmp_path / "out", "--device", "cpu").code == 0
    before = mean.read_bytes()
    assert cli("average-weights", mean, *files).code == 2
    assert cli("average-weights", mean, *files, "--overwrite").code == 0
    assert mean.read_bytes() == before


def test_a_mean_over_datasets_is_of_none(tmp_path, weights):
    other = make_weights(tmp_path / "b.safetensors", 2, dataset_id="e" * 64)
    average_weights([open_model(str(file), "cpu") for file in (weights, other)], tmp_path / "mean.safetensors")
    said = read_metadata(tmp_path / "mean.safetensors")
    assert "dataset_id" not in said
    assert [of["dataset_id"][0] for of in json.loads(said["averaged"])] == ["d", "e"]


def test_what_has_no_mean_is_refused(cli, tmp_path, weights):
    wide = make_weights(tmp_path / "wide.safetensors", 1, "network.unshuffle=2")
    broken = make_weights(tmp_path / "broken.safetensors", 1, dead=("head.bias",))
    for arguments, why in (
        ([tmp_path / "m.safetensors", weights], "needs two models or more"),
        ([tmp_path / "m.safetensors", weights, "identity"], "identity has no weights"),
        ([tmp_path / "m.safetensors", weights, wide], r"wide.safetensors is of another network"),
        ([tmp_path / "m.safetensors", weights, broken], "not finite"),
        ([tmp_path / "m.pt", weights, weights], "name it .safetensors"),
        ([tmp_path / "none" / "m.safetensors", weights, weights], "no folder"),
    ):
        result = cli("average-weights", *arguments)
        assert result.code in (1, 2)
        assert re.search(why, result.err), result.err
        assert result.err.count("\n") == 1
        assert not (tmp_path / "m.safetensors").exists()


def test_files_of_other_tensors_are_refused(tmp_path, weights):
    odd = tmp_path / "odd.safetensors"
    write_weights(odd, {"head.bias": np.zeros(3, np.float32)}, dict(read_metadata(weights)))
    with pytest.raises(RunError, match="does not have the tensors"):
        average_weights([open_model(str(file), "cpu") for file in (weights, odd)], tmp_path / "m.safetensors")


def test_the_mean_has_one_order_of_bytes(tmp_path):
    tensors = {name: np.full(3, i, np.float32) for i, name in enumerate("ba")}
    for name in ("1", "2"):
        write_weights(tmp_path / name, tensors, {"z": "1", "a": "2", "m": name[:0]})
    written = (tmp_path / "1").read_bytes()
    assert written == (tmp_path / "2").read_bytes()
    header = json.loads(written[8 : 8 + int.from_bytes(written[:8], "little")])
    assert list(header) == sorted(header)
    assert torch.equal(load_file(tmp_path / "1")["a"], torch.ones(3))


def test_a_wiener_filter_takes_all_of_it(cli, tmp_path):
    """A method without a network, of 8 bits: tiles, turns and the mean with others."""
    sharp = data.astronaut()[:320, :256]
    blurred = cv2.GaussianBlur(sharp, (9, 9), 1.2)
    write_png(tmp_path / "in.png", blurred)

    def error(*options):
        assert cli("predict", "wiener", tmp_path / "in.png", tmp_path / "out.png", "--overwrite", *options).code == 0
        return np.square(read_rgb(tmp_path / "out.png") - sharp.astype(float)).mean()

    before = np.square(blurred - sharp.astype(float)).mean()
    assert error("--tile", "256", "--overlap", "64") < 0.5 * before
    assert error("--ensemble") == pytest.approx(error(), rel=0.01)  # it knows no direction
    error()
    alone = read_rgb(tmp_path / "out.png").astype(float)
    error("--with", "identity")
    assert np.abs(read_rgb(tmp_path / "out.png") - (alone + blurred) / 2).max() <= 0.5


def test_a_told_method_is_refused_by_predict(cli, tmp_path, folder):
    if "wiener-oracle" not in plugins.find("baselines"):
        pytest.skip("it is not there yet")
    result = cli("predict", "wiener-oracle", folder, tmp_path / "out")
    assert result.code == 2
