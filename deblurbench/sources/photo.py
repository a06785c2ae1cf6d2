"""What a photo is, and what a source of photos must do."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from deblurbench import plugins
from deblurbench.config import Config
from deblurbench.errors import PictureError, RecipeError
from deblurbench.files import safe_name, sha256_file
from deblurbench.images.codec import Picture
from deblurbench.sources.online import OnlineSource


@dataclass(frozen=True, slots=True)
class Photo:
    """A sharp picture before it is decoded, with its provenance.

    Attributes:
        source: name of the source that knows how to read it.
        key: what that source needs to read it (a path, a sample's name, a drawing's settings).
        stem: readable part of its name in a dataset.
        scene: photos of one scene never part: they all go to train, or to val, or to test.
        raw_sha256: hex SHA-256 of the raw file; of `key` where the picture is drawn, not stored.
        author, licence, url, title: who made it, under what terms, where it was found, what its maker calls it; empty
            where unknown.
        share: `train`, `val` or `test` where the source itself says so (an official split), else empty.
        frames: hex SHA-256 of the raw file of each frame, in order, where the photo is a window of frames.
    """

    source: str
    key: str
    stem: str
    scene: str
    raw_sha256: str
    author: str = ""
    licence: str = ""
    url: str = ""
    title: str = ""
    share: str = ""
    frames: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name in a dataset: the stem and the first 8 hex digits of the raw hash."""
        return f"{safe_name(self.stem)}-{self.raw_sha256[:8]}"


class Source(Config):
    """A source with its settings, as a recipe gives them: the base of every `deblurbench.sources` plug-in."""

    source: ClassVar[str]
    same_bytes_once: ClassVar[bool] = False
    """Whether a photo is left out where another one has the same raw bytes."""

    @abstractmethod
    def photos(self, seed: int) -> list[Photo]:
        """Every photo on offer, in an order that does not matter. Raises UsageError where there is none."""

    @abstractmethod
    def read(self, photo: Photo) -> Picture:
        """The photo's pixels, uint8 H x W x 3 RGB. Raises PictureError."""

    def frames(self, photo: Photo) -> Iterable[Picture]:
        """Every frame of the photo's exposure, in order: of most sources, the one picture. Raises PictureError."""
        return [self.read(photo)]

    def recorded(self, photo: Photo, variant: str) -> Picture:
        """The blurred picture that was recorded with the photo; of most sources there is none. Raises PictureError."""
        hint = "the blur family `recorded` needs a source of pairs"
        raise PictureError(f"the source {self.source} has no recorded blur for {photo.name}", hint)


def check_unchanged(file: Path, raw_sha256: str) -> None:
    """Raise PictureError where a file is no longer the one that was listed: its pixels are not those of that hash."""
    if sha256_file(file) != raw_sha256:
        raise PictureError(f"{file} has changed since it was listed", "start again")


def source_from(values: Mapping[str, Any], file: str, table: str) -> Source:
    """The source that a recipe's table `{source = ..., settings ...}` describes.

    Raises: UsageError for an unknown source, RecipeError naming `file:table.key` for a wrong setting, and for an online
    source.
    """
    name = values.get("source")
    if not isinstance(name, str):
        found = plugins.load_all("sources", lambda kind: issubclass(kind, Source))
        names = ", ".join(name for name, (_, usable) in found.items() if usable)
        raise RecipeError(f"{file}:{table}.source", f"name one here: {names}")
    if issubclass(plugins.load("sources", name), OnlineSource):
        hint = f'give `deblurbench fetch {name} --out photos/`, write "folder" here, and build with --photos photos/'
        raise RecipeError(f"{file}:{table}.source: photos of {name} are fetched before a build", hint)
    source: Source = plugins.configure("sources", "source", values, file, table)
    return source
