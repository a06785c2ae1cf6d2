"""`summary.json` and `summary.csv`: several runs that differ in the seed or in the fold alone, as one row per split."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from deblurbench.config import Config
from deblurbench.dataset.names import RecipeName, Sha256
from deblurbench.errors import RunError
from deblurbench.files import canonical_json, read_json, write_csv, write_json
from deblurbench.runs.record import SUMMARY, ScoreRow, SplitMean, gain, split_means

TABLE = "summary.csv"
Kind = Literal["seeds", "folds"]
_HEADER = ("split", "pictures", "runs", "psnr_db", "psnr_db_spread", "ssim", "ssim_spread")
_BLURRED = ("blurred_psnr_db", "blurred_ssim", "gain_db")


class SummaryRecord(Config):
    """`summary.json`: what the runs have in common, written before the first; and their numbers, after each.

    `identity` is that of a run of the first seed on all of train, `count` how many were asked for, `runs` the names of
    the folders that are finished, `splits` the numbers that `SplitSummary.as_dict` gives.
    """

    summary_schema: Literal[1] = 1
    kind: Kind
    count: Annotated[int, Field(ge=2, le=100)]
    baseline: str
    version: int
    preset: str | None = None
    label: str
    dataset: RecipeName
    dataset_version: int
    dataset_id: Sha256
    protocol: str | None = None
    identity: Sha256
    runs: tuple[str, ...] = ()
    splits: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Spread:
    """The mean over runs, and their sample standard deviation (divided by n - 1), None where that is not defined."""

    mean: float
    deviation: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """That of one value or more; of infinite values there is no deviation."""
        finite = all(math.isfinite(value) for value in values)
        deviation = statistics.stdev(values) if finite and len(values) > 1 else None
        return cls(math.fsum(values) / len(values), deviation)

    def text(self, digits: int) -> str:
        """`mean +- deviation`."""
        deviation = "-" if self.deviation is None else f"{self.deviation:.{digits}f}"
        return f"{self.mean:.{digits}f} +- {deviation}"


@dataclass(frozen=True)
class SplitSummary:
    """The numbers of a split.

    Attributes:
        split: its name.
        means: its means of each run, by the name of the run's folder; of one dataset, so all have the same pictures.
    """

    split: str
    means: Mapping[str, SplitMean]

    @property
    def first(self) -> SplitMean:
        """Of which the number of pictures, and the blurred pictures' means, are those of all."""
        return next(iter(self.means.values()))

    @property
    def psnr_db(self) -> Spread:
        """Over the runs, in dB."""
        return Spread.of([mean.psnr_db for mean in self.means.values()])

    @property
    def ssim(self) -> Spread | None:
        """Over the runs; None where SSIM is not defined."""
        values = [mean.ssim for mean in self.means.values() if mean.ssim is not None]
        return Spread.of(values) if len(values) == len(self.means) else None

    @property
    def gain_db(self) -> float:
        """Of the mean over the blurred pictures."""
        return gain(self.psnr_db.mean, self.first.blurred_psnr_db)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: infinities as the string "inf"; what is not defined is left out."""
        ssim = self.ssim
        values = {
            "split": self.split,
            "n": self.first.n,
            "runs": len(self.means),
            "psnr_db": _plain({"mean": self.psnr_db.mean, "spread": self.psnr_db.deviation}),
            "ssim": _plain({"mean": ssim.mean, "spread": ssim.deviation}) if ssim else None,
            "blurred": _plain({"psnr_db": self.first.blurred_psnr_db, "ssim": self.first.blurred_ssim}),
            "each": {name: _plain({"psnr_db": m.psnr_db, "ssim": m.ssim}) for name, m in self.means.items()},
        }
        return {key: value for key, value in values.items() if value is not None}

    def row(self) -> list[Any]:
        """A line of `summary.csv`: the numbers of all runs, of the blurred pictures, and the PSNR of each run."""
        ssim = self.ssim or Spread(math.nan, None)
        mean = None if math.isnan(ssim.mean) else ssim.mean
        numbers = [self.psnr_db.mean, self.psnr_db.deviation, mean, ssim.deviation]
        blurred = [self.first.blurred_psnr_db, self.first.blurred_ssim, self.gain_db]
        each = [mean.psnr_db for mean in self.means.values()]
        return [self.split, self.first.n, len(self.means), *numbers, *blurred, *each]


def summarise(rows: Mapping[str, Sequence[ScoreRow]]) -> list[SplitSummary]:
    """The numbers of each split from the scores of runs on one dataset, by the name of each run's folder."""
    by_split: dict[str, dict[str, SplitMean]] = {}
    for name, of in rows.items():
        for mean in split_means(of):
            by_split.setdefault(mean.split, {})[name] = mean
    return [SplitSummary(split, means) for split, means in by_split.items()]


def write_summary(run: Path, record: SummaryRecord, splits: Sequence[SplitSummary]) -> None:
    """Write `summary.json` and, once there are scores, `summary.csv`."""
    if splits:
        each = [f"psnr_db.{name}" for name in splits[0].means]
        write_csv(run / TABLE, [*_HEADER, *_BLURRED, *each], (split.row() for split in splits))
    values = tuple(split.as_dict() for split in splits)
    write_json(run / SUMMARY, record.model_copy(update={"splits": values}).as_dict())


def read_summary(run: Path) -> SummaryRecord | None:
    """Read `summary.json`; None where there is none. Raises RunError where it is damaged."""
    file = run / SUMMARY
    if not file.is_file():
        return None
    try:
        return SummaryRecord.model_validate_json(canonical_json(read_json(file, RunError)), strict=True)
    except ValueError as error:
        raise RunError(f"{file} is damaged", "run the baseline again with --overwrite") from error


def summary_text(kind: Kind, splits: Sequence[SplitSummary], protocol: str) -> str:
    """One row per split: mean +- sample standard deviation over the runs."""
    width = max(12, *(len(split.split) for split in splits))
    head = (
        f"{'split':<{width}} {'n':>4} {kind:>5} {'psnr_db':>20} {'ssim':>18} {'blurred':>9} {'gain':>8}   ({protocol})"
    )
    lines = [head]
    for split in splits:
        ssim = split.ssim.text(4) if split.ssim else "-"
        numbers = f"{split.psnr_db.text(4):>20} {ssim:>18} {split.first.blurred_psnr_db:>9.4f} {split.gain_db:>+8.4f}"
        lines.append(f"{split.split:<{width}} {split.first.n:>4} {len(split.means):>5} {numbers}")
    return "\n".join(lines)


def _plain(values: Mapping[str, float | None]) -> dict[str, float | str]:
    return {k: "inf" if math.isinf(value) else value for k, value in values.items() if value is not None}
