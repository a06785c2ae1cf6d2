"""`deblurbench demo`: the whole way, once, small."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from deblurbench.cli import options

_SPLIT = "test-g1.2"  # the contact sheet shows the kernel that no training picture has seen
_BASELINES = (
    ("identity", None),
    ("wiener", None),
    ("wiener-oracle", None),
    ("swift", None),
    ("cnn", "demo"),
    ("unet", "demo"),
)
_SHEET = "contact-sheet.png"


@click.command("demo", short_help="All of it, small, in minutes: start here.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo"), show_default=True, help="Where all goes.")
@options.workers
@options.overwrite
@options.common
def command(out: Path, workers: int, overwrite: bool, quiet: bool) -> int:
    """Build a dataset, run six baselines, score them, rank them, show them: in minutes, with nothing to download.

    Each command is shown before it runs, so that you can type it yourself.

    Example: deblurbench demo --out demo
    """
    from deblurbench.dataset.reader import open_dataset
    from deblurbench.runs.sheet import write_sheet

    start = time.monotonic()
    for step in _steps(out, workers, overwrite, quiet):
        click.echo(f"\n$ {shlex.join(['deblurbench', *step])}", err=True)
        before = time.monotonic()
        code = subprocess.run([sys.executable, "-P", "-m", "deblurbench", *step], check=False).returncode
        if code:
            click.echo(f"Error: this step of the demo failed: {shlex.join(['deblurbench', *step])}", err=True)
            return code if code > 0 else 1
        click.echo(f"({time.monotonic() - before:.0f} s)", err=True)
    runs = [_run(out, name) for name, _ in _BASELINES if name != "identity"]
    write_sheet(out / _SHEET, open_dataset(_data(out)), _SPLIT, runs)
    board = out / "leaderboard"
    click.echo(f"\nThe tables: {board / 'tables'}\nThe pictures: {out / _SHEET}")
    click.echo(f"All of it took {time.monotonic() - start:.0f} s.", err=True)
    click.echo(f"Open this page in a browser: {board / 'site' / 'index.html'}")
    return 0


def _data(out: Path) -> Path:
    return out / "starter"


def _run(out: Path, name: str) -> Path:
    return out / "runs" / name


def _steps(out: Path, workers: int, overwrite: bool, quiet: bool) -> Iterator[Sequence[str]]:
    """The commands of the demo, in order."""
    data, board = str(_data(out)), str(out / "leaderboard")
    runs = {name: str(_run(out, name)) for name, _ in _BASELINES}
    also = ["--quiet"] if quiet else []
    anew = ["--overwrite"] if overwrite else []
    many = ["--workers", str(workers), *also]
    yield ["build-dataset", "starter", "--out", data, *many, *anew]
    yield ["verify-dataset", data, "--pixels", *many]
    for name, preset in _BASELINES:
        chosen = ["--preset", preset] if preset else []
        yield ["run-baseline", name, *chosen, "--data", data, "--out", runs[name], *many, *anew]
    predictions = Path(runs["wiener"]) / "predictions" / _SPLIT
    yield ["score", str(predictions), str(Path(data) / _SPLIT / "sharp"), *many]
    yield ["leaderboard", "add", *runs.values(), "--board", board, *also, *anew]
    pictures = [word for run in runs.values() for word in ("--run", run)]
    yield ["leaderboard", "build", "--board", board, "--data", data, *pictures]
