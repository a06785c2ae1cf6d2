"""`deblurbench leaderboard build`."""

from __future__ import annotations

from pathlib import Path

import click

from deblurbench.cli import options


@click.command("build")
@options.board
@options.common
def command(board: Path, quiet: bool) -> None:
    """Make the tables (CSV and Markdown) of all submissions on the board, and print them.

    Example: deblurbench leaderboard build --board leaderboard
    """
    from deblurbench.leaderboard.tables.build import build_tables

    for file in build_tables(board):
        click.echo(file.read_text(encoding="utf-8") if file.suffix == ".md" else file)
