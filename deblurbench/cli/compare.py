"""`deblurbench compare`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deblurbench.cli import options

if TYPE_CHECKING:
    from deblurbench.scoring.statistics.align import Aligned
    from deblurbench.scoring.statistics.scenes import SceneTable


_MOST = 100
"""Methods: time and memory grow with the number of pairs, to some seconds and 1.3 GB."""

_TOLD = " (told)"  # what the label of a method that was told the kernels ends with
_PATH = click.Path(path_type=Path)


@click.command("compare", short_help="Compare methods: differences, intervals, tests, ranks with ties.")
@click.argument("scores", metavar="SCORES...", nargs=-1, required=True, type=_PATH)
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="A metric; may be repeated.  [default: all]")
@click.option("--protocol", "protocols", multiple=True, metavar="ID", help="As --metric.  [default: all]")
@click.option("--scenes", metavar="FILE", type=_PATH, help="The scene of each picture: a CSV file, name,scene.")
@click.option("--dataset", metavar="DIR", type=_PATH, help="Take the scenes from a dataset's manifest.")
@click.option("--label", "labels", multiple=True, metavar="NAME", help="What the methods are called, in their order.")
@click.option("--allow-missing", is_flag=True, help="Compare on the pictures that all methods have.")
@click.option(
    "--resamples",
    type=click.IntRange(100, 100_000),
    default=10_000,
    show_default=True,
    help="Of the bootstrap, and sign flips of the test.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the resamples and flips.")
@click.option("--csv", "csv_out", metavar="FILE", callback=options.check_file, help="Write one row per pair.")
@click.option("--plot", "plot_out", metavar="FILE", callback=options.check_png, help="Draw the result as a PNG file.")
@options.json_out
@options.common
def command(
    scores: tuple[Path, ...],
    metrics: tuple[str, ...],
    protocols: tuple[str, ...],
    scenes: Path | None,
    dataset: Path | None,
    labels: tuple[str, ...],
    allow_missing: bool,
    resamples: int,
    seed: int,
    csv_out: str | None,
    plot_out: str | None,
    json_out: str | None,
    quiet: bool,
) -> int:
    """Compare methods on the pictures that they share. SCORES are files of `score --csv`, or run folders.

    For each protocol, split and metric: the mean of each method, its rank (a range where methods cannot be told apart;
    they share a letter), and for each two methods the mean difference. Intervals and tests take scenes, not pictures,
    as independent; the tests are corrected for the number of pairs. docs/compare.md explains every number.

    Example: deblurbench compare unet.csv wiener.csv runs/cnn-starter --dataset data/starter --plot compare.png
    """
    from deblurbench.errors import UsageError
    from deblurbench.progress import say
    from deblurbench.scoring.statistics import report
    from deblurbench.scoring.statistics.align import align
    from deblurbench.scoring.statistics.compare import compare
    from deblurbench.scoring.statistics.plot import draw
    from deblurbench.scoring.statistics.table import read_scores

    if len(scores) > _MOST:
        raise UsageError(f"{len(scores)} methods have {len(scores) * (len(scores) - 1) // 2} pairs", "compare fewer")
    files = [_file(path) for path in scores]
    _check_targets(files, [scenes], [csv_out, plot_out, json_out])
    table = _scene_table(scenes, dataset)
    named = _labels(files, labels)
    methods = [read_scores(file, label) for file, label in zip(files, named, strict=True)]
    aligned, notes = align(methods, protocols=protocols, metrics=metrics, allow_missing=allow_missing)
    told = [label for file, label in zip(files, named, strict=True) if _is_told(file)]
    notes = [*notes, *(f"{label} was told each picture's kernel: a ceiling, no rival of the others" for label in told)]
    comparisons = [
        compare(
            one,
            *_scenes(one, table),
            lower_is_better=one.lower_is_better,
            resamples=resamples,
            seed=seed,
        )
        for one in aligned
    ]
    for note in notes:
        say(f"Note: {note}", quiet=quiet)
    if csv_out:
        report.write_csv(Path(csv_out), comparisons)
    if json_out:
        options.put_json(json_out, report.as_dict(comparisons, notes))
    if json_out != "-":
        click.echo("\n\n".join("\n".join(report.lines(comparison)) for comparison in comparisons))
    if plot_out:
        draw(Path(plot_out), comparisons)
    return 0


def _file(path: Path) -> Path:
    """The table of a run folder, or the file itself."""
    from deblurbench.errors import UsageError
    from deblurbench.runs.record import RUN, SCORES, refuse_several

    if not path.is_dir():
        return path
    refuse_several(path)
    if (path / RUN).is_file() and not (path / SCORES).is_file():
        raise UsageError(f"{path} is not scored yet", "finish it with `deblurbench run-baseline`")
    return path / SCORES


def _labels(files: Sequence[Path], given: Sequence[str]) -> list[str]:
    """A different label for each file: as given, or its name; a run folder's name; the folder too where names clash.

    That of a run which was told the kernels says so, unless it is given.
    """
    from deblurbench.errors import UsageError
    from deblurbench.runs.record import RUN
    from deblurbench.scoring.statistics.table import shown

    if given and len(given) != len(files):
        raise UsageError(f"{len(given)} --label for {len(files)} files", "give one for each, in their order, or none")
    short = [file.resolve().parent.name if (file.parent / RUN).is_file() else file.stem for file in files]
    clash = Counter(short)
    long = [f"{file.resolve().parent.name}/{s}" if clash[s] > 1 else s for file, s in zip(files, short, strict=True)]
    labels = [
        shown(label) for label in given or [s + _TOLD * _is_told(file) for file, s in zip(files, long, strict=True)]
    ]
    for label, count in Counter(labels).items():
        if count > 1:
            raise UsageError(f"{count} methods are called {label!r}", "tell them apart with --label, one for each file")
    return labels


def _is_told(file: Path) -> bool:
    """Whether a table is that of a run whose method was told each picture's kernel."""
    from deblurbench.errors import DeblurbenchError
    from deblurbench.runs.record import read_run

    try:
        return read_run(file.parent).told
    except DeblurbenchError:  # no run, or one of which only the table can be read
        return False


def _check_targets(files: Sequence[Path], others: Sequence[Path | None], targets: Sequence[str | None]) -> None:
    """No result takes the place of an input."""
    from deblurbench.errors import UsageError

    inputs = {path.resolve() for path in [*files, *others] if path}
    for target in targets:
        if target and target != "-" and Path(target).resolve() in inputs:
            raise UsageError(f"{target} is one of the inputs", "choose another file for the result")


def _scene_table(file: Path | None, dataset: Path | None) -> SceneTable | None:
    from deblurbench.errors import UsageError
    from deblurbench.scoring.statistics.scenes import read_scene_file

    if file and dataset:
        raise UsageError("--scenes and --dataset exclude each other", "give one of them")
    if dataset:
        from deblurbench.runs.scenes import dataset_scenes

        return dataset_scenes(dataset)
    return read_scene_file(file) if file else None


def _scenes(aligned: Aligned, table: SceneTable | None) -> tuple[list[str], str]:
    from deblurbench.scoring.statistics.scenes import guess_scenes

    if table is None:
        return guess_scenes(aligned.names)
    return table.find(aligned.track.split, aligned.names), f"scenes, by {table.source}"
