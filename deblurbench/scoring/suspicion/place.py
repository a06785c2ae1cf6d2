"""Predictions that lie beside their sharp picture, by pixels or by a part of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deblurbench.scoring.suspicion.finding import Suspicion
from deblurbench.scoring.suspicion.seen import Array, Floats, Seen, grey

Floats64 = npt.NDArray[np.float64]

FEWEST = 3
_LEAST_SHIFT = 0.2  # pixels
_LEAST_ZOOM = 0.2  # pixels at the picture's edge
_MOST = 0.75  # of the pictures, whose shifts agree
_BY_SHIFT, _BY_ZOOM = 0.2, 0.08  # of the squared error explained, at least
_LEAST_GRADIENT = 0.05  # squared, mean over the pixels, in the flattest of the four directions
_STEPS = 6  # towards the shift, where the correlation did not find it
_FARTHEST = 24  # pixels
_PATCH, _SMALLEST_PATCH = 96, 32
_PATCHES = ((0.25, 0.25), (0.25, 0.75), (0.5, 0.5), (0.75, 0.25), (0.75, 0.75))
_EDGE = 6  # of a patch, left out


@dataclass(frozen=True)
class Place:
    """Where the prediction lies: content at x of the sharp picture is at x + right + zoom_x u, u = -1 .. 1 over the
    width; the same downwards. Pixels. `explained`: the share of the squared difference that goes with it."""

    right: float
    down: float
    zoom_x: float
    zoom_y: float
    explained: float


def measure(seen: Seen) -> Place | None:
    """By least squares of the gradients in five patches; None where they are too small or too smooth to tell.

    Lucas and Kanade (1981), with the mean of both pictures' gradients, which blur of one of them does not bias.
    """
    height, width = seen.sharp.shape[:2]
    size = min(_PATCH, min(height, width) // 3)
    if size < _SMALLEST_PATCH:
        return None
    down, right = _whole_shift(seen, 2 * size)
    unmoved = _solve(seen, size, 0, 0)
    solved = _solve(seen, size, down, right) if down or right else unmoved
    for _ in range(_STEPS):
        if solved is None or np.abs(solved.shifts[[0, 2]]).max() <= 0.6 or max(abs(down), abs(right)) > _FARTHEST:
            break
        right, down = right + round(solved.shifts[0]), down + round(solved.shifts[2])
        solved = _solve(seen, size, down, right)
    if unmoved is None or solved is None:
        return None
    off_right, zoom_x, off_down, zoom_y = (float(value) for value in solved.shifts)
    explained = 1 - solved.left / max(unmoved.error, 1e-9)
    return Place(right + off_right, down + off_down, zoom_x, zoom_y, explained)


def judge(places: Sequence[Place | None]) -> list[Suspicion]:
    """Pictures that lie beside theirs by the same way."""
    known = np.array([(p.right, p.down, p.zoom_x, p.zoom_y, p.explained) for p in places if p])
    if len(known) < max(FEWEST, len(places) / 2):
        return []
    explained = np.median(known[:, 4])
    found = _shifted(known[:, :2]) if explained >= _BY_SHIFT else []
    return found or (_zoomed(known[:, 2:4]) if explained >= _BY_ZOOM else [])


def _shifted(shifts: Floats64) -> list[Suspicion]:
    centre = np.median(shifts, axis=0)
    length = float(np.hypot(*centre))
    near = int(np.count_nonzero(np.hypot(*(shifts - centre).T) <= max(0.1, 0.15 * length)))
    if length < _LEAST_SHIFT or near < _MOST * len(shifts):
        return []
    return [
        Suspicion(
            "shifted",
            f"{near} of {len(shifts)} predictions looked at lie {_pixels(centre[0], 'right', 'left')} and"
            f" {_pixels(centre[1], 'below', 'above')} of their sharp picture",
            "a resize with another convention for pixel centres (a half-pixel shift), padding that was cropped on the"
            " wrong side, or a blur kernel whose centre is not its middle",
            "Use align_corners=False (or antialias) both ways, and crop what was padded",
        )
    ]


def _zoomed(zooms: Floats64) -> list[Suspicion]:
    centre = np.median(zooms, axis=0)
    near = int(np.count_nonzero(np.abs(zooms - centre).max(axis=1) <= 0.15 + 0.15 * np.abs(centre).max()))
    if np.abs(centre).min() < _LEAST_ZOOM or centre[0] * centre[1] < 0 or near < _MOST * len(zooms):
        return []
    outwards = "outwards" if centre[0] > 0 else "inwards"
    return [
        Suspicion(
            "zoomed",
            f"{near} of {len(zooms)} predictions looked at are displaced {outwards}, by"
            f" {abs(centre[0]):.1f} px at the left and right edges and {abs(centre[1]):.1f} px at the others",
            "align_corners=True in one resize and False in the other, or a resize to a padded size and back",
            "Use one convention for both, or pad in place of resizing",
        )
    ]


def _pixels(value: float, positive: str, negative: str) -> str:
    return f"{abs(value):.2f} px {positive if value >= 0 else negative}"


def _whole_shift(seen: Seen, size: int) -> tuple[int, int]:
    """Whole pixels by phase correlation of the middle, where moving by them clearly lessens the error; else 0, 0."""
    import cv2

    height, width = seen.sharp.shape[:2]
    prediction, sharp = (_smooth(_patch(p, height // 2, width // 2, size)) for p in (seen.prediction, seen.sharp))
    window = cv2.createHanningWindow(sharp.shape[::-1], cv2.CV_32F)
    (x, y), _ = cv2.phaseCorrelate(sharp, prediction, window)
    down, right = round(y), round(x)
    far = max(abs(down), abs(right))
    if far == 0 or far > min(_FARTHEST, size // 4):
        return 0, 0
    inner = np.s_[far:-far, far:-far]
    moved = np.roll(prediction, (-down, -right), (0, 1))
    better = np.mean(np.square(moved - sharp)[inner]) < 0.5 * np.mean(np.square(prediction - sharp)[inner])
    return (down, right) if better else (0, 0)


@dataclass(frozen=True)
class _Solved:
    """Shifts (right, zoom_x, down, zoom_y) beyond the whole pixels; the mean squared error, and what they leave of it.

    Squared grey levels.
    """

    shifts: Floats64
    error: float
    left: float


def _solve(seen: Seen, size: int, down: int, right: int) -> _Solved | None:
    """Least squares over all patches that lie in both pictures; None where they are too smooth."""
    height, width = seen.sharp.shape[:2]
    normal, side, squares, pixels = np.zeros((4, 4)), np.zeros(4), 0.0, 0
    for y, x in _PATCHES:
        row, column = int(y * height), int(x * width)
        sharp = _smooth(_patch(seen.sharp, row, column, size))
        prediction = _smooth(_patch(seen.prediction, row + down, column + right, size))
        if sharp.shape != prediction.shape:
            continue
        prediction = _toned(prediction, sharp)
        gx, gy = _gradients(((sharp + prediction) / 2).astype(np.float32))
        difference = (sharp - prediction)[_EDGE:-_EDGE, _EDGE:-_EDGE].ravel()
        u, v = 2 * x - 1, 2 * y - 1
        features = np.stack([gx, gx * u, gy, gy * v])
        normal += features @ features.T
        side += features @ difference
        squares += float(difference @ difference)
        pixels += difference.size
    if np.linalg.eigvalsh(normal).min() <= _LEAST_GRADIENT * pixels:
        return None
    shifts = np.linalg.solve(normal, side).astype(np.float64)
    return _Solved(shifts, squares / pixels, (squares - float(shifts @ side)) / pixels)


def _toned(prediction: Floats, sharp: Floats) -> Floats:
    """Of the sharp patch's mean and contrast, lest a wrong tone looks like a shift."""
    centred = prediction - prediction.mean()
    gain = float(np.vdot(centred, sharp)) / max(float(np.vdot(centred, centred)), 1e-9)
    return (sharp.mean() + gain * centred).astype(np.float32)


def _gradients(plane: Floats) -> tuple[Floats, Floats]:
    inner, e = slice(_EDGE, -_EDGE), _EDGE
    gx = (plane[inner, e + 1 : 1 - e] - plane[inner, e - 1 : -e - 1]) * np.float32(0.5)
    gy = (plane[e + 1 : 1 - e, inner] - plane[e - 1 : -e - 1, inner]) * np.float32(0.5)
    return gx.ravel(), gy.ravel()


def _patch(picture: Array, row: int, column: int, size: int) -> Floats:
    """What of the square lies in the picture."""
    top, left = row - size // 2, column - size // 2
    return grey(np.ascontiguousarray(picture[max(top, 0) : top + size, max(left, 0) : left + size]))


def _smooth(plane: Floats) -> Floats:
    import cv2

    return cv2.GaussianBlur(plane, (0, 0), 1.5).astype(np.float32, copy=False)
