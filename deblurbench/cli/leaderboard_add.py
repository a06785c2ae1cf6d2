"""`deblurbench leaderboard add`."""

from __future__ import annotations

from pathlib import Path

import click

from deblurbench.cli import options


@click.command("add")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.board
@options.overwrite
@options.common
def command(runs: tuple[Path, ...], board: Path, overwrite: bool, quiet: bool) -> None:
    """Put the results of finished run folders on the board: one submission per test split.

    \b
    Example: deblurbench leaderboard add runs/wiener-starter runs/unet-demo-starter
    """
    from deblurbench.leaderboard.board import add
    from deblurbench.leaderboard.from_run import from_run
    from deblurbench.leaderboard.track import read_tracks, write_track

    there = read_tracks(board)
    tracks, entries = dict(there), []
    for run in runs:
        for track, entry in from_run(run, tracks):
            tracks[track.name] = track
            entries.append(entry)
    for name in tracks.keys() - there.keys():
        write_track(board, tracks[name])
    for file in add(board, entries, overwrite=overwrite):
        click.echo(file)
