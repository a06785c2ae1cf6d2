"""Which pictures are restored, and where each result goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deblurbench.errors import UsageError
from deblurbench.files import refuse_inside
from deblurbench.images.codec import SUFFIXES, list_pictures


@dataclass(frozen=True)
class Job:
    """One picture to restore: where it is read and where the result goes."""

    source: Path
    target: Path


def plan_jobs(source: Path, out: Path) -> list[Job]:
    """Which files `predict` reads and writes: a picture, or every picture of a folder, subfolders too.

    Results are PNG files of the same names. A file goes to `out` itself where that is a `.png` name, else into it.

    Raises: UsageError where there is nothing to read, `out` is the input, a folder that holds it or lies in it, or
        two results would have one name.
    """
    if source.is_file():
        return [_of_file(source, out)]
    if not source.is_dir():
        raise UsageError(f"no file or folder {source}", "name a picture or a folder of pictures")
    refuse_inside(out, source, "OUT")
    pictures = list_pictures(source)
    if not pictures:
        raise UsageError(f"no pictures in {source}", f"looked for {', '.join(sorted(SUFFIXES))} in it and below")
    targets: dict[Path, Path] = {}
    for picture in pictures:
        target = out / picture.with_suffix(".png")
        if target in targets:
            raise UsageError(f"{picture} and {targets[target]} would both become {target}", "rename one of them")
        targets[target] = picture
    return [Job(source / picture, target) for target, picture in targets.items()]


def _of_file(source: Path, out: Path) -> Job:
    named = out.suffix.lower() in SUFFIXES and not out.is_dir()
    if named and out.suffix.lower() != ".png":
        raise UsageError(f"cannot write {out}", "results are PNG files: name it .png")
    if not named and out.resolve() == source.parent.resolve():
        raise UsageError(f"{out} is the folder of the input", "choose another OUT, or name the result")
    target = out if named else out / source.with_suffix(".png").name
    if target.exists() and target.samefile(source):
        raise UsageError(f"{target} is the input itself", "choose another OUT: no picture is replaced by its result")
    return Job(source, target)


def refuse_existing(jobs: Iterable[Job]) -> None:
    """Raise UsageError where a result would take the place of a file."""
    for job in jobs:
        if job.target.exists():
            what = "choose another OUT, --skip-existing to keep what is there, or --overwrite to replace it"
            raise UsageError(f"{job.target} is there already", what)


def without_existing(jobs: Iterable[Job]) -> list[Job]:
    """Those whose results are not there: a result is a whole file or none."""
    return [job for job in jobs if not job.target.exists()]
