"""Each reader's rule for each kind of file, as docs/protocols.md states them, against the very functions of scripts."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from conftest import noise
from PIL import Image
from skimage.io import imread
from test_png_decode import chunk, header, png

from deblurbench.errors import PictureError
from deblurbench.images.png_decode import read_plain_png
from deblurbench.scoring.pictures.readers import MATLAB, OPENCV, PILLOW, SKIMAGE, read_floats

RGB, ALPHA = noise(6, 9), noise(6, 9, 4)
GREY = ALPHA[:, :, 0]
REFUSED = "refused"


def save(picture, **options):
    return lambda file: Image.fromarray(picture).save(file, **options)


def convert(picture, mode, **options):
    return lambda file: Image.fromarray(picture).convert(mode).save(file, **options)


def palette(**options):
    return lambda file: Image.fromarray(RGB).quantize(16).save(file, **options)


def sixteen(picture):
    return lambda file: cv2.imwrite(str(file), picture.astype(np.uint16) * 256 + 77)


def data(content):
    return lambda file: file.write_bytes(content)


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def shortened(suffix, **options):
    def write(file):
        Image.fromarray(noise(64, 64)).save(file, suffix, **options)
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    return write


def interlaced():
    """A PNG of RGB in Adam7's seven passes."""
    rows = b""
    for y, x, down, across in (
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ):
        part = RGB[y::down, x::across]
        rows += b"".join(b"\0" + row.tobytes() for row in part if part.size)
    return png(header(6, 9, (8, 2, 0, 0, 1)), chunk(b"IDAT", zlib.compress(rows)))


def grey_of(bits):
    return png(
        header(1, 4, (bits, 0, 0, 0, 0)), chunk(b"IDAT", zlib.compress(b"\0" + bytes(range(23, 23 + bits // 2))))
    )


FOUR, THREE, TWO, ONE = (6, 9, 4), (6, 9, 3), (6, 9, 2), (6, 9)
UPRIGHT = (9, 6, 3)
# What writes the file; what skimage, opencv, pillow and matlab give, as shape or part of the line that refuses it.
KINDS = {
    "rgb.png": (save(RGB), THREE, THREE, THREE, THREE),
    "grey.png": (save(GREY), ONE, THREE, THREE, ONE),
    "grey_alpha.png": (convert(ALPHA, "LA"), TWO, THREE, THREE, "transparent pixels"),
    "grey_opaque.png": (convert(RGB, "LA"), TWO, THREE, THREE, ONE),
    "alpha.png": (save(ALPHA), FOUR, THREE, THREE, "transparent pixels"),
    "opaque.png": (convert(RGB, "RGBA"), FOUR, THREE, THREE, THREE),
    "alpha.tif": (save(ALPHA), FOUR, THREE, THREE, "transparent pixels"),
    "one_transparent.png": (save(RGB, transparency=(1, 2, 3)), THREE, THREE, THREE, "transparent pixels"),
    "one_transparent_grey.png": (save(GREY, transparency=3), ONE, THREE, THREE, "transparent pixels"),
    "palette.png": (palette(), THREE, THREE, THREE, "has a palette"),
    "palette_transparent.png": (palette(transparency=3), THREE, THREE, THREE, "has a palette"),
    "palette_alphas.png": (palette(transparency=bytes([9, 99])), THREE, THREE, THREE, "has a palette"),
    "palette.tif": (palette(), "has a palette", THREE, THREE, "has a palette"),
    "palette.bmp": (palette(), THREE, THREE, THREE, "has a palette"),
    "bits1.png": (convert(GREY, "1"), "is a 1-bit picture", THREE, THREE, "is a 1-bit picture"),
    "bits2.png": (data(grey_of(2)), (1, 4), (1, 4, 3), (1, 4, 3), "no 8-bit picture"),
    "bits4.png": (data(grey_of(4)), (1, 4), (1, 4, 3), (1, 4, 3), "no 8-bit picture"),
    "grey16.png": (sixteen(GREY), "is a uint16 picture", THREE, "no 8-bit picture", "no 8-bit picture"),
    "rgb16.png": (sixteen(RGB), THREE, THREE, THREE, "no 8-bit picture"),
    "alpha16.png": (sixteen(ALPHA), FOUR, THREE, THREE, "no 8-bit picture"),
    "cmyk.jpg": (convert(RGB, "CMYK", quality=95), FOUR, THREE, THREE, "CMYK"),
    "cmyk.tif": (convert(RGB, "CMYK"), FOUR, THREE, THREE, "CMYK"),
    "turned.jpg": (save(RGB, exif=turned()), THREE, UPRIGHT, THREE, THREE),
    "turned.png": (save(RGB, exif=turned()), THREE, UPRIGHT, THREE, THREE),
    "turned.webp": (save(RGB, exif=turned(), lossless=True), THREE, UPRIGHT, THREE, "WEBP file"),
    "turned.tif": (save(RGB, tiffinfo={274: 6}), THREE, "turned picture", UPRIGHT, "turned picture"),
    "interlaced.png": (data(interlaced()), THREE, THREE, THREE, THREE),
    "one.gif": (save(RGB), THREE, THREE, THREE, "GIF file"),
    "two.gif": (
        save(RGB, save_all=True, append_images=[Image.fromarray(255 - RGB)]),
        "several frames",
        THREE,
        THREE,
        "GIF",
    ),
    "two.png": (
        save(RGB, save_all=True, append_images=[Image.fromarray(255 - RGB)]),
        "several frames",
        THREE,
        THREE,
        THREE,
    ),
    "two.tif": (
        save(RGB, save_all=True, append_images=[Image.fromarray(255 - RGB)]),
        "several frames",
        THREE,
        THREE,
        THREE,
    ),
    "rgb.webp": (save(RGB, lossless=True), THREE, THREE, THREE, "WEBP file"),
    "alpha.webp": (save(ALPHA, lossless=True), FOUR, THREE, THREE, "WEBP file"),
    "rgb.tif": (save(RGB), THREE, THREE, THREE, THREE),
    "grey.tif": (save(GREY), ONE, THREE, THREE, ONE),
    "rgb.bmp": (save(RGB), THREE, THREE, THREE, THREE),
    "rgb.jp2": (save(RGB), THREE, THREE, THREE, THREE),
    "rgb.ppm": (save(RGB), THREE, THREE, THREE, THREE),
    "rgb.tga": (save(RGB), THREE, "by OpenCV", THREE, "TGA file"),
    "rgb.jpg": (save(RGB), THREE, THREE, THREE, THREE),
    "grey.jpg": (save(GREY), ONE, THREE, THREE, ONE),
    "really_a_jpeg.png": (save(RGB, format="JPEG"), THREE, THREE, THREE, THREE),
    "really_a_tiff.png": (save(RGB, format="TIFF"), THREE, THREE, THREE, THREE),
    "empty.png": (data(b""), *["the file is empty"] * 4),
    "empty.gif": (data(b""), *["the file is empty"] * 4),
    "text.jpg": (data(b"hello"), *["no picture"] * 4),
    "text.gif": (data(b"hello"), *["no picture"] * 4),
    "text.tif": (data(b"hello"), "cannot be decoded", *["no picture"] * 3),
    "short.png": (shortened("PNG"), *["truncated"] * 4),
    "short.jpg": (shortened("JPEG"), *["truncated"] * 4),
    "short.bmp": (shortened("BMP"), *["truncated"] * 4),
    "short.gif": (shortened("GIF"), *["cannot be decoded"] * 3, "GIF file"),
    "short.tif": (shortened("TIFF"), "failed to read", *["truncated"] * 3),
    "short.webp": (shortened("WEBP"), *["cannot be decoded"] * 4),
    "missing.png": (lambda _: None, *["no such file"] * 4),
    "folder.png": (lambda file: file.mkdir(), *["is a directory"] * 4),
    "floats.tif": (lambda file: cv2.imwrite(str(file), RGB.astype(np.float32)), "float32", *["no picture"] * 3),
}


@pytest.mark.filterwarnings("ignore:Palette images with Transparency")  # as images.codec does, outside of tests
@pytest.mark.parametrize("name", KINDS)
def test_the_table_of_rules(name, tmp_path, capfd):
    write, *expected = KINDS[name]
    file = tmp_path / name
    write(file)
    capfd.readouterr()
    for reader, what in zip((SKIMAGE, OPENCV, PILLOW, MATLAB), expected, strict=True):
        if isinstance(what, str):
            with pytest.raises(PictureError) as error:
                reader.read(file)
            assert what in str(error.value), reader.name
            assert str(error.value).startswith(f"{file} ")
            assert error.value.hint
        else:
            picture = reader.read(file)
            assert (picture.dtype, picture.shape) == (np.uint8, what), reader.name
            assert np.array_equal(picture, SCRIPTS[reader.name](file)), reader.name
    assert "OpenCV" in str(expected) or not capfd.readouterr().err  # nothing beside our own lines


def by_pillow(file, mode=None):
    with Image.open(file) as picture:
        mode = mode or ("L" if picture.mode in ("L", "LA") else "RGB")
        return np.array((picture.convert("RGBA") if picture.mode == "P" else picture).convert(mode))


SCRIPTS = {
    "skimage": lambda file: np.squeeze(imread(file), 0) if file.suffix == ".gif" else imread(file),
    "opencv": lambda file: cv2.imread(str(file))[:, :, ::-1],
    "pillow": lambda file: by_pillow(file, "RGB"),
    "matlab": by_pillow,
}


@pytest.mark.parametrize("name", [name for name, (_, *shapes) in KINDS.items() if not isinstance(shapes[0], str)])
def test_what_is_read_once_for_all_is_what_each_reads(name, tmp_path):
    write, *_ = KINDS[name]
    write(tmp_path / name)
    plain = read_plain_png(tmp_path / name)
    assert (plain is None) == (name != "rgb.png")
    for reader in (SKIMAGE, OPENCV, PILLOW, MATLAB):
        assert plain is None or np.array_equal(reader.read(tmp_path / name), plain)


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    file = tmp_path / "a.png"
    save(RGB)(file)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("io.open", refuse)
    for reader in (SKIMAGE, OPENCV, PILLOW, MATLAB):
        with pytest.raises(PictureError, match="permission denied"):
            reader.read(file)


def test_a_picture_of_too_many_pixels(tmp_path):
    (tmp_path / "a.png").write_bytes(png(header(2**16, 2**16), chunk(b"IDAT", zlib.compress(bytes(100)))))
    for reader in (SKIMAGE, OPENCV, PILLOW, MATLAB):
        with pytest.raises(PictureError, match="cannot be decoded"):
            reader.read(tmp_path / "a.png")


@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f4", "<f8", ">f8"])
@pytest.mark.parametrize("shape", [(5, 7, 3), (5, 7)])
def test_floats(tmp_path, dtype, shape):
    picture = np.random.default_rng(0).random(shape).astype(dtype)
    np.save(tmp_path / "a.npy", np.asfortranarray(picture))
    read = read_floats(tmp_path / "a.npy")
    assert read.dtype in (np.float32, np.float64)
    assert read.dtype.isnative
    assert np.array_equal(read, picture)


def npy(header_text):
    head = header_text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (np.zeros((4, 4, 3), np.uint8), "holds uint8: save floats in 0 .. 1, or 8 bits as a PNG"),
        (np.zeros((4, 4, 3), np.int64), "holds int64"),
        (np.zeros((4, 4, 3), np.complex64), "holds complex64"),
        (np.full((4, 4, 3), np.nan), "not finite"),
        (np.full((4, 4, 3), np.inf), "not finite"),
        (np.zeros((3, 4, 5)), "is of shape (3, 4, 5): save H x W x 3"),
        (np.zeros((1, 4, 4, 3)), "is of shape (1, 4, 4, 3)"),
        (np.zeros(12), "is of shape (12,)"),
        (np.array([{}, {}]), "Python objects"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9000, 9000, 3)}"), "0 bytes do not make"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (900000, 900000, 3)}"), "too many pixels"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-4, 4, 3)}") + bytes(192), "do not make"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-4, -4, 3)}") + bytes(192), "cannot be decoded"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4, 4, 3)}") + bytes(191), "191 bytes do not make"),
        (npy("{"), "header is damaged"),
        (b"hello", "cannot be decoded"),
        (b"", "the file is empty"),
    ],
)
def test_what_is_no_picture_of_floats(tmp_path, content, line):
    file = tmp_path / "a.npy"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        np.save(file, content, allow_pickle=True)
    with pytest.raises(PictureError) as error:
        read_floats(file)
    assert line in str(error.value)
    assert str(error.value).startswith(f"{file} ")


def test_many_frames_are_refused_before_they_are_decoded(tmp_path, monkeypatch):
    """A file of 3 MB can hold 7 GB of them."""
    import imageio.v3

    monkeypatch.setattr(imageio.v3, "imread", None)
    for name in ("a.gif", "a.png"):
        Image.new("L", (8, 8)).save(tmp_path / name, save_all=True, append_images=[Image.new("L", (8, 8), 9)])
        with pytest.raises(PictureError, match="several frames"):
            SKIMAGE.read(tmp_path / name)


def tiff(tmp_path, changes=(), following=0):
    """A TIFF of 8-bit grey, with some tags' values changed, and where the next picture is."""
    data = io.BytesIO()
    tifffile.imwrite(data, GREY, photometric="minisblack", metadata=None)
    data.seek(0)
    with tifffile.TiffFile(data) as file:
        page = file.pages.first
        for name, value in dict(changes).items():
            tag = page.tags[name]
            data.seek(tag.valueoffset)
            data.write(struct.pack({3: "<H", 4: "<I"}[tag.dtype], value))
        data.seek(page.offset + 2 + 12 * len(page.tags))
        data.write(struct.pack("<I", page.offset if following else 0))
        (tmp_path / "a.tif").write_bytes(data.getvalue())
    return tmp_path / "a.tif"


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [
        ({"following": 1}, "several frames"),  # the same one, for ever
        ({"changes": {"StripByteCounts": 0}}, "missing"),
        ({"changes": {"ImageWidth": 0}}, "no pixels"),
        ({"changes": {"ImageLength": 60_000, "ImageWidth": 60_000, "RowsPerStrip": 60_000}}, "too many pixels"),
    ],
)
def test_hostile_tiffs_are_refused_at_once(tmp_path, spoilt, why):
    assert np.array_equal(SKIMAGE.read(tiff(tmp_path)), GREY)
    with pytest.raises(PictureError, match=why):
        SKIMAGE.read(tiff(tmp_path, **spoilt))


def test_a_chunk_that_claims_gigabytes_never_reaches_opencv(tmp_path, monkeypatch):
    file = tmp_path / "a.png"
    Image.fromarray(RGB).save(file)
    data = file.read_bytes()
    start = data.index(b"IDAT")
    file.write_bytes(data[: start - 4] + struct.pack(">I", 2**32 - 1) + data[start:])
    assert PILLOW.read(file).shape == RGB.shape
    monkeypatch.setattr(cv2, "imdecode", None)
    with pytest.raises(PictureError, match="cannot be decoded by OpenCV"):
        OPENCV.read(file)


def test_floats_too_large_for_64_bits_are_not_finite(tmp_path):
    np.save(tmp_path / "a.npy", np.full((4, 4, 3), np.finfo(np.longdouble).max))
    with pytest.raises(PictureError, match="not finite"):
        read_floats(tmp_path / "a.npy")
