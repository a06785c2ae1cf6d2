"""`deblurbench list`."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import click

from deblurbench.cli import options
from deblurbench.cli.explain_protocol import explain_protocol, notes
from deblurbench.errors import UsageError
from deblurbench.grid import grid
from deblurbench.plugins import KINDS

_WIDTH = 110  # characters of a summary in a table; JSON has it whole


@click.command("list", short_help="List baselines, datasets, blurs, protocols or sources.")
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--explain", metavar="ID", help="Of protocols: the exact recipe of one.")
@options.json_out
@options.common
def command(kind: str, explain: str | None, json_out: str | None, quiet: bool) -> None:
    """List what there is of a KIND, with its version, the package it comes from, and what it is.

    Of datasets, `photos` says what `build-dataset --photos DIR` must name: a folder of photos, of frames, or a
    published dataset. Of protocols, --explain ID prints how one turns files into numbers, and who publishes with it.

    Example: deblurbench list protocols --explain gnr638-eval
    """
    if explain is not None:
        if kind != "protocols":
            raise UsageError("only protocols have a recipe to explain", "deblurbench list protocols --explain ID")
        explain_protocol(explain, json_out)
        return
    rows = _rows(kind)
    if json_out:
        options.put_json(json_out, rows)
    if json_out != "-":
        columns = list(rows[0]) if rows else []
        cells = [columns, *([_cell(row[column]) for column in columns] for row in rows)]
        click.echo(grid(cells, left=range(len(columns))))


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "-"
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else textwrap.shorten(str(value), _WIDTH, placeholder=" ...")


def _rows(kind: str) -> list[dict[str, Any]]:
    from deblurbench import plugins
    from deblurbench.paths import find_recipes

    if kind == "datasets":
        return [
            {"name": r.name, "version": r.version, "origin": r.origin, **_dataset(r.file)}
            for _, r in sorted(find_recipes().items())
        ]
    more = {"baselines": _baseline, "protocols": _protocol, "sources": _source}.get(kind, _class)
    return [
        {"name": name, "version": plugin.version, "origin": plugin.origin, **columns}
        for name, (plugin, columns) in plugins.load_all(kind, more).items()
    ]


def _baseline(of: Any) -> dict[str, Any]:
    counts = {"parameters": of.parameters, "trainable": of.trainable}
    return {**counts, "presets": list(of.presets), "summary": of.summary}


def _protocol(of: Any) -> dict[str, Any]:
    return {"id": of.id, "metrics": [metric.name for metric in of.metrics], "notes": notes(of), "summary": of.summary}


def _class(of: Any) -> dict[str, Any]:
    """Of a blur or a source: the first sentence of what its class says of itself."""
    lines = (of.__doc__ or "").strip().splitlines()
    return {"summary": lines[0].strip().removesuffix(".") if lines else ""}


def _source(of: Any) -> dict[str, Any]:
    """Whether a recipe names a source, or `deblurbench fetch` does; and what it is."""
    from deblurbench.sources.online import OnlineSource

    return {"for": "fetch" if issubclass(of, OnlineSource) else "recipes", **_class(of)}


def _dataset(recipe: Path) -> dict[str, Any]:
    """What a recipe takes and is. A recipe that cannot be read says so here and does not hide the others."""
    from deblurbench.config import read_toml
    from deblurbench.errors import DeblurbenchError

    try:
        tables = read_toml(recipe)
        return {"photos": _photos(tables["sources"]), "summary": " ".join(tables["summary"].split())}
    except (DeblurbenchError, KeyError, TypeError, AttributeError) as error:
        reason = str(error) if isinstance(error, DeblurbenchError) else f"{recipe} is no recipe"
        return {"photos": None, "summary": f"broken: {reason}"}


def _photos(sources: list[dict[str, Any]]) -> str | None:
    """What `--photos` must name: the layout of a published dataset, or the kind of source; None for nothing."""
    from deblurbench import plugins

    for table in sources:
        if "path" in getattr(plugins.load("sources", table["source"]), "model_fields", ()):
            return str(table.get("layout", table["source"]))
    return None
