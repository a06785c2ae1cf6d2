"""Places: folders and fsspec URLs behave alike, writes are whole, and names never lead out of them."""

import os
import pickle
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deblurbench.errors import DatasetError, DeblurbenchError, UsageError
from deblurbench.places import Place


@pytest.fixture(params=["folder", "file", "memory", "memory-root"])
def place(request, tmp_path):
    """The same tests for every kind of place."""
    import fsspec

    if request.param == "folder":
        yield Place(tmp_path / "out")
    elif request.param == "file":
        yield Place(f"file://{tmp_path}/out")
    else:
        fsspec.filesystem("memory").store.clear()
        fsspec.filesystem("memory").pseudo_dirs[:] = [""]
        yield Place("memory://" if request.param == "memory-root" else f"memory://{uuid.uuid4().hex}/set")
        fsspec.filesystem("memory").store.clear()


def test_what_is_written_is_read(place):
    assert place.names() == []
    assert not place.exists("a.txt")
    place.write_text("train/sharp/ä b.txt", "Größe\n")
    place.write_bytes("a.txt", b"\x00\xff")
    place.write_bytes("a.txt", b"again")
    assert place.read_text("train/sharp/ä b.txt") == "Größe\n"
    assert place.read_bytes("a.txt") == b"again"
    assert place.exists("a.txt")
    assert not place.exists("train")
    assert not place.exists("train/sharp")
    assert place.names() == ["a.txt", "train/sharp/ä b.txt"]
    with place.reading("a.txt") as file:
        file.seek(2)
        assert file.read() == b"ain"


def test_a_place_below_a_place(place):
    (place / "inner/deep").write_bytes("x", b"1")
    assert place.names() == ["inner/deep/x"]
    assert (place / "inner").names() == ["deep/x"]
    # A folder whose name begins like another one's is another folder.
    place.write_bytes("inner2/y", b"2")
    assert (place / "inner").names() == ["deep/x"]


def test_hidden_names_are_left_out(place):
    for name in (".lock", ".cache/a", "a/.part", "a/b"):
        place.write_bytes(name, b"")
    assert place.names() == ["a/b"]


def test_removing(place):
    for name in ("keep", "a/1", "a/b/2"):
        place.write_bytes(name, b"")
    place.remove("nothing")
    place.remove("a")
    assert place.names() == ["keep"]
    place.remove("keep")
    assert place.names() == []
    place.write_bytes("more", b"")
    place.remove("")
    assert place.names() == []


def test_missing_files(place):
    with pytest.raises(FileNotFoundError):
        place.read_bytes("nothing")
    with pytest.raises(FileNotFoundError), place.reading("no/thing"):
        pass


def test_a_write_that_fails_leaves_what_was_there(place):
    place.write_bytes("a", b"before")
    with pytest.raises(RuntimeError, match="stop"), place.writing("a") as temporary:  # noqa: PT012
        temporary.write_bytes(b"half")
        raise RuntimeError("stop")
    assert place.read_bytes("a") == b"before"
    assert place.names() == ["a"]


BAD = ["", "/etc/passwd", "../a", "a/../b", "a//b", "./a", "a/", "a/.", "a\\b", "..", "a\0b"]


@pytest.mark.parametrize("name", BAD)
def test_names_do_not_lead_out(place, name):
    for act in (place.read_bytes, place.exists, lambda n: place.write_bytes(n, b""), lambda n: place / n):
        with pytest.raises(DatasetError, match="no name of a file"):
            act(name)
    if name:
        with pytest.raises(DatasetError, match="no name of a file"):
            place.remove(name)


@given(st.text(st.sampled_from("a./\\ ~\0"), max_size=12))
def test_every_name_stays_below(name):
    folder = Path("/some/folder")
    try:
        path = (Place(folder) / name).folder
    except DatasetError:
        return
    assert os.path.normpath(path) == str(path)
    assert folder in path.parents


def test_links_to_folders_are_not_followed(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "a").write_bytes(b"precious")
    (tmp_path / "out" / "link").symlink_to(tmp_path / "else", target_is_directory=True)
    (tmp_path / "out" / "circle").symlink_to(tmp_path / "out", target_is_directory=True)
    place = Place(tmp_path / "out")
    assert place.names() == []
    place.remove("link")
    assert (tmp_path / "else" / "a").read_bytes() == b"precious"


def test_where_a_place_is():
    assert Place("data/x").folder == Place(Path("data/x")).folder == Path("data/x")
    assert Place("file:///data/x").folder == Place("local:///data/x").folder == Path("/data/x")
    assert str(Place("s3://bucket/x")) == "s3://bucket/x"
    assert str(Place("s3://bucket/x/") / "a/b") == "s3://bucket/x/a/b"
    assert str(Place("memory://") / "a") == "memory://a"
    assert Place("simplecache::s3://bucket/x").folder is None
    assert Place("data/x") == Place(Path("data/x")) != Place("data/y")
    assert len({Place("data/x"), Place(Path("data/x"))}) == 1
    assert Place("data/x").local("png") == Path("data/x")
    with pytest.raises(UsageError, match="the format png needs a local folder, not s3://bucket/x"):
        Place("s3://bucket/x").local("the format png")


def test_pickles(place):
    assert pickle.loads(pickle.dumps(place)) == place


def test_schemes_that_nothing_knows():
    with pytest.raises(DeblurbenchError, match="cannot open nonsense://x"):
        Place("nonsense://x").exists("a")


def test_files_are_readable_by_others(tmp_path):
    before = os.umask(0o022)
    try:
        Place(tmp_path).write_bytes("a/b", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o644
