"""`deblurbench leaderboard`."""

from __future__ import annotations

import click

from deblurbench.cli import leaderboard_add, leaderboard_build


@click.group("leaderboard", short_help="Keep a leaderboard.")
def command() -> None:
    """Keep a leaderboard: submissions as JSON files, tables made of them.

    Example: deblurbench leaderboard add runs/wiener-starter && deblurbench leaderboard build
    """


for _part in (leaderboard_add, leaderboard_build):
    command.add_command(_part.command)
