"""Decoding, encoding, hashing, resizing, contact sheets."""

import hashlib
import struct

import numpy as np
import pytest
from conftest import noise
from PIL import Image

from deblurbench.errors import PictureError
from deblurbench.images.codec import CODECS, decode, encode, list_pictures, read_rgb, write_png
from deblurbench.images.hashing import pixel_hash
from deblurbench.images.resize import crop_to_ratio, resize
from deblurbench.images.sheet import Cell, contact_sheet, middle


def test_png_round_trip(tmp_path):
    picture = noise(13, 7)
    write_png(tmp_path / "a.png", picture)
    assert np.array_equal(read_rgb(tmp_path / "a.png"), picture)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    "wrong", [noise(4, 4, None), noise(4, 4, 4), noise(4, 4).astype(np.float32), np.zeros((0, 4, 3), dtype=np.uint8)]
)
def test_only_rgb_is_written(tmp_path, wrong):
    with pytest.raises(ValueError, match="uint8 H x W x 3"):
        write_png(tmp_path / "a.png", wrong)
    for codec in CODECS:
        with pytest.raises(ValueError, match="uint8 H x W x 3"):
            encode(wrong, codec)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif", "bmp"])
def test_every_format_is_read(tmp_path, suffix):
    file = tmp_path / f"a.{suffix}"
    Image.fromarray(np.full((9, 11, 3), (200, 90, 30), dtype=np.uint8)).save(file)
    picture = read_rgb(file)
    assert picture.shape == (9, 11, 3)
    assert np.abs(picture.astype(int) - (200, 90, 30)).max() <= 6


def test_grey_and_palette_and_opaque_alpha_become_rgb(tmp_path):
    grey = Image.fromarray(noise(8, 8, None))
    grey.save(tmp_path / "l.png")
    assert np.array_equal(read_rgb(tmp_path / "l.png"), np.stack([np.array(grey)] * 3, axis=2))
    rgb = Image.fromarray(noise(8, 8) // 86 * 86)
    rgb.quantize(64).save(tmp_path / "p.png")
    assert np.array_equal(read_rgb(tmp_path / "p.png"), np.array(rgb))
    rgb.convert("RGBA").save(tmp_path / "a.png")
    assert np.array_equal(read_rgb(tmp_path / "a.png"), np.array(rgb))


def test_exif_orientation_is_applied(tmp_path):
    picture = noise(4, 6)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rows run from the right
    Image.fromarray(picture).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_rgb(tmp_path / "a.png"), np.rot90(picture, -1))


def _half_transparent(file):
    Image.fromarray(np.full((4, 4, 4), 128, dtype=np.uint8)).save(file)


def _sixteen_bit(file):
    Image.fromarray(np.zeros((4, 4), dtype=np.uint16)).save(file)


def _cmyk(file):
    Image.new("CMYK", (4, 4)).save(file, format="TIFF")


def _two_frames(file):
    Image.new("RGB", (4, 4)).save(file, format="PNG", save_all=True, append_images=[Image.new("RGB", (4, 4), "red")])


def _cut(file):
    Image.fromarray(noise(64, 64)).save(file)
    file.write_bytes(file.read_bytes()[:3000])


def _web_page(file):
    file.write_text("<html>not here</html>")


@pytest.mark.parametrize("make", [_half_transparent, _sixteen_bit, _cmyk, _two_frames, _cut, _web_page])
def test_what_is_no_8_bit_rgb_picture_is_refused_by_name(tmp_path, make):
    file = tmp_path / "photo.png"
    make(file)
    with pytest.raises(PictureError, match=r"photo\.png") as said:
        read_rgb(file)
    with pytest.raises(PictureError) as said_of_bytes:
        decode(file.read_bytes(), str(file))
    assert (said_of_bytes.value.message, said_of_bytes.value.hint) == (said.value.message, said.value.hint)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_missing_file_and_a_bomb_are_refused(tmp_path, monkeypatch):
    with pytest.raises(PictureError, match="does not exist"):
        read_rgb(tmp_path / "none.png")
    write_png(tmp_path / "big.png", noise(40, 40))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(PictureError, match="too large"):
        read_rgb(tmp_path / "big.png")


def test_listing_goes_deep_and_leaves_hidden_files_out(tmp_path):
    for name in ["b.PNG", "a/c.jpeg", "a/d.qoi", "a.txt", "a.npy", ".hidden.png", ".cache/d.png"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [p.as_posix() for p in list_pictures(tmp_path)] == ["a/c.jpeg", "a/d.qoi", "b.PNG"]


def test_pixel_hash_is_the_documented_one():
    picture = noise(3, 5)
    data = struct.pack("<3I", 3, 5, 3) + b"uint8" + picture.tobytes()
    assert pixel_hash(picture) == hashlib.sha256(data).hexdigest()
    grey = np.arange(6, dtype=">u2").reshape(2, 3)
    data = struct.pack("<3I", 2, 3, 1) + b"uint16" + grey.astype("<u2").tobytes()
    assert pixel_hash(grey) == hashlib.sha256(data).hexdigest()
    assert pixel_hash(picture[::-1]) == pixel_hash(picture[::-1].copy())


def test_pixel_hash_copies_nothing():
    import tracemalloc

    picture = noise(400, 500)
    tracemalloc.start()
    pixel_hash(picture)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < picture.nbytes // 10


@pytest.mark.parametrize(("kind", "pillow"), [("bilinear", 2), ("bicubic", 3), ("lanczos", 1)])
@pytest.mark.parametrize("size", [(31, 50), (90, 61), (140, 200)])
def test_resize_is_pillows_but_for_rounding(kind, pillow, size):
    # Smooth enough that nothing overshoots 0..255, which Pillow clips between the axes and we do not.
    smooth = Image.fromarray(noise(12, 16) // 2 + 60).resize((80, 60), Image.Resampling.BICUBIC)
    ours = resize(np.array(smooth), *size, kind)
    theirs = np.array(smooth.resize(size[::-1], Image.Resampling(pillow)))
    assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_resize_keeps_flat_pictures_and_equal_sizes():
    flat = np.full((30, 20, 3), 201, dtype=np.uint8)
    assert np.array_equal(resize(flat, 7, 33), np.full((7, 33, 3), 201, dtype=np.uint8))
    picture = noise(9, 8)
    assert resize(picture, 9, 8) is picture


def test_resize_is_the_same_everywhere():
    assert (
        pixel_hash(resize(noise(61, 83), 29, 40)) == "7410574eab28f2d2a537f93096ab058e741cf58267f1231597839de7a32505d8"
    )


@pytest.mark.parametrize(
    ("size", "expected"), [((512, 512), (292, 512)), ((300, 451), (257, 451)), ((10, 70), (10, 17))]
)
def test_crop_to_ratio_is_centred(size, expected):
    picture = noise(*size)
    cropped = crop_to_ratio(picture, 7, 4)
    assert cropped.shape[:2] == expected
    assert np.array_equal(cropped, middle(picture, *expected))


def test_contact_sheet_holds_its_pictures():
    cells = [[Cell(noise(10, 20, seed=i * 2 + j), f"{i}{j}") for j in range(2)] for i in range(3)]
    sheet = contact_sheet(["a", "b"], cells, "title")
    assert sheet.shape[1] == 6 + 2 * 26
    found = np.lib.stride_tricks.sliding_window_view(sheet, (10, 20, 3))[:, :, 0]
    for row in cells:
        for cell in row:
            assert (found == cell.picture).all(axis=(2, 3, 4)).any()
