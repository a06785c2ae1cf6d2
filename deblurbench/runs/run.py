"""A run from beginning to end: train if it must, predict the test splits, score them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from deblurbench import plugins
from deblurbench.dataset.reader import Dataset
from deblurbench.errors import PictureError, RunError, UsageError
from deblurbench.files import clear, locked, make_folder, refuse_foreign, refuse_inside
from deblurbench.images.codec import read_rgb
from deblurbench.images.hashing import pixel_hash
from deblurbench.progress import progress, say
from deblurbench.runs.baseline import WEIGHTS, Baseline
from deblurbench.runs.device import choose_device
from deblurbench.runs.model import Model
from deblurbench.runs.predict import TILING, Work, restore
from deblurbench.runs.record import (
    PICTURES,
    PREDICTIONS,
    RUN,
    SCORES,
    PredictionsRecord,
    RunRecord,
    ScoreRow,
    SplitPredictions,
    git_commit,
    read_predictions,
    read_run,
    write_predictions,
    write_run,
    write_scores,
)
from deblurbench.runs.score import score_run
from deblurbench.versions import versions

SEED = "training.seed"
# All that a run writes, its training included: what --overwrite may remove.
_FILES = "|".join(map(re.escape, (RUN, PREDICTIONS, SCORES, WEIGHTS, "state.pt", "metrics.csv", "curves.png")))
_OURS = re.compile(rf"{_FILES}|{PICTURES}/[^/]+/[^/]+\.png")


def run_baseline(
    name: str,
    dataset: Dataset,
    run: Path,
    *,
    preset: str | None = None,
    settings: Sequence[str] = (),
    device: str = "auto",
    workers: int = 1,
    overwrite: bool = False,
    quiet: bool = False,
) -> list[ScoreRow]:
    """Run a baseline on a dataset, or finish a run that was interrupted. Returns the rows of `scores.csv`.

    Raises:
        UsageError: an unknown baseline, preset or key, a dataset without a test split, `run` not writable.
        RunError: `run` holds a run of other settings; training failed.
    """
    baseline: Baseline = plugins.load("baselines", name)
    config = baseline.configure(preset, settings)
    if not dataset.test_splits:
        raise UsageError(f"{dataset.place} has no test split", _no_test_split(dataset))
    changed = config != baseline.configure(preset, [s for s in settings if s.partition("=")[0].strip() == SEED])
    chosen = choose_device(device, needed=baseline.trains)
    parameters, trainable = baseline.counts(config)
    record = RunRecord(
        baseline=name,
        origin=plugins.find("baselines")[name].origin,
        version=baseline.version,
        preset=preset,
        label=baseline.label(preset, config.hash()[:6] if changed else None),
        parameters=parameters,
        trainable=trainable,
        config=config.as_dict(),
        config_hash=config.hash(),
        dataset=dataset.recipe,
        dataset_version=dataset.recipe_version,
        dataset_id=dataset.id,
        device=chosen,
        versions=versions(),
        git_commit=git_commit(),
    )
    if dataset.place.folder is not None:
        refuse_inside(run, dataset.place.folder)
    if dataset.root is not None:
        refuse_inside(run, dataset.path / dataset.root)
    _check_owner(run, overwrite)
    with locked(make_folder(run)):
        _open_run(run, record, overwrite)
        if baseline.trains:
            baseline.train(config, dataset, run, device=chosen, quiet=quiet)
        model = Model(baseline, config, run / WEIGHTS if baseline.trains else None, chosen)
        _predict(model, dataset, run, quiet)
        rows = score_run(dataset, run, workers=workers)
        write_scores(run, rows)
    return rows


def _no_test_split(dataset: Dataset) -> str:
    if dataset.format == "adopted" and dataset.splits.get("val"):
        return "it was published without one: restore its val with `deblurbench predict` and `score` the result"
    return "add one to its recipe"


def _check_owner(run: Path, overwrite: bool) -> None:
    """Refuse to work in a folder that is no run's, or to clear one that holds anything else."""
    if run.is_dir():
        ours = (run / RUN).is_file()
        if overwrite or not ours:
            refuse_foreign(run, _OURS if ours else re.compile(""))


def _open_run(run: Path, record: RunRecord, overwrite: bool) -> None:
    """Make `run` the folder of this run: new, continued or, where asked for, anew."""
    if overwrite:
        clear(run, RUN)
    if not (run / RUN).is_file():
        write_run(run, record)
    elif read_run(run).identity != record.identity:
        raise RunError(f"{run} holds a run of other settings or data", "choose another --out, or --overwrite")


def _predict(model: Model, dataset: Dataset, run: Path, quiet: bool) -> None:
    """Predict every test split, unless the predictions of these weights are there already."""
    weights = model.weights_sha256()
    if _is_predicted(run, dataset, weights):
        say(f"{run} has its predictions already", quiet=quiet)
        return
    (run / PREDICTIONS).unlink(missing_ok=True)
    (run / SCORES).unlink(missing_ok=True)
    restorer = model.restorer()
    splits = {}
    total = sum(dataset.splits[split] for split in dataset.test_splits)
    with progress("predict", total, "pictures", quiet=quiet) as bar:
        for split in dataset.test_splits:
            folder = make_folder(run / PICTURES / split)
            hashes, seconds = restore(restorer, _blurred(dataset, split, folder), bar)
            splits[split] = SplitPredictions(pictures=hashes, seconds_per_picture=seconds)
    record = PredictionsRecord(weights_sha256=weights, tiling=TILING, device=model.device, splits=splits)
    write_predictions(run, record)


def _blurred(dataset: Dataset, split: str, folder: Path) -> Iterator[Work]:
    """The blurred pictures of a split, and where in `folder` each one's result goes."""
    with closing(dataset.reader(split)) as pictures:
        for record in dataset.records(split):
            yield Work(record.pair, pictures.read(record, "blur"), folder / f"{record.name}.png")


def _is_predicted(run: Path, dataset: Dataset, weights: str | None) -> bool:
    record = read_predictions(run)
    if record is None or record.weights_sha256 != weights or sorted(record.splits) != dataset.test_splits:
        return False
    try:
        return all(
            pixel_hash(read_rgb(run / PICTURES / split / name)) == expected
            for split, predictions in record.splits.items()
            for name, expected in predictions.pictures.items()
        )
    except PictureError:
        return False
