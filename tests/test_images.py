"""Decoding, encoding, hashing, resizing, contact sheets."""

import hashlib
import io
import struct
import sys
import zlib

import numpy as np
import pytest
from conftest import noise
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from deblurbench.errors import PictureError, UsageError
from deblurbench.images import png
from deblurbench.images.codec import CODECS, decode, encode, list_pictures, read_rgb, write_picture, write_png
from deblurbench.images.hashing import pixel_hash
from deblurbench.images.resize import crop_to_ratio, resize
from deblurbench.images.sheet import Cell, contact_sheet, middle


def test_png_round_trip(tmp_path):
    picture = noise(13, 7)
    write_png(tmp_path / "a.png", picture)
    assert np.array_equal(read_rgb(tmp_path / "a.png"), picture)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (37, 53)])
def test_every_codec_gives_the_pixels_back(tmp_path, codec, shape):
    picture = noise(*shape)
    picture[: shape[0] // 2] = 7  # runs, too
    file = tmp_path / f"a.{codec}"
    write_picture(file, picture)
    assert file.read_bytes() == encode(picture, codec)
    for back in (read_rgb(file), decode(file.read_bytes(), "a picture")):
        assert np.array_equal(back, picture)
        assert back.dtype == np.uint8
        assert back.flags.c_contiguous
        assert back.flags.writeable
    assert [p.name for p in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize("codec", CODECS)
def test_views_are_encoded_as_their_copies(codec):
    picture = noise(20, 30)
    for view in (picture[::-1], picture[:, ::2], picture[:, :, ::-1], picture.transpose(1, 0, 2)):
        assert np.array_equal(decode(encode(view, codec), "view"), view)


def test_files_are_told_by_their_bytes_not_by_their_names(tmp_path):
    for codec in CODECS:
        (tmp_path / "photo.jpg").write_bytes(encode(noise(5, 6), codec))
        assert np.array_equal(read_rgb(tmp_path / "photo.jpg"), noise(5, 6))


def test_others_read_what_is_written():
    import cv2

    picture = noise(31, 45)
    for codec in ("png", "qoi"):
        with Image.open(io.BytesIO(encode(picture, codec))) as file:
            assert (file.format, file.mode) == (codec.upper(), "RGB")
            assert np.array_equal(np.array(file), picture)
    bgr = cv2.imdecode(np.frombuffer(encode(picture, "png"), np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(bgr[:, :, ::-1], picture)
    assert np.array_equal(np.load(io.BytesIO(encode(picture, "npy"))), picture)


def test_a_png_is_made_of_chunks_with_right_checksums(monkeypatch):
    monkeypatch.setattr(png, "_LONGEST_CHUNK", 1000)
    data = encode(noise(40, 40), "png")
    kinds, place = [], 8
    while place < len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        assert zlib.crc32(data[place + 4 : place + 8 + length]) == struct.unpack_from(">I", data, place + 8 + length)[0]
        kinds.append(kind)
        place += 12 + length
    assert kinds[0] == b"IHDR"
    assert kinds[-1] == b"IEND"
    assert kinds.count(b"IDAT") >= 5
    assert np.array_equal(decode(data, "a.png"), noise(40, 40))


@pytest.mark.parametrize("module", ["isal", "qoi"])
def test_without_the_fast_libraries_the_same_pixels_are_written_and_read(monkeypatch, module):
    picture = noise(21, 34)
    before = {codec: encode(picture, codec) for codec in CODECS}
    monkeypatch.setitem(sys.modules, module, None)
    for codec in CODECS:
        assert np.array_equal(decode(encode(picture, codec), codec), picture)
        assert np.array_equal(decode(before[codec], codec), picture)
    with pytest.raises(PictureError, match="cut"):
        decode(before["qoi"][:-900], "cut")


@pytest.mark.parametrize(
    "wrong", [noise(4, 4, None), noise(4, 4, 4), noise(4, 4).astype(np.float32), np.zeros((0, 4, 3), dtype=np.uint8)]
)
def test_only_rgb_is_written(tmp_path, wrong):
    with pytest.raises(ValueError, match="uint8 H x W x 3"):
        write_png(tmp_path / "a.png", wrong)
    for codec in CODECS:
        with pytest.raises(ValueError, match="uint8 H x W x 3"):
            encode(wrong, codec)


def test_an_unknown_codec_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(UsageError, match=r"qio.*qoi"):
        encode(noise(2, 2), "qio")
    with pytest.raises(UsageError, match="jpg"):
        write_picture(tmp_path / "a.jpg", noise(2, 2))
    assert not list(tmp_path.iterdir())


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


def _npy(array, version=(1, 0)):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=version)
    return buffer.getvalue()


def _npy_of(header):
    text = f"{header}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(48)


def _qoi(width, height, channels=3):
    return struct.pack(">4s2I2B", b"qoif", width, height, channels, 0) + encode(noise(4, 4), "qoi")[14:]


HOSTILE = [
    (b"", "not a picture"),
    (b"qoif", "cannot be decoded"),
    (b"\x93NUMPY", "cannot be decoded"),
    (encode(noise(9, 9), "qoi")[:-9], "cannot be decoded"),
    (encode(noise(9, 9), "npy")[:-1], "do not make"),
    (encode(noise(9, 9), "npy") + b"x", "do not make"),
    (_qoi(2**31, 2**31), "too large"),
    (_qoi(20_000, 20_000), "too large"),
    (_qoi(0, 4), "cannot be decoded"),
    (_qoi(4, 4, channels=7), "cannot be decoded"),
    (_npy_of("{'descr': '|u1', 'fortran_order': False, 'shape': (100000, 100000, 3)}"), "too large"),
    (_npy_of("{'descr': '|u1', 'fortran_order': False, 'shape': (-4, -4, 3)}"), "cannot be decoded"),
    (_npy_of("{'descr': '|O', 'fortran_order': False, 'shape': (2, 1, 3)}"), "Python objects"),
    (_npy_of("__import__('os').getcwd()"), "its header is damaged"),
    (_npy_of("[" * 9000), "its header is damaged"),
    (_npy(noise(4, 4), version=(2, 0)), "version"),
    (_npy(noise(4, 4).astype(np.uint16)), "uint16"),
    (_npy(noise(4, 4).astype(np.float64)), "float64"),
    (_npy(noise(4, 4, 2)), "(4, 4, 2)"),
    (_npy(noise(4, 4)[None]), "(1, 4, 4, 3)"),
    (_npy(noise(4, 4, 4)), "transparent"),
]


@pytest.mark.parametrize(("data", "why"), HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_bytes_are_refused_by_name(tmp_path, data, why):
    with pytest.raises(PictureError) as said:
        decode(data, "shard.tar/a.qoi")
    assert said.value.message.startswith("shard.tar/a.qoi ")
    assert why in said.value.message
    (tmp_path / "a.qoi").write_bytes(data)
    with pytest.raises(PictureError) as said_of_file:
        read_rgb(tmp_path / "a.qoi")
    assert said_of_file.value.message == said.value.message.replace("shard.tar", str(tmp_path))


def test_what_is_not_pickled_is_never_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    buffer = io.BytesIO()
    np.save(buffer, np.array([[Trap()]], dtype=object), allow_pickle=True)
    with pytest.raises(PictureError, match="Python objects"):
        decode(buffer.getvalue(), "trap.npy")
    assert not list(tmp_path.iterdir())


def test_grey_and_opaque_alpha_in_arrays_become_rgb():
    grey, opaque = noise(5, 7, None), noise(5, 7, 4)
    opaque[:, :, 3] = 255
    assert np.array_equal(decode(_npy(grey), "a"), np.stack([grey] * 3, axis=2))
    assert np.array_equal(decode(_npy(opaque), "a"), opaque[:, :, :3])
    by_columns = decode(_npy(np.asfortranarray(noise(5, 7))), "a")
    assert np.array_equal(by_columns, noise(5, 7))
    assert by_columns.flags.c_contiguous


_FILES = [encode(noise(6, 7), codec) for codec in CODECS]
for _kind in ("JPEG", "WEBP", "TIFF", "BMP", "GIF"):
    _buffer = io.BytesIO()
    Image.fromarray(noise(6, 7)).save(_buffer, format=_kind)
    _FILES.append(_buffer.getvalue())


@given(st.sampled_from(_FILES), st.data())
@settings(deadline=None, max_examples=300)
@pytest.mark.filterwarnings("ignore")  # of Pillow and NumPy, about what they find
def test_damaged_bytes_give_a_picture_or_an_error_that_names_it(whole, data):
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    damaged = damaged[: data.draw(st.integers(0, len(damaged)))] if data.draw(st.booleans()) else damaged
    try:
        picture = decode(bytes(damaged), "damaged")
    except PictureError as error:
        assert error.message.startswith("damaged ")  # noqa: PT017 - either outcome is right
    else:
        assert picture.dtype == np.uint8
        assert picture.ndim == 3
        assert picture.shape[2] == 3


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
