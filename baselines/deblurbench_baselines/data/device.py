"""The feed on the device: sharp pictures lie in its memory, and every crop is cut, blurred and turned there.

The pixels are those of the built dataset. There is no loader, and no file is touched once training has begun.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Iterator, Sequence

import torch

from deblurbench.dataset.manifest import Record
from deblurbench.dataset.reader import Dataset
from deblurbench.errors import DatasetError
from deblurbench.progress import say
from deblurbench_baselines.data.crops import CropSource
from deblurbench_baselines.data.exactness import crops_of
from deblurbench_baselines.data.feed import Batch, Feed
from deblurbench_baselines.data.frames import Frames, Wanted, read_frames
from deblurbench_baselines.data.lights import STORED
from deblurbench_baselines.data.remake import remakes
from deblurbench_baselines.data.sampler import Crop, check_size


class FramesFeed(Feed):
    """A feed out of frames in memory: what its crops are made of is up to the two kinds of it."""

    def __init__(self, frames: Frames, records: Sequence[Record], side: int) -> None:
        for index, record in enumerate(records):
            check_size(record.name, *frames.size(index), side)
        self.pairs = len(records)
        self._crops = crops_of(frames, side)

    def batches(self, plan: Sequence[Sequence[Crop]]) -> Generator[Batch]:
        """The batches of a plan, in its order."""
        for sources in self.sources(plan):
            yield self._crops.batch(sources)

    def sources(self, plan: Sequence[Sequence[Crop]]) -> Iterator[list[CropSource]]:
        """What the crops of each batch are made of."""
        return ([self.source(crop) for crop in crops] for crops in plan)

    @abstractmethod
    def source(self, crop: Crop) -> CropSource:
        """What a crop is made of."""


class DeviceFeed(FramesFeed):
    """Crops of built pairs, bit for bit, out of a device's memory.

    A pair that one kernel blurred is made again from its sharp picture (see `remake`); of all others the blurred
    picture lies there, too.

    Args:
        dataset: what the pairs are read from.
        records: the pairs, in the order in which crops number them.
        side: of the crops, pixels.
        device: in whose memory the pictures lie, and which makes the crops.
        quiet: show no progress, and do not tell how many blurred pictures are kept.

    Raises: RunError for a pair smaller than a crop, and where the device does not blur exactly; PictureError for a
        picture that cannot be read; DatasetError where the two sides of a pair differ in size.
    """

    def __init__(
        self, dataset: Dataset, records: Sequence[Record], side: int, device: torch.device, *, quiet: bool = False
    ) -> None:
        self._remakes = remakes(dataset, records)
        kept = [index for index, remake in enumerate(self._remakes) if remake is None]
        wanted = [Wanted(record, "sharp") for record in records] + [Wanted(records[index], "blur") for index in kept]
        frames = read_frames(dataset, wanted, device, quiet=quiet)
        self._blurred = {index: len(records) + number for number, index in enumerate(kept)}
        for index, number in self._blurred.items():
            if frames.size(index) != frames.size(number):
                hint = "build the dataset again"
                raise DatasetError(f"the two pictures of {records[index].pair} differ in size", hint)
        if kept:
            say(
                f"{len(kept)} of {len(records)} pairs are kept with their blurred pictures: "
                "one kernel alone does not make them",
                quiet=quiet,
            )
        super().__init__(frames, records, side)

    def source(self, crop: Crop) -> CropSource:
        """What a crop is made of."""
        remake = self._remakes[crop.pair]
        if remake is None:
            return CropSource(crop, crop.pair, self._blurred[crop.pair], None, STORED)
        return CropSource(crop, crop.pair, crop.pair, *remake)
