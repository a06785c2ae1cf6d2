"""`deblurbench list`."""

from __future__ import annotations

from typing import Any

import click

from deblurbench.cli import options
from deblurbench.plugins import KINDS


@click.command("list", short_help="List baselines, datasets, blurs, protocols or sources.")
@click.argument("kind", type=click.Choice(KINDS))
@options.json_out
@options.common
def command(kind: str, json_out: str | None, quiet: bool) -> None:
    """List what there is of a KIND, with its version and the package it comes from.

    Example: deblurbench list baselines --json -
    """
    rows = _rows(kind)
    if json_out:
        options.put_json(json_out, rows)
    if json_out != "-":
        columns = list(rows[0]) if rows else []
        cells = [columns, *([_cell(row[column]) for column in columns] for row in rows)]
        widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
        for line in cells:
            click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _rows(kind: str) -> list[dict[str, Any]]:
    from deblurbench import plugins
    from deblurbench.paths import find_recipes

    if kind == "datasets":
        return [{"name": r.name, "version": r.version, "origin": r.origin} for _, r in sorted(find_recipes().items())]
    more = {"baselines": _baseline, "protocols": _protocol}.get(kind, lambda of: {})
    return [
        {"name": name, "version": plugin.version, "origin": plugin.origin, **columns}
        for name, (plugin, columns) in plugins.load_all(kind, more).items()
    ]


def _baseline(of: Any) -> dict[str, Any]:
    counts = {"parameters": of.parameters, "trainable": of.trainable}
    return {**counts, "presets": list(of.presets), "summary": of.summary}


def _protocol(of: Any) -> dict[str, Any]:
    return {"id": of.id, "summary": of.summary}
