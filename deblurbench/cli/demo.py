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
_BASELINES = (("identity", None), ("wiener", None), ("cnn", "demo"), ("unet", "demo"))
_SHEET = "contact-sheet.png"


@click.command("demo", short_help="All of it, small, in minutes: start here.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo"), show_default=True, help="Where all goes.")
@options.workers
@options.common
def command(out: Path, workers: int, quiet: bool) -> int:
    """Build a dataset, run four baselines, score them, rank them: in minutes, with nothing to download.

    Each command is shown before it runs, so that you can type it yourself.

    Example: deblurbench demo --out demo
    """
    start = time.monotonic()
    for step in _steps(out, workers, quiet):
        click.echo(f"\n$ {shlex.join(['deblurbench', *step])}", err=True)
        before = time.monotonic()
        code = subprocess.run([sys.executable, "-m", "deblurbench", *step], check=False).returncode
        if code:
            click.echo(f"Error: this step of the demo failed: {shlex.join(['deblurbench', *step])}", err=True)
            return code if code > 0 else 1
        click.echo(f"({time.monotonic() - before:.0f} s)", err=True)
    _write_sheet(out)
    click.echo(f"\nThe tables: {out / 'leaderboard' / 'tables'}\nThe pictures: {out / _SHEET}")
    click.echo(f"All of it took {time.monotonic() - start:.0f} s.", err=True)
    return 0


def _steps(out: Path, workers: int, quiet: bool) -> Iterator[Sequence[str]]:
    """The commands of the demo, in order."""
    data, board = str(out / "starter"), str(out / "leaderboard")
    runs = {name: str(out / "runs" / name) for name, _ in _BASELINES}
    also = ["--quiet"] if quiet else []
    many = ["--workers", str(workers), *also]
    yield ["build-dataset", "starter", "--out", data, *many]
    yield ["verify-dataset", data, "--pixels", *many]
    for name, preset in _BASELINES:
        chosen = ["--preset", preset] if preset else []
        yield ["run-baseline", name, *chosen, "--data", data, "--out", runs[name], *many]
    predictions = Path(runs["wiener"]) / "predictions" / _SPLIT
    yield ["score", str(predictions), str(Path(data) / _SPLIT / "sharp"), *many]
    yield ["leaderboard", "add", *runs.values(), "--board", board, *also]
    yield ["leaderboard", "build", "--board", board]


def _write_sheet(out: Path) -> None:
    """A PNG with the middle of each test picture: blurred, each method, sharp."""
    from deblurbench.dataset.reader import open_dataset
    from deblurbench.images.codec import read_rgb, write_png
    from deblurbench.images.sheet import Cell, contact_sheet, middle
    from deblurbench.runs.record import read_run, read_scores

    runs = [out / "runs" / name for name, _ in _BASELINES if name != "identity"]
    scores = {run: {row.name: row for row in read_scores(run) if row.split == _SPLIT} for run in runs}

    def cell(path: Path, caption: str) -> Cell:
        return Cell(middle(read_rgb(path), 192, 224), caption)

    rows = []
    for pair in open_dataset(out / "starter").pairs(_SPLIT):
        name = pair.blur.name
        methods = [cell(run / "predictions" / _SPLIT / name, f"{scores[run][name].psnr_db:.2f} dB") for run in runs]
        blurred = cell(pair.blur, f"{scores[runs[0]][name].blurred_psnr_db:.2f} dB")
        rows.append([blurred, *methods, cell(pair.sharp, pair.name)])
    titles = ["blurred", *(read_run(run).label for run in runs), "sharp"]
    write_png(out / _SHEET, contact_sheet(titles, rows, f"starter, {_SPLIT}: the middle of each picture"))
