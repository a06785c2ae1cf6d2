"""Several runs of one baseline in one folder: of several seeds, or of the folds of a cross-validation."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deblurbench import plugins
from deblurbench.dataset.reader import Dataset
from deblurbench.errors import DeblurbenchError, RunError, UsageError
from deblurbench.files import LOCK, clear, locked, make_folder, refuse_foreign
from deblurbench.runs import processes
from deblurbench.runs.baseline import SEED, Baseline
from deblurbench.runs.record import RUN, SUMMARY, RunRecord, ScoreRow
from deblurbench.runs.request import Request, Resolved, refuse_untrained, resolve
from deblurbench.runs.run import Outcome, carry_out, check_dataset
from deblurbench.runs.run_files import pattern
from deblurbench.runs.score import rows_by_light
from deblurbench.runs.summary import (
    TABLE,
    Kind,
    SplitSummary,
    SummaryRecord,
    read_summary,
    summarise,
    write_summary,
)

FOLDS = "training.folds"


@dataclass(frozen=True)
class Repeats:
    """How often, and what differs: the seed (`count` of them, counted on from the recipe's), or the fold of `count`."""

    kind: Kind
    count: int

    def members(self, request: Request, seed: int) -> Mapping[str, Request]:
        """What each run is asked for, by the name of its folder."""
        if self.kind == "seeds":
            settings = {f"seed-{s}": [f"{SEED}={s}"] for s in range(seed, seed + self.count)}
        else:
            numbers = range(1, self.count + 1)
            settings = {f"fold-{i}": [f"{FOLDS}.count={self.count}", f"{FOLDS}.fold={i}"] for i in numbers}
        return {
            name: replace(request, settings=(*request.settings, *own), overwrite=False)
            for name, own in settings.items()
        }


@dataclass(frozen=True)
class Repeated:
    """What became of them.

    Attributes:
        finished: whether all are; not where the time was up.
        outcomes: of those that were begun, by the name of the folder.
        splits: the numbers of those that are scored.
        protocol: of the numbers; None where there are none.
    """

    finished: bool
    outcomes: Mapping[str, Outcome]
    splits: Sequence[SplitSummary]
    protocol: str | None


def carry_out_several(request: Request, repeats: Repeats, dataset: Dataset, run: Path) -> Repeated:
    """Do all the runs, each whole in a folder of its own below `run`, or finish what was interrupted.

    `request.resources.minutes` is the time of all of them: when it is up, no other is begun.

    Raises: UsageError for a baseline without training or seed, several processes, a folder that is no such one; else
        as `carry_out`.
    """
    if processes.world_size() > 1:
        raise UsageError(
            f"--{repeats.kind} goes by one process, not {processes.world_size()}",
            f"train each alone, into {run / repeats.kind[:-1]}-1 and so on; then give this command without torchrun",
        )
    refuse_untrained(request.name, {f"--{repeats.kind}": True})
    resolved = resolve(request)
    check_dataset(request, dataset, run)
    members = repeats.members(resolved.request, _seed(resolved))
    for member in members.values():
        resolve(member)  # a setting that the baseline does not have is said before any training
    _check_owner(run, resolved.baseline, overwrite=request.overwrite)
    with locked(make_folder(run)):
        if request.overwrite:
            clear(run, SUMMARY)
        record = _open(run, repeats, resolved.record(dataset), retrain=request.retrain)
        return _all(members, record, dataset, run)


def _all(members: Mapping[str, Request], record: SummaryRecord, dataset: Dataset, run: Path) -> Repeated:
    start = time.monotonic()
    outcomes: dict[str, Outcome] = {}
    rows: dict[str, Sequence[ScoreRow]] = {}
    splits: list[SplitSummary] = []
    for name, request in members.items():
        minutes = request.resources.minutes
        left = None if minutes is None else minutes - (time.monotonic() - start) / 60
        if left is not None and left <= 0:
            return Repeated(False, outcomes, splits, record.protocol)
        outcomes[name] = carry_out(_within(request, left), dataset, run / name)
        if not outcomes[name].finished:
            return Repeated(False, outcomes, splits, record.protocol)
        if outcomes[name].rows:
            rows[name] = [*outcomes[name].rows, *rows_by_light(dataset, outcomes[name].rows)]
        splits = summarise(rows)
        protocol = rows[name][0].protocol if name in rows else None
        record = record.model_copy(update={"runs": tuple(outcomes), "protocol": protocol})
        write_summary(run, record, splits)
    return Repeated(True, outcomes, splits, record.protocol)


def _within(request: Request, minutes: float | None) -> Request:
    return replace(request, resources=replace(request.resources, minutes=minutes))


def _seed(resolved: Resolved) -> int:
    """The seed that the settings have. Raises UsageError where they have none."""
    training = resolved.config.as_dict().get("training")
    seed = training.get("seed") if isinstance(training, dict) else None
    if not isinstance(seed, int):
        raise UsageError(f"{resolved.baseline.name} has no setting {SEED}", "it cannot be run with several seeds")
    return seed


def _check_owner(run: Path, baseline: Baseline, *, overwrite: bool) -> None:
    """Refuse to work in a folder of anything else, or to clear one that holds anything else."""
    if not run.is_dir():
        return
    if (run / RUN).is_file():
        raise UsageError(f"{run} holds one run, not several", "choose another --out")
    ours = (run / SUMMARY).is_file()
    if overwrite or not ours:  # runs that somebody has made one by one are taken up, but never cleared
        inner = pattern([baseline, *_earlier(run)])
        files = rf"{re.escape(SUMMARY)}|{re.escape(TABLE)}|(?:seed|fold)-\d+/(?:{re.escape(LOCK)}|{inner})"
        refuse_foreign(run, re.compile("" if overwrite and not ours else files))


def _earlier(run: Path) -> list[Baseline]:
    """The baseline whose runs a folder holds; none where that cannot be known."""
    try:
        record = read_summary(run)
        return [plugins.load("baselines", record.baseline)] if record else []
    except DeblurbenchError:
        return []


def _open(run: Path, repeats: Repeats, record: RunRecord, *, retrain: bool) -> SummaryRecord:
    """Make `run` the folder of these runs, new or continued. Raises RunError where it is that of others."""
    new = SummaryRecord(
        kind=repeats.kind,
        count=repeats.count,
        baseline=record.baseline,
        version=record.version,
        preset=record.preset,
        label=record.label,
        dataset=record.dataset,
        dataset_version=record.dataset_version,
        dataset_id=record.dataset_id,
        identity=record.identity,
    )
    earlier = read_summary(run)
    if earlier is not None:
        _check_same(run, earlier, new)
    if earlier is None or retrain:
        (run / TABLE).unlink(missing_ok=True)
        write_summary(run, new, [])
    return new


def _check_same(run: Path, earlier: SummaryRecord, new: SummaryRecord) -> None:
    """Runs are continued with the same settings; seeds may become more, folds not."""
    if (earlier.kind, earlier.identity) != (new.kind, new.identity):
        raise RunError(f"{run} holds runs of other settings or data", "choose another --out, or --overwrite")
    if earlier.count > new.count or (earlier.count != new.count and new.kind == "folds"):
        hint = f"give --{new.kind} {earlier.count}, choose another --out, or --overwrite"
        raise RunError(f"{run} holds runs of {earlier.count} {new.kind}, not {new.count}", hint)
