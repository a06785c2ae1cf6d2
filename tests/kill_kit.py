"""Run by `test_kills.py`: SIGKILL before every so-many-th file operation below OUT, then the same command again.

    python kill_kit.py COMMAND FORMAT EVERY FOLDER

A line for each kill after which the dataset is not, byte for byte, that of an undisturbed run; then, how many kills.
"""

import hashlib
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from deblurbench.dataset.build import build
from deblurbench.dataset.merge import merge
from deblurbench.dataset.plan import Part, make_plan
from deblurbench.dataset.recipe import read_recipe
from deblurbench.dataset.verify import verify
from deblurbench.errors import DatasetError

RECIPE = """
schema = 1
name = "small"
version = 1
summary = "A recipe for tests."
seed = 5
[[sources]]
source = "deadleaves"
count = 5
size = "21x19"
scenes = { train = 1, test = 1 }
[[splits]]
name = "train"
blurs = [
    { family = "linear-motion", length = [3.0, 11.0], angle = [0.0, 180.0] },
    { family = "box", width = 3 },
]
[[splits]]
name = "test-a"
tiles = { size = "12x16", mode = "grid" }
blurs = [{ family = "defocus", radius = [1.0, 3.0] }]
"""
_OPERATIONS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.scandir", "shutil.rmtree"}
_PICTURES = (".png", ".npy", ".qoi", ".tar", ".parquet", ".mdb")


class Killer:
    """Counts the operations below a folder and, once armed, ends the process before one of them."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count, self._kill_at = str(folder), 0, 0
        sys.addaudithook(self._look)

    def run(self, command: Callable[[], object], kill_at: int) -> bool:
        """Run a command in a process of its own; whether it was killed before it was done."""
        child = os.fork()
        if not child:
            self._kill_at = kill_at
            try:
                command()
            finally:
                os._exit(0)
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])

    def _look(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self._kill_at or event not in _OPERATIONS:
            return
        if any(isinstance(a, str | os.PathLike) and self._folder in str(a) for a in arguments[:2]):
            self._count += 1
            if self._count == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)


def tree(folder: Path) -> dict[str, str]:
    """The hash of every file; of LMDB's data, whose pages depend on how often it was written to, not."""
    found = {}
    for file in folder.rglob("*"):
        if file.is_file() and file.name not in ("dataset.json", "data.mdb"):
            data = b"\n".join(line for line in file.read_bytes().splitlines() if b"data.mdb" not in line)
            found[file.relative_to(folder).as_posix()] = hashlib.sha256(data).hexdigest()
    return found


def main(command: str, fmt: str, every: int, root: Path) -> None:
    """Kill, run again, compare."""
    (root / "r.toml").write_text(RECIPE)
    out, before, whole = root / "out", root / "before", root / "whole"

    def plan(*settings: str, part: Part | None = None):
        return make_plan(read_recipe(root / "r.toml", settings), part=part, quiet=True)

    def run(place: Path = out) -> object:
        if command == "merge":
            return merge(parts, place, quiet=True)
        return build(plan(), place, fmt=fmt, overwrite=command.startswith("overwrite"), quiet=True)

    def again() -> object:
        """The same command; of `overwrite-then-build`, one that must not take the old dataset's remains for its own."""
        if command == "overwrite-then-build":
            try:
                return build(plan(), out, fmt=fmt, quiet=True)
            except DatasetError:  # holds a dataset of other settings
                pass
        return run()

    parts = [root / f"part{i}" for i in (1, 2, 3)] if command == "merge" else []
    for i, part in enumerate(parts, 1):
        build(plan(part=Part(i, 3)), part, fmt=fmt, quiet=True)
    if command.startswith("overwrite"):
        build(plan("seed=6"), before, fmt=fmt, quiet=True)
    if command == "repair":
        build(plan(), before, fmt=fmt, quiet=True)
        for file in sorted(file for file in before.glob("*/**/*") if file.suffix in _PICTURES)[::3]:
            file.unlink()
        for file in sorted(file for file in before.glob("*-0*") if file.suffix in _PICTURES)[:1]:
            file.unlink()
    run(whole)
    expected, killer, draws = tree(whole), Killer(out), random.Random(1)
    kill_at, kills = 1 + draws.randrange(every), 0
    while True:
        shutil.rmtree(out, ignore_errors=True)
        if before.exists():
            shutil.copytree(before, out)
        if not killer.run(run, kill_at):
            break
        kills += 1
        if draws.random() < 0.3:
            kills += killer.run(again, draws.randint(1, kill_at + 20))
        again()
        got = tree(out)
        wrong = sorted(name for name in got.keys() | expected.keys() if got.get(name) != expected.get(name))
        wrong += verify(out, pixels=True, quiet=True)
        if wrong:
            print(f"killed before operation {kill_at}: {wrong[:5]}")
        kill_at += every
    print(kills)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
