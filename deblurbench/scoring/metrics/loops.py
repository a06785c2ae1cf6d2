"""The loops behind `fused.py`, compiled by numba.

Each picture is read once, row by row. With s = x + y and d = x - y, structural similarity is

    (1 - mean(d)^2 / A) (1 - var(d) / B),  A = (mean(s)^2 + mean(d)^2) / 2 + C1,  B = (var(s) + var(d)) / 2 + C2,

which needs four filtered maps instead of five. Rows are filtered across, kept while a window spans them, and
filtered down; pictures are cut into strips of columns so that what is kept stays in the nearest cache. Loops are short,
over contiguous rows cut to one length beforehand, and store or sum but not both: only then does the compiler use
vector instructions. Nothing holds the interpreter's lock.
"""

from __future__ import annotations

import numpy as np

from deblurbench.compiled import compiling

_STRIP = 384  # samples of a row that are filtered at once
_ROWS = 31  # of what is kept: eleven, and room so that the last ten rarely move to the front
_compiled = compiling(fastmath=True, error_model="numpy")


@_compiled
def squared_error(x, y):
    """See `fused.squared_error`."""
    total = np.int64(0)
    for i in range(x.shape[0]):
        row = np.int64(0)
        for start in range(0, x.shape[1], 32768):  # 32768 * 255^2 < 2^31
            part = np.int32(0)
            p, q = x[i, start : start + 32768], y[i, start : start + 32768]
            for j in range(len(p)):
                difference = np.int32(p[j]) - np.int32(q[j])
                part += difference * difference
            row += part
        total += row
    return total


@_compiled
def _load(x, y, line):
    """line = x + y, x - y, and their squares."""
    s, d, ss, dd = line[0], line[1], line[2], line[3]
    number = line.dtype.type
    for j in range(len(x)):
        s[j] = number(x[j]) + number(y[j])
        ss[j] = s[j] * s[j]
    for j in range(len(x)):
        d[j] = number(x[j]) - number(y[j])
        dd[j] = d[j] * d[j]


@_compiled
def _load_centred(x, y, line, centres):
    """The same less the centres of x + y and x - y: what is near 0 keeps more digits."""
    s, d, ss, dd = line[0], line[1], line[2], line[3]
    cs, cd = centres[0, : len(x)], centres[1, : len(x)]
    number = line.dtype.type
    for j in range(len(x)):
        s[j] = number(x[j]) + number(y[j]) - cs[j]
        ss[j] = s[j] * s[j]
    for j in range(len(x)):
        d[j] = number(x[j]) - number(y[j]) - cd[j]
        dd[j] = d[j] * d[j]


@_compiled
def _across(a, out, step, w):
    """out[j] = sum over k of w[|k|] a[j + (5 + k) step], for k = -5 .. 5."""
    n = len(out)
    a0, a1, a2, a3 = a[:n], a[step : step + n], a[2 * step : 2 * step + n], a[3 * step : 3 * step + n]
    a4, a5, a6 = a[4 * step : 4 * step + n], a[5 * step : 5 * step + n], a[6 * step : 6 * step + n]
    a7, a8, a9 = a[7 * step : 7 * step + n], a[8 * step : 8 * step + n], a[9 * step : 9 * step + n]
    a10 = a[10 * step : 10 * step + n]
    w0, w1, w2, w3, w4, w5 = w[0], w[1], w[2], w[3], w[4], w[5]
    for j in range(n):
        near = w0 * a5[j] + w1 * (a4[j] + a6[j]) + w2 * (a3[j] + a7[j])
        out[j] = near + w3 * (a2[j] + a8[j]) + w4 * (a1[j] + a9[j]) + w5 * (a0[j] + a10[j])


@_compiled
def _down(r, i, out, w):
    """out[j] = the same over the rows i .. i + 10 of r."""
    r0, r1, r2, r3, r4, r5 = r[i], r[i + 1], r[i + 2], r[i + 3], r[i + 4], r[i + 5]
    r6, r7, r8, r9, r10 = r[i + 6], r[i + 7], r[i + 8], r[i + 9], r[i + 10]
    w0, w1, w2, w3, w4, w5 = w[0], w[1], w[2], w[3], w[4], w[5]
    for j in range(len(out)):
        near = w0 * r5[j] + w1 * (r4[j] + r6[j]) + w2 * (r3[j] + r7[j])
        out[j] = near + w3 * (r2[j] + r8[j]) + w4 * (r1[j] + r9[j]) + w5 * (r0[j] + r10[j])


@_compiled
def _similarity(means, c1, c2, relu, eps):
    """The sum of SSIM over a row."""
    s, d, ss, dd = means[0], means[1], means[2], means[3]
    total = 0.0
    for j in range(len(s)):
        vs, vd = ss[j] - s[j] * s[j], dd[j] - d[j] * d[j]
        a = (s[j] * s[j] + d[j] * d[j]) / 2 + c1
        b = (vs + vd) / 2 + c2
        contrast = b - vd
        if relu:
            contrast = max(contrast, 0.0)
        total += (a - d[j] * d[j]) * contrast / (a * b + eps)
    return total


@_compiled
def _dissimilarity(means, c1, c2, half, centres):
    """Two sums over a row, in the numbers' own precision: of 1 - SSIM, which keeps the digits near 1, and of the risk:
    by how much that moves, where each variance moves by a share of the mean square that it was taken from.
    """
    s, d, ss, dd = means[0], means[1], means[2], means[3]
    cs, cd = centres[0, : len(s)], centres[1, : len(s)]
    total, risk = half - half, half - half
    for j in range(len(s)):
        vs, vd = ss[j] - s[j] * s[j], dd[j] - d[j] * d[j]
        mean, apart = s[j] + cs[j], d[j] + cd[j]
        square = apart * apart
        a = (mean * mean + square) * half + c1
        b = (vs + vd) * half + c2
        value = (square * b + vd * a - square * vd) / (a * b)
        total += value
        risk += (dd[j] + half * abs(value) * (ss[j] + dd[j])) / b
    return total, risk


@_compiled
def gaussian(x, y, step, w, c1, c2, relu, epsilons):
    """See `fused.gaussian`; `step` is the number of channels, w[k] the weight at distance k."""
    totals = np.zeros(len(epsilons))
    kept = x.shape[1] - 10 * step
    for start in range(0, kept, _STRIP):
        n = min(_STRIP, kept - start)
        line, means = np.empty((4, n + 10 * step), w.dtype), np.empty((4, n), w.dtype)
        ring = np.empty((4, _ROWS, n), w.dtype)
        row = np.int64(0)
        for i in range(x.shape[0]):
            _load(x[i, start : start + n + 10 * step], y[i, start : start + n + 10 * step], line)
            row = _push(line, ring, row, step, w)
            if i >= 10:
                for k in range(4):
                    _down(ring[k], row - 11, means[k], w)
                for k in range(len(epsilons)):
                    totals[k] += _similarity(means, c1, c2, relu, epsilons[k])
    return totals


@_compiled
def _push(line, ring, row, step, w):
    """Filter a line into the ring's next row; a full ring starts anew with the ten rows that are still needed."""
    if row == _ROWS:
        for k in range(4):
            for i in range(10):
                for j in range(ring.shape[2]):
                    ring[k, i, j] = ring[k, _ROWS - 10 + i, j]
        row = 10
    for k in range(4):
        _across(line[k], ring[k, row], step, w)
    return row + 1


@_compiled
def _centres(x, y, start, stop, step):
    """By column, the means of x + y and of x - y over its channel in some of the rows, as whole numbers."""
    totals = np.zeros((2, step), np.int64)
    rows = range(0, len(x), 8)
    for i in rows:
        for c in range(step):
            p, q = x[i, start + c : stop : step], y[i, start + c : stop : step]
            of_x = of_y = np.int32(0)
            for j in range(len(p)):
                of_x += np.int32(p[j])
                of_y += np.int32(q[j])
            totals[0, c] += of_x + of_y
            totals[1, c] += of_x - of_y
    centres = np.empty((2, stop - start), np.float32)
    for j in range(stop - start):
        for k in range(2):
            centres[k, j] = totals[k, j % step] // (len(rows) * ((stop - start) // step))
    return centres


@_compiled
def gaussian_fast(x, y, step, w, c1, c2, half):
    """See `fused.gaussian_fast`."""
    total = risk = 0.0
    kept = x.shape[1] - 10 * step
    for start in range(0, kept, _STRIP):
        n = min(_STRIP, kept - start)
        line, means = np.empty((4, n + 10 * step), w.dtype), np.empty((4, n), w.dtype)
        ring = np.empty((4, _ROWS, n), w.dtype)
        centres = _centres(x, y, start, start + n + 10 * step, step)
        row = np.int64(0)
        for i in range(x.shape[0]):
            _load_centred(x[i, start : start + n + 10 * step], y[i, start : start + n + 10 * step], line, centres)
            row = _push(line, ring, row, step, w)
            if i >= 10:
                for k in range(4):
                    _down(ring[k], row - 11, means[k], w)
                sums = _dissimilarity(means, c1, c2, half, centres)
                total += sums[0]
                risk += sums[1]
    return total, risk


@_compiled
def volume(x, y, mix, w, c1, c2):
    """See `fused.volume`; the pictures are planes with borders of 5."""
    channels, height, width = x.shape
    total = 0.0
    for start in range(0, width - 10, _STRIP):
        n = min(_STRIP, width - 10 - start)
        line, means, mixed = np.empty((4, n + 10)), np.empty((channels, 4, n)), np.empty((4, n))
        rings = np.empty((channels, 4, _ROWS, n))
        row = np.int64(0)
        for i in range(height):
            before = row
            for c in range(channels):
                _load(x[c, i, start : start + n + 10], y[c, i, start : start + n + 10], line)
                row = _push(line, rings[c], before, 1, w)
            if i >= 10:
                for c in range(channels):
                    for k in range(4):
                        _down(rings[c, k], row - 11, means[c, k], w)
                for c in range(channels):
                    _mix(means, mix[c], mixed)
                    total += _similarity(mixed, c1, c2, False, 0.0)
    return total


@_compiled
def _mix(means, weights, out):
    """The weighted sum over channels of the four maps."""
    out[:] = 0
    for channel in range(len(means)):
        weight = weights[channel]
        for k in range(4):
            a, b = means[channel, k], out[k]
            for j in range(len(a)):
                b[j] += weight * a[j]


@_compiled
def uniform(x, y, step, c1, c2):
    """See `fused.uniform`."""
    kept = x.shape[1] - 6 * step
    total = 0.0
    down = np.zeros((5, x.shape[1]), np.float64)
    sums = np.empty((5, kept), np.float64)
    for i in range(len(x)):
        _add_row(x[i], y[i], 1.0, down)
        if i >= 7:
            _add_row(x[i - 7], y[i - 7], -1.0, down)
        if i < 6:
            continue
        for k in range(5):
            _seven(down[k], sums[k], step)
        total += _sample_similarity(sums, c1, c2)
    return total


@_compiled
def _add_row(x, y, sign, out):
    """Add x, y, x^2, y^2 and xy of a row to five sums, or take them away: of uint8, all of it is exact."""
    a, b, aa, bb, ab = out[0], out[1], out[2], out[3], out[4]
    for j in range(len(x)):
        u, v = np.float64(x[j]), np.float64(y[j])
        a[j] += sign * u
        b[j] += sign * v
    for j in range(len(x)):
        u, v = np.float64(x[j]), np.float64(y[j])
        aa[j] += sign * u * u
        bb[j] += sign * v * v
        ab[j] += sign * u * v


@_compiled
def _seven(a, out, step):
    n = len(out)
    a0, a1, a2, a3 = a[:n], a[step : step + n], a[2 * step : 2 * step + n], a[3 * step : 3 * step + n]
    a4, a5, a6 = a[4 * step : 4 * step + n], a[5 * step : 5 * step + n], a[6 * step : 6 * step + n]
    for j in range(n):
        out[j] = a0[j] + a1[j] + a2[j] + a3[j] + a4[j] + a5[j] + a6[j]


@_compiled
def _sample_similarity(sums, c1, c2):
    """The sum of SSIM over a row, from sums under 49 samples; variances are divided by 48."""
    a, b, aa, bb, ab = sums[0], sums[1], sums[2], sums[3], sums[4]
    total = 0.0
    for j in range(len(a)):
        p, q = a[j] / 49, b[j] / 49
        variances = (aa[j] + bb[j] - 49 * (p * p + q * q)) / 48
        covariance = (ab[j] - 49 * p * q) / 48
        total += (2 * p * q + c1) * (2 * covariance + c2) / ((p * p + q * q + c1) * (variances + c2))
    return total
