"""Tables: submissions that may be compared, ranked, with the blurred row always among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path

from deblurbench.errors import DeblurbenchError, UsageError
from deblurbench.files import make_folder, replacing, write_text
from deblurbench.leaderboard.cells import cost_cells, cost_fields, cost_legend, escape
from deblurbench.leaderboard.submission import SUBMISSIONS, Means, Submission, read_board
from deblurbench.runs.record import gain

TABLES = "tables"
BLURRED = "blurred (identity)"
_REFERENCE = "identity"  # the baseline that returns its input: the blurred row itself


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a track's table. `rank` is None for what does not compete: the blurred row, and methods that are
    `told` each picture's kernel.

    Equal ranks are ties at the printed four decimals; `below_blurred` marks a method that makes pictures worse.
    What one picture of a size costs is as `runs.cost.SizeCost` has it; `cost_note` says why a figure is missing.
    `seconds_per_picture` is the mean over the pictures of the split.
    """

    dataset: str
    dataset_id: str
    split: str
    protocol: str
    rank: int | None = None
    method: str
    psnr_db: float
    gain_db: float = 0.0
    ssim: float | None
    below_blurred: bool = False
    told: bool = False
    parameters: int | None = None
    macs_256x256: int | None = None
    macs_1280x720: int | None = None
    seconds_256x256: float | None = None
    seconds_1280x720: float | None = None
    memory_mb_256x256: float | None = None
    memory_mb_1280x720: float | None = None
    measured_on: str = ""
    cost_note: str = ""
    seconds_per_picture: float | None = None
    device: str = ""
    status: str = ""
    n: int
    version: int | None = None
    predictions_sha256: str = ""


def build_tables(board: Path) -> list[Path]:
    """Write `tables/<dataset>.csv` and `.md` from a board's submissions, and return the files.

    Raises: UsageError where there are no submissions, DeblurbenchError where some cannot be compared.
    """
    submissions = sorted(read_board(board), key=lambda s: (s.dataset, s.track))
    if not submissions:
        raise UsageError(f"no submissions in {board / SUBMISSIONS}", "add one with `deblurbench leaderboard add RUN`")
    folder = make_folder(board / TABLES)
    written = []
    for dataset, of in groupby(submissions, key=lambda s: s.dataset):
        tracks = [rank_track(list(track)) for _, track in groupby(of, key=lambda s: s.track)]
        _write_csv(folder / f"{dataset}.csv", [row for rows in tracks for row in rows])
        write_text(folder / f"{dataset}.md", markdown(dataset, tracks))
        written += [folder / f"{dataset}.csv", folder / f"{dataset}.md"]
    return written


def rank_track(submissions: Sequence[Submission]) -> list[Row]:
    """The rows of one track, best first, the blurred row among them.

    Raises: DeblurbenchError where the submissions are of different pictures or protocols.
    """
    first = submissions[0]
    for other in submissions:
        if (other.dataset_id, other.protocol) != (first.dataset_id, first.protocol):
            raise DeblurbenchError(
                f"track {first.track}: {other.method!r} and {first.method!r} cannot be compared "
                f"(dataset {other.dataset_id[:12]}, {other.protocol}; {first.dataset_id[:12]}, {first.protocol})",
                "keep one dataset id and one protocol per track: remove or re-run the older submissions",
            )
    repeated = [method for method, count in Counter(s.method for s in submissions).items() if count > 1]
    if repeated:
        raise DeblurbenchError(f"track {first.track}: {repeated[0]!r} stands there twice", "remove one of the files")
    methods = [s for s in submissions if s.baseline != _REFERENCE or _rounded(s.mean) != _rounded(s.blurred)]
    methods.sort(key=lambda s: (-_number(s.mean), s.method))
    values = [_rounded(s.mean) for s in methods if not s.told]
    rows = [_row(s, None if s.told else values.index(_rounded(s.mean)) + 1) for s in methods]
    rows.append(_blurred_row(first))
    return sorted(rows, key=lambda row: (-row.psnr_db, row.rank or 0))


def _number(mean: Means) -> float:
    return float(mean.psnr_db)


def _rounded(mean: Means) -> float:
    """PSNR at the printed four decimals: what ties and the mark `below_blurred` go by."""
    return round(float(mean.psnr_db), 4)


def _row(submission: Submission, rank: int | None) -> Row:
    value, blurred = _number(submission.mean), _number(submission.blurred)
    return replace(
        _blurred_row(submission),
        rank=rank,
        method=submission.method,
        psnr_db=value,
        gain_db=gain(value, blurred),
        ssim=submission.mean.ssim,
        below_blurred=_rounded(submission.mean) < _rounded(submission.blurred),
        told=submission.told,
        parameters=submission.parameters,
        **cost_fields(submission.cost),
        seconds_per_picture=submission.seconds_per_picture,
        device=submission.device,
        status=submission.status,
        version=submission.version,
        predictions_sha256=submission.predictions_sha256,
    )


def _blurred_row(submission: Submission) -> Row:
    """The row of the blurred pictures that a submission was scored beside: it has no rank, cost or predictions."""
    return Row(
        dataset=submission.dataset,
        dataset_id=submission.dataset_id,
        split=submission.split,
        protocol=submission.protocol,
        n=len(submission.images),
        method=BLURRED,
        psnr_db=_number(submission.blurred),
        ssim=submission.blurred.ssim,
    )


def _write_csv(path: Path, rows: Iterable[Row]) -> None:
    import pandas as pd

    whole = ["rank", "parameters", "macs_256x256", "macs_1280x720", "version"]
    table = pd.DataFrame([asdict(row) for row in rows]).astype(dict.fromkeys(whole, "Int64"))
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def markdown(dataset: str, tracks: Sequence[Sequence[Row]]) -> str:
    """The tables of a dataset as Markdown, one per test split."""
    parts = [f"# {dataset}\n"]
    for rows in tracks:
        head = rows[0]
        parts += [
            f"## {head.split}\n",
            f"Protocol `{head.protocol}`, {head.n} pictures, dataset `{head.dataset_id[:16]}`.\n",
            "| rank | method | PSNR dB | gain dB | SSIM+ | parameters | GMAC | seconds | MB | status | predictions |",
            "|---:|---|---:|---:|---:|---:|---:|---:|---:|---|---|",
            *(_markdown_row(row) for row in rows),
            "",
        ]
    parts.append(
        "`+`: not defined by the protocol's script, added by deblurbench. ⚠: below the blurred row, "
        "that is, worse than doing nothing. Equal ranks are ties.\n"
    )
    every = [row for rows in tracks for row in rows]
    if any(row.told for row in every):
        parts.append(
            "Told the kernel: which nobody knows of a real picture. Such a row is a ceiling, and has no rank.\n"
        )
    return "\n".join([*parts, *cost_legend(every)])


def _markdown_row(row: Row) -> str:
    cells = (
        "-" if row.rank is None else str(row.rank),
        escape(row.method) + ", told the kernel" * row.told + " ⚠ below blurred" * row.below_blurred,
        f"{row.psnr_db:.4f}",
        f"{row.gain_db:+.4f}",
        "" if row.ssim is None else f"{row.ssim:.4f}",
        "" if row.parameters is None else f"{row.parameters:,}",
        *cost_cells(row),
        row.status,
        f"`{row.predictions_sha256[:12]}`" if row.predictions_sha256 else "",
    )
    return f"| {' | '.join(cells)} |"
