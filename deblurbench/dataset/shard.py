"""A shard: the unit of work, of retry and of resume. One pure function builds it, in any process, on any machine."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from deblurbench.dataset.degradation import Degradation
from deblurbench.dataset.formats import find_format
from deblurbench.dataset.formats.format import SIDES, Format, Made, PairReader
from deblurbench.dataset.journal import ShardJournal
from deblurbench.dataset.kernels import Taps
from deblurbench.dataset.manifest import Record
from deblurbench.dataset.names import valid_text
from deblurbench.dataset.recipe import SplitTable
from deblurbench.dataset.shot import PreparedPhoto, Shot, kernels_of, shots
from deblurbench.errors import PictureError
from deblurbench.images.hashing import pixel_hash
from deblurbench.places import Place
from deblurbench.sources.photo import Source


@dataclass(frozen=True)
class ShardJob:
    """All that building one shard needs; picklable.

    Attributes:
        place: where the dataset grows.
        format: in which it lies.
        split, index: which shard of which split.
        degradations: the split's, in the order of its blurs.
        photos: of this shard, sorted by name.
        seed: of the recipe.
        engine: what convolves; the pixels do not depend on it.
    """

    place: Place
    format: str
    split: SplitTable
    index: int
    degradations: tuple[Degradation, ...]
    photos: tuple[PreparedPhoto, ...]
    seed: int
    engine: str = "auto"

    def journal(self) -> ShardJournal:
        """What is known of this shard."""
        return ShardJournal(self.place, self.split.name, self.index, appends=not find_format(self.format).sharded)

    def shots(self, photo: PreparedPhoto) -> Iterator[Shot]:
        """The shots of one of its photos."""
        return shots(self.seed, self.split, self.degradations, photo.photo)


def build_shard(job: ShardJob) -> int:
    """Build one shard, or finish it where an earlier build stopped; what is there already, pixel for pixel, is kept.

    A photo that cannot be read or is too small is left out: the journal has its name and the reason.

    Returns: how many photos the shard is done with.
    """
    fmt, journal = find_format(job.format), job.journal()
    done = journal.read()
    # Of two builds at once (a killed client's task still runs on its cluster) one may call the other's shard complete.
    named = done.records.keys() | done.left_out.keys()
    complete = done.complete and named >= {photo.photo.name for photo in job.photos}
    if complete and fmt.sharded and job.place.exists(shard_file(job, fmt)):
        return len(job.photos)
    kept = {} if fmt.sharded else _intact(job, fmt, done.records)
    if complete and not fmt.sharded and len(kept) == len(done.records):
        return len(job.photos)
    journal.begin(kept)
    ends: dict[str, tuple[str, list[Record]]] = {}
    kernels: dict[str, Taps] = {}
    for record in fmt.write(job.place, job.split.name, job.index, _pairs(job, kept, journal, ends, kernels)):
        if record.pair in ends:  # all pairs of the photo are safely there
            journal.add(*ends.pop(record.pair))
    journal.finish(kernels)
    return len(job.photos)


def shard_file(job: ShardJob, fmt: Format) -> str:
    """The name of a shard's file, in a format of one file per shard."""
    return list(fmt.files(job.split.name, [], job.index + 1))[-1]


def holds(reader: PairReader, record: Record) -> bool:
    """Whether both pictures of a pair are there, pixel for pixel."""
    try:
        return all(pixel_hash(reader.read(record, side)) == record.pixels(side) for side in SIDES)
    except PictureError:
        return False


def _intact(job: ShardJob, fmt: Format, known: Mapping[str, tuple[Record, ...]]) -> dict[str, tuple[Record, ...]]:
    """The photos all of whose pictures are there, pixel for pixel."""
    if not known:
        return {}
    with closing(fmt.reader(job.place, job.split.name)) as reader:
        names = [photo.photo.name for photo in job.photos]
        return {n: known[n] for n in names if n in known and all(holds(reader, record) for record in known[n])}


def _pairs(
    job: ShardJob,
    kept: Collection[str],
    journal: ShardJournal,
    ends: dict[str, tuple[str, list[Record]]],
    kernels: dict[str, Taps],
) -> Iterator[Made]:
    """Make the pairs that are not there yet, of each photo sorted by id; note all kernels, and where each photo ends.

    Args:
        job, kept, journal: what to make, what not, and who hears of photos that are left out.
        ends: gets, by the id of each photo's last pair, its name and all its records.
        kernels: gets all kernels, those of kept photos too, by id.
    """
    for photo in map(replace, job.photos):  # a copy, so that its decoded picture goes away with it
        of_photo = list(job.shots(photo))
        if photo.photo.name not in kept:
            try:
                made = [pair for shot in of_photo for pair in shot.make(photo, job.engine)]
            except PictureError as error:
                journal.leave_out(photo.photo.name, _reason(error, photo.source))
                continue
            made.sort(key=lambda pair: pair.record.pair)
            ends[made[-1].record.pair] = photo.photo.name, [pair.record for pair in made]
            yield from made
        for shot in of_photo:
            kernels.update((kernel.id, kernel.taps) for kernel in kernels_of(shot.drawn.operator))


def _reason(error: PictureError, source: Source) -> str:
    """What is wrong with a photo, without the folder that it lies in, which means nothing elsewhere."""
    text, path = str(error), getattr(source, "path", "")
    if path:
        folder = Path(path) if Path(path).is_dir() else Path(path).parent
        text = text.replace(os.path.join(folder, ""), "")
    return valid_text(text)
