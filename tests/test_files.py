"""Files are written whole, with the user's own permissions; JSON is read only as deep as anybody writes it."""

import json
import os

import pytest

from deblurbench.errors import UsageError
from deblurbench.files import parse_json, replacing


def test_files_get_the_permissions_of_ordinary_ones_and_nobody_elses_change(tmp_path):
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "a") as temporary:
            temporary.write_bytes(b"x")
            assert os.umask(0o027) == 0o027  # a thread that makes a file now makes no open one
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_fails_leaves_nothing(tmp_path):
    (tmp_path / "a").write_text("old")

    def fail():
        with replacing(tmp_path / "a") as temporary:
            temporary.write_text("new")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("text", ["[" * 101 + "]" * 101, '{"a":' * 101 + "1" + "}" * 101, "[" * 1_000_000])
def test_json_too_deep_is_refused(text):
    with pytest.raises(ValueError, match="too deeply nested"):
        parse_json(text)


@pytest.mark.parametrize(
    "value", [["[{" * 500], [[]] * 500, json.loads("[" * 100 + "]" * 100), {'"[': '\\"[[' * 200}, ["\\" * 301] * 101]
)
def test_brackets_in_strings_and_beside_each_other_are_not_deep(value):
    assert parse_json(json.dumps(value)) == value


@pytest.mark.parametrize("text", ['{"a":"' + '\\"' * 2_000_000, '"' * 2_000_001, '[["' * 1_000_000])
def test_hostile_json_takes_no_time(text):
    with pytest.raises(ValueError, match=r"Unterminated|Extra data|too deeply"):
        parse_json(text)


@pytest.mark.parametrize("place", ["pipe", "link", "/dev/deblurbench-test"])
def test_only_ordinary_files_are_replaced(tmp_path, place):
    """Where the user may do anything, `--csv /dev/null` would put a file there for everybody."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(os.devnull)
    target = tmp_path / place
    with pytest.raises(UsageError, match="no ordinary file"), replacing(target):
        pass
    assert not target.is_file()
