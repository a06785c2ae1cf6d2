"""`deblurbench leaderboard new-track`."""

from __future__ import annotations

from pathlib import Path

import click

from deblurbench.cli import options


@click.command("new-track", short_help="Make a track of a dataset's test split.")
@click.argument("name", metavar="NAME")
@click.option("--data", required=True, metavar="DATASET", type=click.Path(path_type=Path), help="The dataset folder.")
@click.option("--split", metavar="NAME", help="A test split.  [default: the only one]")
@click.option("--protocol", metavar="ID", help="What scores it.  [default: gnr638-eval]")
@click.option("--title", metavar="TEXT", help="For people.  [default: DATASET, SPLIT]")
@click.option("--max-parameters", metavar="N", type=click.IntRange(min=0), help="A rule: no method has more.")
@click.option("--training-data", metavar="TEXT", help="A rule in words: what methods may be trained on.")
@options.board
@options.replace
@options.workers
@options.common
def command(
    name: str,
    data: Path,
    split: str | None,
    protocol: str | None,
    title: str | None,
    max_parameters: int | None,
    training_data: str | None,
    board: Path,
    overwrite: bool,
    workers: int,
    quiet: bool,
) -> None:
    """Make the track NAME of a test split: its pictures, the numbers of the blurred ones, and the rules.

    Prints the file of the track. Whatever an option does not say is, with --overwrite, as the old track has it.

    Example: deblurbench leaderboard new-track small --data data/starter --split test-g1.2 --max-parameters 1000000
    """
    from deblurbench.dataset.reader import open_dataset
    from deblurbench.leaderboard.track import write_track
    from deblurbench.leaderboard.tracks_of import Asked, new_track_of

    asked = Asked(name, split, protocol, title, max_parameters, training_data)
    dataset = open_dataset(data)
    track = new_track_of(board, dataset, asked, overwrite=overwrite, workers=workers, quiet=quiet)
    click.echo(write_track(board, track))
