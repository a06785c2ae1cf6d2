"""The pairs of a dataset's splits with the predictions for them, whatever format the dataset has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deblurbench.dataset.formats import find_format
from deblurbench.dataset.formats.format import Side
from deblurbench.dataset.manifest import Record
from deblurbench.dataset.names import share_of
from deblurbench.dataset.reader import Dataset
from deblurbench.errors import UsageError
from deblurbench.images.codec import list_pictures
from deblurbench.progress import progress
from deblurbench.runs.record import PICTURES, RUN
from deblurbench.scoring.metrics import engine
from deblurbench.scoring.pictures.pairing import OFFERED, Pair, Pairing, Source
from deblurbench.scoring.protocol import Protocol
from deblurbench.scoring.score import Observer, ProtocolScores, ScoreReport, about_samples, score_pairing

_AT_ONCE, _DECODED = 128, 16  # pairs at a time, and such whose pictures lie in memory


@dataclass(frozen=True)
class DatasetPairs:
    """Made by `dataset_pairs`. A pair's name is that of its pair id and a suffix, `SPLIT/NAME.png`.

    Attributes:
        dataset: where the sharp and the blurred pictures are.
        folders: by split, that of its predictions.
    """

    dataset: Dataset
    folders: Mapping[str, Path]

    def __len__(self) -> int:
        return sum(self.dataset.splits[split] for split in self.folders)

    def records(self) -> Iterator[Record]:
        """The manifest's lines of all these splits, split by split."""
        for split in self.folders:
            yield from self.dataset.records(split)

    def pairings(self, *, with_blur: bool = True) -> Iterator[Pairing]:
        """All pairs, in pieces, so that no more than a few decoded pictures lie in memory.

        Raises: PictureError where a picture of the dataset cannot be read.
        """
        for split, folder in self.folders.items():
            offered = _Offered(folder)
            pairs: list[Pair] = []
            decoded = 0
            for record in self.dataset.records(split):
                pairs.append(self._pair(record, offered, with_blur))
                decoded += not isinstance(pairs[-1].sharp, Path)
                if decoded == _DECODED or len(pairs) == _AT_ONCE:
                    yield Pairing(tuple(pairs), extra=(), ignored=(), with_blur=with_blur)
                    pairs, decoded = [], 0
            yield Pairing(tuple(pairs), offered.extra(split), ignored=(), with_blur=with_blur)

    def finder(self, names: Collection[str], *, with_blur: bool = True) -> Callable[[str], Pair]:
        """What gives some pairs by name, such as those of a sheet; pictures are read when they are asked for."""
        records = {name: record for record in self.records() if (name := pair_name(record)) in names}
        offered = {split: _Offered(folder) for split, folder in self.folders.items()}
        return lambda name: self._pair(records[name], offered[records[name].split], with_blur)

    def _pair(self, record: Record, offered: _Offered, with_blur: bool) -> Pair:
        blur = self._source(record, "blur") if with_blur else None
        return Pair(pair_name(record), self._source(record, "sharp"), offered.find(record.name), blur)

    def _source(self, record: Record, side: Side) -> Source:
        """The PNG file of a picture, or its pixels: the dataset's hashes promise them, and every protocol agrees."""
        name = find_format(self.dataset.format).picture(record, side)
        if name is not None and name.endswith(".png") and self.dataset.place.folder is not None:
            return self.dataset.path / name
        return self.dataset.read(record, side)


class _Offered:
    """The predictions in a folder, by the names of their pairs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._left = {file.name for file in list_pictures(folder, OFFERED) if len(file.parts) == 1}
        self._by_stem: dict[str, list[str]] = {}
        for name in sorted(self._left):
            self._by_stem.setdefault(Path(name).stem, []).append(name)

    def find(self, name: str) -> Path | None:
        """`NAME.png`, or else the only file that is called so but for its suffix."""
        offered = self._by_stem.get(name, [])
        found = f"{name}.png" if f"{name}.png" in offered else offered[0] if len(offered) == 1 else None
        self._left.discard(found or "")
        return self._folder / found if found else None

    def extra(self, split: str) -> tuple[str, ...]:
        """What no pair has asked for."""
        return tuple(f"{split}/{name}" for name in sorted(self._left))


def pair_name(record: Record) -> str:
    """The name that a pair's scores have."""
    return f"{record.pair}.png"


def dataset_pairs(dataset: Dataset, predictions: Path, splits: Sequence[str] = ()) -> DatasetPairs:
    """Find the predictions of some splits of a dataset.

    Args:
        dataset: in any format.
        predictions: holds `SPLIT/NAME.png`, or, where it is one split, `NAME.png`; or a run folder.
        splits: their names; `test`, or none, stands for all test splits.

    Raises: UsageError for an unknown split, for none, and where there is no folder of the predictions of one.
    """
    if not predictions.is_dir():
        raise UsageError(f"no folder {predictions}", "name the folder of the predictions")
    if (predictions / RUN).is_file():
        predictions /= PICTURES
    chosen = _chosen(dataset, splits)
    folders = {split: predictions / split for split in chosen}
    missing = [split for split, folder in folders.items() if not folder.is_dir()]
    if len(chosen) == 1 and missing:
        return DatasetPairs(dataset, {chosen[0]: predictions})
    if missing:
        hint = "predict them too, or name the splits to score with --split"
        raise UsageError(f"{predictions} has no folder of predictions for {', '.join(missing)}", hint)
    return DatasetPairs(dataset, folders)


def _chosen(dataset: Dataset, splits: Sequence[str]) -> list[str]:
    chosen: list[str] = []
    for split in splits or ("test",):
        if split == "test":
            chosen += dataset.test_splits
        else:
            dataset.check_split(split)
            chosen.append(split)
    chosen = [split for split in dict.fromkeys(chosen) if dataset.splits[split]]
    if not chosen:
        known = ", ".join(f"{name} ({share_of(name)})" if share_of(name) != name else name for name in dataset.splits)
        raise UsageError(f"{dataset.place} has no pairs in {', '.join(splits) or 'a test split'}", f"it has {known}")
    return chosen


def score_dataset(
    pairs: DatasetPairs,
    protocols: Sequence[Protocol],
    *,
    with_blur: bool = True,
    exact: bool = True,
    workers: int = 1,
    quiet: bool = False,
    observer: Observer | None = None,
) -> ScoreReport:
    """Score the predictions of a dataset's splits; see `score_pairing`. Memory stays flat for datasets in shards too.

    Raises: PictureError where a picture of the dataset cannot be read.
    """
    reports = []
    with progress("score", len(pairs), "pictures", quiet=quiet) as bar:
        for piece in pairs.pairings(with_blur=with_blur):
            if piece.pairs:
                engine.expect(len(pairs) * about_samples(piece.pairs[0].sharp))
            report = score_pairing(piece, protocols, exact=exact, workers=workers, quiet=True, observer=observer)
            reports.append(report)
            bar.step(len(piece.pairs))
    return _joined(reports)


def _joined(reports: Sequence[ScoreReport]) -> ScoreReport:
    """One report of several of the same protocols."""
    return ScoreReport(
        tuple(_joined_scores(of) for of in zip(*(report.protocols for report in reports), strict=True)),
        tuple(failure for report in reports for failure in report.failures),
        tuple(name for report in reports for name in report.extra),
        (),
        sum(report.seconds for report in reports),
        sum(report.decoding_seconds for report in reports),
    )


def _joined_scores(parts: Sequence[ProtocolScores]) -> ProtocolScores:
    images = tuple(image for part in parts for image in part.images)
    blurred = tuple(image for part in parts for image in part.blurred or ())
    return replace(parts[0], images=images, blurred=blurred or None)
