"""Building: the same dataset for any workers, restart or kill; damage found and named."""

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from conftest import FOLDER, noise
from filelock import FileLock

from deblurbench.dataset.build import build
from deblurbench.dataset.commit import FILES
from deblurbench.dataset.journal import JOURNAL, PLAN, ShardJournal
from deblurbench.dataset.manifest import dataset_id
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.reader import open_dataset
from deblurbench.dataset.recipe import published_id, read_recipe
from deblurbench.dataset.verify import verify
from deblurbench.errors import DatasetError, DeblurbenchError, UsageError
from deblurbench.files import LOCK
from deblurbench.images.codec import read_rgb, write_png
from deblurbench.images.hashing import pixel_hash
from deblurbench.paths import recipe_file
from deblurbench.places import Place

TINY_ID = "11feaae8772444aa7c59513e19b640fc1bda5dbfd0a21f378fee6f747af13083"


def tree(folder: Path) -> dict[str, bytes]:
    """Every file's bytes but those that carry versions."""
    files = (p for p in folder.rglob("*") if p.is_file() and p.name != "dataset.json")
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def test_the_tiny_dataset_is_the_same_everywhere(tiny):
    assert tiny.id == TINY_ID


def test_layout_manifest_and_kernels(tiny):
    assert {p.name for p in tiny.path.iterdir()} == {*tiny.splits, *FILES}
    records = list(tiny.records())
    assert [r.pair for r in records] == sorted(r.pair for r in records)
    assert dataset_id(records) == tiny.id
    with np.load(tiny.path / "kernels.npz") as kernels:
        assert set(kernels.files) == {kernel for r in records for kernel in r.kernels}
        assert all(kernels[k].sum() == 65536 for k in kernels.files)
    for split, count in tiny.splits.items():
        pairs = tiny.pairs(split)
        assert len(pairs) == count
        for pair in pairs:
            assert read_rgb(pair.blur).shape == read_rgb(pair.sharp).shape == (40, 48, 3)
    by_pair = {r.pair: r for r in records}
    some = tiny.pairs("train")[0]
    assert pixel_hash(read_rgb(some.blur)) == by_pair[f"train/{some.name}"].blur_sha256
    # One pair per blur, told apart by the blur's index.
    assert {p.name[-2:] for p in tiny.pairs("train")} == {"-0", "-1"}


def test_workers_do_not_change_a_byte(tiny, tiny_recipe, tmp_path):
    other = build(make_plan(read_recipe(tiny_recipe)), tmp_path / "four", workers=4, quiet=True)
    assert other.id == tiny.id
    assert tree(other.path) == tree(tiny.path)


def test_scenes_stay_in_their_split_whatever_is_lost(tiny_recipe):
    recipe = read_recipe(tiny_recipe, ["sources.0.count=60"])
    every = {p.photo.name: p.share for p in make_plan(recipe).photos}
    fewer = {p.photo.name: p.share for p in make_plan(recipe, limit=20).photos}
    assert len(fewer) == 20
    assert fewer.items() <= every.items()
    shares = Counter(every.values())
    assert 14 <= shares["train"] <= 34
    assert 5 <= shares["val"] <= 21


def test_draw_takes_one_blur_per_photo(tiny_recipe, tmp_path):
    recipe = read_recipe(tiny_recipe, ["splits.0.draw=1", "sources.0.count=40"])
    built = build(make_plan(recipe), tmp_path / "drawn", quiet=True)
    records = list(built.records("train"))
    assert {r.blur["sigma"] for r in records} == {0.3, 1.0}
    assert len({r.photo.raw_sha256 for r in records}) == len(records)
    assert not any(r.pair.endswith(("-0", "-1")) for r in records)


def test_a_killed_build_goes_on_and_ends_the_same(tmp_path):
    command = [sys.executable, "-m", "deblurbench", "build-dataset", "starter", "--set", "sources.0.size=160x96"]
    command += ["--workers", "2", "--quiet", "--out"]
    killed = tmp_path / "killed"

    def lines():
        return sum(p.read_text().count("\n") for p in (killed / JOURNAL).glob("*.jsonl"))

    process = subprocess.Popen([*command, str(killed)], start_new_session=True)
    deadline = time.monotonic() + 120
    while not ((killed / PLAN).is_file() and lines() > 12) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "dataset.json").exists()
    with pytest.raises(DatasetError, match="no finished dataset"):
        open_dataset(killed)
    kept = {p: p.stat().st_mtime_ns for p in killed.rglob("*.png")}
    assert kept
    _wait_until_alone(process.pid)
    subprocess.run([*command, str(killed)], check=True)
    subprocess.run([*command, str(tmp_path / "whole")], check=True)
    assert tree(killed) == tree(tmp_path / "whole")
    assert open_dataset(killed).id == open_dataset(tmp_path / "whole").id
    again = sum(p.is_file() and p.stat().st_mtime_ns != when for p, when in kept.items())
    assert again < len(kept) / 2, "what was built before the kill was built again"


def _wait_until_alone(group: int) -> None:
    """The killed build's workers end by themselves."""
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("workers outlived their killed parent")


def test_a_cut_journal_and_a_damaged_picture_are_made_good(tiny, tiny_recipe):
    expected = tree(tiny.path)
    plan = make_plan(read_recipe(tiny_recipe))
    (tiny.path / PLAN).parent.mkdir()
    (tiny.path / PLAN).write_text(f"{plan.hash()} png None")
    for split in tiny.splits:  # what a build leaves that is killed just before its end, one line cut short
        journal = ShardJournal(Place(tiny.path), split, 0, appends=True)
        journal.begin({})
        for photo, records in groupby(tiny.records(split), key=lambda r: r.name[: len("leaves-") + 8]):
            journal.add(photo, records)
        file = tiny.path / JOURNAL / f"{split}-00000.jsonl"
        file.write_text(file.read_text()[:-40])
    (tiny.path / "dataset.json").unlink()
    victims = list(tiny.path.glob("*/blur/*.png"))[:2]
    victims[0].write_bytes(victims[0].read_bytes()[:50])
    write_png(victims[1], noise(40, 48))
    (tiny.path / "train" / "blur" / ".x.png.123.part").touch()
    before = {p: p.stat().st_mtime_ns for p in tiny.path.glob("*/sharp/*.png")}
    build(plan, tiny.path, quiet=True)
    assert tree(tiny.path) == expected
    kept = sum(p.stat().st_mtime_ns == when for p, when in before.items())
    assert 0 < kept < len(before)


def test_a_finished_dataset_is_left_alone_and_a_lost_file_made_again(tiny, tiny_recipe):
    plan = make_plan(read_recipe(tiny_recipe))
    before = (tiny.path / "dataset.json").stat().st_mtime_ns
    build(plan, tiny.path, quiet=True)
    assert (tiny.path / "dataset.json").stat().st_mtime_ns == before
    lost = next(tiny.path.glob("val/sharp/*.png"))
    lost.unlink()
    assert build(plan, tiny.path, quiet=True).id == tiny.id
    assert lost.is_file()


def test_other_settings_are_refused_until_overwritten(tiny, tiny_recipe):
    plan = make_plan(read_recipe(tiny_recipe, ["seed=2"]))
    with pytest.raises(DatasetError, match="other settings"):
        build(plan, tiny.path, quiet=True)
    other = build(plan, tiny.path, overwrite=True, quiet=True)
    assert other.id != tiny.id
    assert verify(tiny.path, pixels=True, quiet=True) == []


@pytest.mark.parametrize("mark", [None, "dataset.json", "build.journal"])
def test_a_foreign_folder_is_never_touched(tmp_path, tiny_recipe, mark):
    home = tmp_path / "home"
    (home / "train").mkdir(parents=True)
    (home / "thesis.txt").write_text("dear")
    if mark:  # somebody else's file of that name
        (home / mark).write_text("{}")
    before = sorted(home.iterdir())
    for overwrite in (False, True):
        with pytest.raises(DeblurbenchError):
            build(make_plan(read_recipe(tiny_recipe)), home, overwrite=overwrite, quiet=True)
    assert sorted(home.iterdir()) == before


def test_two_builds_at_once_are_refused(tmp_path, tiny_recipe):
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out" / LOCK), pytest.raises(DeblurbenchError, match="another command is at work"):
        build(make_plan(read_recipe(tiny_recipe)), tmp_path / "out", quiet=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_own_photos_and_a_corrupt_one(tmp_path, workers):
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(3):
        write_png(photos / f"p{i}.png", noise(20, 30, seed=i))
    (photos / "p9.png").write_bytes((photos / "p0.png").read_bytes()[:200])
    (tmp_path / "mine.toml").write_text(FOLDER)
    recipe = read_recipe(tmp_path / "mine.toml")
    built = build(make_plan(recipe, photos), tmp_path / "out", workers=workers, quiet=True)
    assert built.splits == {"test": 3}
    report = json.loads((built.path / "build-report.json").read_text())
    assert [left["name"][:3] for left in report["left_out"]] == ["p9-"]
    assert "cannot be decoded" in report["left_out"][0]["reason"]
    told = [file for file in built.path.rglob("*") if file.suffix in (".toml", ".jsonl", ".json", ".md")]
    assert not [
        file.name for file in told if str(tmp_path) in file.read_text()
    ]  # where photos lie is nobody's business
    (photos / "p9.png").unlink()
    with pytest.raises(DatasetError, match="other settings"):  # other photos: another dataset
        build(make_plan(recipe, photos), tmp_path / "out", workers=workers, quiet=True)
    again = build(make_plan(recipe, photos), tmp_path / "out", workers=workers, overwrite=True, quiet=True)
    assert again.id == built.id
    assert str(photos) not in "".join(
        p.read_text() for p in built.path.iterdir() if p.suffix in (".toml", ".jsonl", ".md")
    )


def test_photos_need_a_folder_source(tiny_recipe, tmp_path):
    with pytest.raises(UsageError, match="takes no photos"):
        make_plan(read_recipe(tiny_recipe), tmp_path)


def test_starter_is_what_it_promises():
    plan = make_plan(read_recipe(recipe_file("starter")))
    counts = plan.counts()
    assert {s: counts[s] for s in counts if s.startswith("test")} == dict.fromkeys(
        ["test-g0.3", "test-g1", "test-g1.2", "test-g1.6"], 6
    )
    assert (counts["train"], counts["val"]) == (59, 5)
    for planned in plan.photos:
        assert planned.photo.source == ("samples" if planned.share == "test" else "deadleaves")
    seen = {of.blur.as_dict()["sigma"] for s in plan.recipe.splits[:2] for of in plan.recipe.open_blurs(s)}
    assert seen == {0.3, 1.0, 1.6}


def test_starter_has_its_published_id_with_1_and_with_4_workers(tmp_path):
    file = recipe_file("starter")
    plan = make_plan(read_recipe(file))
    assert build(plan, tmp_path / "one", workers=1, quiet=True).id == published_id(file)
    assert build(plan, tmp_path / "four", workers=4, quiet=True).id == published_id(file)
    assert tree(tmp_path / "one") == tree(tmp_path / "four")


def flip_one_bit(file: Path) -> None:
    picture = read_rgb(file).copy()
    picture[7, 5, 1] ^= 1
    write_png(file, picture)


def test_verify_names_one_flipped_pixel(tiny, cli):
    assert cli("verify-dataset", tiny.path, "--pixels", "--quiet").code == 0
    victim = sorted(tiny.path.glob("val/blur/*.png"))[0]
    flip_one_bit(victim)
    by_bytes = cli("verify-dataset", tiny.path).out.splitlines()
    assert by_bytes == [f"val/blur/{victim.name}: its bytes are not those of SHA256SUMS"]
    result = cli("verify-dataset", tiny.path, "--pixels", "--quiet")
    assert result.code == 1
    assert result.out.splitlines() == [f"val/blur/{victim.name}: its pixels are not those of manifest.jsonl"]
    assert "1 problem" in result.err


def edit_json(file: Path, **changes: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_verify_names_every_kind_of_damage(tiny):
    path = tiny.path
    next(path.glob("train/sharp/*.png")).unlink()
    shutil.copy(next(path.glob("val/blur/*.png")), path / "val" / "blur" / "stray.png")
    next(path.glob("test-g1.2/blur/*.png")).write_bytes(b"no picture")
    edit_json(path / "dataset.json", dataset_id="0" * 64, splits=dict(tiny.splits) | {"train": 1})
    (path / "kernels.npz").write_bytes(b"PK")
    problems = "\n".join(verify(path, pixels=True, quiet=True))
    for expected in [
        ": missing",
        "val/blur/stray.png: not in manifest.jsonl",
        "is not a picture",
        "do not give the dataset id",
        "train: ",
        "kernels.npz: cannot be read",
    ]:
        assert expected in problems


def test_verify_names_a_changed_kernel(tiny):
    with np.load(tiny.path / "kernels.npz") as file:
        kernels = {name: file[name] for name in file.files}
    first, second = sorted(kernels)[:2]
    kernels[first] = kernels.pop(second)
    np.savez(tiny.path / "kernels.npz", **kernels)
    problems = verify(tiny.path, quiet=True)
    assert f"kernels.npz: kernel {first[:12]} does not match its id" in problems
    assert f"kernels.npz: kernel {second[:12]} is missing" in problems


@pytest.mark.parametrize("line", ["{", '{"pair": 1}', "[]", "null"])
def test_a_damaged_manifest_is_named_with_its_line(tiny, line):
    with (tiny.path / "manifest.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(DatasetError, match=r"manifest\.jsonl:\d+ is damaged"):
        verify(tiny.path, quiet=True)


def rewrite_lines(path: Path, change) -> None:
    file = path / "manifest.jsonl"
    file.write_text("".join(f"{line}\n" for line in change(file.read_text().splitlines())))


@pytest.mark.parametrize("change", [lambda lines: lines[::-1], lambda lines: [*lines, lines[-1]]])
def test_verify_names_a_manifest_in_disorder(tiny, change):
    rewrite_lines(tiny.path, change)
    assert "manifest.jsonl: its lines are not sorted by pair id, each once" in verify(tiny.path, quiet=True)


@pytest.mark.parametrize("shards", [{}, {"train": 0}, {"train": 3, "val": 1, "test": 1}])
def test_verify_names_a_lie_about_shards(tiny_recipe, tmp_path, shards):
    built = build(make_plan(read_recipe(tiny_recipe)), tmp_path / "out", fmt="webdataset", quiet=True)
    edit_json(built.path / "dataset.json", shards=shards)
    problems = verify(built.path, pixels=True, quiet=True)
    assert any(": not in manifest.jsonl" in problem or ": missing" in problem for problem in problems)


def test_a_lie_beyond_reason_is_refused(tiny):
    edit_json(
        tiny.path / "dataset.json", format="webdataset", shards={"train": 10**12}
    )  # so many names fill any memory
    with pytest.raises(DatasetError, match=r"dataset\.json is damaged \(shards\.train"):
        verify(tiny.path, quiet=True)


def test_a_lock_that_a_reader_of_lmdb_leaves_is_no_stray(tiny_recipe, tmp_path):
    built = build(make_plan(read_recipe(tiny_recipe)), tmp_path / "out", fmt="lmdb", quiet=True)
    (built.path / "train_sharp.lmdb" / "lock.mdb").touch()
    assert verify(built.path, quiet=True) == []


@pytest.mark.parametrize("content", [b"", b"PK", pickle.dumps({"a": 1})])
def test_verify_names_what_is_no_archive_of_kernels(tiny, content):
    (tiny.path / "kernels.npz").write_bytes(content)
    said = [problem for problem in verify(tiny.path, quiet=True) if problem.startswith("kernels.npz: cannot be read")]
    assert len(said) == 1
