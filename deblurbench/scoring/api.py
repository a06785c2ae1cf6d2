"""Scoring from Python: `deblurbench.score`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from deblurbench.errors import DeblurbenchError, UsageError, listed
from deblurbench.scoring.pictures.inputs import pictures_of
from deblurbench.scoring.pictures.pairing import Pair, Pairing, Source, pair_folders
from deblurbench.scoring.pictures.reading import shape_words
from deblurbench.scoring.protocol import DEFAULT
from deblurbench.scoring.score import ScoreReport, score_pairing
from deblurbench.scoring.selection import select

if TYPE_CHECKING:
    from deblurbench.scoring.pictures.inputs import Pictures

_SHOWN = 5  # names in a message


def score(
    predictions: Pictures,
    sharp: Pictures,
    protocol: str | Sequence[str] = DEFAULT,
    *,
    blur: Pictures | None = None,
    exact: bool = False,
    slow: bool = False,
    weights: Sequence[str] = (),
    allow_missing: bool = False,
    workers: int = 1,
    quiet: bool = True,
) -> ScoreReport:
    """Score predictions against sharp pictures under named protocols.

    `deblurbench.score(preds, sharp, "basicsr-rgb").mean["ssim"]` is a number; a report shows itself as a table.

    Args:
        predictions, sharp, blur: two folders (pairs are found by name), two files, or pictures in memory:
            NumPy arrays H x W, H x W x 3 or N x H x W x 3; torch tensors 3 x H x W, 1 x H x W or N x 3 x H x W, on any
            device; lists of files, arrays and tensors, where the first belongs to the first. RGB; uint8 in 0 .. 255 or
            floats in 0 .. 1 (of predictions, what is a little outside is clamped). They may be of different kinds.
        protocol: a name or id, several, or `all`. Without `slow`, `all` leaves out what takes seconds per picture.
        blur: the blurred pictures, for their own numbers beside.
        exact: compute SSIM in float64; else, of 8-bit pictures, within 1e-6 where that is faster. `all` is exact.
        weights: `FILE=SHA256`, of a learnt metric.
        allow_missing: score what can be scored, and leave the others in `report.failures`.
        workers: threads.
        quiet: False shows progress on stderr.

    Raises:
        UsageError: a shape, type or range is not as said above, or a protocol is not known.
        DeblurbenchError: pictures of a folder or a list cannot be scored; they are named.
    """
    names = [protocol] if isinstance(protocol, str) else list(protocol)
    selection = select(names, slow=slow, weights=weights)
    if not selection.protocols:
        raise UsageError("no protocol is named", "give one, such as gnr638-eval")
    pairing = _paired(predictions, sharp, blur)
    exact = exact or selection.has_all
    report = score_pairing(pairing, selection.protocols, exact=exact, workers=workers, quiet=quiet)
    for note in selection.notes:
        warnings.warn(note, stacklevel=2)
    if report.extra:
        warnings.warn(f"no sharp picture for {listed(report.extra, _SHOWN)}; left out", stacklevel=2)
    if report.n == 0 or (report.failures and not allow_missing):
        total = report.n + len(report.failures)
        hint = "" if allow_missing else "mend them, or score the others with allow_missing=True"
        raise DeblurbenchError(
            f"{len(report.failures)} of {total} pictures cannot be scored: {listed(report.failures, _SHOWN, '; ')}",
            hint,
        )
    return report


def _paired(predictions: Pictures, sharp: Pictures, blur: Pictures | None) -> Pairing:
    """Pairs of folders by name, of all else by order."""
    given = {"predictions": predictions, "sharp": sharp} | ({} if blur is None else {"blur": blur})
    for path in given.values():
        if isinstance(path, (str, Path)) and not Path(path).exists():
            raise UsageError(f"no file or folder {path}", "name a folder of pictures, or a picture")
    folders = {name: Path(cast(Path, pictures)) for name, pictures in given.items() if _is_folder(pictures)}
    if not folders:
        return _in_memory(predictions, sharp, blur)
    if len(folders) < len(given):
        hint = "give folders alone: their pictures pair by name"
        raise UsageError(f"only {' and '.join(folders)} is a folder", hint)
    return pair_folders(**folders)


def _is_folder(given: object) -> bool:
    return isinstance(given, (str, Path)) and Path(given).is_dir()


def _in_memory(predictions: Pictures, sharp: Pictures, blur: Pictures | None) -> Pairing:
    """Pictures paired in the order in which they are given."""
    wanted = pictures_of(sharp, "sharp picture")
    columns = [pictures_of(predictions, "prediction", overshoot=True)]
    columns += [pictures_of(blur, "blurred picture")] if blur is not None else []
    for what, found in zip(("prediction", "blurred picture"), columns, strict=False):
        _check_column(what, found, wanted)
    if not wanted:
        raise UsageError("there are no pictures", "give at least one prediction and its sharp picture")
    pairs = tuple(Pair(name, *sources) for name, *sources in zip(_names(wanted), wanted, *columns, strict=True))
    return Pairing(pairs, extra=(), ignored=(), with_blur=blur is not None)


def _check_column(what: str, found: Sequence[Source], wanted: Sequence[Source]) -> None:
    """Raises UsageError where the pictures cannot belong to the sharp ones, one by one."""
    if len(found) != len(wanted):
        raise UsageError(f"{len(found)} {what}s for {len(wanted)} sharp pictures", "give as many of each")
    for i, (one, sharp) in enumerate(zip(found, wanted, strict=True)):
        if not isinstance(one, Path) and not isinstance(sharp, Path) and one.shape != sharp.shape:
            raise UsageError(
                f"{what} {i} is {shape_words(one.shape)}, the sharp picture {shape_words(sharp.shape)}",
                "give both the same size",
            )
    if all(isinstance(source, Path) for source in (*found, *wanted)):
        ours, theirs = ([cast(Path, source).stem for source in column] for column in (found, wanted))
        if ours != theirs and sorted(ours) == sorted(theirs):
            raise UsageError(f"the {what}s have the names of the sharp pictures in another order", "sort both lists")


def _names(pictures: Sequence[Source]) -> list[str]:
    """The files' names where all are files of different names, else numbers from 0."""
    names = [picture.name for picture in pictures if isinstance(picture, Path)]
    return names if len(set(names)) == len(pictures) else [str(i) for i in range(len(pictures))]
