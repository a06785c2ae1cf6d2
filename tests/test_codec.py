"""Codecs: what is written comes back, others read it, and hostile bytes are refused by name."""

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
from deblurbench.images.codec import CODECS, decode, encode, read_rgb, write_picture


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


def test_an_unknown_codec_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(UsageError, match=r"qio.*qoi"):
        encode(noise(2, 2), "qio")
    with pytest.raises(UsageError, match="jpg"):
        write_picture(tmp_path / "a.jpg", noise(2, 2))
    assert not list(tmp_path.iterdir())


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
