"""What belongs to a run folder, and what of it may be removed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from deblurbench import plugins
from deblurbench.errors import DeblurbenchError, RunError
from deblurbench.files import LOCK, clear, refuse_foreign
from deblurbench.runs.baseline import WEIGHTS, Baseline
from deblurbench.runs.cost import COST
from deblurbench.runs.picture_facts import PICTURE_FACTS
from deblurbench.runs.record import PICTURES, PREDICTIONS, RUN, SCORES, RunRecord, read_run, refuse_several, write_run

_CORE = (*map(re.escape, (RUN, PREDICTIONS, SCORES, PICTURE_FACTS, COST, WEIGHTS)), rf"{PICTURES}/[^/]+/[^/]+\.png")


def pattern(baselines: Iterable[Baseline]) -> str:
    """A pattern of all that runs of some baselines write, as paths below the run folder."""
    own = [name for baseline in baselines for name in baseline.files]
    return "|".join(f"(?:{name})" for name in dict.fromkeys([*_CORE, *own]))


def has_training(run: Path, baseline: Baseline) -> bool:
    """Whether a run folder holds what training leaves beside the weights, be it finished or not."""
    own = re.compile("|".join(baseline.files) or r"(?!)")
    return any(own.fullmatch(path.relative_to(run).as_posix()) for path in run.rglob("*"))


def check_owner(run: Path, baseline: Baseline, *, overwrite: bool) -> None:
    """Refuse to work in a folder that is no run's, or to clear one that holds anything else.

    Raises: UsageError, which names a file that is not a run's.
    """
    if run.is_dir():
        refuse_several(run)
        ours = (run / RUN).is_file()
        if overwrite or not ours:
            files = pattern([baseline, *_earlier(run)]) if ours else ""
            refuse_foreign(run, re.compile(files))


def open_run(run: Path, record: RunRecord, baseline: Baseline, *, overwrite: bool, retrain: bool) -> None:
    """Make `run` the folder of this run: new, continued or, where asked for, anew.

    Raises: RunError where it holds another run that has made anything.
    """
    if overwrite:
        clear(run, RUN)
    if not (run / RUN).is_file():
        write_run(run, record)
    elif read_run(run).identity != record.identity:
        if not _is_bare(run):
            raise RunError(f"{run} holds a run of other settings or data", "choose another --out, or --overwrite")
        write_run(run, record)
    elif retrain:
        _discard(run, re.compile(pattern([baseline])))
        write_run(run, record)


def _is_bare(run: Path) -> bool:
    """Whether a run has made nothing, such as one that was refused for a wrong setting: then it is in nobody's way."""
    return {path.name for path in run.iterdir()} <= {RUN, LOCK}


def _discard(run: Path, ours: re.Pattern[str]) -> None:
    """Remove all that a run has made of itself, and nothing else. Its record stays: it says whose folder it is."""
    for path in sorted(run.rglob("*")):
        name = path.relative_to(run).as_posix()
        if name != RUN and ours.fullmatch(name) and (path.is_symlink() or path.is_file()):
            path.unlink()


def _earlier(run: Path) -> list[Baseline]:
    """The baseline whose run a folder holds; none where that cannot be known."""
    try:
        return [plugins.load("baselines", read_run(run).baseline)]
    except DeblurbenchError:
        return []
