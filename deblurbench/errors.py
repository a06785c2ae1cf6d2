"""What can go wrong, said for people.

    DeblurbenchError            exit 1: the work failed
    |-- UsageError              exit 2: the command line, a recipe or a name is wrong
    |   `-- RecipeError         a key of a TOML file, named as file:key
    |-- PictureError            a picture that cannot be read, or is not what it should be
    |-- DatasetError            a dataset folder that is unfinished, damaged or of another recipe
    |-- FetchError              a site that does not give what it was asked for, or may not be asked
    |-- RunError                a run that cannot be continued
    `-- InterruptError          exit 130: somebody stopped it

Each carries one line that says what and where, and a hint that says what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from functools import partial


class DeblurbenchError(Exception):
    """The work failed. `message`: what and where; `hint`: what to do about it."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)  # both, so that it pickles back from a worker process
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}: {self.hint}" if self.hint else self.message


class UsageError(DeblurbenchError):
    """The command line, a recipe or a name is wrong."""

    exit_code = 2


class RecipeError(UsageError):
    """A key of a TOML file is unknown, missing or has a value that it cannot have."""


class PictureError(DeblurbenchError):
    """A picture cannot be read, or is not of the kind that is needed."""


class DatasetError(DeblurbenchError):
    """A dataset folder is unfinished, damaged, or belongs to another recipe."""


class FetchError(DeblurbenchError):
    """A site does not give what it was asked for, or may not be asked.

    `kind`: one of a few short words, for reports (`http-404`, `robots`, `timeout`, ...); `passing`: whether asking
    again later may well succeed.
    """

    def __init__(self, message: str, hint: str = "", *, kind: str, passing: bool = False) -> None:
        super().__init__(message, hint)
        self.kind = kind
        self.passing = passing

    def __reduce__(self) -> tuple[Callable[..., FetchError], tuple[str, str]]:
        return partial(FetchError, kind=self.kind, passing=self.passing), (self.message, self.hint)


class RunError(DeblurbenchError):
    """A run folder cannot be used or continued."""


class InterruptError(DeblurbenchError):
    """Somebody stopped the work, and another command than the same one goes on with it."""

    exit_code = 130


def one_line(text: str) -> str:
    """A text that holds names of anybody's files, for a terminal: what would steer it is shown as in Python's strings.

    Line ends, escape sequences, marks that turn the direction of writing, and bytes that are no UTF-8.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence that names what was probably meant: the nearest known name, or all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(names)}" if names else "none is known here"


def listed(names: Sequence[str], most: int = 3, between: str = ", ") -> str:
    """`a, b, c and 4 more`."""
    return between.join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
