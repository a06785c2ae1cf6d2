"""`deblurbench adopt`: a manifest beside a published dataset, which itself is never touched."""

import hashlib
import json
import os
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from conftest import noise
from layout_kit import TREES, custom_test, dpdd, gopro, levin, put, save
from PIL import Image

from deblurbench.dataset import adopt as adopting
from deblurbench.dataset.adopt import adopt, dataset_name, pair_ids
from deblurbench.dataset.adopt_journal import JOURNAL
from deblurbench.dataset.formats.adopted import Adopted
from deblurbench.dataset.manifest import Record, dataset_id
from deblurbench.errors import DatasetError, PictureError, UsageError
from deblurbench.images.codec import read_rgb
from deblurbench.images.dhash import dhash
from deblurbench.images.hashing import pixel_hash
from deblurbench.places import Place
from deblurbench.sources.layouts.find import LAYOUTS
from deblurbench.sources.layouts.layout import FoundPair


def run(name, root, out, **options):
    return adopt(LAYOUTS[name], root, out, **{"quiet": True, "variant": LAYOUTS[name].default, **options})


def records(out):
    lines = (out / "manifest.jsonl").read_text().splitlines()
    return [Record.model_validate_json(line, strict=True) for line in lines]


def mark(out):
    return json.loads((out / "dataset.json").read_text())


def snapshot(root):
    return {p.relative_to(root): (p.stat().st_mtime_ns, p.stat().st_size) for p in sorted(root.rglob("*"))}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_dataset_is_adopted_and_reads_back(tmp_path, name):
    root = TREES[name](tmp_path / "tree")
    before = snapshot(root)
    report = run(name, root, tmp_path / "out")
    assert snapshot(root) == before  # times of folders, too: nothing was written there, not even for a moment
    found = records(tmp_path / "out")
    assert report.splits == {s: sum(r.split == s for r in found) for s in report.splits}
    assert sum(report.splits.values()) == len(found) > 0
    assert report.dataset_id == mark(tmp_path / "out")["dataset_id"] == dataset_id(found)
    assert [r.pair for r in found] == sorted({r.pair for r in found})
    for record in found:
        assert record.blur["family"] == record.blur["light"] == "recorded"
        assert record.blur["variant"] == LAYOUTS[name].default
        assert record.photo.source == f"adopted:{name}"
        reader = Adopted().reader(Place(tmp_path / "out"), record.split)
        assert pixel_hash(reader.read(record, "sharp")) == record.sharp_sha256
        assert pixel_hash(reader.read(record, "blur")) == record.blur_sha256
        assert record.sharp_dhash == dhash(reader.read(record, "sharp"))
    assert not [p for p in (tmp_path / "out").rglob("*") if p.suffix == ".png"]
    assert not (tmp_path / "out" / JOURNAL).exists()


def test_gopro_record(tmp_path):
    root = gopro(tmp_path / "tree")
    run("gopro", root, tmp_path / "out", variant="blur_gamma")
    first = records(tmp_path / "out")[0]
    assert first.pair == "test/GOPR0384_11_00-000047"
    assert first.scene == "GOPR0384_11_00"
    assert first.blur == {"family": "recorded", "light": "recorded", "variant": "blur_gamma", "frames": 11}
    assert first.files.blur == "test/GOPR0384_11_00/blur_gamma/000047.png"
    assert first.sharp_sha256 == pixel_hash(read_rgb(root / "test/GOPR0384_11_00/sharp/000047.png"))
    assert first.kernels == ()
    saved = mark(tmp_path / "out")
    assert saved["format"] == "adopted"
    assert saved["root"] == str(root)
    assert saved["recipe"] == {"name": "gopro-blur-gamma", "version": 1}
    assert saved["complete"] is False


def test_id_depends_on_pixels_and_variant_alone(tmp_path):
    root = gopro(tmp_path / "tree")
    one = run("gopro", root, tmp_path / "a").dataset_id
    moved = tmp_path / "elsewhere"
    shutil.copytree(root, moved)
    for file in moved.rglob("*.png"):  # other bytes, same pixels
        Image.open(file).save(file, compress_level=9)
    assert run("gopro", moved, tmp_path / "b", workers=2).dataset_id == one
    assert run("gopro", root, tmp_path / "c", variant="blur_gamma").dataset_id != one
    save(moved / "test/GOPR0384_11_00/blur/000047.png", noise(6, 8, seed=999) // 2)
    assert run("gopro", moved, tmp_path / "d").dataset_id != one


def test_counts_are_compared_with_the_published_ones(tmp_path, capsys, monkeypatch):
    report = run("gopro", gopro(tmp_path / "tree"), tmp_path / "out")
    assert not report.complete
    assert "Warning: test: 2 pairs, published are 1111" in capsys.readouterr().err
    card = (tmp_path / "out" / "README.md").read_text()
    assert "NOT complete" in card
    assert "| train | 2 | 2103 |" in card
    monkeypatch.setattr(type(LAYOUTS["gopro"]), "published", {"train": 2, "test": 2})
    report = run("gopro", tmp_path / "tree", tmp_path / "whole")
    assert report.complete
    assert mark(tmp_path / "whole")["complete"] is True
    assert report.warnings == ()
    assert capsys.readouterr().err == ""
    assert not run("gopro", tmp_path / "tree", tmp_path / "cut", limit=1).complete


def test_a_default_variant_is_said_loudly_and_recorded(tmp_path, capsys):
    root = gopro(tmp_path / "tree")
    report = run("gopro", root, tmp_path / "a", variant="")
    shown = capsys.readouterr().err
    assert "no --variant was given, so this is `blur`, the plain mean" in shown
    assert "`blur_gamma` is the mean in gamma-2.2 linear light" in shown
    assert not report.variant_chosen
    assert "the default: no --variant was given" in (tmp_path / "a" / "README.md").read_text()
    report = run("gopro", root, tmp_path / "b", variant="blur")
    assert "no --variant" not in capsys.readouterr().err
    assert report.variant_chosen
    run("levin", levin(tmp_path / "levin"), tmp_path / "c", variant="")  # has one only: nothing to choose
    assert "no --variant" not in capsys.readouterr().err


def test_what_does_not_pair_stops_or_is_listed(tmp_path, capsys):
    root = gopro(tmp_path / "tree")
    scene = root / "train" / "GOPR0372_07_00"
    (scene / "sharp" / "000047.png").unlink()
    put(scene, "sharp/000099.png")
    with pytest.raises(DatasetError, match="2 problems, the first"):
        run("gopro", root, tmp_path / "out")
    shown = capsys.readouterr().err
    assert "blur/000047.png has no sharp counterpart" in shown
    assert "sharp/000099.png has no blurred counterpart" in shown
    assert not (tmp_path / "out").exists()
    report = run("gopro", root, tmp_path / "out", allow_incomplete=True)
    assert report.splits == {"test": 2, "train": 1}
    assert len(report.problems) == 2
    assert not report.complete
    assert "000099.png" in (tmp_path / "out" / "README.md").read_text()
    assert run("gopro", root, tmp_path / "out", allow_incomplete=True) == report  # there already


def test_pictures_that_cannot_be_used(tmp_path, capsys):
    root = custom_test(tmp_path / "tree")
    (root / "blur" / "02800000071.png").write_bytes(b"no picture")
    put(root, *(f"{side}/{n}.png" for side in ("blur", "sharp") for n in ("00100000001",)), first=30)
    save(root / "blur" / "00100000001.png", noise(8, 6))
    with pytest.raises(DatasetError, match="2 problems") as error:
        run("custom-test", root, tmp_path / "out")
    assert "--allow-incomplete" in error.value.hint
    shown = capsys.readouterr().err
    assert "differ in size: 8x6 and 6x8" in shown
    assert "02800000071.png is not a picture" in shown
    assert not (tmp_path / "out" / "dataset.json").exists()
    report = run("custom-test", root, tmp_path / "out", allow_incomplete=True)  # goes on in the same folder
    assert report.splits == {"test": 1}
    assert len(report.problems) == 2


def test_blurred_pictures_that_are_the_sharp_ones_are_noticed(tmp_path):
    root = custom_test(tmp_path / "tree")
    shutil.copy(root / "sharp" / "02800000071.png", root / "blur" / "02800000071.png")
    warnings = run("custom-test", root, tmp_path / "out").warnings
    assert "1 of 2 blurred pictures are their sharp ones, pixel for pixel, such as blur/02800000071.png" in warnings


def test_what_spans_train_and_test_is_noticed(tmp_path):
    """The same sharp picture, and the same video, on both sides of an official split."""
    root = TREES["hide"](tmp_path / "tree")
    put(root, *(f"{folder}/7fromGOPR1096.png" for folder in ("test/test-close-ups", "GT")), first=70)
    save(root / "GT" / "3fromGOPR0950.png", read_rgb(root / "GT" / "1fromGOPR1096.MP4.png"))
    warnings = "\n".join(run("hide", root, tmp_path / "out").warnings)
    assert "same scene 'GOPR1096' in train (train/1fromGOPR1096) and test (test/7fromGOPR1096)" in warnings
    assert "same picture" in warnings
    leaks = json.loads((tmp_path / "out" / "leaks.json").read_text())["leaks"]
    assert {leak["kind"] for leak in leaks} == {"scene", "picture", "photo", "near-duplicate"}


def test_swapped_gopro_folders_are_noticed(tmp_path):
    root = gopro(tmp_path / "tree")
    for sequence in root.glob("*/*"):
        (sequence / "blur").rename(sequence / "x")
        (sequence / "blur_gamma").rename(sequence / "blur")
        (sequence / "x").rename(sequence / "blur_gamma")
    assert any("seem to be swapped" in w for w in run("gopro", root, tmp_path / "out").warnings)


def test_16_bit_pictures_follow_the_rule(tmp_path):
    root = dpdd(tmp_path / "tree")
    run("dpdd", root, tmp_path / "out")
    record = records(tmp_path / "out")[0]
    assert record.preparation == {"bits": 16}
    import cv2

    levels = cv2.imread(str(root / record.files.sharp), cv2.IMREAD_UNCHANGED)[:, :, ::-1]
    assert record.sharp_sha256 == pixel_hash(np.rint(levels / 65535 * 255).astype(np.uint8))
    cv2.imwrite(str(custom_test(tmp_path / "other") / "blur" / "02800000071.png"), levels)
    with pytest.raises(DatasetError, match="more than 8 bits"):
        run("custom-test", tmp_path / "other", tmp_path / "out2")


def test_grey_pictures_become_rgb(tmp_path):
    root = levin(tmp_path / "tree")
    Image.fromarray(noise(6, 8, None)).save(root / "gt" / "im1.png")
    run("levin", root, tmp_path / "out")
    record = records(tmp_path / "out")[0]
    picture = Adopted().reader(Place(tmp_path / "out"), "test").read(record, "sharp")
    assert np.array_equal(picture, np.repeat(noise(6, 8, None)[:, :, None], 3, axis=2))
    assert record.blur["kernel"] == 1


# Where it writes, and going on


def test_nothing_is_written_into_the_input(tmp_path):
    root = gopro(tmp_path / "tree")
    before = snapshot(root)
    for out in (root, root / "out", root / "train" / "out"):
        with pytest.raises(UsageError, match="lies inside the input"):
            run("gopro", root, out)
    (tmp_path / "link").symlink_to(root)
    with pytest.raises(UsageError, match="lies inside the input"):
        run("gopro", root, tmp_path / "link" / "out")
    assert snapshot(root) == before


def test_other_folders_are_left_alone(tmp_path):
    root = gopro(tmp_path / "tree")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("x")
    for overwrite in (False, True):
        with pytest.raises(UsageError, match="holds other files"):
            run("gopro", root, tmp_path / "out", overwrite=overwrite)
    run("gopro", root, tmp_path / "good")
    (tmp_path / "good" / "thesis.txt").write_text("x")
    with pytest.raises(UsageError, match="holds other files"):
        run("gopro", root, tmp_path / "good", overwrite=True)
    assert (tmp_path / "good" / "dataset.json").is_file()


def test_another_dataset_is_not_replaced_unasked(tmp_path):
    root = gopro(tmp_path / "tree")
    one = run("gopro", root, tmp_path / "out")
    assert run("gopro", root, tmp_path / "out") == one
    with pytest.raises(DatasetError, match="holds another dataset"):
        run("gopro", root, tmp_path / "out", variant="blur_gamma")
    put(root, *(f"test/GOPR0384_11_00/{side}/000099.png" for side in ("sharp", "blur", "blur_gamma")))
    with pytest.raises(DatasetError, match="no longer those"):
        run("gopro", root, tmp_path / "out")
    assert run("gopro", root, tmp_path / "out", overwrite=True).splits == {"test": 3, "train": 2}


def test_an_interrupted_adoption_goes_on(tmp_path, monkeypatch):
    root, out = gopro(tmp_path / "tree"), tmp_path / "out"
    whole = run("gopro", root, tmp_path / "whole")
    hashed, real = [], adopting._hash_pair

    def hash_some(job):
        if len(hashed) == 2:
            raise KeyboardInterrupt
        hashed.append(job.pair)
        return real(job)

    monkeypatch.setattr(adopting, "_hash_pair", hash_some)
    with pytest.raises(KeyboardInterrupt):
        run("gopro", root, out)
    assert not (out / "dataset.json").exists()
    with (out / JOURNAL).open("a") as journal:
        journal.write('1 2 3 4\t{"pair": "test/cut')  # as a kill leaves it
    changed = root / "test" / "GOPR0384_11_00" / "sharp" / "000047.png"
    assert hashed[0] == "test/GOPR0384_11_00-000047"
    os.utime(changed, ns=(1, 1))  # touched since: hashed again
    again = []
    monkeypatch.setattr(adopting, "_hash_pair", lambda job: again.append(job.pair) or real(job))
    assert run("gopro", root, out).dataset_id == whole.dataset_id
    assert len(again) == 3
    assert hashed[1] not in again
    assert (out / "manifest.jsonl").read_bytes() == (tmp_path / "whole" / "manifest.jsonl").read_bytes()


def test_an_unfinished_adoption_of_something_else_is_kept(tmp_path, monkeypatch):
    root = gopro(tmp_path / "tree")

    def stop(job):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(adopting, "_hash_pair", stop)
        with pytest.raises(KeyboardInterrupt):
            run("gopro", root, tmp_path / "out")
    with pytest.raises(DatasetError, match="another, unfinished dataset"):
        run("gopro", root, tmp_path / "out", variant="blur_gamma")
    run("gopro", root, tmp_path / "out", variant="blur_gamma", overwrite=True)


def test_names_that_would_be_one_get_a_mark():
    pairs = [
        FoundPair("test", n, "s", f"sharp/{n}", f"blur/{n}") for n in ("a b", "a_b", "A_B", "c", "x" * 300, "x" * 301)
    ]
    ids = pair_ids(pairs)
    assert len({name.casefold() for name in ids}) == len(ids)
    assert ids[3] == "test/c"
    assert ids == [pair_ids(pairs[::-1])[-1 - i] for i in range(len(ids))]  # whatever the order
    assert max(map(len, ids)) < 250


def test_names_of_adopted_datasets():
    assert dataset_name(LAYOUTS["gopro"], "blur") == "gopro-blur"  # never just `gopro`: there are two
    assert dataset_name(LAYOUTS["hide"], "blur") == "hide"
    assert dataset_name(LAYOUTS["reds"], "blur_bicubic") == "reds-blur-bicubic"


# The format


def test_the_format_reads_alone(tmp_path):
    root = gopro(tmp_path / "tree")
    run("gopro", root, tmp_path / "out")
    record = records(tmp_path / "out")[0]
    with pytest.raises(UsageError, match="no dataset is written"):
        Adopted().write(Place(tmp_path / "x"), "test", 0, [])
    assert list(Adopted().files("test", [record], 1)) == []
    reader = Adopted().reader(Place(tmp_path / "out"), "test")
    for bad in ("../tree/x.png", "/etc/hosts"):
        files = record.files.model_copy(update={"sharp": bad})
        with pytest.raises(PictureError, match="leads out"):
            reader.read(record.model_copy(update={"files": files}), "sharp")
    with pytest.raises(PictureError, match="does not say where"):
        reader.read(record.model_copy(update={"files": None}), "sharp")
    root.rename(tmp_path / "away")
    with pytest.raises(PictureError, match="does not exist"):
        reader.read(record, "sharp")
    with pytest.raises(DatasetError, match="is not there"):
        Adopted().reader(Place(tmp_path / "out"), "test")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"root": 3}'])
def test_a_damaged_mark_is_a_dataset_error(tmp_path, text):
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(DatasetError):
        Adopted().reader(Place(tmp_path), "test")


# The command


def test_command(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gopro(tmp_path / "GOPRO_Large")
    done = cli("adopt", "GoPro", "GOPRO_Large", "--variant", "blur_gamma", "--workers", 1)
    assert done.code == 0
    assert done.out.startswith(
        "data/gopro-blur-gamma  test 2, train 2 (NOT as published), blurred pictures: blur_gamma\n"
    )
    assert "adopt: 4/4 pairs" in done.err
    assert Path("data/gopro-blur-gamma/dataset.json").is_file()
    done = cli("adopt", "gopro", "GOPRO_Large", "--json", "-", "--quiet", "--workers", 1, "--limit", 1)
    value = json.loads(done.out)
    assert value["path"] == "data/gopro-blur"
    assert value["splits"] == {"test": 1, "train": 1}
    assert value["complete"] is False
    assert value["variant"] == "blur"
    assert value["variant_chosen"] is False
    assert "Warning: no --variant was given" in done.err  # loud, though --quiet


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gopor", "tree"], "did you mean 'gopro'"),
        (["gopro", "tree", "--variant", "gamma"], "did you mean 'blur_gamma'"),
        (["gopro", "nowhere"], "no folder nowhere"),
        (["gopro", "tree/train"], "it seems to be"),
        (["hide", "tree"], "it looks like GOPRO_Large"),
        (["gopro", "tree", "--out", "tree/out"], "lies inside the input"),
    ],
)
def test_command_line_mistakes(cli, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    gopro(tmp_path / "tree")
    done = cli("adopt", *arguments)
    assert done.code == 2
    assert said in done.err


def test_command_names_every_dataset(cli):
    shown = " ".join(cli("adopt", "--help").out.split())
    assert all(f" {name}" in shown for name in LAYOUTS)


def test_the_same_id_for_any_number_of_workers(tmp_path):
    root = gopro(tmp_path / "tree", frames=tuple(f"{i:06d}" for i in range(6)))
    ids = {run("gopro", root, tmp_path / str(n), workers=n).dataset_id for n in (1, 3)}
    assert len(ids) == 1


def test_real_samples(shared, tmp_path):
    """Levin's samples as they lie; the dataset id is worked out here once more, from the files alone."""
    samples = shared / "real_blur_pairs" / "levin_grey"
    report = run("levin", samples, tmp_path / "out")
    assert report.complete
    assert report.splits == {"test": 32}
    assert report.warnings == ()
    lines = []
    for blurred in samples.glob("im*_k*_blur.png"):
        image, kernel, _ = blurred.stem.split("_")
        lines.append(
            f"test/{image}-{kernel}\t{foreign_hash(samples / f'{image}_sharp.png')}\t{foreign_hash(blurred)}\n"
        )
    assert report.dataset_id == hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def foreign_hash(file):
    grey = np.asarray(Image.open(file))
    header = struct.pack("<3I", *grey.shape, 3) + b"uint8"
    return hashlib.sha256(header + np.stack([grey] * 3, axis=2).tobytes()).hexdigest()


def test_real_gopro_and_reds_samples(shared, tmp_path):
    """Research pictures, linked into trees of the true layout."""
    samples = shared / "real_blur_pairs"
    for file in samples.glob("gopro/dh*.png"):
        number, side = file.stem.split("_")
        link(file, tmp_path / "gopro" / "train" / "GOPR0372_07_00" / side / f"0000{number[2:]}.png")
    for file in samples.glob("reds_small/train*.png"):
        scene, frame, side = file.stem.removeprefix("train").split("_")
        link(file, tmp_path / "reds" / "train" / f"train_{side}" / scene / f"00000{frame}.png")
    for name, count in (("gopro", 3), ("reds", 8)):
        report = run(name, tmp_path / name, tmp_path / f"{name}-out")
        assert report.splits == {"train": count}
        assert [w for w in report.warnings if "published" not in w] == []
        for record in records(tmp_path / f"{name}-out"):
            assert record.sharp_sha256 == pixel_hash(read_rgb(tmp_path / name / record.files.sharp))


def link(file, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(file)
