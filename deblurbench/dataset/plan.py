"""The plan: which pairs a recipe and its photos give, before a single pixel is decoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deblurbench.blur.convolve import convolve
from deblurbench.blur.family import Blur, Drawn
from deblurbench.dataset.manifest import PhotoRecord, Record
from deblurbench.dataset.recipe import Prepare, Recipe, Share, SplitTable
from deblurbench.draws import Draws
from deblurbench.errors import UsageError
from deblurbench.files import canonical_json, sha256_text
from deblurbench.images.codec import Picture
from deblurbench.images.hashing import pixel_hash
from deblurbench.sources.photo import Photo, Source


@dataclass(frozen=True)
class PlannedPair:
    """A pair to be made: its id, its split and its blur."""

    pair: str
    split: str
    blur: Blur
    seed: int

    def draw(self) -> Drawn:
        """The kernel, and its parameters, that its blur draws for it."""
        return self.blur.draw(Draws(self.seed, self.pair, "blur"))


@dataclass(frozen=True)
class PlannedPhoto:
    """A photo and all pairs made of it: the unit of work, pure and picklable."""

    photo: Photo
    source: Source
    prepare: Prepare
    pairs: tuple[PlannedPair, ...]

    def sharp(self) -> Picture:
        """The sharp picture, uint8 H x W x 3. Raises PictureError."""
        return self.prepare.apply(self.source.read(self.photo))

    def make(self, pair: PlannedPair, sharp: Picture) -> tuple[Picture, Record]:
        """The blurred picture of one of its pairs, and the pair's line in the manifest."""
        kernel, parameters = pair.draw()
        blurred = convolve(sharp, kernel)
        record = Record(
            pair=pair.pair,
            split=pair.split,
            scene=self.photo.scene,
            photo=PhotoRecord(
                source=self.photo.source,
                url=self.photo.url,
                author=self.photo.author,
                licence=self.photo.licence,
                raw_sha256=self.photo.raw_sha256,
            ),
            preparation=self.prepare.as_dict(),
            blur={"family": pair.blur.family, **parameters},
            kernel=kernel.id,
            seed=pair.seed,
            sharp_sha256=pixel_hash(sharp),
            blur_sha256=pixel_hash(blurred),
        )
        return blurred, record


@dataclass(frozen=True)
class Plan:
    """Everything a build will make, sorted by photo name."""

    recipe: Recipe
    photos: tuple[PlannedPhoto, ...]

    @property
    def pairs(self) -> Iterator[PlannedPair]:
        """All pairs."""
        return (pair for photo in self.photos for pair in photo.pairs)

    def counts(self) -> dict[str, int]:
        """Pairs per split, in the recipe's order; a split that stays empty has 0."""
        found = Counter(pair.split for pair in self.pairs)
        return {split.name: found[split.name] for split in self.recipe.splits}

    def hash(self) -> str:
        """Hex SHA-256 of the recipe and of the photos: two builds with one hash make the same pixels."""
        lines = [f"{pair.pair} {planned.photo.raw_sha256}" for planned in self.photos for pair in planned.pairs]
        return sha256_text("\n".join([canonical_json(self.recipe.tables()), *lines]))


def make_plan(recipe: Recipe, photos: Path | None = None, limit: int | None = None) -> Plan:
    """Plan a recipe's pairs.

    Args:
        recipe: as read.
        photos: folder for the recipe's `folder` sources.
        limit: take only so many photos of each source, the first by name.

    Raises: UsageError where a source has no photos, `photos` has no place, or two photos share a name.
    """
    if photos is not None and not any(table.settings.get("source") == "folder" for table in recipe.sources):
        raise UsageError(f"the recipe {recipe.name} takes no photos from a folder", "leave --photos out")
    blurs = [(split, recipe.open_blurs(split)) for split in recipe.splits]
    planned: dict[str, PlannedPhoto] = {}
    for source, table in zip(recipe.open_sources(photos), recipe.sources, strict=True):
        for photo in sorted(source.photos(recipe.seed), key=lambda photo: photo.name)[:limit]:
            if photo.name in planned:
                raise UsageError(f"two photos are named {photo.name}", "the sources of a recipe must not overlap")
            share = _share(recipe.seed, photo.scene, table.scenes)
            pairs = tuple(
                p for split, of in blurs if split.share == share for p in _pairs(recipe.seed, split, of, photo)
            )
            planned[photo.name] = PlannedPhoto(photo, source, table.prepare, pairs)
    return Plan(recipe, tuple(planned[name] for name in sorted(planned)))


def _share(seed: int, scene: str, shares: Mapping[Share, int]) -> Share:
    """Which of train, val and test a scene goes to: a function of the seed and the scene alone."""
    drawn = Draws(seed, scene, "split").integer(0, sum(shares.values()) - 1)
    for share in sorted(shares):
        drawn -= shares[share]
        if drawn < 0:
            return share
    raise AssertionError("the draw is below the sum of the shares")


def _pairs(seed: int, split: SplitTable, blurs: list[Blur], photo: Photo) -> Iterator[PlannedPair]:
    """The pairs of one photo in one split: one per blur, or `draw` of them, drawn for this photo."""
    name = f"{split.name}/{photo.name}"
    count = min(split.draw or len(blurs), len(blurs))
    order = np.argsort(Draws(seed, name, "which-blur").words(len(blurs)), kind="stable")
    for index in sorted(order[:count].tolist()):
        yield PlannedPair(name if count == 1 else f"{name}-{index}", split.name, blurs[index], seed)
