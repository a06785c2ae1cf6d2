"""Frozen, typed settings read from TOML; an unknown key is refused by name.

A settings class derives from `Config`. Values are not converted: a string is no number, `true` is no 1.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from deblurbench.errors import RecipeError, UsageError, nearest
from deblurbench.files import canonical_json, sha256_text


class Config(BaseModel):
    """Base of all settings: frozen, no unknown keys, no conversions, no infinities."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as JSON and TOML can hold them; what is None is left out."""
        return self.model_dump(mode="json", exclude_none=True)

    def hash(self) -> str:
        """Hex SHA-256 of the canonical JSON of these settings."""
        return sha256_text(canonical_json(self.as_dict()))


AnyConfig = TypeVar("AnyConfig", bound=Config)


def _check_size(text: str) -> str:
    width, x, height = text.partition("x")
    if not (x and width.isdecimal() and height.isdecimal() and 0 < int(width) < 65536 and 0 < int(height) < 65536):
        raise ValueError("a size is WIDTHxHEIGHT in pixels, such as 448x256")
    return text


Size = Annotated[str, AfterValidator(_check_size)]
"""A picture size written as WIDTHxHEIGHT, in pixels; `height_width` reads it."""


def height_width(size: str) -> tuple[int, int]:
    """(height, width) of a `Size`: numpy's order."""
    width, _, height = size.partition("x")
    return int(height), int(width)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises RecipeError that names the file and the line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RecipeError(f"cannot read {path}", error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path} is not valid TOML", str(error)) from error
    return parse_toml(text, str(path))


def parse_toml(text: str, file: str) -> dict[str, Any]:
    """The tables of a TOML text. Raises RecipeError that names `file` and the line."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # syntax, or too deep
        raise RecipeError(f"{file} is not valid TOML", str(error)) from error


def parse(model: type[AnyConfig], data: Mapping[str, Any], file: str, table: str = "") -> AnyConfig:
    """`data`, which is the table `table` of `file`, as a `model`.

    Raises: RecipeError naming the first wrong key as `file:table.key`.
    """
    try:
        # JSON mode is strict about scalars, yet takes TOML's arrays for tuples.
        return model.model_validate_json(json.dumps(data, default=str), strict=True)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False)
        errors.sort(key=lambda e: e["type"] != "extra_forbidden")  # a mistyped key is missing, too: say the cause
        lines = [_explain(model, dict(e)) for e in errors]
        more = f" (and {len(lines) - 1} more wrong keys)" if len(lines) > 1 else ""
        key, what = lines[0]
        raise RecipeError(f"{file}:{table}{'.' if table else ''}{key}", what + more) from None


def _explain(model: type[Config], error: Mapping[str, Any]) -> tuple[str, str]:
    key = ".".join(str(part) for part in error["loc"]) or "(top)"
    if error["type"] == "extra_forbidden":
        return key, f"unknown key, {nearest(str(error['loc'][-1]), _fields(model, error['loc'][:-1]))}"
    if error["type"] == "missing":
        return key, "this key is missing"
    text = str(error["msg"]).removeprefix("Value error, ")
    got = "" if isinstance(error["input"], dict) else f" (got {str(error['input'])[:60]!r})"
    return key, f"{text[:1].lower()}{text[1:]}{got}"


def _fields(model: Any, path: Iterable[Any]) -> list[str]:
    """The keys that the table at `path` below `model` may have."""
    for part in path:
        if isinstance(part, str) and part in getattr(model, "model_fields", {}):
            model = model.model_fields[part].annotation
        while not isinstance(model, type) or not hasattr(model, "model_fields"):
            inner = [a for a in get_args(model) if a is not type(None) and a is not str and a is not ...]
            if not inner:
                return []
            model = inner[-1]  # of tuple[X, ...], dict[str, X] and X | None: X
    return [field.alias or name for name, field in model.model_fields.items()]


def override(data: Mapping[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """A copy of `data` with each `key.sub=value` of `settings` put in; values are TOML, or else text.

    A number in a key picks an element of an array: `sources.0.count=12`.
    """
    result: dict[str, Any] = json.loads(json.dumps(data, default=str))
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set {setting}", "write it as key=value, for instance --set seed=7")
        *path, last = key.strip().split(".")
        table: Any = result
        try:
            for part in path:
                table = table[int(part)] if isinstance(table, list) else table.setdefault(part, {})
            if isinstance(table, list):
                table[int(last)] = _value(text)
            else:
                table[last] = _value(text)
        except (TypeError, ValueError, IndexError, AttributeError) as error:
            raise UsageError(f"--set {setting}", f"the recipe has no place for {key.strip()}") from error
    return result


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
