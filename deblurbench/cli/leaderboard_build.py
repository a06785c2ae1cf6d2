"""`deblurbench leaderboard build`."""

from __future__ import annotations

from pathlib import Path

import click

from deblurbench.cli import options

_MOST = 20  # rows of a table that are printed


@click.command("build")
@options.board
@options.common
def command(board: Path, quiet: bool) -> None:
    """Make the tables of a board (CSV, JSON, Markdown, LaTeX), and print them: the first 20 rows of each.

    Example: deblurbench leaderboard build --board leaderboard
    """
    from deblurbench.leaderboard.tables.build import by_dataset, read_standings, write_tables
    from deblurbench.leaderboard.tables.markdown import markdown

    standings = read_standings(board)
    files = write_tables(board, standings)
    for dataset, of in by_dataset(standings):
        click.echo(markdown(dataset, of, _MOST))
    for file in files:
        click.echo(file)
