"""`deblurbench run-baseline`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deblurbench.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deblurbench.dataset.reader import Dataset
    from deblurbench.runs.baseline import Feed
    from deblurbench.runs.repeats import Repeats
    from deblurbench.runs.request import Request
    from deblurbench.runs.run import Outcome

_PATH = click.Path(path_type=Path)
_MOST = 100  # runs in one folder


def _check_minutes(ctx: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not 0 < value < math.inf:
        raise click.BadParameter(f"{value:g} is no time: give minutes, such as 90 or 0.5")
    return value


@click.command("run-baseline", short_help="Train, predict and score a baseline.")
@click.argument("name")
@click.option(
    "--data", metavar="PATH", help="A dataset folder, or a URL of one.  [default: data/starter, built if absent]"
)
@click.option("--preset", help="A variant of the recipe, such as demo.")
@click.option("--out", type=_PATH, help="The run folder.  [default: runs/NAME-DATASET]")
@click.option("--train-only", is_flag=True, help="Train, but neither predict nor score; needs no test split.")
@click.option("--retrain", is_flag=True, help="Train from the start, even where the run is finished.")
@click.option(
    "--max-minutes",
    "minutes",
    type=float,
    metavar="N",
    callback=_check_minutes,
    help="Stop training after so long; the same command goes on.",
)
@click.option("--seeds", type=click.IntRange(2, _MOST), metavar="N", help="Run N seeds; print mean and spread.")
@click.option("--folds", type=click.IntRange(2, _MOST), metavar="K", help="Cross-validate: K runs, K parts of scenes.")
@click.option(
    "--vgg", "--features", "features", type=_PATH, metavar="PATH", help="Weights that a perceptual loss compares with."
)
@click.option(
    "--feed",
    type=click.Choice(["auto", "memory", "loader", "device"]),
    default="auto",
    show_default=True,
    help="Where crops come from; it changes no result.",
)
@click.option("--tensorboard", is_flag=True, help="Also write TensorBoard's files.")
@options.device
@options.workers
@options.seed
@options.settings
@options.overwrite
@options.common
def command(
    name: str,
    data: str | None,
    preset: str | None,
    out: Path | None,
    train_only: bool,
    retrain: bool,
    minutes: float | None,
    seeds: int | None,
    folds: int | None,
    features: Path | None,
    feed: Feed,
    tensorboard: bool,
    device: str,
    workers: int,
    seed: int | None,
    settings: tuple[str, ...],
    overwrite: bool,
    quiet: bool,
) -> None:
    """Run the baseline NAME: train it if it must be, predict the test splits, score them.

    An interrupted run goes on when the same command is given again. Baselines: `deblurbench list baselines`. Any
    built, exported or adopted dataset will do, of any format.

    --max-minutes ends training in time: what is there stays, nothing is scored, the exit code is 0, and the same
    command goes on. --seeds and --folds put several runs into the run folder, each in a folder of its own, and their
    numbers in one row per split. Several GPUs: start it by torchrun.

    \b
    Example: deblurbench run-baseline unet --preset demo
    Example: deblurbench run-baseline cnn --data data/gopro --seeds 3 --max-minutes 60
    Example: deblurbench run-baseline gan --vgg vgg16-397923af.pth --data data/gopro --train-only
    Example: torchrun --nproc-per-node 2 -m deblurbench run-baseline unet --data data/gopro
    """
    from deblurbench.errors import UsageError
    from deblurbench.runs.baseline import SEED, Resources
    from deblurbench.runs.repeats import Repeats
    from deblurbench.runs.request import Request, refuse_untrained, resolve

    if seeds and folds:
        raise UsageError("--seeds and --folds exclude each other", "give one of them")
    resources = Resources(device, feed, workers, minutes, features, tensorboard, quiet)
    changes = settings if seed is None else (*settings, f"{SEED}={seed}")
    request = Request(name, preset, changes, resources, train_only, retrain, overwrite)
    refuse_untrained(name, {"--seed": seed is not None, "--seeds": seeds, "--folds": folds})
    chosen = resolve(request).request.preset  # what is wrong is said before a dataset is built
    dataset = _dataset(data, workers, quiet)
    repeats = Repeats("seeds", seeds) if seeds else Repeats("folds", folds) if folds else None
    kind = repeats.kind if repeats else None
    run = out or Path("runs") / "-".join(filter(None, [name, chosen, dataset.recipe, kind]))
    if repeats:
        _several(request, repeats, dataset, run)
    else:
        _one(request, dataset, run)


def _dataset(data: str | None, workers: int, quiet: bool) -> Dataset:
    """The dataset that is named, or the default one, which is built where it is not there."""
    from deblurbench.dataset.reader import open_dataset
    from deblurbench.dataset.ready import ready_dataset
    from deblurbench.errors import UsageError
    from deblurbench.runs.processes import world_size

    if data:
        return open_dataset(data)
    if world_size() > 1:
        raise UsageError("several processes need a dataset that is there", "build it first, and name it with --data")
    return ready_dataset("starter", Path("data/starter"), workers, quiet=quiet)


def _one(request: Request, dataset: Dataset, run: Path) -> None:
    """Carry out and print one run: a row per split."""
    from deblurbench.runs.processes import is_first
    from deblurbench.runs.record import split_means
    from deblurbench.runs.run import carry_out
    from deblurbench.runs.score import rows_by_light

    outcome = carry_out(request, dataset, run)
    if not is_first():
        return
    click.echo(run)
    if not outcome.rows:
        _show_weights([outcome])
        _say_time(request, finished=outcome.finished)
        return
    means = [*split_means(outcome.rows), *split_means(rows_by_light(dataset, outcome.rows))]
    width = max(12, *(len(mean.split) for mean in means))
    head = f"{'n':>4} {'psnr_db':>9} {'blurred':>9} {'gain':>8}"
    click.echo(f"{'split':<{width}} {head}   ({outcome.rows[0].protocol})")
    for mean in means:
        figures = f"{mean.psnr_db:>9.4f} {mean.blurred_psnr_db:>9.4f} {mean.gain_db:>+8.4f}"
        click.echo(f"{mean.split:<{width}} {mean.n:>4} {figures}")


def _several(request: Request, repeats: Repeats, dataset: Dataset, run: Path) -> None:
    """Carry out and print several runs: a row per split."""
    from deblurbench.runs.repeats import carry_out_several
    from deblurbench.runs.summary import summary_text

    several = carry_out_several(request, repeats, dataset, run)
    click.echo(run)
    if several.splits and several.protocol:
        click.echo(summary_text(repeats.kind, several.splits, several.protocol))
    else:
        _show_weights(several.outcomes.values())
    _say_time(request, finished=several.finished)


def _show_weights(outcomes: Iterable[Outcome]) -> None:
    for outcome in outcomes:
        if outcome.weights:
            click.echo(f"weights {outcome.weights}")


def _say_time(request: Request, *, finished: bool) -> None:
    if not finished:
        anew = "--overwrite" if request.overwrite else "--retrain" if request.retrain else ""
        same = f"the same command without {anew}" if anew else "the same command"
        click.echo(f"time is up before all is trained: {same} goes on", err=True)
