"""`deblurbench leaderboard check`."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from deblurbench.cli import options

_PATH = click.Path(path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("check", short_help="Check submissions, and score their predictions again.")
@click.argument("files", metavar="[FILES]...", nargs=-1, type=_PATH)
@options.board
@click.option(
    "--predictions",
    metavar="DIR",
    type=_FOLDER,
    help="A run folder, or the folder of a method's predictions: all hashes.",
)
@click.option(
    "--sharp", metavar="DIR", type=_FOLDER, help="A dataset, or the track's sharp pictures: score them again."
)
@click.option("--weights", metavar="FILE", type=_FILE, help="Compare the hash of the weights.")
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many pictures of each submission are scored again.",
)
@click.option("--all", "everything", is_flag=True, help="Score all pictures again.")
@click.option("--seed", type=click.IntRange(min=0), help="Of the sample.  [default: drawn anew, and shown]")
@options.json_out
@options.workers
@options.common
def command(
    files: tuple[Path, ...],
    board: Path,
    predictions: Path | None,
    sharp: Path | None,
    weights: Path | None,
    sample: int,
    everything: bool,
    seed: int | None,
    json_out: str | None,
    workers: int,
    quiet: bool,
) -> int:
    """Check submissions: FILES, or all of the board. Prints a line for each file, and one for each problem.

    Without predictions: the schema, hashes of attached files, whether means follow from the pictures' numbers, the
    rules of the track, duplicates. With --predictions and --sharp: the hashes of all predictions, and the numbers of a
    random sample of them. Exit code 1 where anything is wrong.

    Example: deblurbench leaderboard check leaderboard/submissions/TRACK/mine.json --predictions preds/ --sharp sharp/
    """
    from deblurbench.errors import UsageError
    from deblurbench.leaderboard.checks.board import check_board
    from deblurbench.leaderboard.checks.evidence import Evidence
    from deblurbench.progress import say

    if sharp and not predictions:
        raise UsageError("--sharp needs --predictions", "give both, or none")
    evidence = None
    if predictions:
        drawn = secrets.randbelow(1 << 32) if seed is None else seed
        evidence = Evidence(predictions, sharp, None if everything else sample, drawn, workers, quiet)
        if sharp and not everything:
            say(f"sample: --sample {sample} --seed {drawn}")
    checked = check_board(board, files, evidence, weights)
    wrong = sum(bool(one.problems) for one in checked)
    if json_out:
        result = {"schema": 1, "sample": evidence and evidence.sample, "seed": evidence and evidence.seed}
        options.put_json(json_out, result | {"wrong": wrong, "files": [one.as_dict() for one in checked]})
    if json_out != "-":
        for one in checked:
            click.echo(one.text())
    if wrong:
        click.echo(f"Error: {wrong} of {len(checked)} files are wrong", err=True)
    return 1 if wrong else 0
