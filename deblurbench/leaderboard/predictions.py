"""The predictions for a track: found in a folder, hashed, scored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from deblurbench.dataset.names import SPLIT_NAME
from deblurbench.errors import DeblurbenchError, PictureError, UsageError, listed
from deblurbench.images.codec import list_pictures
from deblurbench.images.hashing import pixel_hash
from deblurbench.leaderboard.sharp import Sharp
from deblurbench.progress import progress
from deblurbench.runs.record import PICTURES, RUN
from deblurbench.scoring.metrics import engine
from deblurbench.scoring.pictures.pairing import OFFERED, Pair, Pairing, Source
from deblurbench.scoring.pictures.reading import Opened
from deblurbench.scoring.protocol import Protocol, find_protocol
from deblurbench.scoring.score import about_samples, score_pairing

_METRICS = ("psnr_db", "ssim")
_AT_ONCE = 16  # sharp pictures in memory


@dataclass(frozen=True)
class Predictions:
    """Files by the track's names. Made by `find_predictions`.

    Attributes:
        folder: where they lie.
        files: of those that are there.
        missing: the names of the others.
        extra: files that no picture of the track has asked for.
    """

    folder: Path
    files: Mapping[str, Path]
    missing: Sequence[str] = ()
    extra: Sequence[str] = ()


def find_predictions(names: Sequence[str], split: str, folder: Path) -> Predictions:
    """Find the predictions for the pictures of a track: `NAME.png`, or the only file that has NAME and another suffix.

    Args:
        names: of the pictures, `NAME.png`.
        split: the track's.
        folder: a run folder; or one with a folder for the split; or that one.

    Raises: UsageError where there is no such folder, or it belongs to another split.
    """
    place = predictions_folder(folder, split)
    offered: dict[str, list[Path]] = {}
    for file in list_pictures(place, OFFERED):
        if len(file.parts) == 1:
            offered.setdefault(file.stem, []).append(place / file)
    files, missing = {}, []
    for name in names:
        of = offered.get(Path(name).stem, [])
        exact = [file for file in of if file.name == name]
        if exact or len(of) == 1:
            files[name] = (exact or of)[0]
        else:
            missing.append(name)
    if names and not files:
        _refuse_other_splits(place, split)
    used = set(files.values())
    extra = [file.name for of in offered.values() for file in of if file not in used]
    return Predictions(place, files, missing, extra)


def _refuse_other_splits(folder: Path, split: str) -> None:
    others = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and SPLIT_NAME.fullmatch(entry.name))
    if others:
        what = f"{folder} has predictions of {listed(others)}, and none of {split}"
        raise UsageError(what, f"the track takes those of {split} alone")


def what_is_missing(predictions: Predictions, other_split: Callable[[Sequence[str]], str | None]) -> str:
    """What is wrong where a prediction is missing: also, whose pictures are there instead. Empty where nothing is.

    Args:
        other_split: says which other split has pictures of some names.
    """
    if not predictions.missing:
        return ""
    n = len(predictions.missing)
    what = (
        f"{predictions.folder} has no prediction for {listed(predictions.missing)}, {n} of {n + len(predictions.files)}"
    )
    other = other_split(predictions.extra) if predictions.extra else None
    if other:
        what += f"; it has pictures of the split {other}, which this track does not take"
    return what


def predictions_folder(folder: Path, split: str) -> Path:
    """Where the predictions of a split lie. Raises UsageError where that is nowhere."""
    if not folder.is_dir():
        raise UsageError(f"no folder {folder}", "name a run folder, or the folder of the predictions")
    place = folder / PICTURES if (folder / RUN).is_file() else folder
    if (place / split).is_dir():
        return place / split
    if place != folder:
        raise UsageError(f"{folder} has no predictions of {split}", "name the run that has restored this split")
    return place


def find_track_protocol(protocol: str) -> Protocol:
    """A protocol as boards score with it: its PSNR and its SSIM alone.

    Raises: UsageError for an unknown one or another version, and for one that gives no PSNR for each picture.
    """
    found = find_protocol(protocol)
    psnr = next((metric for metric in found.metrics if metric.name == "psnr_db"), None)
    hint = "choose one with a PSNR for each picture, such as gnr638-eval"
    if psnr is None:
        raise UsageError(f"{found.id} has no psnr_db, by which a board ranks", hint)
    if psnr.pooled:
        raise UsageError(f"the PSNR of {found.id} is that of all pictures together, and no mean of theirs", hint)
    return replace(found, metrics=tuple(metric for metric in found.metrics if metric.name in _METRICS))


@dataclass(frozen=True)
class Numbers:
    """Of one picture; `ssim` is None where it is not defined."""

    psnr_db: float
    ssim: float | None


def hash_predictions(
    files: Mapping[str, Path], protocol: Protocol, *, workers: int = 1, quiet: bool = False
) -> tuple[dict[str, str], list[str]]:
    """The pixel hash of each prediction by name, and what is wrong with the others, a line each.

    It is that of the pixels that `protocol` scores: of an 8-bit RGB PNG, they are the same for all.
    """

    def of(item: tuple[str, Path]) -> tuple[str, str | None, str]:
        try:
            return item[0], pixel_hash(Opened(item[1]).read(protocol.reader)), ""
        except PictureError as error:
            return item[0], None, f"{item[0]}: {error}"

    with ThreadPoolExecutor(workers) as pool, progress("hash", len(files), "pictures", quiet=quiet) as bar:
        found = []
        for result in pool.map(of, files.items()):
            found.append(result)
            bar.step()
    return {name: digest for name, digest, _ in found if digest}, [what for *_, what in found if what]


def score_predictions(
    names: Sequence[str],
    files: Mapping[str, Path],
    sharp: Sharp,
    protocol: Protocol,
    *,
    workers: int = 1,
    quiet: bool = False,
) -> tuple[dict[str, Numbers], list[str]]:
    """Score some predictions against the verified sharp pictures of their track, in float64.

    Returns: the numbers by name, and what is wrong with the others, a line each.

    Raises: DeblurbenchError where a sharp picture is not that of the track, PictureError where it cannot be read.
    """
    return _score(names, sharp, lambda name: files[name], protocol, workers, quiet)


def score_blurred(
    names: Sequence[str], sharp: Sharp, protocol: Protocol, *, workers: int = 1, quiet: bool = False
) -> dict[str, Numbers]:
    """Score the blurred pictures of a track, verified too. Raises DeblurbenchError where one cannot be scored."""
    numbers, failures = _score(names, sharp, lambda name: sharp.picture(name, "blur"), protocol, workers, quiet)
    if failures:
        raise DeblurbenchError(f"a blurred picture cannot be scored: {failures[0]}", "choose another protocol")
    return numbers


def _score(
    names: Sequence[str],
    sharp: Sharp,
    prediction: Callable[[str], Source],
    protocol: Protocol,
    workers: int,
    quiet: bool,
) -> tuple[dict[str, Numbers], list[str]]:
    numbers: dict[str, Numbers] = {}
    failures: list[str] = []
    with progress("score", len(names), "pictures", quiet=quiet) as bar:
        for pairs in _batches(names, sharp, prediction):
            engine.expect(len(names) * about_samples(pairs[0].sharp))
            report = score_pairing(Pairing(pairs, (), ()), [protocol], workers=workers, quiet=True)
            failures += report.failures
            for image in report.protocols[0].images:
                numbers[image.name] = Numbers(image.values["psnr_db"], image.values.get("ssim"))
            bar.step(len(pairs))
    return numbers, failures


def _batches(names: Sequence[str], sharp: Sharp, prediction: Callable[[str], Source]) -> Iterator[tuple[Pair, ...]]:
    """Pairs, so few at a time that their sharp pictures fit into any memory."""
    for start in range(0, len(names), _AT_ONCE):
        yield tuple(Pair(name, sharp.picture(name), prediction(name)) for name in names[start : start + _AT_ONCE])
