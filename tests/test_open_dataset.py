"""Opening datasets: as they lie on disk, and as tensors for people's own trainers."""

import json
import pickle
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from formats_kit import make_finished, make_pair, make_pairs
from torch.utils.data import ConcatDataset, DataLoader, Subset

import deblurbench
from deblurbench.dataset.formats import FORMATS
from deblurbench.dataset.manifest import COMMIT_MARK, MANIFEST
from deblurbench.dataset.reader import open_dataset
from deblurbench.errors import DatasetError, PictureError, UsageError
from deblurbench.images.codec import read_rgb
from deblurbench.places import Place
from deblurbench.runs.record import read_scores

ALL = list(FORMATS)
WORKERS = ["png", "npy", "webdataset", "lmdb", "parquet"]


def flip(blur, sharp):
    """A transform that sees both: at the top level, so that spawned workers find it."""
    return blur.flip(-1), sharp.flip(-1)


def chw(picture):
    return picture.transpose(2, 0, 1)


@pytest.fixture(scope="module")
def pairs():
    return [*make_pairs(9, "train"), *make_pairs(3, "test-g1.2", seed=100)]


@pytest.fixture(scope="module", params=ALL)
def finished(request, tmp_path_factory, pairs):
    return make_finished(tmp_path_factory.mktemp("set") / request.param, request.param, pairs)


# as tensors


def test_tensors(finished, pairs):
    dataset = deblurbench.open_dataset(finished.path, "train")
    assert len(dataset) == 9
    for index, made in enumerate(pairs[:9]):
        item = dataset[index]
        assert isinstance(item, deblurbench.PairTensors)
        assert item.name == made.record.name
        assert item.blur.dtype == item.sharp.dtype == torch.float32
        assert item.blur.is_contiguous()
        np.testing.assert_array_equal(item.blur.numpy(), (chw(made.blurred) / np.float32(255)).astype(np.float32))
        np.testing.assert_array_equal(item.sharp.numpy(), (chw(made.sharp) / np.float32(255)).astype(np.float32))
    assert [item.name for item in dataset] == [made.record.name for made in pairs[:9]]


def test_stored_values(finished, pairs):
    dataset = deblurbench.open_dataset(str(finished.path), "test-g1.2", uint8=True)
    assert len(dataset) == 3
    blur, sharp, name = dataset[-1]
    assert blur.dtype == sharp.dtype == torch.uint8
    np.testing.assert_array_equal(blur.numpy(), chw(pairs[-1].blurred))
    np.testing.assert_array_equal(sharp.numpy(), chw(pairs[-1].sharp))
    assert name == pairs[-1].record.name


@pytest.mark.parametrize("finished", WORKERS, indirect=True)
def test_forked_workers(finished, pairs):
    """The parent reads before the workers start, so that they meet its open files."""
    dataset = deblurbench.open_dataset(finished.path, "train", transform=flip, uint8=True)
    assert dataset[4].name == pairs[4].record.name
    loader = DataLoader(dataset, batch_size=4, num_workers=2, multiprocessing_context="fork", persistent_workers=True)
    for _ in range(2):
        batches = list(loader)
        assert [len(batch.name) for batch in batches] == [4, 4, 1]
        blur = torch.cat([batch.blur for batch in batches])
        sharp = torch.cat([batch.sharp for batch in batches])
        for index, made in enumerate(pairs[:9]):
            np.testing.assert_array_equal(blur[index].flip(-1).numpy(), chw(made.blurred))
            np.testing.assert_array_equal(sharp[index].flip(-1).numpy(), chw(made.sharp))
        np.testing.assert_array_equal(dataset[0].blur.flip(-1).numpy(), chw(pairs[0].blurred))


def test_spawned_workers(tmp_path, pairs):
    """Of all formats at once: starting a worker takes seconds, most of them torch's."""
    for fmt in WORKERS:
        make_finished(tmp_path / fmt, fmt, pairs[:2])
    sets = [deblurbench.open_dataset(tmp_path / fmt, "train", transform=flip, uint8=True) for fmt in WORKERS]
    assert [of[1].name for of in sets] == [pairs[1].record.name] * len(sets)
    loader = DataLoader(ConcatDataset(sets), batch_size=2, num_workers=2, multiprocessing_context="spawn")
    batches = list(loader)
    assert len(batches) == len(sets)
    for batch in batches:
        for index, made in enumerate(pairs[:2]):
            assert batch.name[index] == made.record.name
            np.testing.assert_array_equal(batch.blur[index].flip(-1).numpy(), chw(made.blurred))
            np.testing.assert_array_equal(batch.sharp[index].flip(-1).numpy(), chw(made.sharp))


def test_shuffled_batches(finished, pairs):
    dataset = deblurbench.open_dataset(finished.path, "train")
    loader = DataLoader(dataset, batch_size=3, shuffle=True, generator=torch.Generator().manual_seed(0))
    names = [name for batch in loader for name in batch.name]
    assert sorted(names) == sorted(made.record.name for made in pairs[:9])
    assert names != [made.record.name for made in pairs[:9]]
    assert next(iter(loader)).blur.shape == (3, 3, 11, 13)


@pytest.fixture
def train(tmp_path, pairs):
    make_finished(tmp_path / "set", "png", pairs)
    return deblurbench.open_dataset(tmp_path / "set", "train")


def test_indices(train):
    assert train[-1].name == train[8].name == train[np.int64(8)].name == train[torch.tensor(8)].name
    assert train[-9].name == train[0].name
    for index in (9, -10, 10**9):
        with pytest.raises(IndexError):
            train[index]
    with pytest.raises(TypeError, match="Subset"):
        train[1:3]
    with pytest.raises(TypeError):
        train["a"]
    assert [item.name for item in Subset(train, range(1, 3))] == [train[1].name, train[2].name]


def test_pickles_with_nothing_open(train, pairs):
    train[0]
    copy = pickle.loads(pickle.dumps(train))
    assert copy[3].name == train[3].name
    assert len(pickle.dumps(train)) < 5000


def test_names_mean_data(tmp_path, pairs, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"no dataset 'starter'.*deblurbench build-dataset starter"):
        deblurbench.open_dataset("starter", "train")
    make_finished(tmp_path / "data" / "starter", "png", pairs)
    assert len(deblurbench.open_dataset("starter", "train")) == 9
    with pytest.raises(UsageError, match=r"no dataset 'startr'.*did you mean 'starter'"):
        deblurbench.open_dataset("startr", "train")
    (tmp_path / "starter").mkdir()  # an empty folder of that name is in nobody's way
    assert len(deblurbench.open_dataset("starter", "train")) == 9
    make_finished(tmp_path / "starter", "png", pairs[:5])
    assert len(deblurbench.open_dataset("starter", "train")) == 5
    assert len(deblurbench.open_dataset("data/starter", "train")) == 9
    with pytest.raises(UsageError, match="no dataset folder"):
        deblurbench.open_dataset(Path("nothing"), "train")
    with pytest.raises(UsageError, match="no dataset folder"):
        deblurbench.open_dataset("data/nothing", "train")


def test_splits_are_named(tmp_path, pairs):
    make_finished(tmp_path, "png", pairs)
    with pytest.raises(
        UsageError, match=r"which split.*train \(9 pairs\), test-g1.2 \(3 pairs\)|which split.*test-g1.2"
    ):
        deblurbench.open_dataset(tmp_path)
    with pytest.raises(UsageError, match=r"has no split 'tset-g1.2': did you mean 'test-g1.2'"):
        deblurbench.open_dataset(tmp_path, "tset-g1.2")


@pytest.mark.parametrize("fmt", ["webdataset", "parquet"])
def test_in_memory(pairs, fmt):
    import fsspec

    make_finished(f"memory://open/{fmt}", fmt, pairs)
    dataset = deblurbench.open_dataset(f"memory://open/{fmt}", "test-g1.2", uint8=True)
    assert [item.name for item in dataset] == [made.record.name for made in pairs[9:]]
    np.testing.assert_array_equal(dataset[1].blur.numpy(), chw(pairs[10].blurred))
    assert pickle.loads(pickle.dumps(dataset))[2].name == pairs[11].record.name
    fsspec.filesystem("memory").rm("/open", recursive=True)


def test_damage_is_named(tmp_path, pairs):
    make_finished(tmp_path, "png", pairs)
    train = deblurbench.open_dataset(tmp_path, "train")
    (tmp_path / "train" / "blur" / f"{pairs[2].record.name}.png").unlink()
    with pytest.raises(PictureError, match="does not exist"):
        train[2]
    lines = (tmp_path / MANIFEST).read_text().splitlines(keepends=True)
    (tmp_path / MANIFEST).write_text("".join([*lines[:5], "{}\n"]))
    with pytest.raises(DatasetError, match=r"manifest\.jsonl:6 is damaged"):
        deblurbench.open_dataset(tmp_path, "train")
    (tmp_path / MANIFEST).write_text("".join(reversed(lines)))
    with pytest.raises(DatasetError, match=r"damaged|has changed"):
        train[0]


def test_pictures_of_two_sizes(tmp_path, pairs):
    odd = make_pair("odd")
    odd = odd._replace(blurred=np.zeros((3, 3, 3), np.uint8))
    make_finished(tmp_path, "png", [odd])
    with pytest.raises(DatasetError, match="differ in size"):
        deblurbench.open_dataset(tmp_path, "train")[0]


def test_memory_per_pair(tmp_path):
    """8 bytes of each pair are kept: the manifest is walked through."""
    import tracemalloc

    dataset = make_finished(tmp_path, "png", make_pairs(1))
    line = (tmp_path / MANIFEST).read_text()
    name = json.loads(line)["pair"].partition("/")[2]
    with (tmp_path / MANIFEST).open("w") as file:
        file.writelines(line.replace(f"train/{name}", f"train/{i:06d}") for i in range(20_000))
    tracemalloc.start()
    opened = deblurbench.PairDataset(dataset, "train")
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(opened) == 20_000
    assert opened.record(19_999).name == "019999"
    assert kept < 20_000 * 9
    assert peak < 20_000 * 60


# as it lies on disk


def test_the_dataset_itself(finished, pairs):
    dataset = open_dataset(finished.path)
    assert dataset == open_dataset(str(finished.path)) == open_dataset(Place(finished.path))
    assert dataset.format == finished.path.name
    assert dataset.splits == {"train": 9, "test-g1.2": 3}
    assert dataset.test_splits == ["test-g1.2"]
    names = [made.record.name for made in pairs[9:]]
    assert [record.name for record in dataset.records("test-g1.2")] == names
    assert len(list(dataset.records())) == 12
    assert pickle.loads(pickle.dumps(dataset)) == dataset
    with pytest.raises(UsageError, match="did you mean 'train'"):
        dataset.records("trian")


def test_picture_files(finished, pairs):
    dataset = open_dataset(finished.path)
    if dataset.format in ("png", "qoi", "gopro"):
        found = dataset.pairs("train")
        assert [pair.name for pair in found] == [made.record.name for made in pairs[:9]]
        np.testing.assert_array_equal(read_rgb(found[3].blur), pairs[3].blurred)
        np.testing.assert_array_equal(read_rgb(found[3].sharp), pairs[3].sharp)
    else:
        with pytest.raises(UsageError, match=f"deblurbench export .*{dataset.format} OUT --format png"):
            dataset.pairs("train")
    if dataset.format in ("png", "qoi"):
        assert len(list(dataset.folder("train", "blur").iterdir())) == 9
    else:
        with pytest.raises(UsageError, match="deblurbench export"):
            dataset.folder("train", "blur")


def test_adopted_pairs_lie_in_their_root(tmp_path, pairs):
    root = tmp_path / "Published"
    made = make_pair("a", size=(5, 6))
    make_finished(tmp_path / "set", "png", [made])
    (tmp_path / "set" / "train").rename(root)
    mark = json.loads((tmp_path / "set" / COMMIT_MARK).read_text())
    (tmp_path / "set" / COMMIT_MARK).write_text(json.dumps(mark | {"format": "adopted", "root": str(root)}))
    line = json.loads((tmp_path / "set" / MANIFEST).read_text())
    line |= {"files": {"blur": "blur/a.png", "sharp": "sharp/a.png"}}
    (tmp_path / "set" / MANIFEST).write_text(json.dumps(line) + "\n")
    dataset = open_dataset(tmp_path / "set")
    (pair,) = dataset.pairs("train")
    assert (pair.name, pair.blur, pair.sharp) == ("a", root / "blur" / "a.png", root / "sharp" / "a.png")
    np.testing.assert_array_equal(
        dataset.read(made.record.model_copy(update={"files": next(dataset.records()).files}), "blur"), made.blurred
    )
    np.testing.assert_array_equal(
        deblurbench.open_dataset(tmp_path / "set", "train", uint8=True)[0].sharp.numpy(), chw(made.sharp)
    )
    line["files"]["blur"] = "../../etc/passwd"
    (tmp_path / "set" / MANIFEST).write_text(json.dumps(line) + "\n")
    with pytest.raises(DatasetError, match="no name of a file"):
        dataset.pairs("train")


def test_unknown_formats_are_refused(tmp_path, pairs):
    make_finished(tmp_path, "png", pairs[:1])
    mark = json.loads((tmp_path / COMMIT_MARK).read_text())
    (tmp_path / COMMIT_MARK).write_text(json.dumps(mark | {"format": "zip"}))
    with pytest.raises(DatasetError, match="unknown format 'zip'"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 2}', "\xff"])
def test_damaged_marks(tmp_path, text):
    (tmp_path / COMMIT_MARK).write_bytes(text.encode("latin-1"))
    with pytest.raises(DatasetError, match=r"dataset\.json is damaged"):
        open_dataset(tmp_path)


def test_unfinished_datasets(tmp_path):
    with pytest.raises(DatasetError, match="is no finished dataset"):
        open_dataset(tmp_path)
    with pytest.raises(DatasetError, match="is no finished dataset"):
        open_dataset("memory://nothing/here")


@pytest.mark.parametrize("finished", ["png", "qoi", "gopro", "webdataset", "npy", "lmdb", "parquet"], indirect=True)
def test_running_a_baseline(finished, tmp_path, cli):
    """Protocols read picture files; where a dataset has none, they are made: the numbers never depend on the format."""
    run = tmp_path / "run"
    result = cli("run-baseline", "identity", "--data", finished.path, "--out", run, "--workers", 1)
    assert result.code == 0, result.err
    records = list(finished.records("test-g1.2"))
    names = sorted(path.name for path in (run / "predictions" / "test-g1.2").iterdir())
    assert names == sorted(f"{record.name}.png" for record in records)
    rows = {row.name: row for row in read_scores(run)}
    assert rows.keys() == set(names)
    with closing(finished.reader("test-g1.2")) as pictures:
        for record in records:
            blur, sharp = (pictures.read(record, side).astype(float) for side in ("blur", "sharp"))
            row = rows[f"{record.name}.png"]
            assert row.psnr_db == row.blurred_psnr_db
            assert row.psnr_db == pytest.approx(10 * np.log10(255**2 / ((blur - sharp) ** 2).mean()), rel=1e-12)


# the package


def test_the_package_stays_light():
    code = (
        "import sys, deblurbench\n"
        "assert 'open_dataset' in dir(deblurbench) and deblurbench.__version__\n"
        "assert not {'torch', 'numpy', 'pydantic', 'PIL'} & sys.modules.keys(), sys.modules.keys()\n"
        "try: deblurbench.nonsense\n"
        "except AttributeError as error: assert 'nonsense' in str(error)\n"
        "else: raise SystemExit('no error')\n"
        "from deblurbench import PairDataset, open_dataset\n"
        "assert 'torch' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_package_is_typed():
    assert (Path(deblurbench.__file__).parent / "py.typed").is_file()
