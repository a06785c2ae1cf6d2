"""A kill at any moment of any command costs nothing: the same command again ends with the same files."""

import os
import subprocess
import sys

import pytest
from conftest import ROOT
from kill_kit import RECIPE, tree

from deblurbench.dataset import commit
from deblurbench.dataset.build import build
from deblurbench.dataset.formats import lmdb
from deblurbench.dataset.journal import JOURNAL, ShardJournal
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.recipe import read_recipe
from deblurbench.dataset.verify import verify
from deblurbench.places import Place


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills need fork")
@pytest.mark.parametrize(
    ("command", "fmt", "every"),  # every so-many-th file operation, to take seconds; `kill_kit.py` takes 1, too
    [
        ("build", "png", 43),
        ("build", "lmdb", 23),
        ("build", "webdataset", 23),
        ("overwrite", "parquet", 29),
        ("overwrite-then-build", "png", 67),
        ("repair", "png", 41),
        ("repair", "lmdb", 17),
        ("merge", "png", 31),
        ("merge", "webdataset", 17),
    ],
)
def test_killed_before_any_file_operation(tmp_path, command, fmt, every):
    script = [sys.executable, "tests/kill_kit.py", command, fmt, str(every), str(tmp_path)]
    done = subprocess.run(script, check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    *wrong, kills = done.stdout.splitlines()
    assert not wrong
    assert int(kills) >= 4


def killed(*_):
    raise KeyboardInterrupt


def test_a_photo_is_done_when_its_pictures_are_safe(tmp_path, tiny_recipe, monkeypatch):
    """LMDB takes many pairs in a transaction: none is done before its end, or its list would never name them."""
    appended, real = [], lmdb._append

    def cut(path, pictures):
        if appended:
            raise KeyboardInterrupt
        appended.append(path)
        real(path, pictures)

    with monkeypatch.context() as patch:
        patch.setattr(lmdb, "_append", cut)
        with pytest.raises(KeyboardInterrupt):
            build(make_plan(read_recipe(tiny_recipe)), tmp_path / "out", fmt="lmdb", quiet=True)
    journals = [file.stem.rpartition("-")[0] for file in (tmp_path / "out" / JOURNAL).glob("*.jsonl")]
    assert journals
    for split in journals:
        assert ShardJournal(Place(tmp_path / "out"), split, 0, appends=True).read() == ({}, {}, False)
    build(make_plan(read_recipe(tiny_recipe)), tmp_path / "out", fmt="lmdb", quiet=True)
    assert verify(tmp_path / "out", pixels=True, quiet=True) == []


def test_what_is_made_later_than_its_neighbours_takes_its_place(tmp_path, monkeypatch):
    """A picture that was damaged before the build went on: kernels and manifest are in the order of the photos."""
    (tmp_path / "r.toml").write_text(RECIPE)
    plan = make_plan(read_recipe(tmp_path / "r.toml"))
    build(plan, tmp_path / "whole", quiet=True)
    with monkeypatch.context() as patch:
        patch.setattr("deblurbench.dataset.build.commit", killed)
        with pytest.raises(KeyboardInterrupt):
            build(plan, tmp_path / "out", quiet=True)
    sorted((tmp_path / "out" / "train" / "blur").iterdir())[0].write_bytes(b"damaged")
    calls, real = [], commit._write_ordered
    monkeypatch.setattr(commit, "_write_ordered", lambda *given: calls.append(1) or real(*given))
    build(plan, tmp_path / "out", quiet=True)
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")
    assert len(calls) == 1, "the manifest did not come in order"


def test_a_journal_that_says_too_much_is_not_believed(tmp_path, tiny_recipe, monkeypatch):
    """Another client's task may call a shard complete whose photos it has not: they are made all the same."""
    plan = make_plan(read_recipe(tiny_recipe))
    whole = build(plan, tmp_path / "whole", quiet=True)
    with monkeypatch.context() as patch:
        patch.setattr("deblurbench.dataset.build.commit", killed)
        with pytest.raises(KeyboardInterrupt):
            build(plan, tmp_path / "out", quiet=True)
    file = tmp_path / "out" / JOURNAL / "train-00000.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[1:]) + '{"photo": "x", "records": [{"of": "another version"}]}\n')
    assert build(plan, tmp_path / "out", quiet=True).splits == whole.splits
