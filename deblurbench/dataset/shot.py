"""A shot: one photo blurred once. It gives one pair or, cut into tiles, several. Pure: the same anywhere, any time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from deblurbench.blur.camera import saturation_mask
from deblurbench.blur.exposure import Exposure, expose
from deblurbench.blur.family import Drawn, Operator, Recorded
from deblurbench.blur.field import KernelField
from deblurbench.blur.kernel import Kernel
from deblurbench.dataset.degradation import Degradation
from deblurbench.dataset.formats.format import Made
from deblurbench.dataset.manifest import PhotoRecord, Record
from deblurbench.dataset.recipe import Prepare, SplitTable
from deblurbench.draws import Draws
from deblurbench.images.codec import Picture
from deblurbench.images.dhash import dhash
from deblurbench.images.hashing import pixel_hash
from deblurbench.sources.photo import Photo, Source


@dataclass(frozen=True)
class PreparedPhoto:
    """A photo with all that reads and prepares it; its sharp picture is decoded once."""

    photo: Photo
    source: Source
    prepare: Prepare

    @cached_property
    def sharp(self) -> Picture:
        """The sharp picture, uint8 H x W x 3. Raises PictureError."""
        return self.prepare.apply(self.source.read(self.photo))

    @cached_property
    def hashes(self) -> tuple[str, str]:
        """The pixel hash and the perceptual hash of the sharp picture."""
        return pixel_hash(self.sharp), dhash(self.sharp)

    def exposure(self) -> Exposure:
        """What a blur may look at."""
        return Exposure(
            self.sharp,
            lambda: map(self.prepare.apply, self.source.frames(self.photo)),
            lambda variant: self.prepare.apply(self.source.recorded(self.photo, variant)),
        )


@dataclass(frozen=True)
class Shot:
    """A photo, a split and one of its degradations. `id`: the pair id, or what the ids of its tiles begin with."""

    id: str
    split: SplitTable
    degradation: Degradation
    seed: int

    def draws(self, purpose: str) -> Draws:
        """The stream of random numbers of this shot for one purpose."""
        return Draws(self.seed, self.id, purpose)

    @cached_property
    def drawn(self) -> Drawn:
        """The operator, and its parameters, that the blur draws for it."""
        return self.degradation.blur.draw(self.draws("blur"))

    def make(self, photo: PreparedPhoto, engine: str = "auto") -> list[Made]:
        """The pairs of this shot. Raises PictureError where the photo cannot be read or is too small."""
        operator, parameters = self.drawn
        exposure, hashes = photo.exposure(), None
        tiles = self.split.tiles
        if tiles and tiles.zoom is not None:
            exposure = _zoomed(exposure, tiles.zoomed, self)
        sharp = exposure.sharp
        blurred = expose(exposure, operator, self.degradation.light, engine)
        camera = None
        if self.degradation.camera is not None:
            mask = saturation_mask(exposure, operator, engine) if self.degradation.camera.needs_mask else None
            sharp, blurred, camera = self.degradation.camera.apply(sharp, blurred, self.draws, mask)
        elif tiles is None:
            hashes = photo.hashes
        blur = {**self.degradation.described(), **parameters}
        if isinstance(operator, Recorded):
            blur["light"] = "recorded"
        description = _Description(photo, blur, kernels_of(operator), camera)
        if tiles is None:
            return [self._made(self.id, None, sharp, blurred, description, hashes)]
        return [
            self._made(f"{self.id}-{tile.suffix}", tile.place, tile.sharp, tile.blurred, description, None)
            for tile in tiles.cut(sharp, blurred, self.draws("tiles"))
        ]

    def _made(
        self,
        pair: str,
        tile: dict[str, Any] | None,
        sharp: Picture,
        blurred: Picture,
        of: _Description,
        hashes: tuple[str, str] | None,
    ) -> Made:
        sharp_sha256, sharp_dhash = hashes or (pixel_hash(sharp), dhash(sharp))
        photo = of.photo.photo
        record = Record(
            pair=pair,
            split=self.split.name,
            scene=photo.scene,
            photo=PhotoRecord(
                source=photo.source,
                url=photo.url,
                author=photo.author,
                licence=photo.licence,
                raw_sha256=photo.raw_sha256,
                title=photo.title or None,
                frames=photo.frames or None,
            ),
            preparation=of.photo.prepare.as_dict(),
            blur=of.blur,
            kernels=tuple(kernel.id for kernel in of.kernels),
            camera=of.camera,
            tile=tile,
            seed=self.seed,
            sharp_sha256=sharp_sha256,
            blur_sha256=pixel_hash(blurred),
            sharp_dhash=sharp_dhash,
        )
        return Made(record, sharp, blurred)


@dataclass(frozen=True)
class _Description:
    """What all pairs of a shot have in common."""

    photo: PreparedPhoto
    blur: dict[str, Any]
    kernels: tuple[Kernel, ...]
    camera: dict[str, Any] | None


def _zoomed(exposure: Exposure, zoom: Any, shot: Shot) -> Exposure:
    def scale(picture: Picture) -> Picture:
        scaled: Picture = zoom(picture, shot.draws("zoom"))  # a fresh stream each time: all frames scale alike
        return scaled

    return Exposure(
        scale(exposure.sharp),
        lambda: map(scale, exposure.frames()),
        lambda variant: scale(exposure.recorded(variant)),
    )


def kernels_of(operator: Operator) -> tuple[Kernel, ...]:
    """The integer kernels that an operator uses, in its order."""
    if isinstance(operator, Kernel):
        return (operator,)
    return operator.kernels if isinstance(operator, KernelField) else ()


def shots(seed: int, split: SplitTable, degradations: Sequence[Degradation], photo: Photo) -> Iterator[Shot]:
    """The shots of one photo in one split: one per blur, or `draw` of them, drawn for this photo."""
    name = f"{split.name}/{photo.name}"
    count = split.shots_per_photo
    order = Draws(seed, name, "which-blur").words(len(degradations)).argsort(kind="stable")
    for index in sorted(order[:count].tolist()):
        yield Shot(name if count == 1 else f"{name}-{index}", split, degradations[index], seed)
