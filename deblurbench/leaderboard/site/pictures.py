"""The pictures of the site: those that were scored, and no others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deblurbench.dataset.manifest import PhotoRecord
from deblurbench.dataset.reader import Dataset, open_dataset
from deblurbench.errors import PictureError, UsageError, listed
from deblurbench.files import make_folder, safe_name, sha256_text
from deblurbench.images.codec import SUFFIXES, Picture, read_rgb, write_png
from deblurbench.images.hashing import pixel_hash
from deblurbench.leaderboard.board import Contest
from deblurbench.leaderboard.site.pages import method_stem
from deblurbench.leaderboard.submission_file import stem_of
from deblurbench.leaderboard.track import Track, TrackPicture
from deblurbench.progress import say
from deblurbench.runs.record import PICTURES

COUNT = 6
"""How many pictures of a track are shown where nobody says."""

_LEFT_OUT = "it is left out"


@dataclass(frozen=True)
class Given:
    """Where pictures may be taken from.

    Attributes:
        datasets: dataset folders, for the sharp and the blurred pictures.
        predictions: run folders, or folders of predictions.
        count: how many pictures of a track are shown.
    """

    datasets: Sequence[Path] = ()
    predictions: Sequence[Path] = ()
    count: int = COUNT


@dataclass(frozen=True)
class Shown:
    """One picture that the site shows, sharp and blurred.

    `folder`: its own below `pictures/`; `photo`: whose photo it is, under which licence.
    """

    picture: TrackPicture
    folder: str
    photo: PhotoRecord


@dataclass(frozen=True)
class Gallery:
    """The pictures of a track that the site shows.

    Attributes:
        shown: those whose sharp and blurred picture are there, the most blurred one first.
        restored: by the stem of a method's page, the names of those of which its prediction is there too.
    """

    shown: Sequence[Shown] = ()
    restored: dict[str, set[str]] = field(default_factory=dict)

    def of(self, stem: str) -> list[Shown]:
        """Those that a method's page shows."""
        names = self.restored.get(stem, set())
        return [one for one in self.shown if one.picture.facts.name in names]


def spread(track: Track, count: int) -> list[TrackPicture]:
    """At most `count` pictures from the most to the least blurred one, at even steps of rank: for all methods alike."""
    ordered = sorted(track.pictures, key=lambda p: (p.blurred_psnr_db, p.facts.name))
    if count >= len(ordered):
        return ordered
    last = len(ordered) - 1
    return [ordered[last // 2]] if count == 1 else [ordered[round(i * last / (count - 1))] for i in range(count)]


def folder_of(name: str) -> str:
    """The folder of a picture: its own on file systems that know no capital letters too."""
    stem = Path(name).stem
    return stem if stem == safe_name(stem).lower() else f"{safe_name(stem, 50)}-{sha256_text(name)[:8]}"


def file_of_method(stem: str) -> str:
    """The name of a method's prediction in the folder of its picture; no method can be called as the others are."""
    return f"by-{stem}.png"


def write_pictures(folder: Path, contests: Sequence[Contest], given: Given) -> dict[str, Gallery]:
    """Write `TRACK/pictures/PICTURE/{blurred,sharp,by-METHOD}.png`, and return what is there, by track.

    Each picture has the pixel hash that its track or its submission states; what has another is left out with a note.

    Args:
        folder: what the folders of the tracks lie in.

    Raises: UsageError where a folder is not there, DatasetError where one is no finished dataset.
    """
    for path in given.predictions:
        if not path.is_dir():
            raise UsageError(f"no folder {path}", "name a run folder, or a folder of predictions")
    galleries: dict[str, Gallery] = {}
    for path in given.datasets:
        dataset = open_dataset(path)
        tracks = [contest.track for contest in contests if contest.track.file.dataset_id == dataset.id]
        if not tracks:
            say(f"note: {path} is the dataset of no track of this board (its id is {dataset.id[:12]}...)")
        for track in tracks:
            pictures = folder / track.name / "pictures"
            galleries[track.name] = Gallery(list(_write_pairs(pictures, dataset, track, given.count)))
    for path in given.predictions:
        _write_predictions(folder, path, [(c, galleries[c.track.name]) for c in contests if c.track.name in galleries])
    return galleries


def _write_pairs(folder: Path, dataset: Dataset, track: Track, count: int) -> Iterator[Shown]:
    chosen = spread(track, count)
    names = {picture.facts.name for picture in chosen}
    records = {f"{r.name}.png": r for r in dataset.records(track.file.split) if f"{r.name}.png" in names}
    for picture in chosen:
        facts = picture.facts
        try:
            record = records[facts.name]
            sharp = _verified(dataset.read(record, "sharp"), facts.sharp_sha256)
            blurred = _verified(dataset.read(record, "blur"), facts.blur_sha256)
        except (KeyError, PictureError) as error:
            why = error if isinstance(error, PictureError) else "the dataset has no such pair"
            say(f"note: {track.name}, {facts.name}: {why}; {_LEFT_OUT}")
            continue
        if sharp is None or blurred is None:
            say(f"note: {track.name}, {facts.name}: it is not the picture of the track in {dataset.place}; {_LEFT_OUT}")
            continue
        target = make_folder(folder / folder_of(facts.name))
        write_png(target / "sharp.png", sharp)
        write_png(target / "blurred.png", blurred)
        yield Shown(picture, target.name, record.photo)


def _write_predictions(folder: Path, given: Path, contests: Sequence[tuple[Contest, Gallery]]) -> None:
    """Of one folder of predictions, all that are somebody's; a note for those that are nobody's."""
    tried: dict[Path, bool] = {}  # by file: whether it is a prediction of anybody
    for contest, gallery in contests:
        stems = _stems(contest, {one.picture.facts.name for one in gallery.shown})
        for one in gallery.shown:
            name = one.picture.facts.name
            file = _find(_root(given, contest.track.file.split), name)
            if file is None:
                continue
            tried.setdefault(file, False)
            try:
                picture = read_rgb(file)
            except PictureError as error:
                say(f"note: {error}; {_LEFT_OUT}")
                tried[file] = True
                continue
            for stem in stems.get((name, pixel_hash(picture)), ()):
                tried[file] = True
                restored = gallery.restored.setdefault(stem, set())
                if name not in restored:
                    write_png(folder / contest.track.name / "pictures" / one.folder / file_of_method(stem), picture)
                    restored.add(name)
    spoilt = [file.relative_to(given).as_posix() for file, known in tried.items() if not known]
    if spoilt:
        say(f"note: {given}: {listed(spoilt)}: not what any submission was scored on; {_LEFT_OUT}")
    if not tried:
        say(f"note: {given} has none of the pictures that are shown")


def _stems(contest: Contest, shown: set[str]) -> dict[tuple[str, str], list[str]]:
    """By the name of a picture that is shown and a pixel hash, the pages of the methods that predicted it so."""
    stems: dict[tuple[str, str], list[str]] = {}
    places = [place for place, name in enumerate(contest.track.names) if name in shown]
    for entry in contest.entries:
        for place in places:
            key = (entry.scores.names[place], entry.scores.hashes[place])
            stems.setdefault(key, []).append(method_stem(stem_of(entry.submission.method)))
    return stems


def _root(given: Path, split: str) -> Path:
    """Where the predictions of a split lie in a run folder, in the `predictions/` of one, or in a folder of them."""
    places = (given / PICTURES / split, given / split)
    return next((place for place in places if place.is_dir()), given)


def _find(root: Path, name: str) -> Path | None:
    stem = Path(name).stem
    files = (root / name, *(root / f"{stem}{suffix}" for suffix in sorted(SUFFIXES)))
    return next((file for file in files if file.is_file()), None)


def _verified(picture: Picture, sha256: str) -> Picture | None:
    """The picture; None where it is another one than was scored."""
    return picture if pixel_hash(picture) == sha256 else None
