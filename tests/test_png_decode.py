"""The fast PNG decoder gives Pillow's pixels or none at all, whatever the file and whatever is wrong with it."""

import io
import itertools
import struct
import zlib

import cv2
import numpy as np
import pytest
from conftest import noise
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from deblurbench import compiled
from deblurbench.images import png_decode
from deblurbench.images.codec import encode
from deblurbench.images.png_decode import decode_plain_png, read_plain_png


@pytest.fixture(scope="module", autouse=True)
def compile_it():
    """Also where numba has kept nothing yet."""
    before = compiled._expected
    compiled.expect(10**12)
    yield
    compiled._expected = before


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def header(height, width, codes=(8, 2, 0, 0, 0)):
    return chunk(b"IHDR", struct.pack(">2I5B", width, height, *codes))


def png(*chunks):
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"")


def filtered(picture, kinds):
    """The rows under these filters, by the standard's own words."""
    x = np.pad(picture.reshape(len(picture), -1).astype(int), ((1, 0), (3, 0)))
    a, b, c, x = x[1:, :-3], x[:-1, 3:], x[:-1, :-3], x[1:, 3:]
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    paeth = np.where((pa <= pb) & (pa <= pc), a, np.where(pb <= pc, b, c))
    predictions = np.stack([np.zeros_like(a), a, b, (a + b) // 2, paeth])
    rows = [bytes([k]) + ((x[i] - predictions[k, i]) % 256).astype(np.uint8).tobytes() for i, k in enumerate(kinds)]
    return b"".join(rows)


def plain(picture, kinds=None, pieces=1, before=(), after=()):
    """A PNG file of a picture."""
    data = zlib.compress(filtered(picture, kinds or [4] * len(picture)))
    cuts = np.linspace(0, len(data), pieces + 1).astype(int)
    idats = [chunk(b"IDAT", data[i:j]) for i, j in itertools.pairwise(cuts)]
    return png(header(*picture.shape[:2]), *before, *idats, *after)


def by_pillow(data):
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return np.array(picture)
    except Exception:
        return None


def agrees(data):
    """What is decoded, which must be what Pillow decodes."""
    ours = decode_plain_png(data)
    if ours is not None:
        assert ours.dtype == np.uint8
        assert np.array_equal(ours, by_pillow(data))
    return ours


@pytest.mark.parametrize("width", range(1, 21))
def test_every_filter_at_every_width(width):
    picture = noise(7, width)
    for kinds in ([0] * 7, [1] * 7, [2] * 7, [3] * 7, [4] * 7, [4, 3, 2, 1, 0, 3, 4]):
        assert np.array_equal(agrees(plain(picture, kinds)), picture)


@given(
    st.integers(1, 40),
    st.lists(st.integers(0, 4), min_size=1, max_size=40),
    st.integers(0, 2**31),
    st.sampled_from([1, 2, 20, 256]),
    st.integers(1, 9),
)
def test_any_picture_in_any_pieces(width, kinds, seed, levels, pieces):
    picture = np.random.default_rng(seed).integers(0, levels, (len(kinds), width, 3)).astype(np.uint8)
    assert np.array_equal(agrees(plain(picture, kinds, pieces)), picture)


def test_what_other_programs_write(tmp_path):
    smooth = np.asarray(Image.fromarray(noise(9, 13)).resize((213, 131), Image.Resampling.BICUBIC))
    for picture in (smooth, noise(131, 213)):
        for options in ({}, {"optimize": True}, {"compress_level": 1}, {"icc_profile": b"profile"}, {"dpi": (72, 72)}):
            Image.fromarray(picture).save(tmp_path / "a.png", **options)
            assert np.array_equal(read_plain_png(tmp_path / "a.png"), picture)
        assert np.array_equal(decode_plain_png(cv2.imencode(".png", picture[:, :, ::-1])[1].tobytes()), picture)
        assert np.array_equal(decode_plain_png(encode(picture, "png")), picture)


SMALL = plain(noise(3, 4), [1, 3, 4], pieces=2, after=[chunk(b"tEXt", b"Title\0a")])


def test_a_file_that_is_cut_off_anywhere_is_left_to_others():
    assert agrees(SMALL) is not None
    assert all(decode_plain_png(SMALL[:length]) is None for length in range(len(SMALL)))


def test_a_flipped_bit_anywhere_gives_pillows_pixels_or_none():
    for place, bit in itertools.product(range(len(SMALL)), range(8)):
        data = bytearray(SMALL)
        data[place] ^= 1 << bit
        assert agrees(bytes(data)) is None


def test_damage_under_right_checksums():
    """What no checksum of a chunk tells: wrong adler, too few or many rows, an unknown filter, no stream at all."""
    picture = noise(3, 4)
    rows = filtered(picture, [4, 4, 4])
    whole = zlib.compress(rows)
    for data in (
        whole[:-1] + bytes([whole[-1] ^ 1]),
        whole[:-4],
        whole + b"more",
        zlib.compress(rows[:-1]),
        zlib.compress(rows + b"\0"),
        zlib.compress(rows + bytes(10**7)),
        zlib.compress(bytes([5]) + rows[1:]),
        zlib.compress(b""),
        rows,
        b"",
    ):
        assert decode_plain_png(png(header(3, 4), chunk(b"IDAT", data))) is None
    assert np.array_equal(agrees(png(header(3, 4), chunk(b"IDAT", whole)) + b"what follows"), picture)


def test_chunks_out_of_order_are_left_to_others():
    idat, text = chunk(b"IDAT", zlib.compress(filtered(noise(3, 4), [0] * 3))), chunk(b"tEXt", b"a\0b")
    first, second = chunk(b"IDAT", idat[8:12]), chunk(b"IDAT", idat[12:-4])
    head = header(3, 4)
    assert agrees(png(head, first, second)) is not None
    for chunks in ([head, first, text, second], [head, head, idat], [head], [idat], [text, head, idat]):
        assert decode_plain_png(png(*chunks)) is None


def test_what_is_not_plain_is_left_to_others():
    idat = chunk(b"IDAT", zlib.compress(filtered(noise(3, 4), [0] * 3)))
    for codes in (
        (16, 2, 0, 0, 0),
        (8, 0, 0, 0, 0),
        (8, 3, 0, 0, 0),
        (8, 6, 0, 0, 0),
        (8, 2, 0, 0, 1),
        (8, 2, 1, 0, 0),
    ):
        assert decode_plain_png(png(header(3, 4, codes), idat)) is None
    for kind in (b"tRNS", b"acTL", b"eXIf", b"PLTE", b"abCd", b"CgBI"):
        assert decode_plain_png(png(header(3, 4), chunk(kind, bytes(6)), idat)) is None
    for data in (b"", b"hello", b"\xff\xd8\xff", SMALL[1:], noise(30, 30).tobytes()):
        assert decode_plain_png(data) is None


@pytest.mark.parametrize("size", [(2**31, 2**31), (0, 4), (3, 0), (2**32 - 1, 1), (10_000, 10_000), (9_000, 9_000)])
def test_absurd_sizes_cost_nothing(size, monkeypatch):
    monkeypatch.setattr(np, "empty", None)  # nothing is laid out for what the stream cannot fill
    assert decode_plain_png(png(header(*size), chunk(b"IDAT", zlib.compress(bytes(100))))) is None


def test_a_tiny_limit(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 11)
    assert decode_plain_png(SMALL) is None
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 12)
    assert decode_plain_png(SMALL) is not None


@pytest.mark.parametrize("kind", sorted(png_decode._HARMLESS))
def test_harmless_chunks_change_no_readers_pixels(kind):
    contents = {
        b"gAMA": struct.pack(">I", 20_000),
        b"cHRM": struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000),
        b"sRGB": b"\0",
        b"iCCP": b"icc\0\0" + zlib.compress(b"profile"),
        b"pHYs": struct.pack(">2IB", 300, 200, 1),
        b"tIME": b"\x07\xe9\1\1\1\1\1",
        b"tEXt": b"Orientation\x006",
        b"zTXt": b"Comment\0\0" + zlib.compress(b"text"),
        b"iTXt": b'XML:com.adobe.xmp\0\0\0\0\0<x xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>',
        b"bKGD": struct.pack(">3H", 255, 0, 9),
    }
    picture = noise(5, 6)
    data = plain(picture, before=[chunk(kind, contents[kind])])
    assert np.array_equal(agrees(data), picture)
    assert np.array_equal(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1], picture)


def test_without_numba_or_isal(monkeypatch):
    picture = noise(20, 30)
    data = plain(picture)
    monkeypatch.setattr(png_decode, "compiled", lambda *_: None)
    assert np.array_equal(decode_plain_png(data), picture)
    assert decode_plain_png(data[:-5]) is None
    monkeypatch.undo()
    monkeypatch.setitem(__import__("sys").modules, "isal", None)
    assert png_decode._library() is zlib
    assert np.array_equal(decode_plain_png(data), picture)
    test_damage_under_right_checksums()


def test_what_is_no_file(tmp_path):
    (tmp_path / "a.png").mkdir()
    assert read_plain_png(tmp_path / "a.png") is None
    assert read_plain_png(tmp_path / "b.png") is None


@pytest.mark.parametrize(
    "beside",
    [(b"cHRM", bytes(9)), (b"pHYs", b""), (b"sRGB", b""), (b"iCCP", b"name\0\1"), (b"zTXt", b"a\0\1")],
)
def test_what_pillow_refuses_for_damage_beside_the_pixels_is_refused(beside):
    """Else it would be scored on machines with compiled code alone."""
    for data in (plain(noise(3, 4), before=[chunk(*beside)]), plain(noise(3, 4), after=[chunk(*beside)])):
        assert by_pillow(data) is None
        assert decode_plain_png(data) is None


@pytest.mark.parametrize("head", [b"\x78\x9d", b"\x88\x1c", b"\x79\x9c"])
def test_a_stream_with_a_wrong_header_is_refused(head):
    stream = zlib.compress(filtered(noise(3, 4), [4] * 3))
    data = png(header(3, 4), chunk(b"IDAT", head + stream[2:]))
    assert by_pillow(data) is None
    assert decode_plain_png(data) is None
