"""Dead leaves: sharp pictures that the toolkit draws itself, the same bytes on every machine.

The dead-leaves model (Matheron 1968; Lee, Mumford and Huang 2001) lets opaque leaves of power-law radii
fall on one another. It has the occlusions and the scale invariance of photographs, but plain leaves lose
far more to blur than photographs do. Ours are textured, shaded, alike among neighbours and unsharp in the
distance, so that the PSNR between picture and blurred picture comes near that of photographs.

All that decides a pixel is integer arithmetic on SHA-256 draws. The only floating point is `sqrt` of exact
integers, which IEEE 754 rounds correctly. Lengths are in subpixels: a picture is drawn twice as large each
way, and every 2 x 2 block is averaged.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from deblurbench.config import Size, height_width
from deblurbench.draws import Draws
from deblurbench.errors import PictureError
from deblurbench.files import canonical_json, sha256_text
from deblurbench.images.codec import Picture
from deblurbench.sources.photo import Photo, Source
from deblurbench.sources.texture import ONE, TILE, TURN, Integers, directions, noise_tile, radii, sine

VERSION = 1
"""Of the model: a change that moves a pixel raises it, and so gives every picture another key and name."""

_LARGEST = 512  # radius of the largest leaf, subpixels
_BATCHES = 64  # of leaves, at most; the smallest leaves need about 20 to cover a picture
_BARE = 256  # the background takes the last 1/256 of the picture
_TILES = 3  # textures per picture


class DeadLeaves(Source):
    """`count` dead-leaves pictures of one size; picture i is the same whatever the count."""

    source: ClassVar[str] = "deadleaves"
    count: Annotated[int, Field(ge=1, le=1_000_000)]
    size: Size = "448x256"

    def photos(self, seed: int) -> list[Photo]:
        """Pictures 0 .. count - 1 of `seed`, each a scene of its own; nothing is drawn yet."""
        keys = [canonical_json(_key(seed, index, self.size)) for index in range(self.count)]
        hashes = [sha256_text(key) for key in keys]
        return [
            Photo(self.source, key, "leaves", f"leaves-{digest[:16]}", digest, "deblurbench", "CC0-1.0")
            for key, digest in zip(keys, hashes, strict=True)
        ]

    def read(self, photo: Photo) -> Picture:
        """Draw the picture that the photo's key describes, uint8 H x W x 3 RGB.

        Raises: PictureError where the key is of another version of the model, or describes no drawing.
        """
        try:
            key = json.loads(photo.key)
            seed, index, size = int(key["seed"]), int(key["index"]), str(key["size"])
            height, width = height_width(size)
        except (ValueError, TypeError, KeyError) as error:
            raise PictureError(f"{photo.key[:120]!r} describes no dead-leaves picture") from error
        if key != _key(seed, index, size):
            raise PictureError(f"{photo.key[:120]!r} cannot be drawn", f"this is version {VERSION} of the model")
        return draw(seed, index, height, width)


def _key(seed: int, index: int, size: str) -> dict[str, Any]:
    return {"drawing": DeadLeaves.source, "version": VERSION, "seed": seed, "index": index, "size": size}


def draw(seed: int, index: int, height: int, width: int) -> Picture:
    """Picture `index` of `seed`, uint8 height x width x 3 RGB."""
    item = f"deadleaves-{VERSION}-{index}-{width}x{height}"
    look = _look(Draws(seed, item, "look"))
    tiles = np.stack([noise_tile(Draws(seed, item, f"texture-{i}"), gain) for i, gain in enumerate(look.gains)])
    leaves, labels = fall(Draws(seed, item, "leaves"), look.smallest, 2 * height, 2 * width, tiles[0])
    fine = _paint(Draws(seed, item, "paint"), look, leaves, labels, tiles)
    seen = np.bincount(labels.ravel()).cumsum()  # subpixels that show a leaf or one before it
    far = (seen * 256 > look.near * labels.size)[labels]
    return _focus(fine, far, look.unsharp)


@dataclass(frozen=True)
class _Look:
    """What a picture's leaves have in common; drawn per picture, so that pictures differ as photographs do."""

    smallest: int  # radius of the smallest leaf, subpixels
    gains: list[int]  # of the textures, the smoothest first; see `noise_tile`
    level: int  # mean brightness, 0 .. 255
    region: int  # how much brightness differs between neighbourhoods, grey levels
    contrast: int  # how much it differs within one, grey levels
    texture: int  # strength of textures, 256 = 1
    hues: Integers  # of the palette, 1/1536 of the colour wheel
    saturations: Integers  # of the palette, 1/256
    near: int  # share of the picture that is in focus, 1/256; all of it from 256 on
    unsharp: int  # radius of the blur of what is not in focus, pixels


def _look(draws: Draws) -> _Look:
    # Skin and earth, foliage, sky: these hues are usual, any is possible.
    usual = np.array([60, 110, 150, 200, 330, 420, 880, 940])[draws.integers(0, 7, 5)]
    hues = np.where(draws.integers(0, 3, 5) > 0, usual, draws.integers(0, 1535, 5))
    return _Look(
        smallest=(5, 7, 10, 14, 20, 28, 40)[draws.integer(0, 6)],
        gains=sorted(draws.integers(130, 480, _TILES).tolist(), reverse=True),
        level=draws.integer(60, 180),
        region=draws.integer(20, 85),
        contrast=draws.integer(15, 130),
        texture=draws.integer(2, 15) ** 2,
        hues=hues,
        saturations=50 + draws.integers(0, 14, 5) * draws.integers(2, 14, 5),
        near=draws.integer(60, 360),
        unsharp=draws.integer(1, 5),
    )


def fall(draws: Draws, smallest: int, height: int, width: int, rough: Integers) -> tuple[Integers, Integers]:
    """Let leaves fall from front to back until hardly anything is bare; the background takes the rest.

    A leaf takes only what is bare, which simulates the model perfectly: one sees from below what lies
    on the ground. `rough` is a tile that shapes outlines.

    Returns:
        The leaves, front first and the background last, int64 n x 3 (x, y, radius), and the index of
        each subpixel's leaf, int64 height x width.
    """
    labels = np.full((height, width), -1, dtype=np.int64)
    bites = np.tile(np.minimum(rough, 0), (height // TILE + 1, width // TILE + 1))
    fallen: list[list[int]] = []
    for _ in range(_BATCHES):
        for leaf in _batch(draws, smallest, height, width).tolist():
            _lay(labels, bites, len(fallen), leaf)
            fallen.append(leaf[:3])
        if np.count_nonzero(labels < 0) * _BARE <= labels.size:
            break
    labels[labels < 0] = len(fallen)
    fallen.append([width // 2, height // 2, _LARGEST])
    return np.array(fallen), labels


def _batch(draws: Draws, smallest: int, height: int, width: int) -> Integers:
    """The next leaves that may touch the picture, int64 n x 8.

    Columns: x, y, radius; cosine, sine of the axis (unit 4096); aspect (1/256); corners (0 or 1); rough.
    """
    # Centres are uniform in the plane, as far out as any leaf reaches, and of one density for any size.
    count = (height + 2 * _LARGEST) * (width + 2 * _LARGEST) // 1024
    radius = radii(draws.words(count), smallest, _LARGEST)
    x = ((draws.words(count) * (width + 2 * _LARGEST)) >> 32) - _LARGEST
    y = ((draws.words(count) * (height + 2 * _LARGEST)) >> 32) - _LARGEST
    hit = (x + radius >= 0) & (x - radius < width) & (y + radius >= 0) & (y - radius < height)
    place = [x[hit], y[hit], radius[hit]]
    count = len(place[0])
    aspect = draws.integers(4, 16, count) ** 2
    corners = draws.integers(0, 2, count) == 0
    rough = np.maximum(draws.integers(-80, 120, count), 0)
    return np.stack([*place, *directions(draws, count), aspect, corners, rough], axis=1)


def _lay(labels: Integers, bites: Integers, index: int, leaf: list[int]) -> None:
    """Write `index` where the leaf, a row of `_batch`, lies and nothing lay before.

    It is an ellipse, or a rectangle where it has corners: `radius` along its axis, aspect / 256 of that
    across. Where it is rough, `bites` are taken out of the ellipse's outline.
    """
    x, y, radius, cosine, sine_, aspect, corners, rough = leaf
    height, width = labels.shape
    rows = slice(max(y - radius, 0), min(y + radius + 1, height))
    columns = slice(max(x - radius, 0), min(x + radius + 1, width))
    window = labels[rows, columns]
    bare = window < 0
    if not bare.any():
        return
    dx = np.arange(columns.start - x, columns.stop - x)
    dy = np.arange(rows.start - y, rows.stop - y)[:, None]
    along = (cosine * aspect >> 4) * dx + (sine_ * aspect >> 4) * dy
    across = (16 * cosine) * dy - (16 * sine_) * dx
    limit = 256 * radius * aspect
    if corners:  # 181 / 256 = 1 / sqrt 2: the rectangle keeps inside the circle of its radius
        side = limit * 181 // 256
        inside = (np.abs(along) <= side) & (np.abs(across) <= side)
    else:
        room = (limit * limit >> 12) * (ONE + ((rough * bites[rows, columns]) >> 8))
        inside = along * along + across * across <= room
    window[inside & bare] = index


def _paint(draws: Draws, look: _Look, leaves: Integers, labels: Integers, tiles: Integers) -> Integers:
    """The subpixels' colours, int64 H x W x 3 in 1/16 of a grey level, not yet clipped to 0 .. 255."""
    x, y, radius = leaves.T
    rows, columns = np.ogrid[: labels.shape[0], : labels.shape[1]]
    dx, dy = columns - x[labels], rows - y[labels]  # from the leaf's centre
    shade = _light(draws, radius, labels, dx, dy)
    shade += _grain(draws, look.texture, tiles, labels, dx, dy)
    shade += _stripes(draws, look.texture, labels, dx, dy)
    colours = _colours(draws, look, x, y)
    return (colours[labels] * np.maximum(shade, 0)[:, :, None]) >> 12


def _light(draws: Draws, radius: Integers, labels: Integers, dx: Integers, dy: Integers) -> Integers:
    """A linear gradient per leaf: 1 at its centre, up to 37 % off at its rim; int64 H x W, unit 4096."""
    cosine, sine_ = directions(draws, len(radius))
    strength = draws.integers(0, 1500, len(radius))
    slope_x, slope_y = cosine * strength // (16 * radius), sine_ * strength // (16 * radius)
    return ONE + ((slope_x[labels] * dx + slope_y[labels] * dy) >> 8)


def _grain(draws: Draws, texture: int, tiles: Integers, labels: Integers, dx: Integers, dy: Integers) -> Integers:
    """Noise: each leaf shows a part of a tile, turned, and some draw it out to fibres; int64 H x W, unit 4096."""
    count = int(labels.max()) + 1
    strength = texture * draws.integers(40, 255, count) ** 2 >> 16
    tile = draws.integers(0, _TILES - 1, count)
    cosine, sine_ = directions(draws, count)
    fibre = 12 + np.maximum(draws.integers(-3, 3, count), 0)
    start = draws.integers(0, TILE**2 - 1, count)[labels]
    cosine, sine_ = cosine[labels], sine_[labels]
    across = (start + ((cosine * dx + sine_ * dy) >> 12)) & (TILE - 1)
    along = ((start >> 9) + ((cosine * dy - sine_ * dx) >> fibre[labels])) & (TILE - 1)
    return (strength[labels] * tiles[tile[labels], along, across]) >> 8


def _stripes(draws: Draws, texture: int, labels: Integers, dx: Integers, dy: Integers) -> Integers:
    """Stripes on every fifth leaf, sine waves or harder, 5 to 80 subpixels long; int64 H x W, unit 4096."""
    count = int(labels.max()) + 1
    cosine, sine_ = directions(draws, count)
    length: Integers = 5 << draws.integers(0, 4, count)
    wave_x, wave_y = cosine * 256 // length, sine_ * 256 // length
    strength = np.where(draws.integers(0, 4, count) == 0, texture * draws.integers(0, 255, count) ** 2 >> 8, 0)
    hardness = draws.integers(1, 4, count)
    phase = ((wave_x[labels] * dx + wave_y[labels] * dy) >> 10) & (TURN - 1)
    wave = np.clip(hardness[labels] * sine(np.arange(TURN))[phase], -ONE, ONE)
    return (strength[labels] * wave) >> 16


def _colours(draws: Draws, look: _Look, x: Integers, y: Integers) -> Integers:
    """A colour per leaf, int64 n x 3 in 1/16 of a grey level; neighbours are alike in brightness."""
    count = len(x)
    smooth = noise_tile(draws, 560, 128)
    around = smooth[(y >> 3) & 127, (x >> 3) & 127]  # it repeats after 1024 subpixels
    own = draws.integers(-128, 127, count) + draws.integers(-128, 127, count)
    value = np.clip(16 * look.level + (look.region * around >> 8) + (look.contrast * own >> 4), 16 * 8, 16 * 250)
    entry = np.minimum(draws.integers(0, 4, count), draws.integers(0, 4, count))  # the first are the commonest
    hue = look.hues[entry] + draws.integers(-50, 50, count)
    saturation = look.saturations[entry] * draws.integers(128, 256, count) >> 8
    wheel = hue[:, None] + np.array([0, 1024, 512])  # red, green and blue are a third of the wheel apart
    pure = np.clip(np.abs(wheel % 1536 - 768) - 256, 0, 256)
    return (value[:, None] * (65536 - saturation[:, None] * (256 - pure))) >> 16


def _focus(fine: Integers, far: npt.NDArray[np.bool_], radius: int) -> Picture:
    """Halve the drawing and blur what is far, uint8 H x W x 3.

    What is far is averaged over what is far alone: nothing near bleeds into it.
    """
    blocks = np.clip(fine, 0, 16 * 255).reshape(len(fine) // 2, 2, -1, 2, 3)
    behind = far.reshape(*blocks.shape[:4], 1)
    near = (blocks * ~behind).sum(axis=(1, 3))
    distant = (blocks * behind).sum(axis=(1, 3))
    share = behind.sum(axis=(1, 3))
    blurred = _soften(distant, radius) // np.maximum(_soften(share, radius), 1)
    return ((near + share * blurred + 32) >> 6).astype(np.uint8)


def _soften(field: Integers, radius: int) -> Integers:
    """H x W x C sums over squares of side 2 radius + 1, and of those sums again; the outside counts as 0."""
    for axis in (0, 1, 0, 1):
        pads = [(radius + 1, radius) if i == axis else (0, 0) for i in range(3)]
        total = np.moveaxis(np.pad(field, pads).cumsum(axis=axis), axis, 0)
        field = np.moveaxis(total[2 * radius + 1 :] - total[: -2 * radius - 1], 0, axis)
    return field
