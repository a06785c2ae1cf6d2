"""A feed that reads pairs when they are needed, for datasets that no memory holds.

With several workers, processes read and cut, and give crops back as uint8 through shared memory; the device makes
floats of them. They are spawned, never forked: a fork of a process that uses CUDA or threads may hang. Starting them
costs a few seconds, once per training: they stay from epoch to epoch. A thread of this process takes what they made,
so that the next batches are ready (and pinned, for CUDA) when they are asked for. With one worker that thread reads.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import torch
from torch.utils.data import DataLoader, Sampler
from torch.utils.data import Dataset as TorchDataset

from deblurbench.dataset.formats.format import PairReader
from deblurbench.dataset.manifest import Record
from deblurbench.dataset.reader import Dataset
from deblurbench.errors import DatasetError, DeblurbenchError, RunError
from deblurbench.images.codec import Picture
from deblurbench_baselines.data.feed import Batch, Feed
from deblurbench_baselines.data.sampler import Crop, check_size, cut

Item = TypeVar("Item")
_READY = 2  # batches that wait for the training, beside those in the workers' hands


class Levels(NamedTuple):
    """Crops of both sides as they are stored: uint8 N x side x side x 3 on the CPU."""

    blur: torch.Tensor
    sharp: torch.Tensor


class LoaderFeed(Feed):
    """Crops of the pairs of `records`, `side` pixels, read from `dataset` by `workers` processes, given to `device`.

    The records may be of several splits; `Crop.pair` is an index into them. One worker, or none, is a thread of this
    process. Each crop costs the decoding of its whole pair.

    Memory: the records, and per worker a few batches of uint8 crops, which lie in shared memory.
    """

    def __init__(
        self, dataset: Dataset, records: Sequence[Record], side: int, device: torch.device, workers: int = 1
    ) -> None:
        self.pairs = len(records)
        self._device = device
        self._reader = _CropReader(dataset, side)
        self._plan = _Plan(records)
        self._processes = workers if workers > 1 else 0
        self._loader: DataLoader[Any] | None = DataLoader(
            self._reader,
            batch_size=None,  # a batch of the plan is one item: read by one worker, given in the plan's order
            sampler=self._plan,
            num_workers=self._processes,
            persistent_workers=self._processes > 0,
            multiprocessing_context="spawn" if self._processes else None,
            worker_init_fn=_start_worker,
            generator=torch.Generator(),  # each pass draws a seed: not from the stream that the training draws from
        )

    def batches(self, plan: Sequence[Sequence[Crop]]) -> Generator[Batch]:
        """The batches of a plan, in its order; the next ones are read meanwhile. One plan at a time.

        Raises: RunError where a pair is smaller than a crop or a worker was killed, PictureError where a picture
            cannot be read, DatasetError where the two sides of a pair differ in size.
        """
        if self._loader is None:
            raise ValueError("this feed is closed")
        self._plan.batches = plan
        with closing(ReadAhead(self._levels, _READY)) as ready:
            for levels in ready:
                yield Batch(self._to_device(levels.blur), self._to_device(levels.sharp))

    def close(self) -> None:
        """End the workers and close files. May be called again."""
        self._loader = None  # nobody else knows its iterator: it ends its workers now
        self._reader.close()

    def _levels(self) -> Iterator[Levels]:
        """What the loader gives; runs in the thread that reads ahead.

        There PyTorch does not let a worker's death interrupt the main thread in the midst of anything.
        """
        if self._processes:
            _hold_signals()
        try:
            for made in self._loader or ():
                if isinstance(made, DeblurbenchError):
                    raise made
                yield Levels(*(side.pin_memory() for side in made)) if self._device.type == "cuda" else made
            return
        except (RuntimeError, EOFError, OSError) as error:
            if not self._processes or str(error).startswith("Caught"):  # a worker lives, and says what went wrong
                raise
        # Raised here, not from that error: with it, its traceback would keep the other workers.
        hint = "perhaps for lack of memory, or of shared memory (Docker: --shm-size): use fewer workers"
        raise RunError("a process that reads pairs has ended", hint)

    def _to_device(self, levels: torch.Tensor) -> torch.Tensor:
        return levels.to(self._device, non_blocking=True).permute(0, 3, 1, 2).float().div_(255)


class _Plan(Sampler[list[tuple[Record, Crop]]]):
    """The batches that are to be read. Records go with their crops, so that workers need not hold all of them."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records
        self.batches: Sequence[Sequence[Crop]] = ()

    def __iter__(self) -> Iterator[list[tuple[Record, Crop]]]:
        return ([(self.records[crop.pair], crop) for crop in crops] for crops in self.batches)

    def __len__(self) -> int:
        return len(self.batches)


class _CropReader(TorchDataset["Levels | DeblurbenchError"]):
    """Reads a batch's pairs and cuts its crops; each process opens files for itself."""

    def __init__(self, dataset: Dataset, side: int) -> None:
        self._dataset, self._side = dataset, side
        self._readers: dict[str, PairReader] = {}

    def __getitem__(self, batch: Sequence[tuple[Record, Crop]]) -> Levels | DeblurbenchError:
        """The crops of a batch. What is wrong with a dataset is given, not raised: PyTorch would wrap it."""
        try:
            blur, sharp = zip(*(self._cut(record, crop) for record, crop in batch), strict=True)
        except DeblurbenchError as error:
            return error
        return Levels(self._stack(blur), self._stack(sharp))

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_readers": {}}

    def _stack(self, crops: Sequence[Picture]) -> torch.Tensor:
        stacked = np.empty((len(crops), self._side, self._side, 3), np.uint8)  # in this order of memory
        return torch.from_numpy(np.stack(crops, out=stacked))

    def close(self) -> None:
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()

    def _cut(self, record: Record, crop: Crop) -> tuple[Picture, Picture]:
        if record.split not in self._readers:
            self._readers[record.split] = self._dataset.reader(record.split)
        pictures = self._readers[record.split]
        blur, sharp = pictures.read(record, "blur"), pictures.read(record, "sharp")
        if blur.shape != sharp.shape:
            raise DatasetError(f"the two pictures of {record.pair} differ in size", "build the dataset again")
        height, width = sharp.shape[:2]
        check_size(record.name, height, width, self._side)
        return cut(blur, crop, self._side), cut(sharp, crop, self._side)


class ReadAhead(Iterator[Item], Generic[Item]):
    """The items of `source`, made by a thread, up to `depth` of them (and one in hand) before they are asked for.

    What the source raises is raised here, at its place. After `close` the thread has ended.
    """

    def __init__(self, source: Callable[[], Iterable[Item]], depth: int) -> None:
        self._source = source
        self._ready: queue.SimpleQueue[tuple[Item] | BaseException | None] = queue.SimpleQueue()
        self._room = threading.Semaphore(depth)
        self._stopped = False
        self._thread = threading.Thread(target=self._read, name="read ahead", daemon=True)
        self._thread.start()

    def __next__(self) -> Item:
        if self._stopped:
            raise StopIteration
        found = self._ready.get()
        if isinstance(found, tuple):
            self._room.release()
            return found[0]
        self._stopped = True
        try:
            raise StopIteration if found is None else found
        finally:
            del found  # else error, traceback and frame would keep each other, and the workers with them

    def close(self) -> None:
        """Wait for the item in hand, and read no more."""
        self._stopped = True
        self._room.release()
        self._thread.join()

    def _read(self) -> None:
        try:
            for item in self._source():
                self._room.acquire()
                if self._stopped:
                    return
                self._ready.put((item,))
        except BaseException as error:
            self._ready.put(error)
        else:
            self._ready.put(None)


def _hold_signals() -> None:
    """Keep what asks a training to stop (see `training.stop`) from this thread, and from the processes that it starts.

    A whole group of processes gets such signals. The main thread may still need batches then, and ends the workers.
    """
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        resource_tracker.ensure_running()  # started later, with the first process, it would let them in again
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})


def _start_worker(_: int) -> None:
    """Do not outlive the training, were it killed: PyTorch's own watch misses a worker that waits to give a batch."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
