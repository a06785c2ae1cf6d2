"""Submissions on disk: written by `leaderboard add`, read with all that can be checked of the file alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deblurbench.errors import DeblurbenchError
from deblurbench.files import canonical_json, read_json, safe_name, sha256_text, write_json, write_text
from deblurbench.leaderboard.scores import Scores, parse_scores_csv
from deblurbench.leaderboard.submission import INLINE, SCHEMA, Measured, Reported, adapter, means, sealed

SUBMISSIONS = "submissions"
SCORES_FILE = ".scores.csv"
"""What the name of the file ends with that holds many pictures."""

_STATUSES = ("rerun", "rescored", "reported")  # pydantic names the kind before the key
_LONGEST = 60  # characters of a method's name in that of its files


@dataclass(frozen=True)
class Entry:
    """A measured submission with its pictures, wherever they stand.

    Raises: ValueError where the mean or the hash of all predictions does not follow from the pictures.
    """

    submission: Measured
    scores: Scores

    def __post_init__(self) -> None:
        if self.submission.predictions_sha256 != self.scores.predictions_sha256():
            raise ValueError("predictions_sha256: not that of the pictures")
        if self.submission.mean != means(self.scores):
            raise ValueError("mean: not that of the pictures")


def new_entry(facts: Mapping[str, Any], scores: Scores) -> Entry:
    """The submission of some facts and pictures.

    Args:
        facts: of `Measured`, all but what follows from the pictures.

    Raises: ValidationError where a fact is not as it should be.
    """
    own: dict[str, Any] = {"mean": means(scores), "predictions_sha256": scores.predictions_sha256()}
    if len(scores) > INLINE:
        name = stem_of(str(facts["method"])) + SCORES_FILE
        own["scores_file"] = {"name": name, "sha256": sha256_text(scores.csv())}
    else:
        own["images"] = tuple(scores.images())
    return Entry(sealed({**facts, **own}), scores)


def stem_of(method: str) -> str:
    """What its files are called: as the method, where that can be told from the name; else with a part of its hash."""
    name = safe_name(method)
    return name if method.isascii() and len(method) <= _LONGEST else f"{name}-{sha256_text(method)[:8]}"


def file_of(board: Path, submission: Measured) -> Path:
    """Where a submission lies on a board."""
    return board / SUBMISSIONS / submission.track / f"{stem_of(submission.method)}.json"


def write_entry(board: Path, entry: Entry) -> Path:
    """Put a submission on a board, the file of its pictures first. Returns the JSON file."""
    file = file_of(board, entry.submission)
    file.parent.mkdir(parents=True, exist_ok=True)
    if entry.submission.scores_file:
        write_text(file.with_name(entry.submission.scores_file.name), entry.scores.csv())
    write_json(file, entry.submission.as_dict())
    return file


def read_submission(file: Path) -> Entry | Reported:
    """Read one submission. Raises DeblurbenchError naming the file, and the key that is wrong."""
    value = read_json(file)
    schema = value.get("submission_schema") if isinstance(value, dict) else None
    if schema != SCHEMA:
        hint = f"this program reads version {SCHEMA}: make it anew with `deblurbench leaderboard add`"
        raise DeblurbenchError(f"{file}: its submission_schema is {schema!r}", hint)
    try:
        submission = adapter().validate_json(canonical_json(value), strict=True)
        return submission if isinstance(submission, Reported) else Entry(submission, _scores(file, submission))
    except ValidationError as error:
        raise DeblurbenchError(f"{file}:{first_error(error)}", "is it a submission?") from None
    except ValueError as error:
        raise DeblurbenchError(f"{file}:{error}", "make it anew with `deblurbench leaderboard add`") from None


def _scores(file: Path, submission: Measured) -> Scores:
    """The pictures of a submission. Raises DeblurbenchError where their file is not the one that it names."""
    if not submission.scores_file:
        return Scores.of(submission.images)
    attached = file.with_name(submission.scores_file.name)
    try:
        text = attached.read_bytes().decode("utf-8")
    except OSError as error:
        raise DeblurbenchError(f"cannot read {attached}: {error.strerror}", f"{file.name} names it") from error
    except UnicodeDecodeError:
        text = ""
    if sha256_text(text) != submission.scores_file.sha256:
        raise DeblurbenchError(f"{attached} is not the file that {file.name} names", "its hash is another: restore it")
    return parse_scores_csv(text, str(attached))


def errors_of(error: ValidationError) -> list[tuple[str, str]]:
    """Each thing that is wrong: its key, and what."""
    return [
        (
            ".".join(str(part) for part in one["loc"] if part not in _STATUSES) or "(top)",
            one["msg"].removeprefix("Value error, "),
        )
        for one in error.errors(include_url=False, include_context=False)
    ]


def first_error(error: ValidationError) -> str:
    """The first thing that is wrong, as `key: what`."""
    return ": ".join(errors_of(error)[0])
