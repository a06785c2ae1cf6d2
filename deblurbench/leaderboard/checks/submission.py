"""One submission file, with all that is wrong with it: where `read_submission` stops, this goes on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deblurbench.errors import DeblurbenchError
from deblurbench.files import canonical_json, parse_json, sha256_text
from deblurbench.leaderboard.scores import Scores, parse_scores_csv
from deblurbench.leaderboard.submission import (
    INLINE,
    SCHEMA,
    UNSEALED,
    Measured,
    Reported,
    adapter,
    facts_hash,
    means,
)
from deblurbench.leaderboard.submission_file import SCORES_FILE, errors_of, stem_of

_MOST_BYTES = 64_000_000  # a submission has at most 100 pictures, its scores file perhaps 100,000
_MOST_ERRORS = 20


@dataclass(frozen=True)
class Examined:
    """A submission file, and what is wrong with it.

    Attributes:
        file: where it lies.
        submission: None where it is reported, or cannot be read as a submission.
        scores: None where the pictures are damaged.
        problems: a line each, which begins with the key where there is one.
    """

    file: Path
    submission: Measured | None = None
    reported: Reported | None = None
    scores: Scores | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def method(self) -> str:
        """Its name; that of the file where it cannot be read."""
        known = self.submission or self.reported
        return known.method if known else self.file.stem

    @property
    def track(self) -> str:
        """The name of its track; that of its folder where it cannot be read."""
        known = self.submission or self.reported
        return known.track if known else self.file.parent.name


def examine(file: Path) -> Examined:
    """Read a submission file. It never fails: what is wrong stands in `problems`."""
    text = read_plain(file)
    if isinstance(text, Problem):
        return Examined(file, problems=[text.what])
    try:
        value = parse_json(text)
        twice = list(_twice(text))
    except ValueError as error:
        return Examined(file, problems=[f"it is no JSON: {error}"])
    problems = [f"{key}: it stands there twice" for key in twice]
    schema = value.get("submission_schema") if isinstance(value, dict) else None
    if schema != SCHEMA or isinstance(schema, bool):
        return Examined(file, problems=[*problems, f"submission_schema: this program knows {SCHEMA}, not {schema!r}"])
    try:
        submission = adapter().validate_json(canonical_json(value), strict=True, context=UNSEALED)
    except ValidationError as error:
        return Examined(file, problems=[*problems, *all_errors(error)])
    problems += [
        f"method: the file of {submission.method!r} is called {named}" for named in _other_name(file, submission)
    ]
    if isinstance(submission, Reported):
        return Examined(file, reported=submission, problems=problems)
    if submission.facts_sha256 != facts_hash(submission):
        problems.append("facts_sha256: it was edited: this is not the hash of the rest")
    scores = _scores(file, submission, problems)
    if scores is not None:
        problems += _what_does_not_follow(submission, scores)
    return Examined(file, submission, None, scores, problems)


@dataclass(frozen=True)
class Problem:
    """Why a file cannot be read."""

    what: str


def read_plain(file: Path) -> str | Problem:
    """The text of an ordinary file of UTF-8: no link, nothing huge."""
    try:
        if file.is_symlink() or not file.is_file():
            return Problem("it is no ordinary file")
        if file.stat().st_size > _MOST_BYTES:
            return Problem(f"it is larger than {_MOST_BYTES:,} bytes")
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return Problem("it is not UTF-8")
    except OSError as error:
        return Problem(f"it cannot be read: {error.strerror}")


def all_errors(error: ValidationError) -> Iterator[str]:
    """Each thing that a schema does not allow, as `key: what`."""
    errors = errors_of(error)
    for key, what in errors[:_MOST_ERRORS]:
        yield f"{key[:200]}: {what}"
    if len(errors) > _MOST_ERRORS:
        yield f"(and {len(errors) - _MOST_ERRORS} more)"


def _twice(text: str) -> Iterable[str]:
    """The keys that an object of a JSON text has twice: a reader sees one value, a program another."""
    found: dict[str, None] = {}

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        known = dict(items)
        if len(known) < len(items):
            counts = Counter(name for name, _ in items)
            found.update({name: None for name, count in counts.items() if count > 1})
        return known

    json.loads(text, object_pairs_hook=pairs)
    return found


def _other_name(file: Path, submission: Measured | Reported) -> Iterator[str]:
    expected = f"{stem_of(submission.method)}.json"
    if file.name != expected:
        yield expected


def _scores(file: Path, submission: Measured, problems: list[str]) -> Scores | None:
    """Its pictures; None, and a problem more, where they are damaged."""
    try:
        if submission.scores_file is None:
            return Scores.of(submission.images)
        expected = f"{file.stem}{SCORES_FILE}"
        if submission.scores_file.name != expected:
            problems.append(f"scores_file.name: the scores of {file.name} stand in {expected}")
            return None
        text = read_plain(file.with_name(expected))
        if isinstance(text, Problem):
            problems.append(f"scores_file: {expected}: {text.what}")
            return None
        if sha256_text(text) != submission.scores_file.sha256:
            problems.append(f"scores_file.sha256: it is not the hash of {expected}")
        scores = parse_scores_csv(text, expected)
        if scores.csv() != text:
            problems.append(f"scores_file: {expected} is not as `leaderboard add` writes it, such as with full digits")
        if len(scores) <= INLINE:
            problems.append(f"scores_file: up to {INLINE} pictures stand in the submission itself")
        return scores
    except DeblurbenchError as error:
        problems.append(f"scores_file: {error.message}")
    except ValueError as error:
        problems.append(f"images: {error}")
    return None


def _what_does_not_follow(submission: Measured, scores: Scores) -> Iterator[str]:
    expected = means(scores)
    for key in ("psnr_db", "ssim"):
        ours, theirs = getattr(submission.mean, key), getattr(expected, key)
        if ours != theirs:
            yield f"mean.{key}: {ours} is not the mean of the pictures, {theirs}"
    if submission.predictions_sha256 != scores.predictions_sha256():
        yield "predictions_sha256: it does not follow from the hashes of the pictures"
