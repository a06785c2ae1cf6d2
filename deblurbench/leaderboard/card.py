"""A card: what the makers of a method say of it, as a small TOML file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field

from deblurbench.config import Config, parse, read_toml
from deblurbench.leaderboard.submission import About, Line, Links, Method
from deblurbench.runs.record import Count


class Card(Config):
    """A card; each key may be left out.

    Attributes:
        method: the name that tables show.
        authors, links, training_data, licence, note: as `About` has them.
        parameters: how many the method has; 0 of one without a network.
        told: whether it was told each picture's kernel.
    """

    method: Method | None = None
    authors: tuple[Line, ...] = Field(default=(), max_length=100)
    links: Links = Links()
    training_data: Line = ""
    licence: Line = ""
    note: Line = ""
    parameters: Count | None = None
    told: bool = False

    def about(self, training_data: str = "") -> About:
        """The part that nobody checks; `training_data` where the card has none."""
        return About(
            authors=self.authors,
            links=self.links,
            training_data=self.training_data or training_data,
            licence=self.licence,
            note=self.note,
        )


def read_card(file: Path) -> Card:
    """Read a card. Raises RecipeError naming `file:key` where it is none."""
    return parse(Card, read_toml(file), str(file))


@dataclass(frozen=True)
class Wishes:
    """How a submission is to be made, beyond what its source tells.

    Attributes:
        track: the name of its track; None: `DATASET.SPLIT`, for each test split.
        sharp: a dataset, a split of one, or any folder with the track's sharp pictures: it is scored with them.
        card: what its makers say.
        weights_sha256: of the file of weights.
        workers: threads that score.
    """

    track: str | None = None
    sharp: Path | None = None
    card: Card = field(default_factory=Card)
    weights_sha256: str | None = None
    workers: int = 1
    quiet: bool = False
