"""How fast lossless codecs write and read a photograph and its blurred twin, and how small they make them.

    python benchmarks/codecs.py [--photo FILE] [--json FILE]

1280x720 RGB, in memory, one core, in turns. `png`, `qoi` and `npy` are ours; candidates that are installed beside them
are measured too (`pip install imagecodecs fpng`), each checked to give the pixels back.
"""

import io
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from kit import arguments, interleaved, load_photo, motion, report
from PIL import Image

from deblurbench.blur.convolve import convolve
from deblurbench.images.codec import Picture, decode, encode

Encoder = Callable[[Picture], bytes]
Decoder = Callable[[bytes], Picture]


def pillow(picture: Picture, **options: object) -> bytes:
    """By Pillow, with its options."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, **options)
    return buffer.getvalue()


def by_pillow(data: bytes) -> Picture:
    """As Pillow reads it."""
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


def opencv(picture: Picture, *options: int) -> bytes:
    """PNG by OpenCV."""
    return cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), list(options))[1].tobytes()


def candidates() -> dict[str, tuple[Encoder, Decoder]]:
    """Ours, what the dependencies have, and what else is installed."""
    png = {"format": "PNG"}
    found: dict[str, tuple[Encoder, Decoder]] = {
        name: (partial(encode, codec=name), partial(decode, name=name)) for name in ("png", "qoi", "npy")
    }
    found["png by Pillow, default"] = (partial(pillow, **png), by_pillow)
    found["png by Pillow, level 1"] = (partial(pillow, **png, compress_level=1), by_pillow)
    found["png by OpenCV, default"] = (opencv, by_pillow)
    up = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY)
    found["png by OpenCV, level 1, Huffman"] = (lambda picture: opencv(picture, *up), by_pillow)
    found["webp, lossless, method 0"] = (
        partial(pillow, format="WEBP", lossless=True, method=0, quality=0),
        by_pillow,
    )
    try:
        import fpng

        found["png by fpng"] = (fpng.from_ndarray, by_pillow)
    except ImportError:
        print("left out: fpng")
    try:
        import imagecodecs as ic

        found["qoi by imagecodecs"] = (lambda picture: bytes(ic.qoi_encode(picture)), ic.qoi_decode)
        found["png by imagecodecs, level 1"] = (lambda picture: bytes(ic.png_encode(picture, 1)), ic.png_decode)
        found["jpeg xl, lossless, effort 1"] = (
            lambda picture: bytes(ic.jpegxl_encode(picture, lossless=True, effort=1, numthreads=1)),
            partial(ic.jpegxl_decode, numthreads=1),
        )
    except ImportError:
        print("left out: imagecodecs")
    return found


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__, photo={"type": Path, "help": "a photograph of your own"})
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        _, sharp = load_photo(options.photo, Path(name))
    pictures = {"sharp": sharp, "blurred": convolve(sharp, motion(31))}
    results = {}
    for what, picture in pictures.items():
        codecs = candidates()
        files = {name: encoder(picture) for name, (encoder, _) in codecs.items()}
        for name, (_, decoder) in codecs.items():
            assert np.array_equal(decoder(files[name]), picture), f"{name} is not lossless"
        encoding = interleaved({name: partial(pair[0], picture) for name, pair in codecs.items()}, options.rounds)
        decoding = interleaved({name: partial(pair[1], files[name]) for name, pair in codecs.items()}, options.rounds)
        results[what] = {
            name: {
                "megabytes": round(len(files[name]) / 1e6, 3),
                "encode_ms": encoding[name]["least_ms"],
                "decode_ms": decoding[name]["least_ms"],
            }
            for name in codecs
        }
    report({"codecs": results}, ("numpy", "opencv-python-headless", "pillow", "qoi", "isal"), options.json)


if __name__ == "__main__":
    main()
