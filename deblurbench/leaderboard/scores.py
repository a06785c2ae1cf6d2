"""The pictures of a submission: their numbers, and the hashes of the predictions that these belong to."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import lt
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from deblurbench.config import Config
from deblurbench.dataset.names import Sha256
from deblurbench.errors import DeblurbenchError
from deblurbench.files import csv_text, sha256_text
from deblurbench.runs.record import FileName

_HEADER = ["name", "psnr_db", "ssim", "prediction_sha256"]
_NAMES = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}\n)+")
_HASH = 64  # digits of a SHA-256
_LARGEST = 1e12  # as in `deblurbench compare`: no metric comes near


def _check_value(value: float | str) -> float | str:
    if isinstance(value, str) and value != "inf":
        raise ValueError('a value is a number or "inf"')
    return value


Value = Annotated[
    float | str,
    AfterValidator(_check_value),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"const": "inf"}]}),
]
"""A number of a metric; infinity is the string "inf", since JSON has none."""


class Image(Config):
    """One picture in JSON: its numbers, and the pixel hash of the prediction that they belong to."""

    name: FileName
    psnr_db: Value
    ssim: float | None = None
    prediction_sha256: Sha256


@dataclass(frozen=True)
class Scores:
    """The pictures of a submission in columns, sorted by name.

    Attributes:
        names: file names, each once.
        psnr_db: in dB; may be infinite.
        ssim: None of a picture for which it is not defined.
        hashes: pixel hashes of the predictions.

    Raises: ValueError where they are not sorted, a name stands there twice, or a number is none that a picture has.
    """

    names: tuple[str, ...]
    psnr_db: tuple[float, ...]
    ssim: tuple[float | None, ...]
    hashes: tuple[str, ...]

    def __post_init__(self) -> None:
        if not all(map(lt, self.names, self.names[1:])):
            raise ValueError("the pictures have to be sorted by name, each there once")
        _check_numbers(self.psnr_db, endless=True)
        _check_numbers([ssim for ssim in self.ssim if ssim is not None])

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def of(cls, images: Sequence[Image]) -> Scores:
        """Those of a submission that holds them itself."""
        columns = ((i.name, float(i.psnr_db), i.ssim, i.prediction_sha256) for i in images)
        return cls(*zip(*columns, strict=True))

    def images(self) -> Iterator[Image]:
        """The other way round."""
        for name, psnr, ssim, digest in zip(self.names, self.psnr_db, self.ssim, self.hashes, strict=True):
            yield Image(name=name, psnr_db=to_value(psnr), ssim=ssim, prediction_sha256=digest)

    def mean_psnr(self) -> float:
        """In dB; one infinity makes it infinite."""
        return math.fsum(self.psnr_db) / len(self)

    def mean_ssim(self) -> float | None:
        """None where a picture has none."""
        return mean_of_all(self.ssim)

    def csv(self) -> str:
        """As the text of a CSV file, with full digits."""
        return csv_text(_HEADER, zip(self.names, self.psnr_db, self.ssim, self.hashes, strict=True))

    def predictions_sha256(self) -> str:
        """Of the lines `name TAB pixel hash LF`."""
        lines = map("\t".join, zip(self.names, self.hashes, strict=True))
        return sha256_text("\n".join(lines) + "\n")


def _check_numbers(numbers: Sequence[float], *, endless: bool = False) -> None:
    """Raise ValueError where one is nan, or so large that sums of them overflow; `endless`: it may be infinite."""
    if not numbers or -_LARGEST <= math.fsum(map(abs, numbers)) <= _LARGEST:
        return  # nearly always
    for number in numbers:
        if math.isnan(number) or (abs(number) > _LARGEST and not (endless and number == math.inf)):
            raise ValueError(f"{number} is no number of a picture")


def mean_of_all(values: Sequence[float | None]) -> float | None:
    """The mean; None where one is missing."""
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(values) if len(known) == len(values) else None


def to_value(number: float) -> float | str:
    """As JSON has it."""
    return "inf" if math.isinf(number) else number


def parse_scores_csv(text: str, name: str) -> Scores:
    """Read what `Scores.csv` gives. Raises DeblurbenchError naming the file where it is not such a table."""
    try:
        return _parse(text)
    except ValueError as error:
        raise DeblurbenchError(
            f"{name} is no table of scores ({error})", "make it anew with `leaderboard add`"
        ) from None


def _parse(text: str) -> Scores:
    """By hand, since no cell of such a table is ever quoted: a board may have millions of rows."""
    header, _, body = text.partition("\n")
    cells = body.removesuffix("\n").replace("\n", ",").split(",")
    width = len(_HEADER)
    if header != ",".join(_HEADER) or not body:
        raise ValueError(f"its columns are not {','.join(_HEADER)}, or there are no rows")
    if len(cells) != width * (body.removesuffix("\n").count("\n") + 1):
        raise ValueError(f"a row has not {width} cells")
    names, psnrs, ssims, hashes = (tuple(cells[column::width]) for column in range(width))
    if set(map(len, hashes)) != {_HASH} or "".join(hashes).encode().translate(None, b"0123456789abcdef"):
        raise ValueError("a hash is none")
    similar = tuple(float(ssim) if ssim else None for ssim in ssims)
    return Scores(_checked(names), tuple(map(float, psnrs)), similar, hashes)


@lru_cache(maxsize=8)
def _checked(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of files; the same object for the same names, which all submissions to a track have.

    Raises: ValueError where one is no name.
    """
    if not _NAMES.fullmatch("\n".join(names) + "\n"):
        raise ValueError("a name is none")
    return names
