"""The recipe: a TOML file that defines a dataset, read into frozen settings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from deblurbench.blur.family import Blur, blur_from
from deblurbench.config import Config, Size, height_width, override, parse, read_toml
from deblurbench.dataset.names import RecipeName, SplitName
from deblurbench.images.codec import Picture
from deblurbench.images.resize import Filter, crop_to_ratio, resize
from deblurbench.sources.photo import Source, source_from

Share = Literal["train", "val", "test"]


def _check_ratio(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d{0,4}:[1-9]\d{0,4}", text):
        raise ValueError("a ratio is WIDTH:HEIGHT, such as 7:4")
    return text


class Prepare(Config):
    """What happens to a photo before it is the sharp picture: centred crop, then resize."""

    crop: Annotated[str, AfterValidator(_check_ratio)] | None = None
    resize: Size | None = None
    filter: Filter = "lanczos"

    def apply(self, photo: Picture) -> Picture:
        """The sharp picture, uint8 H x W x 3."""
        if self.crop:
            photo = crop_to_ratio(photo, *map(int, self.crop.split(":")))
        if self.resize:
            photo = resize(photo, *height_width(self.resize), self.filter)
        return photo


class SourceTable(Config):
    """One `[[sources]]` table: a source, how its photos are prepared, and where its scenes go.

    `scenes` gives whole-number shares, such as {train = 7, val = 1}; which share a scene falls to is a function
    of the seed and the scene alone. All other keys belong to the source.
    """

    settings: dict[str, Any]
    scenes: dict[Share, Annotated[int, Field(ge=1, le=1_000_000)]]
    prepare: Prepare = Prepare()

    @model_validator(mode="before")
    @classmethod
    def _gather_settings(cls, table: Any) -> Any:
        own = {"scenes", "prepare"}
        if not isinstance(table, dict) or "settings" in table:
            return table
        return {"settings": {k: v for k, v in table.items() if k not in own}} | {
            k: v for k, v in table.items() if k in own
        }


class SplitTable(Config):
    """One `[[splits]]` table: a split and its blurs. `draw` of them, drawn per photo; all where not given."""

    name: SplitName
    blurs: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]
    draw: Annotated[int, Field(ge=1)] | None = None

    @property
    def share(self) -> str:
        """Which scenes it takes: `train`, `val` or `test`."""
        return self.name.partition("-")[0]


class Recipe(Config):
    """A whole recipe, as resolved."""

    schema_: Literal[1] = Field(alias="schema")
    name: RecipeName
    version: Annotated[int, Field(ge=1)]
    summary: str
    seed: Annotated[int, Field(ge=0, lt=1 << 63)]
    sources: Annotated[tuple[SourceTable, ...], Field(min_length=1)]
    splits: Annotated[tuple[SplitTable, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_names(self) -> Recipe:
        names = [split.name for split in self.splits]
        if len(set(names)) != len(names):
            raise ValueError("two splits have the same name")
        return self

    def tables(self) -> dict[str, Any]:
        """The recipe as TOML tables: what `read_recipe` reads."""
        values = self.model_dump(mode="json", exclude_none=True, by_alias=True)
        values["sources"] = [table.pop("settings") | table for table in values["sources"]]
        return values

    def open_sources(self, photos: Path | None = None, file: str = "recipe.toml") -> list[Source]:
        """The sources, in order; `photos` becomes the path of each `folder` source. `file` is for error messages."""
        opened = []
        for i, table in enumerate(self.sources):
            settings = dict(table.settings)
            if photos is not None and settings.get("source") == "folder":
                settings["path"] = str(photos)
            opened.append(source_from(settings, file, f"sources.{i}"))
        return opened

    def open_blurs(self, split: SplitTable, file: str = "recipe.toml") -> list[Blur]:
        """The blurs of a split, in order."""
        place = f"splits.{self.splits.index(split)}.blurs"
        return [blur_from(values, file, f"{place}.{i}") for i, values in enumerate(split.blurs)]


def read_recipe(file: Path, settings: Sequence[str] = ()) -> Recipe:
    """Read a recipe file, put `key=value` settings in, and check every key, those of sources and blurs too.

    Raises: RecipeError naming `file:key`, UsageError for an unknown source or family.
    """
    recipe = parse(Recipe, override(read_toml(file), settings), str(file))
    recipe.open_sources(file=str(file))
    for split in recipe.splits:
        recipe.open_blurs(split, str(file))
    return recipe


def published_id(file: Path) -> str | None:
    """The dataset id that a recipe's publisher got, from `checksums.toml` beside it; None where there is none."""
    checksums = file.parent / "checksums.toml"
    return parse(_Checksums, read_toml(checksums), str(checksums)).dataset_id if checksums.is_file() else None


class _Checksums(Config):
    dataset_id: str
