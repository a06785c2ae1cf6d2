"""A run from beginning to end: train if it must, predict the test splits, score them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from deblurbench.dataset.reader import Dataset
from deblurbench.errors import PictureError, UsageError
from deblurbench.files import locked, make_folder, refuse_inside, replacing
from deblurbench.images.codec import Picture, read_rgb
from deblurbench.images.hashing import pixel_hash
from deblurbench.progress import progress, say
from deblurbench.runs import processes
from deblurbench.runs.baseline import WEIGHTS, Resources, Restorer
from deblurbench.runs.cost import keep_cost
from deblurbench.runs.inference import WHOLE
from deblurbench.runs.known_blur import check_known_blurs, known_blurs
from deblurbench.runs.model import Model
from deblurbench.runs.picture_facts import picture_facts, write_picture_facts
from deblurbench.runs.predict import Work, restore
from deblurbench.runs.record import (
    PICTURES,
    PREDICTIONS,
    SCORES,
    PredictionsRecord,
    ScoreRow,
    SplitPredictions,
    read_predictions,
    write_predictions,
    write_scores,
)
from deblurbench.runs.request import Request, Resolved, resolve
from deblurbench.runs.run_files import check_owner, has_training, open_run
from deblurbench.runs.score import score_run


@dataclass(frozen=True)
class Outcome:
    """What became of a request.

    Attributes:
        run: the run folder.
        finished: whether all that was asked for is done: not where training's time was up.
        weights: the file of weights, where there is one.
        rows: of `scores.csv`; empty where nothing was scored.
    """

    run: Path
    finished: bool
    weights: Path | None
    rows: Sequence[ScoreRow] = field(default=(), repr=False)


def run_baseline(
    name: str,
    dataset: Dataset,
    run: Path,
    *,
    preset: str | None = None,
    settings: Sequence[str] = (),
    resources: Resources | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> list[ScoreRow]:
    """Run a baseline on a dataset, or finish a run that was interrupted. Returns the rows of `scores.csv`.

    `resources`: with what it is trained; None: as `Resources` has it, on a GPU where there is one. Where they limit
    the time and it is up, there are no rows: the same call goes on. `carry_out` says more, and takes more wishes.

    Raises:
        UsageError: an unknown baseline, preset or key, a dataset without a test split, `run` not writable.
        RunError: `run` holds a run of other settings; training failed.
    """
    given = resources or Resources(device="auto")
    request = Request(name, preset, tuple(settings), replace(given, quiet=quiet or given.quiet), overwrite=overwrite)
    return list(carry_out(request, dataset, run).rows)


def carry_out(request: Request, dataset: Dataset, run: Path) -> Outcome:
    """Do what is asked for, or finish what was interrupted.

    One of several processes that train together takes part in the training alone, unless it is the first of them.

    Raises: as `run_baseline`.
    """
    resolved = resolve(request)
    check_dataset(request, dataset, run)
    if resolved.baseline.is_told(resolved.config):
        check_known_blurs(request.name, dataset)
    if not processes.is_first():
        return Outcome(run, _train(resolved, dataset, run), None)
    check_owner(run, resolved.baseline, overwrite=request.overwrite)
    with locked(make_folder(run)):
        record = resolved.record(dataset)
        open_run(run, record, resolved.baseline, overwrite=request.overwrite, retrain=request.retrain)
        finished = _has_shipped(resolved, run) or _train(resolved, dataset, run)
        weights = run / WEIGHTS if resolved.baseline.trains else None
        if not finished or request.train_only:
            return Outcome(run, finished, weights if weights and weights.is_file() else None)
        model = Model(resolved.baseline, resolved.config, weights, record.device)
        _predict(model, dataset, run, quiet=resolved.resources.quiet)
        rows = score_run(dataset, run, workers=request.resources.workers)
        write_scores(run, rows)
        blurred = {f"{row.split}/{row.name}": row.blurred_psnr_db for row in rows}
        write_picture_facts(run, picture_facts(dataset, dataset.test_splits, blurred))
        keep_cost(run, record.baseline, model, quiet=resolved.resources.quiet)
    return Outcome(run, True, weights, rows)


def check_dataset(request: Request, dataset: Dataset, run: Path) -> None:
    """Raise UsageError where the dataset has nothing to score, or the run folder would lie in it."""
    if not dataset.test_splits and not request.train_only:
        raise UsageError(f"{dataset.place} has no test split", _no_test_split(dataset))
    if dataset.place.folder is not None:
        refuse_inside(run, dataset.place.folder)
    if dataset.root is not None:
        refuse_inside(run, dataset.path / dataset.root)


def _no_test_split(dataset: Dataset) -> str:
    if dataset.format == "adopted" and dataset.splits.get("val"):
        return "it was published without one: restore its val with `deblurbench predict` and `score` the result"
    return "add one to its recipe, or only train with --train-only"


def _has_shipped(resolved: Resolved, run: Path) -> bool:
    """Whether the run restores with the weights that come with the package; a copy of them goes into its folder.

    Not where training is asked for, or was begun.
    """
    request, shipped = resolved.request, resolved.baseline.shipped(resolved.config)
    if shipped is None or request.train_only or request.retrain or has_training(run, resolved.baseline):
        return False
    if not (run / WEIGHTS).is_file():
        say(f"{request.name} comes with weights; --retrain trains it anew", quiet=resolved.resources.quiet)
    with replacing(run / WEIGHTS) as temporary:
        shutil.copyfile(shipped, temporary)
    return True


def _train(resolved: Resolved, dataset: Dataset, run: Path) -> bool:
    """Whether training is finished, as it always is where there is none."""
    if not resolved.baseline.trains:
        return True
    return resolved.baseline.train(resolved.config, dataset, run, resolved.resources)


def _predict(model: Model, dataset: Dataset, run: Path, *, quiet: bool) -> None:
    """Predict every test split, unless the predictions of these weights are there already."""
    weights = model.weights_sha256()
    if _is_predicted(run, dataset, weights):
        say(f"{run} has its predictions already", quiet=quiet)
        return
    (run / PREDICTIONS).unlink(missing_ok=True)
    (run / SCORES).unlink(missing_ok=True)
    splits = {}
    total = sum(dataset.splits[split] for split in dataset.test_splits)
    with progress("predict", total, "pictures", quiet=quiet) as bar, _restoring(model, dataset) as restorer:
        for split in dataset.test_splits:
            folder = make_folder(run / PICTURES / split)
            hashes, seconds = restore(restorer, _blurred(dataset, split, folder), bar)
            splits[split] = SplitPredictions(pictures=hashes, seconds_per_picture=seconds)
    record = PredictionsRecord(weights_sha256=weights, tiling=WHOLE.label, device=model.device, splits=splits)
    write_predictions(run, record)


def _blurred(dataset: Dataset, split: str, folder: Path) -> Iterator[Work]:
    """The blurred pictures of a split, and where in `folder` each one's result goes."""
    with closing(dataset.reader(split)) as pictures:
        for record in dataset.records(split):
            yield Work(record.pair, pictures.read(record, "blur"), folder / f"{record.name}.png")


@contextmanager
def _restoring(model: Model, dataset: Dataset) -> Iterator[Restorer]:
    """What restores the pictures of the test splits, in their order: a model that is told each blur gets it so."""
    if not model.baseline.is_told(model.config):
        yield model.restorer()
        return
    told = model.baseline.told_restorer(model.config)
    with closing(known_blurs(dataset, dataset.test_splits)) as blurs:

        def restorer(picture: Picture) -> Picture:
            known = next(blurs)
            return told(picture, known.kernel, known.light, camera=known.camera)

        yield restorer


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
