"""What a layout is: it knows a published dataset's folders and names its pairs, without opening a picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple


@dataclass(frozen=True, slots=True)
class FoundPair:
    """One pair where it lies.

    Attributes:
        split: `train`, `val` or `test`, as the dataset was published.
        name: a readable name, unique inside the split in every official copy (scene and file).
        scene: what belongs together (a sequence, a video, a burst): named so that equal names are equal scenes.
        sharp, blur: POSIX paths below the root.
        facts: what the names say about this pair's blur, such as the number of frames averaged.
    """

    split: str
    name: str
    scene: str
    sharp: str
    blur: str
    facts: Mapping[str, Any] = field(default_factory=dict)


class Found(NamedTuple):
    """What lies below a root.

    Attributes:
        pairs: sorted by split and name.
        problems: files without a counterpart and the like, one sentence each: a reason to stop.
        notes: what a person should know, yet no reason to stop.
        published: how many pairs each split has, as its authors say.
    """

    pairs: tuple[FoundPair, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    published: Mapping[str, int]


class Search:
    """What a search below a root has met so far: pairs, and what is wrong."""

    def __init__(self, root: Path, variant: str) -> None:
        self.root = root
        self.variant = variant
        self.pairs: list[FoundPair] = []
        self.problems: list[str] = []
        self.notes: list[str] = []

    def below(self, path: Path) -> str:
        """A path's POSIX form below the root."""
        return path.relative_to(self.root).as_posix()


class Layout(ABC):
    """A published dataset's layout. One object per name, without state."""

    name: ClassVar[str]
    title: ClassVar[str]
    """The dataset's own name and its paper."""
    tree: ClassVar[str]
    """What lies below the root, in one line."""
    variants: ClassVar[Mapping[str, str]]
    """The blurred pictures on offer and what each is; the first is the default."""
    published: ClassVar[Mapping[str, int]]
    sixteen_bit: ClassVar[bool] = False
    """Whether pictures may have 16 bits per sample (see `read.read_picture`)."""

    @abstractmethod
    def is_root(self, root: Path) -> bool:
        """Whether the folder looks like the root of this layout (names alone)."""

    @abstractmethod
    def search(self, search: Search) -> None:
        """Add the pairs below `search.root` and all problems. Raises UsageError where a variant is not there."""

    def expected(self, variant: str) -> Mapping[str, int]:
        """The published number of pairs per split of a variant."""
        return self.published

    def compare(self, root: Path, pairs: Sequence[FoundPair], variant: str) -> list[str]:
        """Compare variants with one another, where several are there: what is odd, in sentences. Reads pictures."""
        return []

    @property
    def default(self) -> str:
        """The variant that is taken where none is named."""
        return next(iter(self.variants))
