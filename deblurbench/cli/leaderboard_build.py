"""`deblurbench leaderboard build`."""

from __future__ import annotations

from pathlib import Path

import click

from deblurbench.cli import options
from deblurbench.errors import UsageError

_MOST = 20  # rows of a table that are printed

_folder = click.Path(path_type=Path)


@click.command("build")
@options.board
@click.option("--site", type=_folder, help="Where the pages go.  [default: BOARD/site]")
@click.option("--no-site", is_flag=True, help="Make the tables alone.")
@click.option("--data", "datasets", type=_folder, multiple=True, help="A dataset: the pages show pictures of it.")
@click.option("--run", "runs", type=_folder, multiple=True, help="A run folder, whose predictions stand beside these.")
@click.option(
    "--pictures", type=click.IntRange(0, 1000), default=6, show_default=True, help="How many of a track are shown."
)
@options.common
def command(
    board: Path,
    site: Path | None,
    no_site: bool,
    datasets: tuple[Path, ...],
    runs: tuple[Path, ...],
    pictures: int,
    quiet: bool,
) -> None:
    """Make the tables of a board (CSV, JSON, Markdown, LaTeX) and its pages for a browser.

    Prints the first 20 rows of each table, and then the files. The pages work from the disk and from any web host;
    each --data and --run adds pictures to them.

    \b
    Example: deblurbench leaderboard build --data data/starter --run runs/wiener-starter
    """
    from deblurbench.files import refuse_inside
    from deblurbench.leaderboard.site.build import build_site, check_site
    from deblurbench.leaderboard.tables.build import by_dataset, read_standings, write_tables
    from deblurbench.leaderboard.tables.markdown import markdown

    if no_site and (site or datasets or runs):
        raise UsageError("--no-site leaves nothing for --site, --data and --run", "give one or the other")
    target = site or board / "site"
    standings = read_standings(board)
    if not no_site:  # before anything is written
        check_site(target)
        for source in (*datasets, *runs):
            refuse_inside(target, source, "--site")
    files = write_tables(board, standings)
    for dataset, of in by_dataset(standings):
        click.echo(markdown(dataset, of, _MOST))
    if not no_site:
        files.append(build_site(board, standings, target, datasets=datasets, runs=runs, pictures=pictures))
    for file in files:
        click.echo(file)
