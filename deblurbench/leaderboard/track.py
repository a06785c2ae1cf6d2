"""A track: the pictures of a test split, the protocol that scores them, and the rules of taking part."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from operator import lt
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import Field, model_validator

from deblurbench.config import Config, parse, read_toml
from deblurbench.dataset.names import RecipeName, Sha256, SplitName, share_of
from deblurbench.errors import DeblurbenchError, RecipeError, UsageError, nearest
from deblurbench.files import csv_text, make_folder, sha256_text, write_text
from deblurbench.leaderboard.scores import mean_of_all, to_value
from deblurbench.leaderboard.submission import Line, Means, ProtocolId, TrackName
from deblurbench.runs.picture_facts import PictureFacts
from deblurbench.runs.record import Count

TRACKS = "tracks"
PICTURES_FILE = ".pictures.csv"
"""What the name of the file ends with that holds a track's pictures."""

BLURRED = "blurred (identity)"
"""What tables call the row of the blurred pictures: no method has this name."""

MOST_DB = 150.0
"""No finite PSNR of pictures is higher: one level in one sample of a hundred megapixels is 133 dB."""

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}")
_HASH = re.compile(r"[0-9a-f]{64}")


class Rules(Config):
    """What a submission has to keep to. `training_data`: in words; nobody can check it."""

    max_parameters: Count | None = None
    training_data: Line = ""


class TrackFile(Config):
    """`tracks/NAME.toml`.

    Attributes:
        title, about: for people; `about` is a paragraph.
        dataset, split: what is restored.
        dataset_version, dataset_id, protocol, pictures_sha256: what is measured, and the SHA-256 of
            `tracks/NAME.pictures.csv`. All of them, or none where a track has reported numbers alone.
        reported: what the tables in `reported/` call this benchmark.
    """

    track_schema: Literal[1] = 1
    title: Annotated[Line, Field(min_length=1)]
    about: Annotated[str, Field(max_length=2000)] = ""
    dataset: RecipeName
    split: SplitName = "test"
    dataset_version: int | None = None
    dataset_id: Sha256 | None = None
    protocol: ProtocolId | None = None
    pictures_sha256: Sha256 | None = None
    rules: Rules = Rules()
    reported: tuple[Line, ...] = ()

    @model_validator(mode="after")
    def _check_measured(self) -> Self:
        facts = (self.dataset_version, self.dataset_id, self.protocol, self.pictures_sha256)
        if None in facts and facts != (None,) * len(facts):
            raise ValueError("dataset_version, dataset_id, protocol and pictures_sha256 belong together")
        if self.dataset_id is not None and share_of(self.split) != "test":
            raise ValueError(f"only a test split is measured, not {self.split}")
        return self


@dataclass(frozen=True)
class TrackPicture:
    """One picture of a track: what its dataset says of it, and the numbers of the blurred picture.

    `blurred_psnr_db` may be infinite; `blurred_ssim` is None where it is not defined.
    """

    facts: PictureFacts
    blurred_psnr_db: float
    blurred_ssim: float | None


@dataclass(frozen=True)
class Track:
    """A track with its pictures, sorted by name; none of a track that has reported numbers alone."""

    name: str
    file: TrackFile
    pictures: Sequence[TrackPicture] = ()

    @property
    def is_measured(self) -> bool:
        """Whether it takes submissions that were measured."""
        return self.file.dataset_id is not None

    @property
    def facts(self) -> dict[str, Any]:
        """What a submission to it says of it, as `Measured` has it."""
        keys = ("dataset", "dataset_version", "dataset_id", "split", "protocol")
        return {"track": self.name, **{key: getattr(self.file, key) for key in keys}}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the pictures."""
        return tuple(picture.facts.name for picture in self.pictures)

    @cached_property
    def scenes(self) -> tuple[str, ...]:
        """Of the pictures."""
        return tuple(picture.facts.scene for picture in self.pictures)

    @cached_property
    def blurred(self) -> Means:
        """Of the blurred pictures."""
        psnr = mean_of_all([picture.blurred_psnr_db for picture in self.pictures])
        return Means(psnr_db=to_value(psnr or 0.0), ssim=mean_of_all([p.blurred_ssim for p in self.pictures]))


_COLUMNS = [field.name for field in fields(PictureFacts) if field.name != "split"]
_HEADER = [*_COLUMNS, "blurred_psnr_db", "blurred_ssim"]


def new_track(name: str, file: TrackFile, pictures: Sequence[TrackPicture]) -> Track:
    """A track of some pictures: `file` without their hash."""
    ordered = tuple(sorted(pictures, key=lambda picture: picture.facts.name))
    digest = sha256_text(_pictures_csv(ordered))
    return Track(name, TrackFile.model_validate({**dict(file), "pictures_sha256": digest}), ordered)


def write_track(board: Path, track: Track) -> Path:
    """Put a track on a board, the file of its pictures first. Returns the TOML file."""
    folder = make_folder(board / TRACKS)
    if track.is_measured:
        write_text(folder / f"{track.name}{PICTURES_FILE}", _pictures_csv(track.pictures))
    file = folder / f"{track.name}.toml"
    write_text(file, tomli_w.dumps(_said(track.file.as_dict())))
    return file


def _said(table: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a table that hold anything."""
    plain = {key: _said(value) if isinstance(value, dict) else value for key, value in table.items()}
    return {key: value for key, value in plain.items() if value not in ({}, [], "")}


def _pictures_csv(pictures: Sequence[TrackPicture]) -> str:
    facts = ([getattr(picture.facts, column) for column in _COLUMNS] for picture in pictures)
    return csv_text(_HEADER, ([*of, p.blurred_psnr_db, p.blurred_ssim] for of, p in zip(facts, pictures, strict=True)))


def read_tracks(board: Path) -> dict[str, Track]:
    """All tracks of a board, by name. Raises DeblurbenchError naming a file that is wrong."""
    files = sorted((board / TRACKS).glob("*.toml"))
    return {file.stem: read_track(board, file.stem) for file in files}


def read_track(board: Path, name: str) -> Track:
    """One track of a board.

    Raises: UsageError where there is none of this name, RecipeError for a wrong key, DeblurbenchError where the file
        of its pictures is not the one that it names.
    """
    path = board / TRACKS / f"{name}.toml"
    if not path.is_file():
        known = [file.stem for file in (board / TRACKS).glob("*.toml")]
        raise UsageError(f"no track {name!r} on the board {board}", nearest(name, known))
    check_track_name(name)
    file = parse(TrackFile, read_toml(path), str(path))
    if file.pictures_sha256 is None:
        return Track(name, file)
    pictures = path.with_name(f"{name}{PICTURES_FILE}")
    try:
        text = pictures.read_bytes().decode("utf-8")
        if sha256_text(text) != file.pictures_sha256:
            raise ValueError("its hash is another than its track says")
        return Track(name, file, _parse_pictures(text, file.split))
    except OSError as error:
        raise DeblurbenchError(f"cannot read {pictures}: {error.strerror}", "restore it") from error
    except (ValueError, TypeError, KeyError, csv.Error) as error:
        raise DeblurbenchError(f"{pictures} is damaged: {error}", "restore it") from error


def no_track(name: str, known: Iterable[str]) -> UsageError:
    """What is said of a track that is not on the board, whose tracks are `known`."""
    hint = f"`deblurbench leaderboard new-track` makes one; {nearest(name, known)}"
    return UsageError(f"no track {name!r} on the board", hint)


class _Name(Config):
    name: TrackName


def check_track_name(name: str) -> None:
    """Raise UsageError where no track can have this name."""
    try:
        parse(_Name, {"name": name}, "")
    except RecipeError as error:
        hint = "it begins with a small letter or a digit and has letters, digits, `.`, `_`, `-`: starter.test-g1.2"
        raise UsageError(f"{name!r} is no name of a track", hint) from error


def _parse_pictures(text: str, split: str) -> tuple[TrackPicture, ...]:
    """Raises ValueError, TypeError, KeyError or csv.Error where it is not such a table."""
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    pictures = tuple(_picture(row, split) for row in rows)
    names = [picture.facts.name for picture in pictures]
    if not names:
        raise ValueError("it has no pictures")
    if not all(map(lt, names, names[1:])):
        raise ValueError("the pictures have to be sorted by name, each there once")
    if text != _pictures_csv(pictures):
        raise ValueError("it is not as `leaderboard new-track` writes it, such as with full digits")
    return pictures


def _picture(row: dict[str, Any], split: str) -> TrackPicture:
    psnr, ssim = row.pop("blurred_psnr_db"), row.pop("blurred_ssim")
    picture = TrackPicture(PictureFacts(split=split, **row), float(psnr), float(ssim) if ssim else None)
    if not _can_be(picture):
        raise ValueError(f"a name, a hash or a number is none, such as of {picture.facts.name[:80]!r}")
    return picture


def _can_be(picture: TrackPicture) -> bool:
    facts, psnr, ssim = picture.facts, picture.blurred_psnr_db, picture.blurred_ssim
    return (
        bool(_NAME.fullmatch(facts.name) and _HASH.fullmatch(facts.sharp_sha256) and _HASH.fullmatch(facts.blur_sha256))
        and all(text.isprintable() for text in (facts.scene, facts.family, facts.severity))
        and (0 <= psnr <= MOST_DB or psnr == math.inf)  # not of NaN, either
        and (ssim is None or abs(ssim) <= 1 + 1e-6)
    )
