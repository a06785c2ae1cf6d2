"""What the page of a method says of it beside its numbers: names and words, in the order of the page."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from deblurbench.dataset.manifest import PhotoRecord
from deblurbench.leaderboard.site.words import count, duration, giga
from deblurbench.leaderboard.submission import Links, Measured
from deblurbench.leaderboard.tables.row import Row
from deblurbench.leaderboard.track import TrackFile
from deblurbench.runs.cost import SIZES, amount

_STATUS = {
    "rerun": "re-run: its code was run, and the predictions scored",
    "rescored": "re-scored: predictions that others made were scored",
}


@dataclass(frozen=True)
class Fact:
    """A name and what it is; `is_code` where somebody may want to copy it, such as a hash."""

    name: str
    value: str
    is_code: bool = False


@dataclass(frozen=True)
class Link:
    """A link of a submission: what it leads to, its address, and the host of that."""

    kind: str
    url: str
    host: str


def what_it_is(submission: Measured, row: Row) -> list[Fact]:
    """What the makers say, and how it was run; what is not known is left out."""
    about = submission.about
    facts = [
        Fact("Authors", ", ".join(about.authors)),
        Fact("Trained on", about.training_data),
        Fact("Licence", about.licence),
        Fact("Note", about.note),
        Fact("Status", _STATUS[submission.status]),
        Fact("Baseline", _baseline(submission)),
        Fact("Parameters", _parameters(submission)),
        Fact("Training", _training(row)),
        Fact("Seeds", ", ".join(map(str, submission.seeds))),
        Fact("Tiling", submission.tiling or ""),
        Fact("Time", _time(row)),
    ]
    return [fact for fact in facts if fact.value]


def what_was_scored(submission: Measured, track: TrackFile) -> list[Fact]:
    """What says on which bytes, by which code and with which libraries the numbers were made."""
    versions = (f"{name} {version}" for name, version in sorted(submission.versions.items()))
    facts = [
        Fact("Dataset", f"{track.dataset} {track.dataset_version}, split {track.split}"),
        Fact("Dataset id", submission.dataset_id, is_code=True),
        Fact("Protocol", submission.protocol, is_code=True),
        Fact("Predictions", submission.predictions_sha256, is_code=True),
        Fact("Weights", submission.weights_sha256 or "", is_code=True),
        Fact("Settings", submission.config_hash or "", is_code=True),
        Fact("Git commit", submission.git_commit or "", is_code=True),
        Fact("Seal", submission.facts_sha256, is_code=True),
        Fact("Versions", ", ".join(versions)),
    ]
    return [fact for fact in facts if fact.value]


def costs(row: Row) -> list[tuple[str, str, str, str]]:
    """By size of a picture: GMAC, seconds and MB, in words; empty where nothing was measured."""
    table = []
    for size in SIZES:
        macs, seconds, memory = (getattr(row, f"{what}_{size}") for what in ("macs", "seconds", "memory_mb"))
        table.append((size.replace("x", " \u00d7 "), giga(macs), _amount(seconds), _amount(memory)))
    return table if any(any(cells) for _, *cells in table) else []


def links_of(links: Links) -> list[Link]:
    """Those that there are. The host stands beside the link, so that nobody is led where he does not look."""
    given = ((kind, getattr(links, kind)) for kind in Links.model_fields)
    return [Link(kind, url, _host(url)) for kind, url in given if url]


def credit(photo: PhotoRecord) -> str:
    """Whose photo it is, as its licence may ask to say."""
    title = f"“{photo.title}” by {photo.author}" if photo.title else photo.author
    return f"Photo: {title or photo.source}, {photo.licence}; cropped, resized and blurred as its dataset says."


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # such as of half an IPv6 address
        return ""


def _baseline(submission: Measured) -> str:
    if not submission.baseline:
        return ""
    version = f"version {submission.version}" if submission.version is not None else ""
    origin = f"from {submission.origin}" if submission.origin else ""
    return ", ".join(part for part in (submission.baseline, version, origin) if part)


def _parameters(submission: Measured) -> str:
    if submission.parameters is None:
        return ""
    trained = submission.trainable
    fewer = f", of which {count(trained)} are trained" if trained not in (None, submission.parameters) else ""
    return count(submission.parameters) + fewer


def _training(row: Row) -> str:
    if row.epochs is None:
        return ""
    beforehand = "beforehand: " if row.shipped else ""
    return f"{beforehand}{count(row.epochs)} epochs, {count(row.crops)} crops, {duration(row.training_seconds)}"


def _time(row: Row) -> str:
    if row.seconds_per_picture is None:
        return ""
    return f"{amount(row.seconds_per_picture)} s per picture of this split" + (
        f", on {row.device}" if row.device else ""
    )


def _amount(value: float | None) -> str:
    return "" if value is None else amount(value)
