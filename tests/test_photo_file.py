"""A loaded file is judged by its bytes: what is whole and sharp passes, all else is refused by kind, and quickly."""

import gzip
import io
import os
import struct
import subprocess
import sys
import time
import zipfile
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from deblurbench.blur.convolve import convolve
from deblurbench.blur.gaussian import Gaussian
from deblurbench.errors import FetchError
from deblurbench.fetch import photo_file
from deblurbench.fetch.parts import MOST_EXIF, MOST_PARTS, MOST_SCANS
from deblurbench.fetch.photo_file import Checks, PhotoFacts, check_photo
from deblurbench.images.codec import Picture, encode, read_rgb
from deblurbench.images.dhash import dhash, distance
from deblurbench.sources.deadleaves import DeadLeaves

ANY = Checks(min_side=1, min_sharpness=0.0)
HEIGHT, WIDTH = 256, 320


def _scene() -> Picture:
    source = DeadLeaves(count=1, size=f"{WIDTH}x{HEIGHT}")
    return source.read(source.photos(5)[0])


SCENE = _scene()
PHOTO = Image.fromarray(SCENE)
OPAQUE = Image.fromarray(np.dstack([SCENE, np.full((HEIGHT, WIDTH), 255, np.uint8)]))
OTHER = Image.fromarray(SCENE[::-1].copy())


def saved(photo: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    photo.copy().save(buffer, format=kind, **options)  # a copy: some formats leave settings in a picture
    return buffer.getvalue()


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.html", "<html>")
    return buffer.getvalue()


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


JPEG = saved(PHOTO, "JPEG", quality=90)
PROGRESSIVE = saved(PHOTO, "JPEG", quality=90, progressive=True)
PNG = saved(PHOTO, "PNG")
MPO = saved(PHOTO, "MPO", quality=90, save_all=True, append_images=[OTHER.copy()] * 2)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

GOOD = {
    "jpeg": ("jpg", JPEG),
    "progressive": ("jpg", PROGRESSIVE),
    "restarts": ("jpg", saved(PHOTO, "JPEG", quality=90, restart_marker_rows=1)),
    "grey": ("jpg", saved(PHOTO.convert("L"), "JPEG", quality=90)),
    "several JPEGs": ("jpg", MPO),
    "a colour profile": ("jpg", saved(PHOTO, "JPEG", quality=90, icc_profile=PROFILE)),
    "an archive behind it": ("jpg", JPEG + zipped()),
    "png": ("png", PNG),
    "grey png": ("png", saved(PHOTO.convert("L"), "PNG")),
    "palette": ("png", saved(PHOTO.quantize(200), "PNG")),
    "opaque": ("png", saved(OPAQUE, "PNG")),
    "png, an archive behind it": ("png", PNG + zipped()),
    "webp": ("webp", saved(PHOTO, "WEBP", quality=90)),
    "lossless webp": ("webp", saved(OPAQUE, "WEBP", lossless=True)),
    "tiff": ("tif", saved(PHOTO, "TIFF")),
    "lzw": ("tif", saved(PHOTO, "TIFF", compression="tiff_lzw")),
    "deflate": ("tif", saved(PHOTO, "TIFF", compression="tiff_adobe_deflate")),
    "jpeg in tiff": ("tif", saved(PHOTO, "TIFF", compression="jpeg", quality=90)),
}


@pytest.fixture
def judge(tmp_path):
    """Judge these bytes."""

    def judge(data: bytes, checks: Checks = ANY) -> PhotoFacts:
        (tmp_path / "loaded.part").write_bytes(data)
        return check_photo(tmp_path / "loaded.part", checks)

    return judge


@pytest.fixture
def refused(judge):
    """The error that these bytes are refused with."""

    def refused(data: bytes, checks: Checks = ANY) -> FetchError:
        with pytest.raises(FetchError) as said:
            judge(data, checks)
        error = said.value
        assert str(error).isprintable()
        assert "part" not in error.message
        assert "0x" not in str(error)
        assert not error.passing
        return error

    return refused


@pytest.mark.parametrize("what", GOOD)
def test_good_files_pass(judge, what):
    kind, data = GOOD[what]
    facts = judge(data, Checks())
    assert (facts.format, facts.width, facts.height) == (kind, WIDTH, HEIGHT)
    assert facts.sharpness > 0.8
    assert distance(facts.dhash, dhash(SCENE)) <= 3


def test_the_first_of_several_jpegs_is_the_photograph(tmp_path, judge):
    alone = MPO[: MPO.index(b"\xff\xd9\xff\xd8") + 2]
    assert judge(MPO).dhash == judge(alone).dhash
    (tmp_path / "a.jpg").write_bytes(MPO)
    (tmp_path / "b.jpg").write_bytes(alone)
    assert np.array_equal(read_rgb(tmp_path / "a.jpg"), read_rgb(tmp_path / "b.jpg"))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "MPO"])
def test_sizes_are_those_of_the_upright_picture(judge, kind, orientation):
    options = {"save_all": True, "append_images": [OTHER.copy()]} if kind == "MPO" else {}
    facts = judge(saved(PHOTO, kind, exif=exif(orientation), **options))
    assert (facts.width, facts.height) == ((HEIGHT, WIDTH) if orientation > 4 else (WIDTH, HEIGHT))


OTHERS = {
    "empty": b"",
    "GIF": saved(PHOTO, "GIF"),
    "BMP": saved(PHOTO, "BMP"),
    "icon": saved(PHOTO, "ICO"),
    "SVG": b'\xef\xbb\xbf<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
    "HTML page": b"\r\n <!DOCTYPE html><title>404</title>",
    "XML or JSON": b'{"error": "no"}',
    "ZIP": zipped(),
    "gzip": gzip.compress(JPEG),
    "PDF": b"%PDF-1.7\n",
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "AVIF": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1",
    "video": b"\0\0\0\x18ftypisom\0\0\2\0isommp41",
    "QOI": encode(SCENE, "qoi"),
    "NumPy": encode(SCENE, "npy"),
    "BigTIFF": b"II+\0\x08\0\0\0",
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n",
    "no picture": bytes(range(1, 200)),
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_is_no_such_picture_is_named(refused, what):
    error = refused(OTHERS[what])
    assert error.kind == "not-a-picture"
    assert what in error.message


def _see_through() -> Image.Image:
    photo = OPAQUE.copy()
    photo.putpixel((3, 3), (0, 0, 0, 254))
    return photo


def _deep(suffix: str, channels: int) -> bytes:
    samples = np.arange(64 * 64 * channels, dtype=np.uint16).reshape(64, 64, channels)
    return cv2.imencode(suffix, samples)[1].tobytes()


UNUSABLE = {
    "CMYK": saved(PHOTO.convert("CMYK"), "JPEG"),
    "transparent png": saved(_see_through(), "PNG"),
    "transparent webp": saved(_see_through(), "WEBP", lossless=True),
    "16 bits, grey": _deep(".png", 1),
    "16 bits, png": _deep(".png", 3),
    "16 bits, tiff": _deep(".tiff", 3),
    "Lab": saved(PHOTO.convert("LAB"), "TIFF"),
    "floats": saved(PHOTO.convert("F"), "TIFF"),
}
MOVING = {
    kind: saved(PHOTO, kind, save_all=True, append_images=[OTHER.copy()], **options)
    for kind, options in (("PNG", {"duration": 9}), ("WEBP", {"duration": 9}), ("TIFF", {}))
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_what_is_not_opaque_8_bit_rgb_is_unusable(refused, what):
    assert refused(UNUSABLE[what]).kind == "unusable"


@pytest.mark.parametrize("kind", MOVING)
def test_what_holds_several_pictures_is_refused(refused, kind):
    assert refused(MOVING[kind]).kind == "animated"


@pytest.mark.parametrize("what", ["jpeg", "progressive", "restarts", "several JPEGs", "png", "webp", "tiff", "deflate"])
@pytest.mark.parametrize("tenth", range(1, 10))
def test_truncated_files_are_damaged(refused, what, tenth):
    data = GOOD[what][1]
    if what == "several JPEGs":
        data = data[: data.index(b"\xff\xd9\xff\xd8") + 2]  # what follows need not be whole
    assert refused(data[: len(data) * tenth // 10]).kind == "damaged"
    assert refused(data[: 20 + tenth]).kind == "damaged"


@pytest.mark.parametrize("what", ["jpeg", "restarts"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_no_picture_with_a_grey_rest_is_taken(refused, what, orientation):
    options = {"restart_marker_rows": 1} if what == "restarts" else {}
    data = saved(PHOTO, "JPEG", quality=90, exif=exif(orientation), **options)
    for tenth in (3, 5, 7, 9):
        error = refused(data[: len(data) * tenth // 10] + b"\xff\xd9")  # some server ends it properly
        assert (error.kind, error.hint) == ("damaged", "the end of the picture is missing")


def test_a_grey_background_is_no_missing_end(judge):
    mounted = Image.new("RGB", (WIDTH + 64, HEIGHT + 64), (128, 128, 128))
    mounted.paste(PHOTO, (32, 32))
    assert judge(saved(mounted, "JPEG"), Checks()).width == WIDTH + 64


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int, *chunks: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    rows = zlib.compress(bytes((3 * width + 1) * min(height, 64)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def webp_of(width: int, height: int) -> bytes:
    stream = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + bytes(65)
    body = b"WEBPVP8L" + struct.pack("<I", len(stream)) + stream
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff_of(width: int, height: int, strips: int = 1, following: int = 0) -> bytes:
    entries = [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, height), (279, 9)]
    packed = (struct.pack("<HHII", tag, 4, strips if tag in (273, 279) else 1, value) for tag, value in entries)
    directory = struct.pack("<H", len(entries)) + b"".join(packed)
    return b"II*\0\x08\0\0\0" + directory + struct.pack("<I", following) + bytes(9 * strips)


def tiled_of(width: int, height: int, *tile: int) -> bytes:
    sizes = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (277, 3, 1)]
    entries = [*sizes, *((322 + i, 4, side) for i, side in enumerate(tile)), (324, 4, 134), (325, 4, 256)]
    packed = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + packed + bytes(4) + bytes(256)


def scans_of(count: int) -> bytes:
    """A progressive grey JPEG whose scans all say that there is nothing to add."""

    def segment(marker: int, data: bytes) -> bytes:
        return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data

    tables = segment(0xC4, b"\0\1" + bytes(15) + b"\7") + segment(0xC4, b"\x10\0\1" + bytes(14) + b"\0")
    head = segment(0xDB, b"\0" + b"\1" * 64) + segment(0xC2, struct.pack(">BHHB", 8, 8, 8, 1) + b"\1\x11\0") + tables
    scans = (segment(0xDA, b"\1\1\0" + bytes((1 + i % 63,)) * 2 + b"\0") + b"\x3f" for i in range(count - 1))
    return b"\xff\xd8" + head + segment(0xDA, b"\1\1\0\0\0\0") + b"\x7f" + b"".join(scans) + b"\xff\xd9"


SIZE_OF_JPEG = struct.pack(">HH", HEIGHT, WIDTH)
BOMBS = {
    "50,000 x 50,000 png": ("too-many-pixels", png_of(50_000, 50_000)),
    "81 million pixels": ("too-many-pixels", png_of(9_000, 9_001)),
    "65,500 x 65,500 jpeg": ("too-many-pixels", JPEG.replace(SIZE_OF_JPEG, struct.pack(">HH", 65500, 65500))),
    "16,383 x 16,383 webp": ("too-many-pixels", webp_of(16383, 16383)),
    "60,000 x 60,000 tiff": ("too-many-pixels", tiff_of(60_000, 60_000)),
    "text": ("damaged", png_of(9, 9, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(30 << 20))))),
    "international text": ("damaged", png_of(9, 9, chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(30 << 20))))),
    "much text": ("damaged", png_of(9, 9, *[chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 20)))] * 65)),
    "colour profile": ("damaged", png_of(9, 9, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(30 << 20))))),
    "chunks": ("damaged", png_of(9, 9, chunk(b"abCd", b"") * MOST_PARTS)),
    "segments": ("damaged", JPEG[:2] + b"\xff\xe5\0\2" * MOST_PARTS + JPEG[2:]),
    "scans": ("damaged", scans_of(MOST_SCANS + 1)),
    "strips": ("damaged", tiff_of(9, 9, strips=MOST_PARTS + 1)),
    "chained": ("animated", tiff_of(9, 9, following=8)),
    "EXIF data": ("damaged", JPEG[:2] + b"\xff\xe1\0\x08Exif\0\0" * (MOST_EXIF + 1) + JPEG[2:]),
    "a tile of gigabytes": ("damaged", tiled_of(9, 9, 46_000, 46_000)),
}


@pytest.mark.parametrize("what", BOMBS)
def test_bombs_are_refused_before_anything_is_decoded(refused, monkeypatch, what):
    decoded = []
    monkeypatch.setattr(photo_file, "decode", lambda data, name: decoded.append(name))
    kind, data = BOMBS[what]
    start = time.perf_counter()
    error = refused(data)
    assert time.perf_counter() - start < 2
    assert error.kind == kind
    assert not decoded


def test_what_is_no_bomb_is_decoded(judge):
    assert judge(scans_of(MOST_SCANS)).width == 8
    assert judge(png_of(9, 9, chunk(b"abCd", b"") * 1000)).width == 9
    assert judge(tiff_of(9, 1)).width == 9
    assert judge(tiled_of(9, 9, 16, 16)).width == 9
    assert judge(JPEG[:2] + b"\xff\xe1\0\x08Exif\0\0" * MOST_EXIF + JPEG[2:]).width == WIDTH
    assert judge(png_of(100, 64), Checks(min_side=1, min_sharpness=0.0, max_pixels=6400)).width == 100


def test_the_limit_of_pixels_is_the_one_that_is_set(refused):
    error = refused(png_of(101, 64), Checks(min_side=1, min_sharpness=0.0, max_pixels=6400))
    assert (error.kind, error.message) == ("too-many-pixels", "the picture has 101 x 64 pixels")


def test_what_is_too_small_is_not_decoded(refused, monkeypatch):
    """A picture of 1 x 80,000,000 pixels would take two gigabytes."""
    decoded = []
    monkeypatch.setattr(photo_file, "decode", lambda data, name: decoded.append(name))
    error = refused(png_of(8_000_000, 10), Checks(min_side=11))
    assert (error.kind, error.message) == ("too-small", "the picture has 8000000 x 10 pixels")
    assert not decoded


def test_a_photo_is_decoded_once(judge, monkeypatch):
    decoded = []

    def decode(data, name):
        decoded.append(name)
        return SCENE

    monkeypatch.setattr(photo_file, "decode", decode)
    judge(JPEG, Checks())
    assert len(decoded) == 1


def test_small_and_blurred_photos_are_refused_with_figures(judge, refused):
    small = refused(saved(PHOTO.rotate(90, expand=True), "JPEG"), Checks(min_side=257))
    assert small.kind == "too-small"
    assert str(small) == "the picture has 256 x 320 pixels: its shorter side is to have 257 at least"
    soft = saved(Image.fromarray(convolve(SCENE, Gaussian(sigma=3.0).kernel())), "JPEG")
    blurred = refused(soft, Checks())
    assert blurred.kind == "blurred"
    assert 0.1 < judge(soft).sharpness < Checks().min_sharpness
    assert f"its sharpness is {judge(soft).sharpness:g}, less than 0.4" in str(blurred)
    assert refused(JPEG, Checks(min_sharpness=1.0)).kind == "blurred"


ODD_TAGS = b"II*\0\x08\0\0\0\x02\0" + struct.pack("<HHIIHHIH", 271, 2, 9999, 1 << 30, 274, 3, 2, 6) + b"\6\0\0"


def test_odd_tags_are_no_fault_and_not_talked_about(tmp_path):
    marked = JPEG[:2] + b"\xff\xe1" + struct.pack(">H", len(ODD_TAGS) + 8) + b"Exif\0\0" + ODD_TAGS + JPEG[2:]
    (tmp_path / "a.part").write_bytes(marked)
    code = (
        "import sys; from pathlib import Path; from deblurbench.fetch.photo_file import Checks, check_photo\n"
        "facts = check_photo(Path(sys.argv[1]), Checks())\nprint(facts.width, facts.height)"
    )
    command = [sys.executable, "-W", "always", "-c", code, str(tmp_path / "a.part")]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
    assert (done.stdout.split(), done.stderr) == ([str(HEIGHT), str(WIDTH)], "")


SMALL = PHOTO.resize((40, 30))
FILES = [
    *(saved(SMALL, kind) for kind in ("JPEG", "PNG", "WEBP", "TIFF", "GIF")),
    saved(SMALL, "JPEG", progressive=True, exif=exif(6)),
    saved(SMALL, "TIFF", compression="tiff_lzw"),
    saved(SMALL, "MPO", save_all=True, append_images=[SMALL]),
    saved(SMALL.quantize(9), "PNG", exif=exif(5)),
    scans_of(5),
    tiff_of(9, 1),
]
HEADS = st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x99\0\0\0WEBPVP8 ", b"II*\0", b"MM\0*"])


@given(whole=st.sampled_from(FILES), data=st.data())
@settings(deadline=4000, max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.filterwarnings("ignore")  # of Pillow, about what it finds
def test_damaged_files_are_judged_without_surprises(judge, whole, data):
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place : place + 1] = data.draw(st.binary(max_size=4))
        if not damaged:
            break
    _is_judged(judge, bytes(damaged))


@given(head=HEADS, tail=st.binary(max_size=200))
@settings(deadline=4000, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.filterwarnings("ignore")
def test_any_bytes_are_judged_without_surprises(judge, head, tail):
    _is_judged(judge, head + tail)


def _is_judged(judge, data: bytes) -> None:
    try:
        facts = judge(data)
    except FetchError as error:
        assert error.kind in {"not-a-picture", "too-many-pixels", "animated", "damaged", "unusable"}  # noqa: PT017
        assert str(error).isprintable()  # noqa: PT017
    else:
        assert facts.width >= 1
        assert facts.height >= 1
        assert len(facts.dhash) == 16
