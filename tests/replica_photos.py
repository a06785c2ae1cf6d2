"""The pictures of the replicas: small, sharp, all different, the same for a seed, and drawn once for many servers."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from deblurbench.files import replacing
from deblurbench.images.codec import Picture, decode
from deblurbench.images.dhash import dhash, is_plain

APART = 9
"""In how many bits, at least, the difference hashes of any two pictures differ."""
SMALLEST = 256
"""Pixels of the shorter side, at least."""


@dataclass(frozen=True)
class Stored:
    """A picture as a file. `type`: of its bytes, "jpeg" or "png" for all that are drawn; sizes in pixels, as stored."""

    data: bytes
    type: str
    width: int
    height: int
    dhash: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def sha1(self) -> str:
        return hashlib.sha1(self.data).hexdigest()


def pictures(count: int, seed: int, cache: Path | None = None) -> list[Stored]:
    """Pictures 0 .. count - 1 of a seed; whatever the count, a picture is the same.

    Args:
        cache: a folder that keeps them; without one, the system's for temporary files.
    """
    code = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    folder = cache or Path(tempfile.gettempdir()) / f"deblurbench-replica-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"{code}-{seed}-{count}.pictures"
    if not file.is_file():
        with replacing(file) as part:
            part.write_bytes(_pack(list(_draw_all(count, seed))))
    return _unpack(file.read_bytes())


def _pack(drawn: list[Stored]) -> bytes:
    """A line of JSON that says where which file lies, and then the files."""
    index = [asdict(picture) | {"data": len(picture.data)} for picture in drawn]
    return json.dumps(index).encode() + b"\n" + b"".join(picture.data for picture in drawn)


def _unpack(packed: bytes) -> list[Stored]:
    index, _, files = packed.partition(b"\n")
    found, start = [], 0
    for entry in json.loads(index):
        end = start + entry["data"]
        found.append(Stored(**entry | {"data": files[start:end]}))
        start = end
    return found


def _draw_all(count: int, seed: int) -> Iterator[Stored]:
    known = np.zeros(0, dtype=np.uint64)
    for index in range(count):
        for attempt in range(100):
            picture = stored(draw(seed, index, attempt), "png" if index % 16 == 5 else "jpeg")
            bits = np.uint64(int(picture.dhash, 16))
            if not is_plain(picture.dhash) and (np.bitwise_count(known ^ bits) >= APART).all():
                break
        else:
            raise AssertionError("no new picture in a hundred")
        known = np.append(known, bits)
        yield picture


def draw(seed: int, index: int, attempt: int = 0) -> Picture:
    """Leaves of all shapes over an uneven ground, each with a grain of its own; uint8 H x W x 3, sharp everywhere."""
    import cv2

    draws = np.random.default_rng([seed, index, attempt])
    width, height = int(draws.integers(320, 401)), int(draws.integers(SMALLEST, 301))
    if index % 5 == 3:
        width, height = height, width
    ground = draws.integers(0, 256, (5, 6, 3)).astype(np.float32)
    picture = np.clip(cv2.resize(ground, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)
    for _ in range(70):
        radius = int(12 * (1 - draws.random()) ** -0.7)
        centre = draws.integers(0, (width, height))
        colour = [int(value) for value in draws.integers(0, 256, 3)]
        if draws.random() < 0.5:
            angles = np.sort(draws.random(draws.integers(3, 8))) * 2 * np.pi
            corners = centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
            cv2.fillPoly(picture, [corners.astype(np.int32)], colour)
        else:
            axes = (radius, max(2, int(radius * draws.random())))
            cv2.ellipse(picture, [int(c) for c in centre], axes, float(draws.random() * 180), 0, 360, colour, -1)
    grain = draws.integers(-12, 13, (height, width, 1), dtype=np.int16)
    return np.clip(picture.astype(np.int16) + grain, 0, 255).astype(np.uint8)


def stored(picture: Picture, type: str, **options: object) -> Stored:  # noqa: A002
    """A picture as a file of a type that Pillow knows ("jpeg": of quality 85 where no other is given)."""
    data = encode(Image.fromarray(picture), type, **options)
    return Stored(data, type, picture.shape[1], picture.shape[0], dhash(decode(data, "a drawing")))


def encode(image: Image.Image, type: str, **options: object) -> bytes:  # noqa: A002
    """The bytes of a file."""
    defaults: dict[str, object] = {"jpeg": {"quality": 85}, "png": {"compress_level": 1}}.get(type, {})
    buffer = io.BytesIO()
    image.save(buffer, type.upper(), **defaults | options)
    return buffer.getvalue()
