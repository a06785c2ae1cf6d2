"""The sharp pictures of a track, found in whatever folder somebody names, and verified before they are used."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from deblurbench.dataset.formats.format import Side
from deblurbench.dataset.reader import Dataset, open_dataset
from deblurbench.errors import DeblurbenchError, PictureError, UsageError, listed
from deblurbench.images.codec import Picture, list_pictures, read_rgb
from deblurbench.images.hashing import pixel_hash
from deblurbench.leaderboard.track import Track
from deblurbench.runs.picture_facts import PictureFacts
from deblurbench.runs.scored import dataset_at
from deblurbench.scoring.pictures.pairing import SCORED


@dataclass(frozen=True)
class Sharp:
    """Where the pictures of a track are. Made by `find_sharp`.

    Attributes:
        read: gives a picture of a name, unverified.
        dataset: the dataset that they belong to, where it is there, and with it the blurred pictures.
        split: its split.
    """

    track: Track
    folder: Path
    read: Callable[[str, Side], Picture]
    dataset: Dataset | None = None
    split: str = ""

    @cached_property
    def _facts(self) -> dict[str, PictureFacts]:
        return {picture.facts.name: picture.facts for picture in self.track.pictures}

    def picture(self, name: str, side: Side = "sharp") -> Picture:
        """One picture, uint8 H x W x 3, by its name in the track.

        Raises: PictureError where it cannot be read, DeblurbenchError where its pixels are not those of the track.
        """
        facts = self._facts[name]
        picture = self.read(name, side)
        if pixel_hash(picture) != (facts.sharp_sha256 if side == "sharp" else facts.blur_sha256):
            what = f"{self.folder}: {name} is not the {side} picture of the track {self.track.name}"
            raise DeblurbenchError(what, self._whose())
        return picture

    def other_split(self, names: Collection[str]) -> str | None:
        """The split of the dataset that has pictures of these names, where it is another one than the track's."""
        return None if self.dataset is None else other_split(self.dataset, self.track.file.split, names)

    def _whose(self) -> str:
        file = self.track.file
        if self.dataset is not None and self.dataset.id != file.dataset_id:
            return f"this dataset's id is {self.dataset.id[:16]}, the track's {str(file.dataset_id)[:16]}"
        return f"its pixels differ: name {file.dataset} version {file.dataset_version}, as it was built"


def other_split(dataset: Dataset, split: str, names: Collection[str]) -> str | None:
    """Another split of a dataset than `split` that has pictures of some names; None where none has."""
    wanted = {Path(name).stem for name in names}
    found = (record.split for record in dataset.records() if record.name in wanted)
    return next((other for other in found if other != split), None)


def find_sharp(track: Track, folder: Path) -> Sharp:
    """Find the sharp pictures of a track.

    Args:
        folder: a dataset, a split of one, the `sharp` folder of one, or any folder of pictures that are called as the
            track's are.

    Raises: UsageError where there is no such folder, or a picture is not in it.
    """
    if not folder.is_dir():
        raise UsageError(f"no folder {folder}", "name a dataset, or the folder of the sharp pictures")
    if not track.is_measured:
        raise UsageError(f"the track {track.name} has reported numbers alone", "name one that is measured")
    found = dataset_at(folder)
    if found is None:
        return _of_files(track, folder)
    dataset, named = open_dataset(found[0]), found[1]
    split = named[0] if named else track.file.split
    return sharp_of_split(track, dataset, split)


def sharp_of_split(track: Track, dataset: Dataset, split: str) -> Sharp:
    """The pictures of a split of a dataset. Raises UsageError where it is unknown, or lacks a picture of the track."""
    records = {f"{record.name}.png": record for record in dataset.records(split)}
    folder = dataset.place.folder or Path(str(dataset.place))
    _check_all(track, folder, records)
    return Sharp(track, folder, lambda name, side: dataset.read(records[name], side), dataset, split)


def _of_files(track: Track, folder: Path) -> Sharp:
    places = (folder, folder / "sharp", folder / track.file.split / "sharp")
    files = next(filter(None, map(_pictures_in, places)), {})
    _check_all(track, folder, files)

    def read(name: str, side: Side) -> Picture:
        if side == "blur":
            raise PictureError(f"{folder} has no blurred pictures", "name a dataset")
        return read_rgb(files[name])

    return Sharp(track, folder, read)


def _pictures_in(folder: Path) -> dict[str, Path]:
    """The pictures right in a folder, as a track calls them; a PNG rather than another of its name."""
    found = [file for file in list_pictures(folder, SCORED) if len(file.parts) == 1] if folder.is_dir() else []
    found.sort(key=lambda file: file.suffix == ".png")
    return {f"{file.stem}.png": folder / file for file in found}


def _check_all(track: Track, folder: Path, names: Collection[str]) -> None:
    lacking = [name for name in track.names if name not in names]
    if lacking:
        hint = f"name the dataset {track.file.dataset}, or its split {track.file.split}"
        raise UsageError(f"{folder} has no sharp picture {listed(lacking)} of the track {track.name}", hint)
