"""`deblurbench leaderboard`."""

from __future__ import annotations

from pathlib import Path

import click

from deblurbench.cli import options

_board = click.option(
    "--board",
    type=click.Path(path_type=Path),
    default=Path("leaderboard"),
    show_default=True,
    help="The folder that holds submissions/ and tables/.",
)


@click.group("leaderboard", short_help="Keep a leaderboard.")
def command() -> None:
    """Keep a leaderboard: submissions as JSON files, tables made of them.

    Example: deblurbench leaderboard add runs/wiener-starter && deblurbench leaderboard build
    """


@command.command("add")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@_board
@options.overwrite
@options.common
def add_command(runs: tuple[Path, ...], board: Path, overwrite: bool, quiet: bool) -> None:
    """Put the results of finished run folders on the board: one submission per test split.

    \b
    Example: deblurbench leaderboard add runs/wiener-starter runs/unet-demo-starter
    """
    from deblurbench.files import make_folder
    from deblurbench.leaderboard.submission import add, from_run

    submissions = [submission for run in runs for submission in from_run(run)]
    make_folder(board)
    for file in add(board, submissions, overwrite=overwrite):
        click.echo(file)


@command.command("build")
@_board
@options.common
def build_command(board: Path, quiet: bool) -> None:
    """Make the tables (CSV and Markdown) of all submissions on the board, and print them.

    Example: deblurbench leaderboard build --board leaderboard
    """
    from deblurbench.leaderboard.table import build_tables

    for file in build_tables(board):
        click.echo(file.read_text(encoding="utf-8") if file.suffix == ".md" else file)
