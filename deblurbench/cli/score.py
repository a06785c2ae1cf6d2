"""`deblurbench score`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deblurbench.cli import options

if TYPE_CHECKING:
    from deblurbench.scoring.score import ScoreReport


@click.command("score", short_help="Score predictions against sharp pictures.")
@click.argument("predictions", metavar="PREDS", type=click.Path(path_type=Path))
@click.argument("sharp", metavar="SHARP", type=click.Path(path_type=Path))
@click.option(
    "--protocol", "names", multiple=True, metavar="ID", help="A protocol; may be repeated.  [default: gnr638-eval]"
)
@click.option(
    "--allow-missing", is_flag=True, help="Average over the pictures that can be scored; such a mean ranks nowhere."
)
@options.csv_out
@options.json_out
@options.workers
@options.common
def command(
    predictions: Path,
    sharp: Path,
    names: tuple[str, ...],
    allow_missing: bool,
    csv_out: str | None,
    json_out: str | None,
    workers: int,
    quiet: bool,
) -> int:
    """Score the pictures in PREDS against those of the same name in SHARP.

    Prints the mean under each protocol. A prediction that is missing, unreadable or of another size is named,
    there is no mean, and the exit code is 1, unless --allow-missing is given.

    Example: deblurbench score preds/ sharp/ --csv scores.csv
    """
    from deblurbench.files import refuse_inside
    from deblurbench.progress import say
    from deblurbench.scoring.protocol import DEFAULT, find_protocol
    from deblurbench.scoring.report import write_csv
    from deblurbench.scoring.score import score_folders

    for target in filter(None, [csv_out, json_out if json_out != "-" else None]):
        for folder in (predictions, sharp):
            refuse_inside(Path(target), folder, "file")
    protocols = [find_protocol(name) for name in dict.fromkeys(names or (DEFAULT,))]
    report = score_folders(predictions, sharp, protocols, workers=workers, quiet=quiet)
    if report.extra:
        say(f"Warning: no sharp picture for {_names(report.extra)}; left out")
    if report.ignored:
        say(f"Warning: not scored, since no picture by its suffix: {_names(report.ignored)}")
    for failure in report.failures:
        click.echo(failure, err=True)
    if report.n == 0 or (report.failures and not allow_missing):
        total = report.n + len(report.failures)
        hint = "" if allow_missing else "; mend them, or give --allow-missing"
        click.echo(f"Error: {len(report.failures)} of {total} predictions cannot be scored, so no mean{hint}", err=True)
        return 1
    if csv_out:
        write_csv(Path(csv_out), report)
    if json_out:
        options.put_json(json_out, report.as_dict())
    if json_out != "-":
        _print(report)
    return 0


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _print(report: ScoreReport) -> None:
    for scores in report.protocols:
        partial = f" of {report.n + len(report.failures)}, not rankable" if report.failures else ""
        click.echo(f"{scores.protocol.id}  n = {report.n}{partial}")
        for name, value in scores.mean.items():
            plus, note = (
                ("+", "  (+: added by deblurbench, not in the script)") if name in scores.protocol.added else ("", "")
            )
            click.echo(f"  {name + plus:<8} {value:.4f}{note}")
