"""How long a leaderboard of many submissions takes to build, stage by stage.

    python benchmarks/leaderboard_speed.py [--submissions 2000] [--images 1000] [--scenes 1000] [--json FILE]

It makes a board in a temporary folder: one track, random numbers, methods between 0 and 5 dB above the blurred
pictures. `write` is the making of it, and no part of a build. `read` parses and checks all files, `standing` computes
intervals and ranks, `tables` makes the texts and writes them, `site` the pages without pictures. Seconds: of the clock,
and of the processor, which other work on the machine does not lengthen.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import kit
import numpy as np

from deblurbench.files import sha256_text
from deblurbench.leaderboard.board import read_board
from deblurbench.leaderboard.scores import Scores
from deblurbench.leaderboard.site.build import build_site
from deblurbench.leaderboard.submission_file import new_entry, write_entry
from deblurbench.leaderboard.tables.build import write_tables
from deblurbench.leaderboard.tables.standing import standing
from deblurbench.leaderboard.track import Track, TrackFile, TrackPicture, new_track, write_track
from deblurbench.runs.picture_facts import PictureFacts

Result = TypeVar("Result")


def make_track(images: int, scenes: int, rng: np.random.Generator) -> Track:
    pictures = [
        TrackPicture(
            PictureFacts(
                split="test",
                name=f"p{i:06}.png",
                scene=f"scene-{i % scenes}",
                family="gaussian",
                severity="RMS radius 1 .. 2 px",
                sharp_sha256=sha256_text(f"sharp {i}"),
                blur_sha256=sha256_text(f"blur {i}"),
            ),
            float(rng.normal(25, 2)),
            0.8,
        )
        for i in range(images)
    ]
    measured = {"dataset_version": 1, "dataset_id": sha256_text("many"), "protocol": "gnr638-eval@1"}
    file = TrackFile(title="Many", dataset="many").model_copy(update=measured)
    return new_track("many.test", file, pictures)


def write_board(board: Path, submissions: int, images: int, scenes: int) -> None:
    rng = np.random.default_rng(0)
    track = make_track(images, scenes, rng)
    write_track(board, track)
    blurred = np.array([picture.blurred_psnr_db for picture in track.pictures])
    for k in range(submissions):
        psnr = blurred + 5 * k / submissions + rng.normal(0, 1, images)
        hashes = tuple(sha256_text(f"{k} {name}") for name in track.names)
        facts = {
            "status": "rescored",
            "track": track.name,
            "dataset": "many",
            "dataset_version": 1,
            "dataset_id": track.file.dataset_id,
            "split": "test",
            "protocol": track.file.protocol,
            "method": f"method {k:05}",
            "parameters": 1000 * k,
        }
        similar = tuple(rng.uniform(0.8, 1, images).tolist())
        write_entry(board, new_entry(facts, Scores(track.names, tuple(psnr.tolist()), similar, hashes)))


def timed(stage: Callable[[], Result], figures: dict[str, dict[str, float]], name: str) -> Result:
    start, work = time.perf_counter(), time.process_time()
    result = stage()
    figures[name] = {
        "clock": round(time.perf_counter() - start, 2),
        "processor": round(time.process_time() - work, 2),
    }
    return result


def main() -> None:
    asked = kit.arguments(
        __doc__,
        submissions={"type": int, "default": 2000},
        images={"type": int, "default": 1000},
        scenes={"type": int, "default": 1000},
    )
    with tempfile.TemporaryDirectory() as folder:
        board = Path(folder)
        figures: dict[str, dict[str, float]] = {}
        timed(lambda: write_board(board, asked.submissions, asked.images, asked.scenes), figures, "write")
        contests = timed(lambda: read_board(board), figures, "read")
        standings = timed(lambda: [standing(contest) for contest in contests], figures, "standing")
        files = timed(lambda: write_tables(board, standings), figures, "tables")
        timed(lambda: build_site(board, standings, board / "site"), figures, "site")
        sizes = {file.name: file.stat().st_size for file in files}
        sizes["site"] = sum(file.stat().st_size for file in (board / "site").rglob("*"))
    what = {"submissions": asked.submissions, "images": asked.images, "scenes": asked.scenes}
    kit.report({**what, "seconds": figures, "bytes": sizes}, ("numpy", "scipy", "pydantic"), asked.json)


if __name__ == "__main__":
    main()
