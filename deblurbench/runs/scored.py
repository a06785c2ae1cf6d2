"""A whole `deblurbench score`: the numbers, what looks like a mistake, and what the numbers are made of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deblurbench.dataset.manifest import COMMIT_MARK
from deblurbench.dataset.reader import open_dataset
from deblurbench.errors import DatasetError, listed
from deblurbench.runs.breakdown import Group, break_down_dataset, breakdown_text
from deblurbench.runs.dataset_pairs import dataset_pairs, score_dataset
from deblurbench.scoring.pictures.pairing import Pair, pair_folders
from deblurbench.scoring.protocol import Protocol
from deblurbench.scoring.reports.gain import mean_gains, worse
from deblurbench.scoring.reports.sheet import chosen_names, write_score_sheet
from deblurbench.scoring.reports.spread import spread_dict
from deblurbench.scoring.reports.tables import score_text
from deblurbench.scoring.score import ScoreReport, plain, score_pairing
from deblurbench.scoring.suspicion.finding import Suspicion
from deblurbench.scoring.suspicion.suspicions import Suspicions


@dataclass(frozen=True)
class How:
    """How to score; see `score_pairing`."""

    protocols: Sequence[Protocol]
    exact: bool
    workers: int
    quiet: bool


@dataclass(frozen=True)
class Scored:
    """The result.

    Attributes:
        report: the numbers.
        suspicions: what looks like a mistake.
        nearer_blur: the names of predictions that are nearer to the blurred picture than to the sharp one.
        groups: by protocol id, the numbers of parts of a dataset; empty where two folders were scored.
        pairs: gives the finder of pairs with these names.
    """

    report: ScoreReport
    suspicions: Sequence[Suspicion]
    nearer_blur: Sequence[str]
    groups: Mapping[str, Sequence[Group]]
    pairs: Callable[[Collection[str]], Callable[[str], Pair]]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        result = self.report.as_dict()
        for scores, values in zip(self.report.protocols, result["protocols"], strict=True):
            if scores.blurred:
                values["gain"] = plain(mean_gains(scores))
                values["worse_than_blurred"] = {name: len(names) for name, names in worse(scores).items()}
        if len(self.report.protocols) > 1:
            result["spread"] = spread_dict(self.report)
        if self.report.protocols[0].blurred:
            result["nearer_blur"] = list(self.nearer_blur)
        result["suspicions"] = [suspicion.as_dict() for suspicion in self.suspicions]
        if self.groups:
            result["breakdown"] = {id_: [group.as_dict() for group in groups] for id_, groups in self.groups.items()}
        return result

    def text(self) -> str:
        """For a terminal; of many protocols only the first one's numbers are broken down."""
        first = self.report.protocols[0]
        groups = self.groups.get(first.protocol.id)
        text = score_text(self.report)
        if count := len(self.nearer_blur):
            of = f"{count} of {self.report.n} predictions: {listed(self.nearer_blur)}"
            text += f"\n\nnearer to the blurred picture than to the sharp one: {of}"
        return "\n\n".join([text, *([breakdown_text(first, groups)] if groups else [])])

    def write_sheet(self, path: Path, title: str) -> None:
        """Write the worst, median and best pictures under the first protocol as a PNG."""
        first = self.report.protocols[0]
        write_score_sheet(path, first, self.pairs(chosen_names(first)), title)


def dataset_at(sharp: Path) -> tuple[Path, tuple[str, ...]] | None:
    """The dataset that a folder is, and no split; or that it is a split of, or a split's sharp pictures, and the split.

    `data`, `data/test` and `data/test/sharp` all belong to the dataset `data`. None for any other folder.
    """
    if (sharp / COMMIT_MARK).is_file():
        return sharp, ()
    here = sharp.resolve()
    split = here.parent if here.name == "sharp" else here
    if not (split.parent / COMMIT_MARK).is_file():
        return None
    try:
        known = open_dataset(split.parent).splits
    except DatasetError:  # somebody else's file of this name
        return None
    return (split.parent, (split.name,)) if split.name in known else None


def of_folders(predictions: Path, sharp: Path, blur: Path | None, how: How) -> Scored:
    """Score a folder against one of sharp pictures. Raises UsageError where a folder is missing, empty, or both."""
    pairing = pair_folders(predictions, sharp, blur)
    suspicions = Suspicions()
    report = score_pairing(
        pairing, how.protocols, exact=how.exact, workers=how.workers, quiet=how.quiet, observer=suspicions
    )
    by_name = {pair.name: pair for pair in pairing.pairs}
    return Scored(report, suspicions.warnings(), suspicions.nearer_blur(), {}, lambda names: by_name.__getitem__)


def of_dataset(predictions: Path, dataset: Path, splits: Sequence[str], how: How) -> Scored:
    """Score predictions for splits of a dataset, and its blurred pictures.

    Raises: UsageError for an unknown split or predictions that are not there, PictureError and DatasetError where the
    dataset is damaged.
    """
    pairs = dataset_pairs(open_dataset(dataset), predictions, splits)
    suspicions = Suspicions()
    report = score_dataset(
        pairs, how.protocols, exact=how.exact, workers=how.workers, quiet=how.quiet, observer=suspicions
    )
    groups = {s.protocol.id: break_down_dataset(s, pairs) for s in report.protocols if s.images}
    return Scored(report, suspicions.warnings(), suspicions.nearer_blur(), groups, pairs.finder)
