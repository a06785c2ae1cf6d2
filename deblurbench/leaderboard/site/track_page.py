"""The page of a track."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from deblurbench.errors import DeblurbenchError
from deblurbench.leaderboard.board import Contest
from deblurbench.leaderboard.site.columns import Cell, Column, is_finite, kind_columns, rank_cell, table_columns
from deblurbench.leaderboard.site.kinds import Kind, kinds, mean_gains
from deblurbench.leaderboard.site.pages import Pages, method_page, track_folder
from deblurbench.leaderboard.submission import Reported
from deblurbench.leaderboard.submission_file import Entry
from deblurbench.leaderboard.tables import words
from deblurbench.leaderboard.tables.row import Row
from deblurbench.leaderboard.tables.standing import Standing

LONG = 100
"""So many rows are shown at first; the table of more of them is `long`."""


@dataclass(frozen=True)
class Line:
    """A row as its page shows it. `trained`: whether it is of a method with weights; `page`: its file, or empty."""

    row: Row
    rank: Cell
    page: str
    trained: bool
    cells: Sequence[tuple[Column, Cell]]
    whisker: Whisker | None


@dataclass(frozen=True)
class Whisker:
    """A drawn interval of a gain: positions of 0 .. 100 along the bar."""

    zero: float
    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class KindLine:
    """A kind of blur with the method that does best on it; None where none competes."""

    kind: Kind
    best: Row | None
    gain_db: float


@dataclass(frozen=True)
class TrackPage:
    """All that the page of a track shows."""

    standing: Standing
    tables: Sequence[str] = ()

    @property
    def contest(self) -> Contest:
        """The track with its submissions."""
        return self.standing.contest

    @property
    def rows(self) -> Sequence[Row]:
        """Best first; none of a track that has reported numbers alone."""
        return self.standing.rows if self.contest.track.is_measured else ()

    @property
    def blurred(self) -> Row:
        """The row of the blurred pictures."""
        return next(row for row in self.rows if row.reference == "blurred")

    @cached_property
    def kinds(self) -> list[Kind]:
        """The kinds of blur; none where there is but one."""
        return kinds(self.contest.track)

    @cached_property
    def gains(self) -> dict[str, Sequence[float]]:
        """The mean gains on them, by method."""
        return dict(mean_gains(self.contest.track, self.contest.entries, self.kinds))

    @cached_property
    def columns(self) -> list[Column]:
        """Those that have something to show in a row at least."""
        every = [
            *table_columns(words.adds_ssim(self.contest.track)),
            *kind_columns([kind.label for kind in self.kinds], self.gains),
        ]
        return [column for column in every if any(column.cell(row).text for row in self.rows)]

    @cached_property
    def lines(self) -> list[Line]:
        """The rows, best first."""
        trained = {e.submission.method: _is_trained(e) for e in self.contest.entries}
        bar = whiskers(self.rows)
        return [
            Line(
                row,
                rank_cell(row),
                method_page(row.page) if row.page else "",
                trained.get(row.method, False),
                [(column, column.cell(row)) for column in self.columns],
                bar(row),
            )
            for row in self.rows
        ]

    @cached_property
    def kind_lines(self) -> list[KindLine]:
        """The kinds of blur with their best methods."""
        rivals = [row for row in self.rows if row.rank is not None and row.method in self.gains]
        lines = []
        for place, kind in enumerate(self.kinds):
            best = max(rivals, key=lambda row: self.gains[row.method][place], default=None)
            lines.append(KindLine(kind, best, self.gains[best.method][place] if best else 0.0))
        return lines

    @property
    def groups(self) -> dict[str, list[Column]]:
        """The columns that a reader may choose, by group."""
        groups: dict[str, list[Column]] = {}
        for column in self.columns:
            groups.setdefault(column.group, []).append(column)
        return groups

    @property
    def statuses(self) -> list[str]:
        """Those that there are."""
        return sorted({row.status for row in self.rows if row.status})

    @property
    def has_both(self) -> bool:
        """Whether there are methods with trained weights, and others."""
        return len({_is_trained(entry) for entry in self.contest.entries}) > 1

    @property
    def has_told(self) -> bool:
        """Whether a method was told the kernels."""
        return any(row.told for row in self.rows)

    @property
    def has_below(self) -> bool:
        """Whether a method makes pictures worse."""
        return any(row.below_blurred for row in self.rows)

    @property
    def has_intervals(self) -> bool:
        """Whether intervals are known."""
        return any(row.gain_low_db is not None for row in self.rows)

    @property
    def methods(self) -> int:
        """How many methods there are, without the blurred row."""
        return sum(row.reference != "blurred" for row in self.rows)

    @property
    def best(self) -> Row | None:
        """The best method that competes."""
        return best_row(self.standing)

    @property
    def tied(self) -> int:
        """How many others may have the first rank as well."""
        return max(0, sum(row.first_rank == 1 for row in self.rows) - 1)

    @property
    def reported(self) -> Sequence[Reported]:
        """What others report, best first."""
        return self.standing.reported


def best_row(standing: Standing) -> Row | None:
    """The best method of a track that competes; None where there is none."""
    return next((row for row in standing.rows if row.rank is not None), None)


def whiskers(rows: Sequence[Row]) -> Callable[[Row], Whisker | None]:
    """What draws the intervals of a table, all on one scale; losses beyond the greatest gain are cut off."""
    high = max([0.1, *(row.gain_high_db for row in rows if is_finite(row.gain_high_db))])
    low = max(-high, min([0.0, *(row.gain_low_db for row in rows if is_finite(row.gain_low_db))]))

    def at(value: float) -> float:
        return round(4 + 92 * (min(max(value, low), high) - low) / (high - low), 1)

    def whisker(row: Row) -> Whisker | None:
        ends = (row.gain_low_db, row.gain_high_db)
        if row.reference == "blurred" or ends[0] is None or ends[1] is None or not is_finite(row.gain_db):
            return None
        return Whisker(at(0.0), at(ends[0]), at(row.gain_db), at(ends[1]))

    return whisker


def _is_trained(entry: Entry) -> bool:
    return entry.submission.weights_sha256 is not None or bool(entry.submission.parameters)


def check_pages(standing: Standing) -> None:
    """Raise DeblurbenchError where two methods would have the same page, on a system that knows no capitals either."""
    taken: dict[str, str] = {}
    for row in standing.rows:
        other = taken.setdefault(row.page.lower(), row.method) if row.page else row.method
        if other != row.method:
            where = f"track {row.track}: {other!r} and {row.method!r}"
            raise DeblurbenchError(f"{where} would have the same page", "rename one of them")


def write_track_page(pages: Pages, standing: Standing, tables: Sequence[str]) -> None:
    """Write `tracks/TRACK/index.html`.

    Args:
        pages: where it goes.
        standing: of the track.
        tables: files of `tables/` that hold it.
    """
    check_pages(standing)
    page = TrackPage(standing, tables)
    values = {"page": page, "track": page.contest.track, "long": LONG, "words": words}
    pages.write(f"{track_folder(page.contest.track.name)}/index.html", "track.html", **values)
