"""What the tests of formats share: records by hand, pictures, and a finished dataset in any format."""

import io
import tomllib
from itertools import groupby, islice

import numpy as np
import tomli_w
from conftest import TINY, noise
from PIL import Image

from deblurbench.dataset.formats import find_format
from deblurbench.dataset.formats.format import Made
from deblurbench.dataset.manifest import COMMIT_MARK, MANIFEST, PhotoRecord, Record, dataset_id, record_line
from deblurbench.dataset.reader import open_dataset
from deblurbench.files import json_text
from deblurbench.images.hashing import pixel_hash
from deblurbench.places import Place

RAW = "c0ffee00" + "0" * 56
RECIPE = TINY.partition("\n[[splits]]")[0]


def make_pair(name, split="train", *, size=(11, 13), seed=0, scene="s", frames=None, sharp=None, **blur):
    """A pair of noise pictures, as a builder makes it."""
    sharp = noise(*size, seed=seed) if sharp is None else sharp
    blurred = noise(*sharp.shape[:2], seed=seed + 10_000)
    photo = PhotoRecord(source="s", url="", author="", licence="", raw_sha256=RAW, frames=frames)
    record = Record(
        pair=f"{split}/{name}",
        split=split,
        scene=scene,
        photo=photo,
        preparation={},
        blur={"family": "gaussian", "light": "stored", "sigma": 1.0} | blur,
        kernels=(),
        seed=1,
        sharp_sha256=pixel_hash(sharp),
        blur_sha256=pixel_hash(blurred),
        sharp_dhash="0" * 16,
    )
    return Made(record, sharp, blurred)


def make_pairs(count, split="train", seed=0):
    """`count` pairs, sorted by pair id, whose names hold dots, hyphens and underscores."""
    kinds = ("{i:03d}", "a.b-{i:03d}", "a-{i:03d}", "_x.{i:03d}.y")
    pairs = [make_pair(kinds[i % 4].format(i=i), split, seed=seed + i) for i in range(count)]
    return sorted(pairs, key=lambda made: made.record.pair)


def write_pairs(place, fmt, pairs, shard_pairs=5):
    """Write pairs as a builder does; returns how many shards each split has."""
    fmt = find_format(fmt)
    shards = {}
    for split, of in groupby(pairs, key=lambda made: made.record.split):
        index = 0
        while some := list(islice(of, shard_pairs)):
            written = list(fmt.write(place, split, index, iter(some)))
            assert written == [made.record for made in some]
            index += 1
        shards[split] = index
    return shards


def make_finished(where, fmt, pairs, shard_pairs=5):
    """A finished dataset of these pairs; opened."""
    place = Place(where)
    pairs = sorted(pairs, key=lambda made: made.record.pair)
    shards = write_pairs(place, fmt, pairs, shard_pairs)
    records = [made.record for made in pairs]
    place.write_text(MANIFEST, "".join(record_line(record) + "\n" for record in records))
    splits = [{"name": split, "blurs": [{"family": "gaussian", "sigma": 1.0, "light": "stored"}]} for split in shards]
    place.write_text("recipe.toml", tomli_w.dumps(tomllib.loads(RECIPE) | {"splits": splits}))
    mark = {
        "schema": 1,
        "dataset_id": dataset_id(records),
        "recipe": {"name": "tiny", "version": 1},
        "format": fmt,
        "shards": shards if find_format(fmt).sharded else {},
        "splits": {split: sum(r.split == split for r in records) for split in shards},
    }
    place.write_text(COMMIT_MARK, json_text(mark))
    return open_dataset(place)


def decode_foreign(data):
    """A PNG, decoded by Pillow alone."""
    with Image.open(io.BytesIO(data)) as file:
        assert file.mode == "RGB"
        return np.array(file)
