"""Random draws that any machine repeats: integers from SHA-256, not from a library's stream.

Block i of the stream named (seed, item, purpose) is the SHA-256 of the UTF-8 text
`seed US item US purpose US i` (US = unit separator, 0x1f), read as eight little-endian 32-bit integers.
Nothing depends on the order in which items are visited, on a worker or on a batch.

Many numbers at once (noise: one or more for each pixel) are one SHAKE-256 output instead, see `Draws.stream`.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

_WORDS = 8  # 32-bit words in a SHA-256 digest


class Draws:
    """The stream of one (seed, item, purpose); each call takes the next numbers from it."""

    def __init__(self, seed: int, item: str, purpose: str) -> None:
        self._prefix = f"{seed}\x1f{item}\x1f{purpose}\x1f"
        self._block = 0
        self._streams = 0
        self._rest = np.empty(0, dtype=np.int64)

    def words(self, count: int) -> npt.NDArray[np.int64]:
        """`count` uniform integers in 0 .. 2^32 - 1, int64."""
        missing = -(-(count - len(self._rest)) // _WORDS)
        if missing > 0:
            first = self._block
            self._block += missing
            digests = b"".join(
                hashlib.sha256(f"{self._prefix}{i}".encode()).digest() for i in range(first, self._block)
            )
            fresh = np.frombuffer(digests, dtype="<u4").astype(np.int64)
            self._rest = np.concatenate([self._rest, fresh])
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def stream(self, count: int) -> npt.NDArray[np.uint32]:
        """`count` uniform integers in 0 .. 2^32 - 1, uint32: for millions of numbers at once.

        Call k (0, 1, ...) is the SHAKE-256 output of the UTF-8 text `seed US item US purpose US stream US k`, read as
        little-endian 32-bit integers. It takes nothing from `words`; two calls differ, whatever their counts.
        """
        text = f"{self._prefix}stream\x1f{self._streams}"
        self._streams += 1
        return np.frombuffer(hashlib.shake_256(text.encode()).digest(4 * count), dtype="<u4").astype(
            np.uint32, copy=False
        )

    def integers(self, low: int, high: int, count: int) -> npt.NDArray[np.int64]:
        """`count` integers, uniform in low .. high (both included; high - low < 2^31), int64."""
        return low + ((self.words(count) * (high - low + 1)) >> 32)

    def integer(self, low: int, high: int) -> int:
        """One integer, uniform in low .. high (both included; high - low < 2^31)."""
        return int(self.integers(low, high, 1)[0])
