"""`deblurbench leaderboard`."""

from __future__ import annotations

import click

from deblurbench.cli import (
    leaderboard_add,
    leaderboard_build,
    leaderboard_check,
    leaderboard_new_track,
    leaderboard_serve,
)


@click.group("leaderboard", short_help="Keep a leaderboard.")
def command() -> None:
    """Keep a leaderboard: submissions as JSON files, tables made of them.

    Example: deblurbench leaderboard add runs/wiener-starter && deblurbench leaderboard build
    """


for _part in (leaderboard_add, leaderboard_check, leaderboard_build, leaderboard_serve, leaderboard_new_track):
    command.add_command(_part.command)
