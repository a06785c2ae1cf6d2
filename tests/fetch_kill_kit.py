"""Run by `test_fetch_kills.py`: SIGKILL before every so-many-th file operation of a fetch, then a fetch that goes on.

    python fetch_kill_kit.py SCENARIO EVERY FOLDER

A line for each kill after which the folder is not that of an undisturbed fetch; then, how many kills.
"""

import random
import shutil
import sys
from pathlib import Path

from fetch_kit import World, WorldClient, files, look, manifest
from kill_kit import Killer

from deblurbench.errors import DatasetError, FetchError
from deblurbench.fetch import loaders, run
from deblurbench.fetch.photo_file import Checks
from deblurbench.fetch.request import Request
from deblurbench.fetch.web.manners import Manners

COUNTS = {"fetch": (12, 12), "overwrite": (12, 12), "larger": (6, 12), "smaller": (12, 6)}
"""By scenario, how many photos are wanted by the fetch that is killed, and by the one after it."""


def fetch(out: Path, count: int, *, seed: int, queries: tuple[str, ...] = ("sea", "wood"), busy: bool = False,
          overwrite: bool = False) -> None:  # fmt: skip
    """Fetch a world; where it is busy, every fifth photo and one listing are not to be had for now."""
    bad = {f"{n}": (FetchError("gone", kind="http-404"), 9) for n in range(3, 30, 7)}
    if busy:
        bad |= {f"{n}": (FetchError("busy", kind="http-503", passing=True), 9) for n in range(0, 30, 5)}
        bad[f"{queries[0]}/1"] = FetchError("busy", kind="http-503", passing=True), 9
    client = WorldClient(seed=seed, bad=bad, slowest=0.002)
    run.Client = lambda *_: client
    wanted = Request(World(seed=1, photos=30), queries, "by", Checks(), count=count)
    run.fetch(wanted, Manners(concurrency=1), out, out.parent, overwrite=overwrite, quiet=True)


def state(out: Path) -> list[object]:
    """What a fetch leaves."""
    texts = [(out / name).read_bytes() for name in ("fetch-report.csv", "ATTRIBUTION.md")]
    return [manifest(out), files(out), *texts, [(out / name).read_bytes() for name in files(out)]]


def main(scenario: str, every: int, root: Path) -> None:
    """Kill, go on, compare."""
    loaders.check_photo = look
    out, before, whole = root / "out", root / "before", root / "whole"
    first, last = COUNTS[scenario]
    fetch(whole, last, seed=0)
    expected, killer, draws = state(whole), Killer(out), random.Random(1)
    if scenario == "overwrite":
        fetch(before, first, seed=0, queries=("hills",))
    kill_at, kills = 1 + draws.randrange(every), 0
    while True:
        shutil.rmtree(out, ignore_errors=True)
        if before.exists():
            shutil.copytree(before, out)
        overwrite, busy = scenario == "overwrite", draws.random() < 0.5
        if not killer.run(lambda: fetch(out, first, seed=kill_at, busy=busy, overwrite=overwrite), kill_at):  # noqa: B023
            break
        kills += 1
        if draws.random() < 0.4:
            kills += killer.run(lambda: fetch(out, last, seed=0, overwrite=overwrite), draws.randint(1, kill_at + 20))  # noqa: B023
        try:
            fetch(out, last, seed=kill_at)
        except DatasetError:  # the fetch of other settings is still there
            fetch(out, last, seed=kill_at, overwrite=True)
        if state(out) != expected:
            names = ("manifest", "files", "report", "credits", "bytes")
            wrong = [name for name, is_, be in zip(names, state(out), expected, strict=True) if is_ != be]
            print(f"killed before operation {kill_at}: {', '.join(wrong)} differ")
        kill_at += every
    print(kills)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
