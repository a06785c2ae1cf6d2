"""The recipe: a TOML file that defines a dataset, read into frozen settings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from deblurbench.blur.camera import Camera
from deblurbench.config import Config, Size, height_width, override, parse, parse_toml, read_toml
from deblurbench.dataset.degradation import CRF, Degradation, degradation_from
from deblurbench.dataset.formats import find_format
from deblurbench.dataset.names import RecipeName, SplitName, share_of
from deblurbench.dataset.tiles import Tiles
from deblurbench.errors import DatasetError, RecipeError
from deblurbench.images.codec import Picture
from deblurbench.images.resize import Filter, crop_to_ratio, resize
from deblurbench.places import Place
from deblurbench.sources.photo import Source, source_from

RECIPE = "recipe.toml"
"""The resolved recipe inside a dataset."""

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
    of the seed and the scene alone. A source with an official split needs none. All other keys belong to the source.
    """

    settings: dict[str, Any]
    scenes: dict[Share, Annotated[int, Field(ge=1, le=1_000_000)]] = Field(default_factory=dict)
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
    """One `[[splits]]` table: a split and its blurs.

    Attributes:
        name: `train`, `val`, `test` or `test-LABEL`.
        blurs: tables of `{family, parameters ..., light, camera}`.
        draw: how many of the blurs a photo gets, drawn for it; all where not given.
        tiles: cut each blurred picture, and the sharp one alike, into tiles; each is a pair.
        count: pairs wanted. Of more photos than that, those are taken that a draw puts first; fewer are reported.
    """

    name: SplitName
    blurs: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]
    draw: Annotated[int, Field(ge=1)] | None = None
    tiles: Tiles | None = None
    count: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _check_numbers(self) -> SplitTable:
        if self.count is not None and self.pairs_per_photo is None:
            raise ValueError("a split cut by a grid of tiles has no count: it depends on the pictures")
        if self.draw is not None and self.draw > len(self.blurs):
            raise ValueError(f"`draw` is {self.draw}, and there are {len(self.blurs)} blurs to draw from")
        return self

    @property
    def shots_per_photo(self) -> int:
        """How many blurs each photo gets."""
        return self.draw or len(self.blurs)

    @property
    def pairs_per_photo(self) -> int | None:
        """How many pairs each photo gives; None where its size decides that."""
        tiles = self.tiles.per_picture if self.tiles else 1
        return None if tiles is None else self.shots_per_photo * tiles

    @property
    def share(self) -> str:
        """Which scenes it takes: `train`, `val` or `test`."""
        return share_of(self.name)


class Rules(Config):
    """What a method must keep to where it is ranked on this dataset."""

    max_parameters: Annotated[int, Field(ge=1)] | None = None


class Recipe(Config):
    """A whole recipe, as resolved.

    Attributes:
        format: in which the dataset lies on disk unless `--format` says otherwise.
        near_duplicates: photos whose 64-bit difference hashes differ in so many bits at most are one scene.
        rules: of its leaderboard.
        cameras: what blurs may name as their `camera`.
        keywords: what to look for where its photos are to be fetched, a folder for each.
    """

    schema_: Literal[1] = Field(alias="schema")
    name: RecipeName
    version: Annotated[int, Field(ge=1)]
    summary: str
    seed: Annotated[int, Field(ge=0, lt=1 << 63)]
    format: str = "png"
    near_duplicates: Annotated[int, Field(ge=0, le=15)] | None = None
    rules: Rules | None = None
    keywords: tuple[str, ...] = ()
    cameras: dict[str, dict[str, Any]] = Field(default_factory=dict)
    sources: Annotated[tuple[SourceTable, ...], Field(min_length=1)]
    splits: Annotated[tuple[SplitTable, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_names(self) -> Recipe:
        names = [split.name for split in self.splits]
        if len(set(names)) != len(names):
            raise ValueError("two splits have the same name")
        return self

    def split(self, name: str) -> SplitTable:
        """The split of this name. Raises DatasetError where there is none: then a manifest is of another recipe."""
        for split in self.splits:
            if split.name == name:
                return split
        raise DatasetError(f"{RECIPE} has no split {name}", "build the dataset again")

    def tables(self) -> dict[str, Any]:
        """The recipe as TOML tables: what `read_recipe` reads."""
        values = self.model_dump(mode="json", exclude_none=True, by_alias=True)
        values["sources"] = [_without_empty(table.pop("settings") | table) for table in values["sources"]]
        return _without_empty(values)

    def open_sources(self, photos: Path | None = None, file: str = "recipe.toml") -> list[Source]:
        """The sources, in order; `photos` becomes the `path` of each that has one. `file` is for error messages."""
        opened = []
        for i, table in enumerate(self.sources):
            source = source_from(_absolute(table.settings), file, f"sources.{i}")
            if photos is not None and takes_photos(source):
                settings = _absolute({**table.settings, "path": str(photos)})
                source = source_from(settings, file, f"sources.{i}")
            opened.append(source)
        return opened

    def open_blurs(self, split: SplitTable, file: str = "recipe.toml") -> list[Degradation]:
        """What happens to the sharp pictures of a split, in the order of its `blurs`."""
        place = f"splits.{self.splits.index(split)}.blurs"
        return [
            degradation_from(_absolute(values), file, f"{place}.{i}", self.cameras)
            for i, values in enumerate(split.blurs)
        ]


def _absolute(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings whose files are found from any working directory: workers of a cluster have another one."""
    made = dict(settings)
    for key, value in settings.items():
        if isinstance(value, dict):  # a blur within a blur
            made[key] = _absolute(value)
        elif key == "path" and isinstance(value, str) and value:
            made[key] = str(Path(value).absolute())
        elif key == "light" and isinstance(value, str) and value.removeprefix(CRF) not in ("", value):
            made[key] = f"{CRF}{Path(value.removeprefix(CRF)).absolute()}"
    return made


def _without_empty(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if value not in ({}, [])}


def takes_photos(source: Source) -> bool:
    """Whether `--photos` says where its pictures are."""
    return "path" in type(source).model_fields


def read_recipe(file: Path, settings: Sequence[str] = ()) -> Recipe:
    """Read a recipe file, put `key=value` settings in, and check every key, those of sources and blurs too.

    Raises: RecipeError naming `file:key`, UsageError for an unknown source, family or format.
    """
    recipe = parse(Recipe, override(read_toml(file), settings), str(file))
    recipe.open_sources(file=str(file))
    for name, table in recipe.cameras.items():
        parse(Camera, table, str(file), f"cameras.{name}")
    for split in recipe.splits:
        recipe.open_blurs(split, str(file))
    find_format(recipe.format)
    return recipe


def read_resolved(place: Place) -> Recipe:
    """The recipe of a built dataset. Raises RecipeError where it is missing or damaged."""
    file = f"{place}/{RECIPE}"
    try:
        return parse(Recipe, parse_toml(place.read_text(RECIPE), file), file)
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"cannot read {file}", str(error)) from error


def recipe_card(file: Path) -> str:
    """What a recipe's author says of it: the text of `card.md` beside it, empty where there is none."""
    card = file.parent / "card.md"
    return card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""


def published_id(file: Path) -> str | None:
    """The dataset id that a recipe's publisher got, from `checksums.toml` beside it; None where there is none."""
    checksums = file.parent / "checksums.toml"
    return parse(_Checksums, read_toml(checksums), str(checksums)).dataset_id if checksums.is_file() else None


class _Checksums(Config):
    dataset_id: str
