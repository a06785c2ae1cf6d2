"""`deblurbench leaderboard add`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deblurbench.cli import options

if TYPE_CHECKING:
    from deblurbench.leaderboard.card import Card

_PATH = click.Path(path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("add", short_help="Put results on the board.")
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True, type=_PATH)
@options.board
@click.option("--track", metavar="NAME", help="The track.  [default: DATASET.SPLIT, of each test split]")
@click.option("--method", metavar="NAME", help="The name that tables show.  [default: the card's, or the run's]")
@click.option("--card", "card_file", metavar="FILE", type=_FILE, help="What you say of the method, as TOML.")
@click.option("--sharp", metavar="DIR", type=_PATH, help="A dataset, a split of one, or the track's sharp pictures.")
@click.option("--weights", metavar="FILE", type=_FILE, help="The file of weights: its hash is noted.")
@click.option("--parameters", type=click.IntRange(min=0), help="How many the method has; 0 without a network.")
@click.option("--told", is_flag=True, help="The method was told each picture's kernel: it is a ceiling, and no rival.")
@options.replace
@options.workers
@options.common
def command(
    sources: tuple[Path, ...],
    board: Path,
    track: str | None,
    method: str | None,
    card_file: Path | None,
    sharp: Path | None,
    weights: Path | None,
    parameters: int | None,
    told: bool,
    overwrite: bool,
    workers: int,
    quiet: bool,
) -> None:
    """Put results on the board: one submission per track.

    A SOURCE is a finished run folder; or a folder of predictions, which are scored against --sharp under the track's
    protocol. A track that is not there yet is made of the dataset. Prints the files that it wrote.

    \b
    Example: deblurbench leaderboard add runs/wiener-starter runs/unet-demo-starter
             deblurbench leaderboard add preds/ --sharp data/starter/test-g1.2 --method mine --card card.toml
    """
    from deblurbench.files import sha256_file
    from deblurbench.leaderboard.add import add_sources
    from deblurbench.leaderboard.card import Wishes

    card = _card(card_file, method, parameters, told)
    wishes = Wishes(track, sharp, card, sha256_file(weights) if weights else None, workers, quiet)
    for file in add_sources(board, sources, wishes, overwrite=overwrite):
        click.echo(file)


def _card(file: Path | None, method: str | None, parameters: int | None, told: bool) -> Card:
    """The card, and over it what the command line says."""
    from deblurbench.config import parse
    from deblurbench.leaderboard.card import Card, read_card

    card = read_card(file) if file else Card()
    said = {"method": method, "parameters": parameters, "told": told or None}
    given = {key: value for key, value in said.items() if value is not None}
    return parse(Card, {**card.as_dict(), **given}, "the command line")
