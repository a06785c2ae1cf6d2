"""Boards that nobody ran anything for: tracks, methods and numbers as a test wants them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deblurbench.files import sha256_text
from deblurbench.leaderboard.board import Contest
from deblurbench.leaderboard.scores import Scores
from deblurbench.leaderboard.submission_file import Entry, new_entry, write_entry
from deblurbench.leaderboard.track import Track, TrackFile, TrackPicture, new_track, write_track
from deblurbench.runs.picture_facts import PictureFacts

FAMILIES = ("gaussian", "defocus", "camera-shake")


def make_track(name: str = "toy.test", n: int = 6, *, seed: int = 0, scenes: int | None = None, **file: Any) -> Track:
    """A track of `n` pictures in `scenes` scenes (each its own where None), blurred at about 25 dB."""
    blurred = np.random.default_rng(seed).normal(25, 2, n)
    pictures = [
        TrackPicture(
            PictureFacts(
                split="test",
                name=f"p{i:05}.png",
                scene=f"scene-{i % (scenes or n)}",
                family=FAMILIES[i % 3],
                severity=f"RMS radius {i % 2 + 1} .. {2 * (i % 2 + 1)} px",
                sharp_sha256=sha256_text(f"{name} sharp {i}"),
                blur_sha256=sha256_text(f"{name} blur {i}"),
            ),
            float(blurred[i]),
            0.8,
        )
        for i in range(n)
    ]
    facts = {"title": f"Toy {name}", "dataset": name.partition(".")[0], "dataset_version": 1}
    measured = {"dataset_id": sha256_text(name), "protocol": "gnr638-eval@1"}
    return new_track(name, TrackFile.model_construct(split="test", **(facts | measured | file)), pictures)


def make_entry(
    track: Track, method: str, gain: float | Sequence[float] = 3.0, *, ssim: float | None = 0.9, **facts: Any
) -> Entry:
    """A submission that is better than the blurred pictures by `gain` dB, each or one by one."""
    gains = np.broadcast_to(gain, len(track.pictures))
    psnrs = tuple(float(p.blurred_psnr_db + g) for p, g in zip(track.pictures, gains, strict=True))
    hashes = tuple(sha256_text(f"{track.name} {method} {name}") for name in track.names)
    whole = {"status": "rescored", **track.facts, "method": method}
    return new_entry(whole | facts, Scores(track.names, psnrs, (ssim,) * len(psnrs), hashes))


def make_contest(track: Track, **gains: float | Sequence[float]) -> Contest:
    """A track with a method of each name."""
    return Contest(track, [make_entry(track, method, gain) for method, gain in gains.items()])


def write_board(board: Path, *contests: Contest) -> Path:
    """All of it on disk."""
    for contest in contests:
        write_track(board, contest.track)
        for entry in contest.entries:
            write_entry(board, entry)
    return board
