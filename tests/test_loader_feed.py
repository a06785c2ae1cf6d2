"""The feed that reads from disk: the pixels of the one in memory, in any format, by any number of workers."""

import multiprocessing
import os
import pickle
import signal
import threading
import time
import tracemalloc

import numpy as np
import pytest
import torch
from formats_kit import make_finished, make_pair

from deblurbench.dataset.formats import FORMATS
from deblurbench.errors import DatasetError, PictureError, RunError
from deblurbench.images.codec import write_png
from deblurbench_baselines.data.loader import LoaderFeed, ReadAhead
from deblurbench_baselines.data.memory import MemoryFeed
from deblurbench_baselines.data.pairs import Pair
from deblurbench_baselines.data.sampler import batches, epoch_crops
from deblurbench_baselines.training.settings import TrainingSettings

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),  # more workers than this machine has cores
]
CPU = torch.device("cpu")
SIDE = 16
SIZES = [(24, 32), (40, 16), (16, 16), (33, 21), (24, 32)]


def plan(pairs, epoch=1, crops_per_pair=5, batch=4):
    settings = TrainingSettings(
        epochs=9, batch=batch, crop=SIDE, crops_per_pair=crops_per_pair, losses={"l1": 1.0}, learning_rate=1e-3
    )
    return list(batches(epoch_crops(settings, pairs, epoch), batch))


def finished(path, fmt="png", **more):
    made = [make_pair(f"p{i}", size=size, seed=i, scene=f"s{i}") for i, size in enumerate(SIZES)]
    return make_finished(path, fmt, [*made, *more.get("also", [])], shard_pairs=2)


def loader(dataset, workers=1, side=SIDE):
    return LoaderFeed(dataset, list(dataset.records("train")), side, CPU, workers)


def in_memory(dataset):
    """The feed that is told from, of the same pairs."""
    records = list(dataset.records("train"))
    pairs = [Pair(r.name, dataset.read(r, "blur"), dataset.read(r, "sharp")) for r in records]
    return MemoryFeed(pairs, SIDE, CPU)


def assert_same(found, expected):
    count = 0
    for one, other in zip(found, expected, strict=True):
        for mine, its in zip(one, other, strict=True):
            assert mine.dtype == torch.float32
            assert mine.stride() == its.stride()  # in another order the network's last bits would differ
            assert mine.is_contiguous(memory_format=torch.channels_last)
            assert torch.equal(mine, its)
        count += 1
    return count


@pytest.fixture(scope="module")
def partly(tmp_path_factory):
    """A dataset of which one blurred picture is damaged, and a feed of two processes, which take seconds to start."""
    dataset = finished(tmp_path_factory.mktemp("partly") / "set")
    damaged = dataset.pairs("train")[3].blur
    damaged.write_bytes(damaged.read_bytes()[:60])
    before = set(multiprocessing.active_children())
    feed = loader(dataset, workers=2)
    yield dataset, feed, before
    feed.close()
    feed.close()
    assert set(multiprocessing.active_children()) <= before
    with pytest.raises(ValueError, match="closed"):
        next(feed.batches([]))


def sound(epoch):
    """A plan without the pair whose picture is damaged."""
    return [[crop._replace(pair=4 if crop.pair == 3 else crop.pair) for crop in crops] for crops in plan(5, epoch)]


# What comes


@pytest.mark.parametrize("fmt", list(FORMATS))
def test_same_pixels_as_in_memory(tmp_path, fmt):
    dataset = finished(tmp_path / "set", fmt)
    feed = loader(dataset)
    assert feed.pairs == len(SIZES)
    for epoch in (1, 2):
        chosen = plan(len(SIZES), epoch)
        assert assert_same(feed.batches(chosen), in_memory(dataset).batches(chosen)) == 7
    feed.close()


def test_batch_of_crops_that_are_all_turned(tmp_path):
    """Stacked as they are, they would lie in another order of memory."""
    dataset = finished(tmp_path / "set")
    turned = [[crop._replace(orientation=1) for crop in crops] for crops in plan(len(SIZES))]
    feed = loader(dataset)
    assert assert_same(feed.batches(turned), in_memory(dataset).batches(turned)) == 7


def test_rest_of_an_epoch(tmp_path):
    dataset = finished(tmp_path / "set", "qoi")
    whole = plan(len(SIZES))
    feed = loader(dataset)
    expected = list(in_memory(dataset).batches(whole))
    assert assert_same(feed.batches(whole[5:]), expected[5:]) == 2
    assert list(feed.batches([])) == []


def test_records_of_several_splits(tmp_path):
    """With folds, scenes of train and of val are trained on."""
    dataset = finished(tmp_path / "set", "parquet", also=[make_pair("v", "val", size=(20, 20), seed=9)])
    records = [next(dataset.records("val")), *dataset.records("train")]
    pairs = [Pair(r.name, dataset.read(r, "blur"), dataset.read(r, "sharp")) for r in records]
    feed, chosen = LoaderFeed(dataset, records, SIDE, CPU), plan(6)
    assert_same(feed.batches(chosen), MemoryFeed(pairs, SIDE, CPU).batches(chosen))
    feed.close()


def test_torch_draws_what_it_would_have_drawn(tmp_path):
    feed = loader(finished(tmp_path / "set"))
    before = torch.get_rng_state()
    list(feed.batches(plan(len(SIZES))))
    assert torch.equal(torch.get_rng_state(), before)


def test_memory_stays_flat(tmp_path):
    """200 pairs of 128x128: 20 MB if they were kept, and as much of crops if these were made too early."""
    made = [make_pair(f"p{i:03}", size=(128, 128), seed=i) for i in range(8)]
    dataset = make_finished(tmp_path / "set", "npy", made)
    feed = LoaderFeed(dataset, list(dataset.records("train")) * 25, 128, CPU)
    chosen = [[crop] for crops in plan(200, crops_per_pair=1) for crop in crops]
    stream = feed.batches(chosen)
    next(stream)  # modules are imported
    tracemalloc.start()
    time.sleep(0.3)
    for _ in stream:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6


# By several processes


def test_two_workers_give_what_one_gives(partly):
    dataset, feed, before = partly
    assert_same(feed.batches(sound(3)), loader(dataset).batches(sound(3)))
    stayed = set(multiprocessing.active_children()) - before
    assert len(stayed) == 2
    next(stream := feed.batches(sound(3)))
    stream.close()  # a plan that is left in the midst
    assert_same(feed.batches(sound(4)[2:]), loader(dataset).batches(sound(4)[2:]))
    assert set(multiprocessing.active_children()) - before == stayed


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows has no such signals")
def test_workers_leave_it_to_the_training_when_to_stop(partly):
    """Ctrl-C goes to all processes; the step at hand, and the state's last batches, are still to come."""
    dataset, feed, before = partly
    stream = feed.batches(sound(6))
    first = next(stream)
    for process in set(multiprocessing.active_children()) - before:
        os.kill(process.pid, signal.SIGINT)
        os.kill(process.pid, signal.SIGTERM)
    assert_same([first, *stream], loader(dataset).batches(sound(6)))


def test_error_of_a_worker_is_given_as_it_is(partly):
    with pytest.raises(PictureError, match=r"blur/p3.png") as error:
        list(partly[1].batches(plan(len(SIZES))))
    assert "\n" not in str(error.value)  # no other process's traceback


def test_worker_that_is_killed_is_said(partly):
    _, feed, before = partly
    stream = feed.batches(sound(5) * 100)
    next(stream)
    worker, _ = set(multiprocessing.active_children()) - before
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(RunError, match=r"a process that reads pairs has ended: .*use fewer workers"):
        list(stream)


def test_workers_are_given_no_open_files(tmp_path):
    feed = loader(finished(tmp_path / "set", "webdataset"))
    list(feed.batches(plan(len(SIZES))))
    assert feed._reader._readers
    assert pickle.loads(pickle.dumps(feed._reader))._readers == {}
    feed.close()
    assert feed._reader._readers == {}


# What is wrong with a dataset


def test_missing_picture_is_named(tmp_path):
    dataset = finished(tmp_path / "set")
    dataset.pairs("train")[1].sharp.unlink()
    with pytest.raises(PictureError, match=r"sharp/p1.png"):
        list(loader(dataset).batches(plan(len(SIZES))))


def test_pair_smaller_than_a_crop_is_named(tmp_path):
    with pytest.raises(RunError, match=r"train/p\d is \d+x\d+, smaller than a crop of 17"):
        list(loader(finished(tmp_path / "set"), side=17).batches(plan(len(SIZES))))


def test_sides_that_differ_in_size_are_named(tmp_path):
    dataset = finished(tmp_path / "set")
    write_png(dataset.pairs("train")[0].blur, np.zeros((30, 30, 3), np.uint8))
    with pytest.raises(DatasetError, match="the two pictures of train/p0 differ in size"):
        list(loader(dataset).batches(plan(len(SIZES))))


# Reading ahead


def test_no_more_is_read_ahead_than_there_is_room():
    made = []
    ahead = ReadAhead(lambda: (made.append(i) or i for i in range(100)), depth=3)
    assert [next(ahead) for _ in range(2)] == [0, 1]
    deadline = time.monotonic() + 5
    while len(made) < 6 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(made) == 6  # two are taken, three wait, one is in hand
    ahead.close()
    assert list(ahead) == []
    assert len(made) == 6
    assert "read ahead" not in {thread.name for thread in threading.enumerate()}


def test_what_comes_before_an_error_is_given():
    def source():
        yield 1
        raise KeyError("two")

    ahead = ReadAhead(source, depth=5)
    assert next(ahead) == 1
    with pytest.raises(KeyError, match="two"):
        next(ahead)
    assert list(ahead) == []
    ahead.close()
