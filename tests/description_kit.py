"""A small finished dataset, made by hand, for the tests of what a dataset says about itself."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from deblurbench.blur.convolve import convolve
from deblurbench.blur.kernel import Kernel, quantise
from deblurbench.config import parse
from deblurbench.dataset.card import DatasetFacts
from deblurbench.dataset.formats import find_format
from deblurbench.dataset.formats.format import Made
from deblurbench.dataset.kernels import write_kernels
from deblurbench.dataset.manifest import KERNELS, MANIFEST, PhotoRecord, Record, dataset_id, record_line
from deblurbench.dataset.recipe import Recipe
from deblurbench.images.dhash import dhash
from deblurbench.images.hashing import pixel_hash
from deblurbench.places import Place

SPLITS = {"train": 3, "val": 1, "test-g0.3": 2, "test-g1": 2}
RECIPE = {
    "schema": 1,
    "name": "small",
    "version": 2,
    "summary": "Pictures for a test.\n",
    "seed": 1,
    "sources": [{"source": "samples", "scenes": {"test": 1}}],
    "splits": [{"name": name, "blurs": [{"family": "gaussian", "sigma": 1.0}]} for name in SPLITS],
}
HOSTILE = PhotoRecord(
    source="folder",
    url="https://example.org/a|b.jpg",
    author="<script>alert(1)</script> | _x_\n| row | `code` [l](http://e.vil) \u202e",
    licence="CC BY 4.0",
    raw_sha256="0" * 64,
)


def raw(text):
    return hashlib.sha256(text.encode()).hexdigest()


def photo(name, **changes):
    return PhotoRecord(source="folder", url="", author="", licence="CC0-1.0", raw_sha256=raw(name)).model_copy(
        update=changes
    )


def blocks(seed, height=40, width=48, block=8):
    """A picture of random blocks, uint8."""
    size = (-(-height // block), -(-width // block), 3)
    some = np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)
    return some.repeat(block, axis=0).repeat(block, axis=1)[:height, :width]


def record(pair, of, sharp=None, blurred=None, blur=None, scene=None, kernels=(), **more):
    """A line of a manifest; of pictures that are not given the hashes are made up."""
    return Record(
        pair=pair,
        split=pair.partition("/")[0],
        scene=scene or of.raw_sha256[:6],
        photo=of,
        preparation={},
        blur=blur or {"family": "gaussian", "light": "stored", "sigma": 1.0},
        kernels=tuple(kernels),
        seed=1,
        sharp_sha256=pixel_hash(sharp) if sharp is not None else raw(f"sharp {of.raw_sha256}"),
        blur_sha256=pixel_hash(blurred) if blurred is not None else raw(f"blur {pair}"),
        **{"sharp_dhash": dhash(sharp) if sharp is not None else raw(of.raw_sha256)[:16], **more},
    )


@dataclass(frozen=True)
class Small:
    """What is in the dataset: pairs sorted by id, kernels by id."""

    place: Place
    made: list[Made]
    kernels: dict[str, np.ndarray]
    format: str

    def records(self):
        return (made.record for made in self.made)

    @cached_property
    def facts(self):
        counts = {name: sum(r.split == name for r in self.records()) for name in SPLITS}
        shards = dict.fromkeys(SPLITS, 1) if find_format(self.format).sharded else {}
        return DatasetFacts(
            parse(Recipe, RECIPE, "small.toml"), dataset_id(self.records()), counts, self.format, shards
        )

    def with_facts(self, **changes):
        return replace(self.facts, **changes)

    def read(self, of, side):
        made = next(made for made in self.made if made.record.pair == of.pair)
        return made.sharp if side == "sharp" else made.blurred


def gaussian(sigma):
    x = np.arange(-4, 5)
    line = np.exp(-(x**2) / (2 * sigma**2))
    return quantise(np.outer(line, line))


def line(length, size=15):
    weights = np.zeros((size, size))
    weights[size // 2, size // 2 - length // 2 : size // 2 + length // 2 + 1] = 1
    return quantise(weights)


def pair(name, split, index, kernel: Kernel, family="gaussian", sharp=None, of=None, **parameters):
    """One pair with its pictures."""
    sharp = blocks(index) if sharp is None else sharp
    blurred = convolve(sharp, kernel)
    blur = {"family": family, "light": "stored", **parameters}
    of = of or photo(name)
    full = f"{split}/{name}-{of.raw_sha256[:8]}"
    return Made(record(full, of, sharp, blurred, blur, scene=name, kernels=[kernel.id]), sharp, blurred)


def make_small(folder, fmt="png"):
    """The dataset on disk: pictures, manifest and kernels. The two test splits have the same photos."""
    place, made, kernels = Place(folder), [], {}
    for split, count in SPLITS.items():
        sigma = {"test-g0.3": 0.3, "test-g1": 1.0}.get(split, 1.6)
        kernel = gaussian(sigma)
        kernels[kernel.id] = kernel.taps
        for i in range(count):
            share = split.partition("-")[0]
            of = HOSTILE if (share, i) == ("train", 0) else None
            made.append(pair(f"{share}{i}.x", split, len(share) * 10 + i, kernel, of=of, sigma=sigma, size=9))
    made.sort(key=lambda m: m.record.pair)
    for split in SPLITS:
        of_split = [m for m in made if m.record.split == split]
        assert len(list(find_format(fmt).write(place, split, 0, of_split))) == len(of_split)
    place.write_text(MANIFEST, "".join(record_line(m.record) + "\n" for m in made))
    with place.writing(KERNELS) as temporary, temporary.open("wb") as file:
        write_kernels(file, sorted(kernels.items()))
    return Small(place, made, kernels, fmt)
