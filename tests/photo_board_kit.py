"""A board whose pictures are really there: a small dataset, and predictions of it that nobody had to run for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.reader import Dataset
from deblurbench.dataset.recipe import read_recipe
from deblurbench.images.codec import Picture, write_png
from deblurbench.images.hashing import pixel_hash
from deblurbench.leaderboard.board import Contest
from deblurbench.leaderboard.scores import Scores
from deblurbench.leaderboard.site.build import build_site
from deblurbench.leaderboard.submission_file import Entry, new_entry
from deblurbench.leaderboard.tables.standing import standing
from deblurbench.leaderboard.track import Track, TrackFile, TrackPicture, new_track
from deblurbench.runs.picture_facts import PictureFacts

RECIPE = """
schema = 1
name = "leaves"
version = 1
summary = "A dataset for tests."
seed = 5
[[sources]]
source = "deadleaves"
count = 5
size = "48x40"
scenes = { test = 1 }
[[splits]]
name = "test"
blurs = [{ family = "gaussian", sigma = 1.2 }, { family = "gaussian-opencv", sigma = 0.8, size = 5 }]
"""
HOSTILE = "<img src=x onerror=alert(1)>"

Restore = Callable[[Picture, Picture], Picture]


@dataclass(frozen=True)
class PhotoBoard:
    """A contest with its dataset; `predictions`: the folders of its methods, by name."""

    folder: Path
    dataset: Dataset
    contest: Contest
    predictions: dict[str, Path]

    def site(self, out: Path, contest: Contest | None = None, **given: Any) -> Path:
        """The folder of its track in a site that shows all its pictures, or those that are `given`."""
        everything = {"runs": list(self.predictions.values()), "datasets": [self.dataset.path]}
        build_site(self.folder, [standing(contest or self.contest)], out, **(everything | given))
        return out / "tracks" / self.contest.track.name


def psnr(picture: Picture, sharp: Picture) -> float:
    """In dB."""
    error = float(np.mean((picture.astype(np.float64) - sharp.astype(np.float64)) ** 2))
    return 10 * math.log10(255**2 / error) if error else math.inf


def half(blurred: Picture, sharp: Picture) -> Picture:
    """Half way to the sharp picture."""
    return ((blurred.astype(np.uint16) + sharp) // 2).astype(np.uint8)


def darker(blurred: Picture, sharp: Picture) -> Picture:
    """What is worse than the blurred picture, but where that is bright."""
    return np.where(blurred > 128, half(blurred, sharp), blurred // 2).astype(np.uint8)


def restored(track: Track, dataset: Dataset, method: str, restore: Restore, folder: Path, **facts: Any) -> Entry:
    """The submission of a method, whose predictions are written into a folder."""
    folder.mkdir(parents=True)
    found = {}
    for record in dataset.records("test"):
        sharp = dataset.read(record, "sharp")
        picture = restore(dataset.read(record, "blur"), sharp)
        write_png(folder / f"{record.name}.png", picture)
        found[f"{record.name}.png"] = (psnr(picture, sharp), pixel_hash(picture))
    return entry_of(track, method, found, **facts)


def entry_of(track: Track, method: str, found: dict[str, tuple[float, str]], **facts: Any) -> Entry:
    """A submission of some numbers and pixel hashes, by the name of the picture."""
    names = track.names
    scores = Scores(names, tuple(found[n][0] for n in names), (0.9,) * len(names), tuple(found[n][1] for n in names))
    keys = ("dataset", "dataset_version", "dataset_id", "split", "protocol")
    whole = {"status": "rescored", "track": track.name, "method": method, **{k: getattr(track.file, k) for k in keys}}
    return new_entry(whole | facts, scores)


def make_photo_board(folder: Path) -> PhotoBoard:
    """A board of ten pictures and three methods, one of them with a hostile name."""
    recipe = folder / "leaves.toml"
    recipe.write_text(RECIPE)
    dataset = build(make_plan(read_recipe(recipe)), folder / "leaves", quiet=True)
    track = _track(dataset)
    predictions = {"half": folder / "run", "darker": folder / "darker", HOSTILE: folder / "hostile"}
    entries = [
        restored(track, dataset, "half", half, predictions["half"] / "predictions" / "test"),
        restored(track, dataset, "darker", darker, predictions["darker"]),
        restored(track, dataset, HOSTILE, lambda blurred, _: blurred[::-1], predictions[HOSTILE], about=about()),
    ]
    return PhotoBoard(folder, dataset, Contest(track, entries), predictions)


def about() -> dict[str, Any]:
    """Words of a maker who means no good."""
    return {
        "authors": ("</dd><script>alert(2)</script>", '" onmouseover="alert(3)'),
        "links": {"code": 'https://example.org/"onclick="alert(4)', "paper": "https://paper.example@evil.example/"},
        "training_data": "{{ 7 * 7 }}",
        "licence": "&lt;b&gt;",
        "note": "--></script><svg/onload=alert(5)>",
    }


def _track(dataset: Dataset) -> Track:
    pictures = []
    for record in dataset.records("test"):
        sharp, blurred = dataset.read(record, "sharp"), dataset.read(record, "blur")
        facts = PictureFacts(
            split="test",
            name=f"{record.name}.png",
            scene=record.scene,
            family=str(record.blur["family"]),
            severity="RMS radius 1 .. 2 px",
            sharp_sha256=record.sharp_sha256,
            blur_sha256=record.blur_sha256,
        )
        pictures.append(TrackPicture(facts, psnr(blurred, sharp), 0.8))
    measured = {"dataset_version": 1, "dataset_id": dataset.id, "protocol": "gnr638-eval@1"}
    file = TrackFile.model_construct(title="Leaves & <i>more</i>", dataset="leaves", split="test", **measured)
    return new_track("leaves.test", file, pictures)
