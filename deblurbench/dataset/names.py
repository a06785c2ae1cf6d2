"""The names that become parts of paths, and the hashes: checked wherever a file brings them in."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

SPLIT_NAME = re.compile(r"train|val|test(-[A-Za-z0-9._]+)?")


def _check_split(name: str) -> str:
    if len(name) > 100 or not SPLIT_NAME.fullmatch(name):
        raise ValueError("a split is train, val, test or test-LABEL")
    return name


SplitName = Annotated[str, AfterValidator(_check_split)]
RecipeName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=100)]
PairId = Annotated[str, Field(pattern=r"^[a-z]+(-[A-Za-z0-9._]+)?/[A-Za-z0-9_-][A-Za-z0-9._-]*$", max_length=250)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def share_of(split: str) -> str:
    """Which scenes a split takes: `train`, `val` or `test`."""
    return split.partition("-")[0]


def valid_text(text: str) -> str:
    """The text as UTF-8 can hold it: the bytes of a file name in another encoding become escapes."""
    return text.encode("utf-8", errors="backslashreplace").decode("utf-8")
