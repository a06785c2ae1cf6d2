"""The loops behind `alignment.py`, compiled by numba.

A homography m (3 x 3) sends a place (x, y) of the result to a place of the picture that is warped. Pictures are read at
places rounded to 2^-bits of a pixel, as OpenCV 3 and 4 do with 5 bits; validity goes by the nearest pixel. Places are
computed in one order on every machine; sums may be taken in any order. Nothing holds the interpreter's lock.
"""

from __future__ import annotations

import numpy as np

from deblurbench.compiled import compiling

_FAR = 2.0**30


_ordered = compiling(error_model="numpy")
_summed = compiling(error_model="numpy", fastmath={"reassoc", "contract", "nsz"})


@_ordered
def _places(m, y, px, py, depth):
    """Where row y is read: px, py, before rounding; depth is the homography's denominator."""
    for x in range(len(px)):
        depth[x] = m[2, 0] * x + m[2, 1] * y + m[2, 2]
        scale = 1.0 / depth[x] if depth[x] != 0 else 0.0
        px[x] = min(max((m[0, 0] * x + m[0, 1] * y + m[0, 2]) * scale, -_FAR), _FAR)
        py[x] = min(max((m[1, 0] * x + m[1, 1] * y + m[1, 2]) * scale, -_FAR), _FAR)


@_ordered
def _inside(px, py, h, w, out):
    """1 where the nearest pixel is one of the picture's, else 0."""
    for x in range(len(px)):
        column, row = np.rint(px[x]), np.rint(py[x])
        out[x] = 1.0 if 0 <= column < w and 0 <= row < h else 0.0


@_ordered
def _bilinear(planes, px, py, bits, out):
    """Each of three planes (3 x H x W) at a row of places; 0 beyond the border."""
    _, h, w = planes.shape
    p0, p1, p2 = planes[0], planes[1], planes[2]
    out0, out1, out2 = out[0], out[1], out[2]
    steps = 1 << bits
    for x in range(len(px)):
        u, v = int(np.rint(px[x] * steps)), int(np.rint(py[x] * steps))
        i, j = v >> bits, u >> bits
        fx, fy = (u & (steps - 1)) / steps, (v & (steps - 1)) / steps
        weights = (1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy
        if 0 <= i < h - 1 and 0 <= j < w - 1:
            out0[x] = _mixed(p0, i, j, weights)
            out1[x] = _mixed(p1, i, j, weights)
            out2[x] = _mixed(p2, i, j, weights)
        else:
            out0[x] = out1[x] = out2[x] = 0.0
            for k in range(4):
                row, column = i + k // 2, j + k % 2
                if 0 <= row < h and 0 <= column < w:
                    out0[x] += p0[row, column] * weights[k]
                    out1[x] += p1[row, column] * weights[k]
                    out2[x] += p2[row, column] * weights[k]


@_ordered
def _mixed(plane, i, j, weights):
    above = plane[i, j] * weights[0] + plane[i, j + 1] * weights[1]
    return above + plane[i + 1, j] * weights[2] + plane[i + 1, j + 1] * weights[3]


@_summed
def _moments(p, q, x, out):
    """out = sums of p q, p q x and p q x^2."""
    s0 = s1 = s2 = 0.0
    for j in range(len(p)):
        product = p[j] * q[j]
        s0 += product
        s1 += product * x[j]
        s2 += product * x[j] * x[j]
    out[0], out[1], out[2] = s0, s1, s2


@_summed
def _slopes(px, py, depth, a, b, c):
    """From warped gradients a, b: how brightness changes with the rows of m, each divided by depth."""
    for j in range(len(a)):
        a[j] /= depth[j]
        b[j] /= depth[j]
        c[j] = -(px[j] * a[j] + py[j] * b[j])


@_ordered
def normal_equations(template, planes, m, bits):
    """What one step of ECC needs, summed over all pixels.

    Args:
        template: H x W.
        planes: 3 x H x W: the picture to be warped, and its gradients along x and y.
        m: 3 x 3.
        bits: places are rounded to 2^-bits of a pixel.

    Returns:
        hessian: 9 x 9, of the parameters of m column by column.
        projections: 3 x 9: the warped picture, the template where valid, and the validity, on the parameters' slopes.
        totals: 3 x 3: sums of products of valid pixels' warped value, template value and 1.
    """
    h, w = template.shape
    x = np.arange(w).astype(np.float64)
    px, py, depth = np.empty(w), np.empty(w), np.empty(w)
    warped, slopes, seen = np.empty((3, w)), np.empty((3, w)), np.empty((3, w))
    hessian, projections, totals = np.zeros((9, 9)), np.zeros((3, 9)), np.zeros((3, 3))
    products, projected, moments = np.empty((3, 3, 3)), np.empty((3, 3, 3)), np.empty(3)
    for y in range(h):
        _places(m, y, px, py, depth)
        _bilinear(planes, px, py, bits, warped)
        _inside(px, py, h, w, seen[2])
        for j in range(w):
            slopes[0, j], slopes[1, j] = warped[1, j], warped[2, j]
            seen[0, j], seen[1, j] = warped[0, j] * seen[2, j], template[y, j] * seen[2, j]
        _slopes(px, py, depth, slopes[0], slopes[1], slopes[2])
        for k in range(3):
            for i in range(k, 3):
                _moments(slopes[k], slopes[i], x, products[k, i])
                products[i, k] = products[k, i]
                _moments(seen[k], seen[i], x, moments)
                totals[k, i] += moments[0]
            _moments(slopes[k], warped[0], x, projected[0, k])  # beyond the border too, as OpenCV's
            _moments(slopes[k], seen[1], x, projected[1, k])
            _moments(slopes[k], seen[2], x, projected[2, k])
        for p in range(9):  # of column p // 3 of m, which x, y and 1 are multiplied by, and row p % 3
            across, down = int(p < 3), int(3 <= p < 6)
            for k in range(3):
                projections[k, p] += projected[k, p % 3, across] * y**down
            for q in range(9):
                hessian[p, q] += products[p % 3, q % 3, across + int(q < 3)] * y ** (down + int(3 <= q < 6))
    return hessian, projections, totals


@_ordered
def inside(h, w, m):
    """H x W: True where the nearest place that m reads is in a picture of that size."""
    out, row = np.empty((h, w), dtype=np.bool_), np.empty(w)
    px, py, depth = np.empty(w), np.empty(w), np.empty(w)
    for y in range(h):
        _places(m, y, px, py, depth)
        _inside(px, py, h, w, row)
        for x in range(w):
            out[y, x] = row[x] == 1
    return out


@_ordered
def _cubic(f, weights):
    """Keys' cubic with a = -0.75 at f in 0 .. 1 between the two middle ones of four samples."""
    a = -0.75
    weights[0] = ((a * (f + 1) - 5 * a) * (f + 1) + 8 * a) * (f + 1) - 4 * a
    weights[1] = ((a + 2) * f - (a + 3)) * f * f + 1
    weights[2] = ((a + 2) * (1 - f) - (a + 3)) * (1 - f) * (1 - f) + 1
    weights[3] = 1 - weights[0] - weights[1] - weights[2]


@_ordered
def _mirrored(place, n):
    """The sample that a border reflected with its edge shows at a place."""
    place %= 2 * n
    return place if place < n else 2 * n - 1 - place


@_ordered
def warp_cubic(picture, m, bits):
    """A picture, H x W x C, as m reads it, bicubic, with reflected borders."""
    h, w, channels = picture.shape
    steps = 1 << bits
    out = np.zeros((h, w, channels))
    px, py, depth = np.empty(w), np.empty(w), np.empty(w)
    across, down = np.empty(4), np.empty(4)
    for y in range(h):
        _places(m, y, px, py, depth)
        for x in range(w):
            u, v = int(np.rint(px[x] * steps)), int(np.rint(py[x] * steps))
            _cubic((u & (steps - 1)) / steps, across)
            _cubic((v & (steps - 1)) / steps, down)
            for i in range(4):
                row = _mirrored((v >> bits) - 1 + i, h)
                for j in range(4):
                    column = _mirrored((u >> bits) - 1 + j, w)
                    weight = down[i] * across[j]
                    for k in range(channels):
                        out[y, x, k] += weight * picture[row, column, k]
    return out
