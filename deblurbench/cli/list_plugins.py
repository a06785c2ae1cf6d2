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
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _rows(kind: str) -> list[dict[str, Any]]:
    from deblurbench import plugins
    from deblurbench.paths import find_recipes

    if kind == "datasets":
        return [{"name": r.name, "version": r.version, "origin": r.origin} for _, r in sorted(find_recipes().items())]
    rows = []
    for name, (plugin, loaded) in plugins.load_all(kind).items():
        row: dict[str, Any] = {"name": name, "version": plugin.version, "origin": plugin.origin}
        if kind == "baselines":
            row |= {
                "parameters": loaded.parameters,
                "trainable": loaded.trainable,
                "presets": ", ".join(loaded.presets),
            }
            row["summary"] = loaded.summary
        elif kind == "protocols":
            row |= {"id": loaded.id, "summary": loaded.summary}
        rows.append(row)
    return rows
