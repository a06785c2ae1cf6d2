"""Formats: what is written is read back, pixel for pixel, by us and by the libraries that each format is for."""

import gc
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import warnings
from collections import Counter

import numpy as np
import pytest
from conftest import noise
from formats_kit import RAW, decode_foreign, make_finished, make_pair, make_pairs, write_pairs
from hypothesis import given, settings
from hypothesis import strategies as st

from deblurbench.dataset.formats import FORMATS, find_format
from deblurbench.dataset.formats.gopro import refuse_clashes
from deblurbench.dataset.manifest import dataset_id, record_line
from deblurbench.errors import DatasetError, DeblurbenchError, PictureError, UsageError
from deblurbench.images.hashing import pixel_hash
from deblurbench.places import Place

ALL = list(FORMATS)
SHARDED = [name for name in ALL if FORMATS[name].sharded]


def assert_reads(reader, pairs):
    for made in pairs:
        np.testing.assert_array_equal(reader.read(made.record, "sharp"), made.sharp)
        np.testing.assert_array_equal(reader.read(made.record, "blur"), made.blurred)


def content(place):
    return {name: place.read_bytes(name) for name in place.names()}


def test_the_table():
    assert ALL == ["png", "qoi", "npy", "gopro", "webdataset", "lmdb", "parquet"]
    for name, fmt in FORMATS.items():
        assert fmt.name == name
        assert find_format(name).name == name
    with pytest.raises(UsageError, match="unknown format 'parket': did you mean 'parquet'"):
        find_format("parket")


def test_the_table_imports_no_library():
    code = (
        "import sys; from deblurbench.dataset.formats import FORMATS; list(FORMATS.values()); import deblurbench\n"
        "assert not {'torch', 'lmdb', 'pyarrow', 'webdataset', 'fsspec'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("fmt", ALL)
def test_what_is_written_is_read(tmp_path, fmt):
    pairs = [*make_pairs(12, "test-g1.2", seed=50), *make_pairs(13, "train")]
    dataset = make_finished(tmp_path / "set", fmt, pairs)
    assert dataset.id == dataset_id(made.record for made in pairs)
    for split in ("train", "test-g1.2"):
        of_split = [made for made in pairs if made.record.split == split]
        reader = dataset.reader(split)
        assert_reads(reader, of_split)
        assert_reads(reader, reversed(of_split))
        reader.close()
        assert_reads(reader, of_split[:2])  # a closed one opens again
        reader.close()
    for made in pairs:
        assert pixel_hash(dataset.read(made.record, "blur")) == made.record.blur_sha256


@pytest.mark.parametrize("fmt", ALL)
def test_the_files_are_those_that_the_format_names(tmp_path, fmt):
    pairs = [*make_pairs(6, "val", seed=50), *make_pairs(13, "train")]
    place = Place(tmp_path / "set")
    shards = write_pairs(place, fmt, pairs)
    expected = []
    for split, count in shards.items():
        records = [made.record for made in pairs if made.record.split == split]
        expected += find_format(fmt).files(split, iter(records), count)
    assert sorted(expected) == place.names()
    assert len(expected) == len(set(expected))


@pytest.mark.parametrize("fmt", [name for name in ALL if name != "lmdb"])
def test_the_bytes_depend_on_the_pairs_alone(tmp_path, fmt):
    """Shards in another order, by another process, at another time; LMDB promises its content alone."""
    pairs = make_pairs(11)
    write_pairs(Place(tmp_path / "a"), fmt, pairs)
    form = find_format(fmt)
    for index, start in reversed(list(enumerate(range(0, 11, 5)))):
        list(form.write(Place(tmp_path / "b"), "train", index, pairs[start : start + 5]))
    assert content(Place(tmp_path / "a")) == content(Place(tmp_path / "b"))


@pytest.mark.parametrize("fmt", ALL)
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (64, 3)])
def test_small_and_thin_pictures(tmp_path, fmt, size):
    pairs = [make_pair("a", size=size)]
    write_pairs(Place(tmp_path), fmt, pairs)
    assert_reads(find_format(fmt).reader(Place(tmp_path), "train"), pairs)


@pytest.mark.parametrize("fmt", ALL)
def test_names_up_to_the_limit(tmp_path, fmt):
    """250 characters of a pair id, dots everywhere; beyond what a USTAR header holds."""
    pairs = sorted(
        (make_pair(name, seed=i) for i, name in enumerate(["x.y" * 78, "x-y" * 78, "." * 0 + "_" + "." * 100])),
        key=lambda made: made.record.pair,
    )
    write_pairs(Place(tmp_path), fmt, pairs)
    assert_reads(find_format(fmt).reader(Place(tmp_path), "train"), pairs)


@pytest.mark.parametrize("fmt", ALL)
def test_a_pair_that_is_not_there(tmp_path, fmt):
    write_pairs(Place(tmp_path), fmt, make_pairs(7))
    stranger = make_pair("nobody").record
    with pytest.raises(PictureError, match="nobody"):
        find_format(fmt).reader(Place(tmp_path), "train").read(stranger, "sharp")
    with pytest.raises(PictureError, match="nobody"):
        find_format(fmt).reader(Place(tmp_path), "val").read(stranger, "sharp")


@pytest.mark.parametrize("fmt", ALL)
def test_reading_from_several_threads(tmp_path, fmt):
    pairs = make_pairs(30)
    write_pairs(Place(tmp_path), fmt, pairs)
    reader = find_format(fmt).reader(Place(tmp_path), "train")
    wrong = []

    def work(offset):
        for i in range(30):
            made = pairs[(i * 7 + offset) % 30]
            if not np.array_equal(reader.read(made.record, "blur"), made.blurred):
                wrong.append(made.record.pair)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("fmt", SHARDED)
def test_shards_in_memory(fmt):
    import fsspec

    pairs = make_pairs(13)
    dataset = make_finished(f"memory://formats/{fmt}", fmt, pairs)
    assert_reads(dataset.reader("train"), pairs)
    assert [record.pair for record in dataset.records("train")] == [made.record.pair for made in pairs]
    fsspec.filesystem("memory").rm("/formats", recursive=True)


@pytest.mark.parametrize("fmt", [name for name in ALL if name not in SHARDED])
def test_files_need_a_folder(fmt):
    with pytest.raises(UsageError, match=f"the format {fmt} needs a local folder, not memory://x"):
        list(find_format(fmt).write(Place("memory://x"), "train", 0, make_pairs(1)))
    with pytest.raises(UsageError, match=f"the format {fmt} needs a local folder, not memory://x"):
        find_format(fmt).reader(Place("memory://x"), "train")


@pytest.mark.parametrize("fmt", SHARDED)
def test_a_shard_is_whole_or_not_there(tmp_path, fmt):
    def failing():
        yield from make_pairs(3)
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        list(find_format(fmt).write(Place(tmp_path), "train", 0, failing()))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("fmt", SHARDED)
def test_an_empty_shard_is_a_file_too(tmp_path, fmt):
    form = find_format(fmt)
    pairs = make_pairs(5)
    assert list(form.write(Place(tmp_path), "train", 0, [])) == []
    list(form.write(Place(tmp_path), "train", 1, pairs))
    assert Place(tmp_path).names() == sorted(form.files("train", [], 2))
    assert_reads(form.reader(Place(tmp_path), "train"), pairs)


@pytest.mark.parametrize("fmt", SHARDED)
def test_shards_that_are_not_sorted_are_read_all_the_same(tmp_path, fmt):
    pairs = make_pairs(20)
    form = find_format(fmt)
    for index in range(4):
        list(form.write(Place(tmp_path), "train", index, pairs[3 - index :: 4]))
    assert_reads(form.reader(Place(tmp_path), "train"), pairs)


# webdataset


@pytest.fixture
def webdataset():
    """The library, which leaves its files to the garbage collector."""
    module = pytest.importorskip("webdataset")
    yield module
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_webdataset_reads_the_tars(tmp_path, webdataset):

    pairs = make_pairs(9)
    write_pairs(Place(tmp_path), "webdataset", pairs)
    urls = [str(path) for path in sorted(tmp_path.glob("*.tar"))]
    samples = list(webdataset.WebDataset(urls, shardshuffle=False))
    assert [sample["__key__"] for sample in samples] == [made.record.name.replace(".", "~") for made in pairs]
    for sample, made in zip(samples, pairs, strict=True):
        np.testing.assert_array_equal(decode_foreign(sample["sharp.png"]), made.sharp)
        np.testing.assert_array_equal(decode_foreign(sample["blur.png"]), made.blurred)
        assert json.loads(sample["json"]) == made.record.as_dict()
    decoded = list(webdataset.WebDataset(urls, shardshuffle=False).decode("rgb8").to_tuple("blur.png", "sharp.png"))
    np.testing.assert_array_equal(decoded[3][0], pairs[3].blurred)


def test_tar_headers(tmp_path):
    write_pairs(Place(tmp_path), "webdataset", make_pairs(2))
    with tarfile.open(tmp_path / "train-00000.tar") as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == [
        *("000.blur.png", "000.json", "000.sharp.png"),
        *("a~b-001.blur.png", "a~b-001.json", "a~b-001.sharp.png"),
    ]
    for member in members:
        assert (member.mtime, member.uid, member.gid, member.mode) == (0, 0, 0, 0o644)
        assert (member.uname, member.gname, member.type) == ("", "", tarfile.REGTYPE)
        assert member.pax_headers == {}
    assert (tmp_path / "train-00000.tar").read_bytes()[257:265] == b"ustar\x0000"


def tar_with(path, members):
    with tarfile.open(path, "w") as tar:
        for member, data in members:
            tar.addfile(member, io.BytesIO(data) if data is not None else None)


def member(name, data=b"", kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(data), kind, link
    return info, data


def test_hostile_tar_members_are_never_followed(tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    made = make_pair("a")
    links = [
        member("a.sharp.png", kind=tarfile.SYMTYPE, link=str(tmp_path / "secret")),
        member("a.blur.png", kind=tarfile.LNKTYPE, link="../../secret"),
        member("../a.sharp.png", b"outside"),
        member("/a.sharp.png", b"outside"),
        member("a.sharp.png", kind=tarfile.FIFOTYPE),
        member("a.sharp.png", kind=tarfile.GNUTYPE_SPARSE),
    ]
    (tmp_path / "set").mkdir()
    tar_with(tmp_path / "set" / "train-00000.tar", links[:4])
    reader = find_format("webdataset").reader(Place(tmp_path / "set"), "train")
    for side in ("sharp", "blur"):
        with pytest.raises(PictureError, match=f"the {side} picture of train/a is not in"):
            reader.read(made.record, side)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["secret", "set", "train-00000.tar"]


def damaged_copies(data, examples):
    """Strategy: the bytes cut short, with bits flipped, or with a piece put elsewhere."""
    size = len(data)
    cut = st.integers(0, size - 1).map(lambda n: data[:n])
    flip = st.lists(st.tuples(st.integers(0, size - 1), st.integers(1, 255)), min_size=1, max_size=8).map(
        lambda flips: bytes(byte ^ dict(flips).get(i, 0) for i, byte in enumerate(data))
    )
    return cut | flip


@pytest.mark.parametrize("fmt", SHARDED)
def test_damaged_shards_give_the_picture_or_an_error(tmp_path_factory, fmt):
    folder = tmp_path_factory.mktemp("damaged")
    pairs = make_pairs(6)
    write_pairs(Place(folder), fmt, pairs, shard_pairs=6)
    file = next(iter(folder.glob("train-00000.*")))
    data = file.read_bytes()
    outcomes = Counter()

    @settings(max_examples=120, deadline=None, derandomize=True)
    @given(damaged_copies(data, 120))
    def run(damaged):
        file.write_bytes(damaged)
        reader = find_format(fmt).reader(Place(folder), "train")
        for made in pairs:
            try:
                picture = reader.read(made.record, "sharp")
            except PictureError as error:
                outcomes["refused"] += 1
                outcomes["unnamed"] += made.record.name not in str(error)
            else:
                assert picture.dtype == np.uint8
                assert picture.ndim == 3
                outcomes["read"] += 1
        reader.close()

    run()
    assert outcomes["refused"] > 20
    assert outcomes["read"] > 20
    assert not outcomes["unnamed"]


@pytest.mark.parametrize("fmt", SHARDED)
def test_a_damaged_shard_does_not_hide_the_others(tmp_path, fmt):
    pairs = make_pairs(15)
    write_pairs(Place(tmp_path), fmt, pairs)
    (tmp_path / next(iter(find_format(fmt).files("train", [], 1)))).write_bytes(b"nonsense" * 200)
    reader = find_format(fmt).reader(Place(tmp_path), "train")
    assert_reads(reader, pairs[5:])
    with pytest.raises(PictureError, match=r"train-00000.* is damaged"):
        reader.read(pairs[0].record, "blur")


# parquet


def test_hugging_face_reads_the_parquet(tmp_path):
    os.environ["HF_HUB_OFFLINE"] = "1"
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    pairs = make_pairs(11)
    write_pairs(Place(tmp_path / "set"), "parquet", pairs)
    files = [str(path) for path in sorted((tmp_path / "set").glob("*.parquet"))]
    read = datasets.load_dataset("parquet", data_files={"train": files}, split="train", cache_dir=str(tmp_path / "c"))
    assert isinstance(read.features["sharp"], datasets.Image)
    assert isinstance(read.features["blur"], datasets.Image)
    assert read["name"][:] == [made.record.name for made in pairs]
    for row, made in zip(read, pairs, strict=True):
        np.testing.assert_array_equal(np.array(row["sharp"]), made.sharp)
        np.testing.assert_array_equal(np.array(row["blur"]), made.blurred)
        assert row["record"] == record_line(made.record)


def test_row_groups_are_small_and_say_which_names_they_hold(tmp_path):
    import pyarrow.parquet

    pairs = make_pairs(11)
    write_pairs(Place(tmp_path), "parquet", pairs, shard_pairs=11)
    metadata = pyarrow.parquet.ParquetFile(tmp_path / "train-00000.parquet").metadata
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [4, 4, 3]
    statistics = metadata.row_group(1).column(0).statistics
    assert (statistics.min, statistics.max) == (pairs[4].record.name, pairs[7].record.name)


def test_a_parquet_file_of_other_columns(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet

    pyarrow.parquet.write_table(pa.table({"name": ["a"], "sharp": [1]}), tmp_path / "train-00000.parquet")
    with pytest.raises(PictureError, match="its columns are not those of a dataset"):
        find_format("parquet").reader(Place(tmp_path), "train").read(make_pair("a").record, "sharp")


# lmdb: read as BasicSR does, from its published description


def basicsr_keys(folder):
    with (folder / "meta_info.txt").open() as file:
        return [line.split(".")[0] for line in file]


def basicsr_read(folder, keys):
    import lmdb

    env = lmdb.open(str(folder), readonly=True, lock=False, readahead=False)
    with env.begin(write=False) as transaction:
        values = [transaction.get(key.encode("ascii")) for key in keys]
    env.close()
    return values


def test_basicsr_reads_the_lmdb(tmp_path):
    cv2 = pytest.importorskip("cv2")
    pairs = make_pairs(21)
    write_pairs(Place(tmp_path), "lmdb", pairs)
    blur, sharp = tmp_path / "train_blur.lmdb", tmp_path / "train_sharp.lmdb"
    keys = basicsr_keys(blur)
    assert keys == basicsr_keys(sharp)
    assert keys == [made.record.name.replace(".", "~") for made in pairs]
    assert (sharp / "meta_info.txt").read_text().splitlines()[0] == "000.png (11,13,3) 1"
    for folder, side in ((blur, "blurred"), (sharp, "sharp")):
        for value, made in zip(basicsr_read(folder, keys), pairs, strict=True):
            picture = cv2.imdecode(np.frombuffer(value, np.uint8), cv2.IMREAD_COLOR)
            np.testing.assert_array_equal(picture[:, :, ::-1], getattr(made, side))
        assert sorted(path.name for path in folder.iterdir()) == ["data.mdb", "meta_info.txt"]


def lmdb_content(folder):
    keys = basicsr_keys(folder)
    return (folder / "meta_info.txt").read_text(), dict(zip(keys, basicsr_read(folder, keys), strict=True))


def test_lmdb_grows_and_wastes_nothing(tmp_path, monkeypatch):
    """Far more pictures than a first map has room for; files are as long as what is in them."""
    monkeypatch.setattr("deblurbench.dataset.formats.lmdb._ROOM", 1 << 17)
    pairs = [make_pair(f"{i:02d}", size=(160, 160), seed=i) for i in range(40)]
    write_pairs(Place(tmp_path), "lmdb", pairs, shard_pairs=40)
    for side in ("sharp", "blur"):
        folder = tmp_path / f"train_{side}.lmdb"
        total = sum(map(len, basicsr_read(folder, basicsr_keys(folder))))
        assert total > 20 * (1 << 17)
        assert (folder / "data.mdb").stat().st_size < total + 40 * 4096 + 100_000


@pytest.mark.parametrize("stop", [1, 3, 16, 17, 33])
def test_lmdb_killed_and_resumed_has_equal_content(tmp_path, stop):
    pairs = make_pairs(40)
    write_pairs(Place(tmp_path / "whole"), "lmdb", pairs, shard_pairs=40)

    def killed():
        yield from pairs[:stop]
        raise RuntimeError("killed")

    form = find_format("lmdb")
    with pytest.raises(RuntimeError, match="killed"):
        list(form.write(Place(tmp_path / "killed"), "train", 0, killed()))
    list(form.write(Place(tmp_path / "killed"), "train", 0, pairs))
    for side in ("sharp", "blur"):
        name = f"train_{side}.lmdb"
        assert lmdb_content(tmp_path / "killed" / name) == lmdb_content(tmp_path / "whole" / name)


@pytest.mark.parametrize("meta", [None, "000.png (11,13,3) 1\n", "000.png (11,13,3) 1\n0", ""])
def test_lmdb_list_is_mended(tmp_path, meta):
    """A kill between the data and the list."""
    pairs = make_pairs(10)
    write_pairs(Place(tmp_path / "whole"), "lmdb", pairs)
    write_pairs(Place(tmp_path / "set"), "lmdb", pairs[:5])
    file = tmp_path / "set" / "train_blur.lmdb" / "meta_info.txt"
    file.unlink() if meta is None else file.write_text(meta)
    list(find_format("lmdb").write(Place(tmp_path / "set"), "train", 1, pairs[5:]))
    name = "train_blur.lmdb"
    assert lmdb_content(tmp_path / "set" / name) == lmdb_content(tmp_path / "whole" / name)


def test_a_changed_picture_takes_the_place_of_the_old_one(tmp_path):
    pairs = make_pairs(3)
    other = make_pair(pairs[1].record.name, seed=77)
    for batch in (pairs, [other]):
        list(find_format("lmdb").write(Place(tmp_path), "train", 0, batch))
    assert_reads(find_format("lmdb").reader(Place(tmp_path), "train"), [pairs[0], other, pairs[2]])
    assert len(basicsr_keys(tmp_path / "train_blur.lmdb")) == 3


def test_lmdb_cut_short_is_refused(tmp_path):
    """Reading on beyond the end of a mapped file would end the process."""
    pairs = make_pairs(10)
    write_pairs(Place(tmp_path), "lmdb", pairs)
    file = tmp_path / "train_sharp.lmdb" / "data.mdb"
    data = file.read_bytes()
    for size in (0, 100, 4096, 8192, len(data) // 2, len(data) - 1):
        file.write_bytes(data[:size])
        with pytest.raises(PictureError, match=r"train_sharp\.lmdb"):
            find_format("lmdb").reader(Place(tmp_path), "train").read(pairs[-1].record, "sharp")
    file.write_bytes(b"nonsense" * 10_000)
    with pytest.raises(PictureError, match=r"train_sharp\.lmdb"):
        find_format("lmdb").reader(Place(tmp_path), "train").read(pairs[-1].record, "sharp")
    with pytest.raises(DatasetError, match="cannot be used"):
        list(find_format("lmdb").write(Place(tmp_path), "train", 0, pairs))


# gopro


def gopro_names(*pairs):
    form = find_format("gopro")
    return [form.picture(made.record, side) for made in pairs for side in ("sharp", "blur")]


def window(index="", light="stored", number="000123", scene="GOPR0372_07", count=7, **more):
    name = f"{scene}-{number}-{RAW[:8]}{index}"
    return make_pair(name, scene=scene, frames=("0" * 64,) * count, family="frame-average", light=light, **more)


def test_gopro_windows_of_frames(tmp_path):
    sharp = noise(8, 9, seed=5)
    pairs = [window("-0", sharp=sharp, seed=1), window("-1", "gamma-2.2", sharp=sharp, seed=2)]
    write_pairs(Place(tmp_path), "gopro", pairs)
    assert Place(tmp_path).names() == [
        "train/GOPR0372_07_07_00/blur/000123.png",
        "train/GOPR0372_07_07_00/blur_gamma/000123.png",
        "train/GOPR0372_07_07_00/sharp/000123.png",
    ]
    assert_reads(find_format("gopro").reader(Place(tmp_path), "train"), pairs)
    records = [made.record for made in pairs]
    assert sorted(find_format("gopro").files("train", records, 0)) == Place(tmp_path).names()
    refuse_clashes(find_format("gopro"), records)


def test_gopro_names_of_everything_else():
    assert gopro_names(make_pair("x.y-12345678", scene="beach")) == [
        "train/beach_01_00/sharp/x.y-12345678.png",
        "train/beach_01_00/blur/x.y-12345678.png",
    ]
    assert gopro_names(make_pair("a", "test-g1.2", light="srgb"))[1] == "test-g1.2/s_01_00/blur_srgb/a.png"
    assert gopro_names(window(count=13, light="gamma-2.2"))[1] == "train/GOPR0372_07_13_00/blur_gamma/000123.png"
    # Not a plain average of a window: it keeps its whole name.
    for changed in ({"family": "gaussian"}, {"camera": {"seed": 1}}, {"tile": {"x": 0}}):
        own = window().record.model_dump(exclude_none=True)
        own = own | ({"blur": own["blur"] | changed} if "family" in changed else changed)
        record = type(window().record).model_validate(own)
        assert find_format("gopro").picture(record, "blur").endswith(f"/GOPR0372_07-000123-{RAW[:8]}.png")


@pytest.mark.parametrize("variant", ["blur", "blur_gamma"])
@pytest.mark.parametrize("end", ["", f"-{RAW[:8]}"])
def test_gopro_itself_is_laid_out_as_it_was(variant, end):
    more = {"family": "recorded", "light": "recorded", "variant": variant}
    made = make_pair(f"GOPR0372_07_00-000047{end}", scene="GOPR0372_07_00", **more)
    assert gopro_names(made) == [
        "train/GOPR0372_07_00/sharp/000047.png",
        f"train/GOPR0372_07_00/{variant}/000047.png",
    ]


def test_gopro_recorded_blur_of_other_datasets():
    made = make_pair("scene050-9", scene="scene050", family="recorded", light="recorded", variant="")
    assert gopro_names(made)[1] == "train/scene050_01_00/blur/scene050-9.png"


def test_gopro_long_scenes_keep_their_frame_numbers():
    scene = "holiday-" * 7
    made = window(scene=scene)
    made = made._replace(record=made.record.model_copy(update={"pair": f"train/{scene[:50]}-000123-{RAW[:8]}"}))
    assert gopro_names(made)[1] == f"train/{scene}_07_00/blur/000123.png"


def test_gopro_scenes_that_are_no_folder_names():
    names = [gopro_names(make_pair("a", scene=scene))[0] for scene in ("a b", "a_b", "a/b", "..", "", "a" * 300, "ä")]
    assert len(set(names)) == len(names)
    for name in names:
        assert len(name.split("/")) == 4
        assert all(part.strip(".") for part in name.split("/"))
    assert names[1] == "train/a_b_01_00/sharp/a.png"


def test_gopro_refuses_pairs_that_would_share_a_file():
    same = [window("-0"), window("-1", seed=4)]
    with pytest.raises(UsageError, match=r"would both be train/GOPR0372_07_07_00/blur/000123\.png"):
        refuse_clashes(find_format("gopro"), [made.record for made in same])


# files


@pytest.mark.parametrize("fmt", ["png", "qoi", "npy"])
def test_plain_files(tmp_path, fmt):
    pairs = make_pairs(3)
    write_pairs(Place(tmp_path), fmt, pairs)
    names = {f"train/{side}/{made.record.name}.{fmt}" for made in pairs for side in ("sharp", "blur")}
    assert set(Place(tmp_path).names()) == names


def test_npy_files_are_plain_arrays(tmp_path):
    pairs = make_pairs(2)
    write_pairs(Place(tmp_path), "npy", pairs)
    array = np.load(tmp_path / "train" / "blur" / f"{pairs[1].record.name}.npy", allow_pickle=False)
    assert array.dtype == np.uint8
    np.testing.assert_array_equal(array, pairs[1].blurred)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 4), np.uint8),
        np.array([{"a": 1}], dtype=object),
    ],
    ids=["float", "alpha", "pickle"],
)
def test_arrays_that_are_no_pictures(tmp_path, bad):
    made = make_pair("a")
    (tmp_path / "train" / "sharp").mkdir(parents=True)
    np.save(tmp_path / "train" / "sharp" / "a.npy", bad, allow_pickle=True)
    with pytest.raises(PictureError, match=r"a\.npy"):
        find_format("npy").reader(Place(tmp_path), "train").read(made.record, "sharp")


@pytest.mark.parametrize("fmt", ["png", "qoi", "npy", "gopro"])
def test_damaged_files_give_an_error(tmp_path_factory, fmt):
    folder = tmp_path_factory.mktemp("damaged")
    made = make_pair("a")
    write_pairs(Place(folder), fmt, [made])
    file = folder / find_format(fmt).picture(made.record, "sharp")
    data = file.read_bytes()
    outcomes = Counter()

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(damaged_copies(data, 60))
    def run(damaged):
        file.write_bytes(damaged)
        try:
            picture = find_format(fmt).reader(Place(folder), "train").read(made.record, "sharp")
        except PictureError:
            outcomes["refused"] += 1
        else:
            assert picture.dtype == np.uint8
            assert picture.ndim == 3
            outcomes["read"] += 1

    run()
    assert outcomes["refused"] > 10
    file.unlink()
    with pytest.raises(PictureError, match="does not exist"):
        find_format(fmt).reader(Place(folder), "train").read(made.record, "sharp")


def test_libraries_that_are_missing_are_named(tmp_path, monkeypatch):
    for module, fmt in (("lmdb", "lmdb"), ("pyarrow", "parquet")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(DeblurbenchError, match=r"deblurbench\[formats\]"):
            list(find_format(fmt).write(Place(tmp_path), "train", 0, make_pairs(1)))


def test_bytes_are_pinned(tmp_path):
    """A tar of one pair: header by header the same on every machine; PNG bytes are the encoder's, so they are out."""
    made = make_pair("a.b")
    write_pairs(Place(tmp_path), "webdataset", [made])
    data = (tmp_path / "train-00000.tar").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        headers = b"".join(data[m.offset : m.offset + 124] + data[m.offset + 136 : m.offset + 148] for m in tar)
        line = tar.extractfile("a~b.json").read()
    assert hashlib.sha256(headers).hexdigest() == "824ff023dedbfc268ba0b6c8b5840e85e2f13589173f2ffb1a2fd4576385f281"
    assert line == f"{record_line(made.record)}\n".encode()
