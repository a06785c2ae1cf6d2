"""What a photo is, and what a source of photos must do."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from deblurbench import plugins
from deblurbench.config import Config
from deblurbench.files import safe_name
from deblurbench.images.codec import Picture


@dataclass(frozen=True)
class Photo:
    """A sharp picture before it is decoded, with its provenance.

    Attributes:
        source: name of the source that knows how to read it.
        key: what that source needs to read it (a path, a sample's name, a drawing's settings).
        stem: readable part of its name in a dataset.
        scene: photos of one scene never part: they all go to train, or to val, or to test.
        raw_sha256: hex SHA-256 of the raw file; of `key` where the picture is drawn, not stored.
        author, licence, url: who made it, under what terms, where it was found; empty where unknown.
    """

    source: str
    key: str
    stem: str
    scene: str
    raw_sha256: str
    author: str = ""
    licence: str = ""
    url: str = ""

    @property
    def name(self) -> str:
        """Its name in a dataset: the stem and the first 8 hex digits of the raw hash."""
        return f"{safe_name(self.stem)}-{self.raw_sha256[:8]}"


class Source(Config):
    """A source with its settings, as a recipe gives them: the base of every `deblurbench.sources` plug-in."""

    source: ClassVar[str]

    @abstractmethod
    def photos(self, seed: int) -> list[Photo]:
        """Every photo on offer, in an order that does not matter. Raises UsageError where there is none."""

    @abstractmethod
    def read(self, photo: Photo) -> Picture:
        """The photo's pixels, uint8 H x W x 3 RGB. Raises PictureError."""


def source_from(values: Mapping[str, Any], file: str, table: str) -> Source:
    """The source that a recipe's table `{source = ..., settings ...}` describes.

    Raises: UsageError for an unknown source, RecipeError naming `file:table.key` for a wrong setting.
    """
    source: Source = plugins.configure("sources", "source", values, file, table)
    return source
