"""A shard: the unit of work, of retry and of resume. One pure function builds it, in any process, on any machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from deblurbench.dataset.degradation import Degradation
from deblurbench.dataset.formats import find_format
from deblurbench.dataset.formats.format import SIDES, Format, Made
from deblurbench.dataset.journal import ShardJournal
from deblurbench.dataset.kernels import Taps
from deblurbench.dataset.manifest import Record
from deblurbench.dataset.recipe import SplitTable
from deblurbench.dataset.shot import PreparedPhoto, Shot, kernels_of, shots
from deblurbench.errors import PictureError
from deblurbench.images.hashing import pixel_hash
from deblurbench.places import Place


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
    known, _, complete = journal.read()
    if complete and fmt.sharded:
        return len(job.photos)
    kept = {} if fmt.sharded else _intact(job, fmt, known)
    if complete and len(kept) == len(known):
        return len(job.photos)
    journal.begin(kept)
    kernels: dict[str, Taps] = {}
    for _ in fmt.write(job.place, job.split.name, job.index, _pairs(job, kept, journal, kernels)):
        pass
    journal.finish(kernels)
    return len(job.photos)


def _intact(job: ShardJob, fmt: Format, known: Mapping[str, list[Record]]) -> dict[str, list[Record]]:
    """The photos all of whose pictures are there, pixel for pixel."""
    if not known:
        return {}
    reader = fmt.reader(job.place, job.split.name)

    def is_built(record: Record) -> bool:
        try:
            return all(pixel_hash(reader.read(record, side)) == record.pixels(side) for side in SIDES)
        except PictureError:
            return False

    names = [photo.photo.name for photo in job.photos]
    return {name: known[name] for name in names if name in known and all(map(is_built, known[name]))}


def _pairs(
    job: ShardJob, kept: Mapping[str, list[Record]], journal: ShardJournal, kernels: dict[str, Taps]
) -> Iterator[Made]:
    """Make the pairs that are not there yet; whoever asks for the next one has written the last one."""
    for photo in map(replace, job.photos):  # a copy, so that its decoded picture goes away with it
        of_photo = list(job.shots(photo))
        if photo.photo.name not in kept:
            try:
                made = [pair for shot in of_photo for pair in shot.make(photo, job.engine)]
            except PictureError as error:
                journal.leave_out(photo.photo.name, str(error))
                continue
            yield from made
            journal.add(photo.photo.name, [pair.record for pair in made])
        for shot in of_photo:
            kernels.update((kernel.id, kernel.taps) for kernel in kernels_of(shot.drawn.operator))
