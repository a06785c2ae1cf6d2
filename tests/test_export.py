"""Export: the same pixels and the same id in any format; whole, resumable, and never into anybody's files."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import ROOT, noise
from formats_kit import RAW, make_finished, make_pair, make_pairs

from deblurbench.blur.gaussian import Gaussian
from deblurbench.dataset import export as exporting
from deblurbench.dataset.export import export
from deblurbench.dataset.formats import FORMATS
from deblurbench.dataset.kernels import opened_kernels, write_kernels
from deblurbench.dataset.manifest import COMMIT_MARK, KERNELS, MANIFEST, dataset_id
from deblurbench.dataset.reader import open_dataset
from deblurbench.dataset.verify import verify
from deblurbench.draws import Draws
from deblurbench.errors import DatasetError, PictureError, UsageError
from deblurbench.files import canonical_json
from deblurbench.images.codec import write_png
from deblurbench.places import Place

ALL = list(FORMATS)


def kernel_of(sigma):
    return Gaussian(sigma=sigma).draw(Draws(1, "x", "blur")).operator


def with_kernels(path, *splits):
    """Give each split's records a kernel of its own, and write the kernels."""
    kernels = {split: kernel_of(1.0 + i) for i, split in enumerate(splits)}
    old = map(json.loads, (path / MANIFEST).read_text().splitlines())
    lines = [canonical_json(line | {"kernels": [kernels[line["split"]].id]}) + "\n" for line in old]
    (path / MANIFEST).write_text("".join(lines))
    with (path / KERNELS).open("wb") as file:
        write_kernels(file, ((kernel.id, kernel.taps) for kernel in kernels.values()))
    return kernels


@pytest.fixture
def pairs():
    return [*make_pairs(7, "train"), *make_pairs(3, "test-g1.2", seed=100)]


@pytest.fixture
def source(tmp_path, pairs):
    dataset = make_finished(tmp_path / "source", "png", pairs)
    with_kernels(dataset.path, "train", "test-g1.2")
    return dataset


def tree(path):
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}


def assert_holds(dataset, pairs):
    for made in pairs:
        record = next(r for r in dataset.records() if r.pair == made.record.pair)
        np.testing.assert_array_equal(dataset.read(record, "sharp"), made.sharp)
        np.testing.assert_array_equal(dataset.read(record, "blur"), made.blurred)


@pytest.mark.parametrize("fmt", ALL)
def test_from_png_and_back(source, pairs, tmp_path, fmt):
    before = tree(source.path)
    there = export(source.path, tmp_path / "there", fmt, quiet=True)
    assert (there.id, there.format, there.recipe) == (source.id, fmt, "tiny")
    assert there.splits == source.splits
    assert there.shards == ({"train": 1, "test-g1.2": 1} if FORMATS[fmt].sharded else {})
    assert_holds(there, pairs)
    assert (there.path / MANIFEST).read_bytes() == (source.path / MANIFEST).read_bytes()
    assert verify(there.path, pixels=True, quiet=True) == []
    back = export(there.path, tmp_path / "back", "png", quiet=True)
    assert back.id == source.id
    for name, data in tree(source.path).items():
        if name.endswith(".png"):
            assert (back.path / name).read_bytes() == data
    assert tree(source.path) == before
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("fmt", ["npy", "webdataset"])
def test_workers_change_nothing(source, tmp_path, fmt):
    export(source.path, tmp_path / "one", fmt, workers=1, quiet=True)
    export(source.path, tmp_path / "two", fmt, workers=2, quiet=True)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_shards_of_several_jobs(source, pairs, tmp_path, monkeypatch):
    monkeypatch.setattr(type(FORMATS["parquet"]), "shard_pairs", 3)
    there = export(source.path, tmp_path / "there", "parquet", quiet=True)
    assert there.shards == {"train": 3, "test-g1.2": 1}
    assert_holds(there, pairs)


def test_some_splits(source, pairs, tmp_path):
    there = export(source.path, tmp_path / "there", "webdataset", splits=["test-g1.2"], quiet=True)
    assert there.splits == {"test-g1.2": 3}
    assert there.id == dataset_id(made.record for made in pairs[7:]) != source.id
    assert [record.pair for record in there.records()] == [made.record.pair for made in pairs[7:]]
    with opened_kernels(there.place, KERNELS) as kernels:
        assert kernels.files == [kernel_of(2.0).id]
    assert verify(there.path, pixels=True, quiet=True) == []
    with pytest.raises(UsageError, match=r"did you mean 'test-g1.2'"):
        export(source.path, tmp_path / "other", "webdataset", splits=["test-g1"], quiet=True)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("fmt", ["webdataset", "parquet"])
def test_to_and_from_memory(source, pairs, tmp_path, fmt):
    import fsspec

    url = f"memory://export/{fmt}"
    there = export(source.path, url, fmt, workers=2, quiet=True)
    assert there.id == source.id
    assert_holds(open_dataset(url), pairs)
    back = export(url, tmp_path / "back", "npy", workers=2, quiet=True)
    assert back.id == source.id
    assert_holds(back, pairs)
    with pytest.raises(UsageError, match="lies inside the input"):
        export(url, f"{url}/inner", fmt, quiet=True)
    fsspec.filesystem("memory").rm("/export", recursive=True)


def test_the_same_command_again(source, tmp_path, cli):
    first = cli("export", source.path, tmp_path / "out", "--format", "npy", "--workers", 1)
    assert first.code == 0
    assert f"dataset id {source.id}" in first.out
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    again = cli("export", source.path, tmp_path / "out", "--format", "npy", "--workers", 1)
    assert again.code == 0
    assert "is already there" in again.err
    assert again.out == first.out
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before


def test_json(source, tmp_path, cli):
    result = cli(
        "export", source.path, tmp_path / "out", "--format", "lmdb", "--split", "train", "--json", "-", "--quiet"
    )
    assert result.code == 0
    shown = json.loads(result.out)
    assert shown["format"] == "lmdb"
    assert shown["splits"] == {"train": 7}
    assert shown["dataset_id"] == open_dataset(tmp_path / "out").id


def test_what_is_refused(source, pairs, tmp_path, cli):
    def refused(*args, code, say):
        result = cli("export", *args, "--workers", 1)
        assert result.code == code
        assert say in result.err

    refused(source.path, tmp_path / "out", "--format", "tarball", code=2, say="unknown format 'tarball'")
    refused(source.path, tmp_path / "out", "--format", "adopted", code=2, say="unknown format 'adopted'")
    refused(source.path, source.path, "--format", "npy", code=2, say="lies inside the input")
    refused(source.path, source.path / "inner", "--format", "npy", code=2, say="lies inside the input")
    refused(source.path, tmp_path, "--format", "npy", code=2, say="inside")
    refused(source.path, "memory://x", "--format", "npy", code=2, say="needs a local folder")
    refused(tmp_path / "nothing", tmp_path / "out", "--format", "npy", code=2, say="no dataset folder")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    refused(source.path, tmp_path / "mine", "--format", "npy", code=2, say="holds other files")
    refused(source.path, tmp_path / "mine", "--format", "npy", "--overwrite", code=2, say="holds other files")
    assert tree(tmp_path / "mine") == {"thesis.tex": b"years of work"}
    other = make_finished(tmp_path / "other", "npy", pairs[:3])
    refused(source.path, other.path, "--format", "npy", code=1, say="holds another dataset")
    assert open_dataset(other.path).id == other.id
    assert not (tmp_path / "out").exists()


def test_overwriting(source, pairs, tmp_path):
    make_finished(tmp_path / "out", "npy", pairs[:3])
    there = export(source.path, tmp_path / "out", "webdataset", overwrite=True, quiet=True)
    assert there.id == source.id
    assert not list((tmp_path / "out").rglob("*.npy"))


def test_lost_files_are_named(source, tmp_path):
    export(source.path, tmp_path / "out", "webdataset", quiet=True)
    (tmp_path / "out" / "train-00000.tar").unlink()
    with pytest.raises(DatasetError, match=r"has lost 1 files, such as train-00000\.tar"):
        export(source.path, tmp_path / "out", "webdataset", quiet=True)
    export(source.path, tmp_path / "out", "webdataset", overwrite=True, quiet=True)
    assert (tmp_path / "out" / "train-00000.tar").is_file()


@pytest.mark.parametrize("fmt", ["npy", "parquet", "lmdb"])
def test_wrong_pixels_never_get_through(source, pairs, tmp_path, fmt):
    name = pairs[2].record.name
    write_png(source.folder("train", "blur") / f"{name}.png", noise(11, 13, seed=999))
    with pytest.raises(DatasetError, match=f"the blur picture of train/{name} is not the one in the manifest"):
        export(source.path, tmp_path / "out", fmt, quiet=True)
    assert not (tmp_path / "out" / COMMIT_MARK).exists()
    (source.folder("train", "blur") / f"{name}.png").unlink()
    with pytest.raises(PictureError, match="does not exist"):
        export(source.path, tmp_path / "out", fmt, quiet=True)
    write_png(source.folder("train", "blur") / f"{name}.png", pairs[2].blurred)
    there = export(source.path, tmp_path / "out", fmt, quiet=True)
    assert there.id == source.id
    assert_holds(there, pairs)


def test_a_manifest_that_is_not_the_datasets(source, tmp_path):
    lines = (source.path / MANIFEST).read_text().splitlines(keepends=True)
    (source.path / MANIFEST).write_text("".join(lines[1:]))
    with pytest.raises(DatasetError, match="does not give its dataset id"):
        export(source.path, tmp_path / "out", "npy", quiet=True)
    assert not (tmp_path / "out").exists()


def test_an_unfinished_export_of_something_else(source, tmp_path, monkeypatch):
    def stop(job):
        raise KeyboardInterrupt

    monkeypatch.setattr(exporting, "export_shard", stop)
    with pytest.raises(KeyboardInterrupt):
        export(source.path, tmp_path / "out", "npy", quiet=True)
    monkeypatch.undo()
    with pytest.raises(DatasetError, match="other settings"):
        export(source.path, tmp_path / "out", "webdataset", quiet=True)
    assert export(source.path, tmp_path / "out", "npy", quiet=True).id == source.id


def test_what_is_done_is_not_done_again(source, pairs, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "_PAIRS_AT_ONCE", 2)
    done = []
    real = exporting.export_shard

    def interrupted(job):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append((job.split, job.index))
        return real(job)

    monkeypatch.setattr(exporting, "export_shard", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export(source.path, tmp_path / "out", "npy", quiet=True)
    assert not (tmp_path / "out" / COMMIT_MARK).exists()
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.npy")}
    assert len(written) >= 6
    monkeypatch.setattr(exporting, "export_shard", real)
    assert_holds(export(source.path, tmp_path / "out", "npy", quiet=True), pairs)
    assert {path: path.stat().st_mtime_ns for path in written} == written


@pytest.mark.parametrize("fmt", ["npy", "webdataset", "lmdb"])
def test_killed_and_resumed(tmp_path, fmt):
    """SIGKILL in the middle, several times over, then to the end."""
    pairs = [make_pair(f"{i:03d}", seed=i, size=(64, 64)) for i in range(300)]
    source = make_finished(tmp_path / "source", "png", pairs, shard_pairs=300)
    code = (
        "import sys; sys.path.insert(0, sys.argv[4]); from deblurbench.dataset.export import export\n"
        "if __name__ == '__main__': export(*sys.argv[1:4], quiet=True)\n"
    )
    out = tmp_path / "out"
    command = [sys.executable, "-c", code, str(source.path), str(out), fmt, str(ROOT)]
    kills = 0
    for wanted in (1, 100, 200):
        process = subprocess.Popen(command)
        while process.poll() is None and sum(1 for p in out.rglob("*") if p.is_file()) < wanted:
            time.sleep(0.005)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
        if fmt != "npy":
            break
    assert kills
    there = export(source.path, out, fmt, quiet=True)
    assert there.id == source.id
    assert verify(out, pixels=True, quiet=True) == []
    assert not list(out.rglob("*.part"))


def test_gopro_clashes_are_found_before_anything_is_written(tmp_path):
    same = [make_pair(f"s-000001-{RAW[:8]}-{i}", frames=("0" * 64,), family="frame-average", seed=i) for i in range(2)]
    source = make_finished(tmp_path / "source", "png", same)
    with pytest.raises(UsageError, match="would both be"):
        export(source.path, tmp_path / "out", "gopro", quiet=True)
    assert not (tmp_path / "out").exists()


def test_parts_must_be_joined_first(source, tmp_path):
    mark = json.loads((source.path / COMMIT_MARK).read_text())
    (source.path / COMMIT_MARK).write_text(json.dumps(mark | {"part": "1/2"}))
    with pytest.raises(UsageError, match=r"is part 1/2 of a build.*merge-datasets"):
        export(source.path, tmp_path / "out", "npy", quiet=True)


def test_adopted_datasets_become_files(tmp_path, cli):
    root = tmp_path / "GOPRO_Large"
    for number in ("000047", "000048"):
        for side, seed in (("blur", 1), ("blur_gamma", 2), ("sharp", 3)):
            file = root / "train" / "GOPR0372_07_00" / side / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            # the mean in linear light is the brighter one
            write_png(file, noise(16, 18, seed=seed + int(number)) // 2 + (60 if side == "blur_gamma" else 0))
    result = cli("adopt", "gopro", root, "--out", tmp_path / "adopted", "--variant", "blur_gamma", "--quiet")
    assert result.code == 0, result.err
    adopted = open_dataset(tmp_path / "adopted")
    assert [pair.blur.parent.name for pair in adopted.pairs("train")] == ["blur_gamma", "blur_gamma"]
    there = export(adopted.path, tmp_path / "out", "gopro", quiet=True)
    assert there.id == adopted.id
    assert all(record.files is None for record in there.records())
    copied = {name: data for name, data in tree(there.path).items() if name.startswith("train/")}
    assert sorted(copied) == [
        f"train/GOPR0372_07_00/{side}/{number}.png"
        for side in ("blur_gamma", "sharp")
        for number in ("000047", "000048")
    ]
    assert verify(there.path, pixels=True, quiet=True) == []
    tars = export(adopted.path, tmp_path / "tars", "webdataset", quiet=True)
    assert tars.id == adopted.id
    with pytest.raises(UsageError, match="lies inside the input"):
        export(adopted.path, root / "inner", "npy", quiet=True)


def test_a_dataset_without_kernels(tmp_path, pairs):
    source = make_finished(tmp_path / "source", "webdataset", pairs)
    there = export(source.path, Place(tmp_path / "out"), "png", quiet=True)
    assert verify(there.path, pixels=True, quiet=True) == []
