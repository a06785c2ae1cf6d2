"""Options that mean the same in every command."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from deblurbench.errors import UsageError
from deblurbench.files import check_target, make_folder, write_json

Function = TypeVar("Function", bound=Callable[..., Any])


def cores() -> int:
    """How many CPU cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1


def _debug_is_read_by_main(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    """`--debug` may stand anywhere; `main` looks for it itself."""


def check_file(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Say before the work, not after it, that a result cannot be written, or would take the place of another one."""
    if value is None or (value == "-" and parameter.name == "json_out"):
        return value
    option = parameter.opts[0]
    if value in ("", "-"):
        raise UsageError(f"{option} {value or repr(value)} names no file", "only --json - is for standard output")
    make_folder(Path(value).parent)
    check_target(Path(value))
    others = ctx.meta.setdefault(__name__, {})
    if (other := others.setdefault(Path(value).resolve(), option)) != option:
        raise UsageError(f"{other} and {option} name the same file, {value}", "give each one of its own")
    return value


def check_png(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """The same of a picture, which is a PNG whatever it is called: so it is called one."""
    if value not in (None, "", "-") and Path(str(value)).suffix.lower() != ".png":
        raise UsageError(f"{value} does not end in .png", f"{parameter.opts[0]} draws a PNG")
    return check_file(ctx, parameter, value)


debug = click.option(
    "--debug", is_flag=True, expose_value=False, callback=_debug_is_read_by_main, help="Show the traceback of an error."
)
quiet = click.option("--quiet", is_flag=True, help="Show no progress.")
workers = click.option(
    "--workers", type=click.IntRange(1, 4096), default=cores, show_default="all cores", help="How many work at once."
)
device = click.option("--device", default="auto", show_default=True, help="auto, cpu, or cuda[:N].")
limit = click.option("--limit", type=click.IntRange(min=1), help="Only the first N.")
seed = click.option("--seed", type=click.IntRange(min=0), help="The recipe's seed.")
overwrite = click.option("--overwrite", is_flag=True, help="Start anew instead of going on.")
replace = click.option("--overwrite", is_flag=True, help="Replace what is there already.")
settings = click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Override a key of the recipe.")
json_out = click.option(
    "--json",
    "json_out",
    metavar="FILE",
    callback=check_file,
    help="Write the result as JSON to FILE; - for standard output.",
)
board = click.option(
    "--board",
    type=click.Path(path_type=Path),
    default=Path("leaderboard"),
    show_default=True,
    help="The folder of the leaderboard.",
)
csv_out = click.option("--csv", "csv_out", metavar="FILE", callback=check_file, help="Write one row per picture.")


def common(function: Function) -> Function:
    """The options of every command: --quiet, --debug."""
    return quiet(debug(function))


def put_json(target: str, value: Any) -> None:
    """Write `value` to the file of `--json`, or print it where that is `-`."""
    if target == "-":
        click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        write_json(Path(target), value)
