"""A folder of everything that can go wrong with photos: each is used or left out by a rule, and nothing is lost."""

import json
import os
import resource
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from conftest import FOLDER, noise
from PIL import Image

from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.reader import open_dataset
from deblurbench.dataset.recipe import read_recipe
from deblurbench.dataset.verify import verify
from deblurbench.errors import DatasetError
from deblurbench.images.codec import read_rgb, write_png

RECIPE = FOLDER.replace('"gaussian", sigma = 1.0', '"linear-motion", length = 9.0, angle = 20.0')


def bomb() -> bytes:
    """A PNG file that says it has 50,000 x 50,000 pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 999)) + chunk(b"IEND", b"")
    )


def save_16_bit_rgb(path: Path) -> None:
    import cv2

    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 65536, (12, 16, 3), dtype=np.uint16))


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "sub" / "deep").mkdir(parents=True)
    # Used:
    write_png(folder / "plain.png", noise(20, 30, seed=1))
    write_png(folder / "one-pixel.png", noise(1, 1, seed=2))
    write_png(folder / "wide.png", noise(2, 30_000, seed=3))
    write_png(folder / "sub" / "plain.png", noise(20, 30, seed=4))  # another picture of the same name
    write_png(folder / "name.. .. with spaces and ünïcode\n.png", noise(9, 9, seed=5))
    write_png(folder / f"{'x' * 200}.png", noise(9, 9, seed=6))
    Image.fromarray(noise(12, 16, None, seed=7)).save(folder / "grey.png")
    rgba = np.dstack([noise(12, 16, seed=8), np.full((12, 16), 255, np.uint8)])
    Image.fromarray(rgba).save(folder / "opaque.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise(12, 16, seed=9)).save(folder / "turned.jpg", exif=exif, quality=95)
    outside = tmp_path / "outside.png"
    write_png(outside, noise(11, 11, seed=10))
    (folder / "linked.png").symlink_to(outside)
    # Left out:
    write_png(folder / "sub" / "deep" / "zcopy.png", noise(20, 30, seed=1))  # the bytes of plain.png
    jpeg = folder / "whole.jpg"
    Image.fromarray(noise(64, 64, seed=11)).save(jpeg)
    (folder / "truncated.jpg").write_bytes(jpeg.read_bytes()[:-900])
    jpeg.unlink()
    (folder / "text.png").write_text("<html>404</html>")
    (folder / "empty.jpg").touch()
    Image.fromarray(noise(12, 16, None).astype(np.uint16) * 257).save(folder / "deep16.png")
    save_16_bit_rgb(folder / "rgb16.png")
    Image.new("CMYK", (9, 9)).save(folder / "cmyk.jpg")
    rgba[0, 0, 3] = 254
    Image.fromarray(rgba).save(folder / "transparent.png")
    (folder / "bomb.png").write_bytes(bomb())
    # Not seen at all: hidden, dangling, other types, links to folders.
    write_png(folder / ".hidden.png", noise(9, 9))
    (folder / "dangling.png").symlink_to(tmp_path / "nowhere.png")
    (folder / "loop").symlink_to(folder)
    (folder / "notes.txt").write_text("dear diary")
    return folder


LEFT_OUT = {
    "zcopy": "has the same bytes as",
    "truncated": "cannot be decoded",
    "text": "is not a picture",
    "empty": "is not a picture",
    "deep16": "16",
    "rgb16": "16",
    "cmyk": "CMYK",
    "transparent": "transparent",
    "bomb": "too large",
}


@pytest.mark.parametrize("workers", [1, 2])
def test_each_is_used_or_left_out_by_a_rule(tmp_path, photos, workers, capsys):
    (tmp_path / "mine.toml").write_text(RECIPE)
    before = {p: p.stat().st_mtime_ns for p in photos.rglob("*") if p.is_file()}
    plan = make_plan(read_recipe(tmp_path / "mine.toml"), photos)
    built = build(plan, tmp_path / "out", workers=workers)
    report = json.loads((built.path / "build-report.json").read_text())
    left_out = {entry["name"].rpartition("-")[0]: entry["reason"] for entry in report["left_out"]}
    assert left_out.keys() == LEFT_OUT.keys()
    for name, reason in LEFT_OUT.items():
        assert reason in left_out[name], left_out[name]
    assert built.splits == {"test": 10}
    assert f"{len(LEFT_OUT)} photos were left out" in capsys.readouterr().err
    assert verify(built.path, pixels=True, quiet=True) == []
    shapes = {r.name.rpartition("-")[0]: built.read(r, "sharp").shape for r in built.records()}
    assert shapes["turned"] == (16, 12, 3)  # upright
    assert shapes["wide"] == (2, 30_000, 3)
    assert shapes["one-pixel"] == (1, 1, 3)
    assert {p: p.stat().st_mtime_ns for p in before} == before
    assert not any(part in ("..", ".") for p in built.path.rglob("*") for part in p.parts)
    assert all(len(p.name) < 100 for p in built.path.rglob("*"))


def test_nothing_usable_is_an_error_that_says_why(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_text("<html>404</html>")
    (tmp_path / "mine.toml").write_text(RECIPE)
    plan = make_plan(read_recipe(tmp_path / "mine.toml"), tmp_path / "photos")
    with pytest.raises(DatasetError, match=r"has no pair: 1 photos were left out: .* is not a picture"):
        build(plan, tmp_path / "out", quiet=True)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit works so on Linux")
@pytest.mark.parametrize("fmt", ["png", "webdataset"])
def test_a_full_disk_stops_the_build_and_it_goes_on_later(tmp_path, tiny_recipe, fmt):
    command = [sys.executable, "-m", "deblurbench", "build-dataset", str(tiny_recipe), "--quiet", "--format", fmt]
    command += ["--set", "sources.0.size=300x200", "--workers", "1", "--out", str(tmp_path / "out")]

    def little_room():  # no file may grow beyond this, as if the disk were full
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    failed = subprocess.run(command, check=False, preexec_fn=little_room, capture_output=True, text=True)
    assert failed.returncode == 1, failed.stderr
    assert failed.stderr.startswith("Error: ")
    assert "Traceback" not in failed.stderr
    assert failed.stderr.count("\n") == 1
    assert not (tmp_path / "out" / "dataset.json").exists()
    assert not list((tmp_path / "out").rglob(".*.part"))
    subprocess.run(command, check=True, env=os.environ)
    assert verify(tmp_path / "out", pixels=True, quiet=True) == []
    assert sum(open_dataset(tmp_path / "out").splits.values()) == 12


def test_read_rgb_refuses_16_bits_of_colour(tmp_path):
    from deblurbench.errors import PictureError

    save_16_bit_rgb(tmp_path / "a.png")
    with pytest.raises(PictureError, match="16"):
        read_rgb(tmp_path / "a.png")
