"""The feed that blurs every crop anew: no two epochs show the same blur."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch

from deblurbench.blur.kernel import Kernel
from deblurbench.dataset.degradation import Degradation
from deblurbench.dataset.manifest import Record
from deblurbench.dataset.reader import Dataset
from deblurbench.dataset.recipe import read_resolved
from deblurbench.draws import Draws
from deblurbench.errors import UsageError
from deblurbench_baselines.data.crop_kernel import CropKernel
from deblurbench_baselines.data.crops import POINTWISE, CropCamera, CropSource
from deblurbench_baselines.data.device import FramesFeed
from deblurbench_baselines.data.frames import Wanted, read_frames
from deblurbench_baselines.data.lights import light_table
from deblurbench_baselines.data.sampler import Crop

_INSTEAD = "use --set training.blur=built"


class FreshFeed(FramesFeed):
    """Crops of sharp pictures, each blurred by a kernel of its own: a function of (seed, epoch, number) alone.

    A crop is blurred as the whole picture would be: what lies around it is seen, and mirrored at the picture's border.

    Args:
        dataset: what the sharp pictures are read from.
        records: the pairs, in the order in which crops number them; their blurred pictures are not read.
        side: of the crops, pixels.
        device: in whose memory the pictures lie, and which makes the crops.
        seed: of all draws.
        degradations: one of them is drawn for each crop; see `degradations_of`.
        quiet: show no progress.

    Raises: UsageError for a degradation that is not one kernel; RunError for a picture smaller than a crop, and where
        the device does not blur exactly; PictureError for one that cannot be read.
    """

    def __init__(
        self,
        dataset: Dataset,
        records: Sequence[Record],
        side: int,
        device: torch.device,
        *,
        seed: int,
        degradations: Sequence[Degradation],
        quiet: bool = False,
    ) -> None:
        for degradation in degradations:
            _check(degradation)
        self._seed, self._degradations = seed, degradations
        wanted = [Wanted(record, "sharp") for record in records]
        super().__init__(read_frames(dataset, wanted, device, quiet=quiet), records, side)

    def sources(self, plan: Sequence[Sequence[Crop]]) -> Iterator[list[CropSource]]:
        """What the crops of each batch are made of. While one is used, the kernels of the next are drawn."""
        with ThreadPoolExecutor(1) as pool:
            coming = None
            for crops in plan:
                following = pool.submit(lambda some: [self.source(crop) for crop in some], crops)
                if coming is not None:
                    yield coming.result()
                coming = following
            if coming is not None:
                yield coming.result()

    def source(self, crop: Crop) -> CropSource:
        """What a crop is made of."""
        degradation, kernel = fresh_blur(self._seed, crop, self._degradations)
        camera = None
        if degradation.camera is not None:
            camera = CropCamera(degradation.camera, self._seed, _item(crop))
        return CropSource(crop, crop.pair, crop.pair, CropKernel(kernel), degradation.light, camera)


def fresh_blur(seed: int, crop: Crop, degradations: Sequence[Degradation]) -> tuple[Degradation, Kernel]:
    """The degradation that is drawn for a crop, and the kernel that it draws."""
    item = _item(crop)
    degradation = degradations[Draws(seed, item, "which-blur").integer(0, len(degradations) - 1)]
    kernel = degradation.blur.draw(Draws(seed, item, "blur")).operator
    assert isinstance(kernel, Kernel), "checked before the first crop"
    return degradation, kernel


def _item(crop: Crop) -> str:
    return f"epoch-{crop.epoch}-crop-{crop.number}"


def degradations_of(dataset: Dataset) -> list[Degradation]:
    """What blurs the split `train` of a dataset's recipe.

    Raises: UsageError where the dataset was recorded, RecipeError where its recipe is missing or damaged.
    """
    if dataset.format == "adopted":
        raise UsageError(f"{dataset.place} was recorded, not made: it has no blur to draw from", _INSTEAD)
    recipe = read_resolved(dataset.place)
    return recipe.open_blurs(recipe.split("train"), f"{dataset.place}/recipe.toml")


def _check(degradation: Degradation) -> None:
    """Raise UsageError where a degradation is not one kernel with, perhaps, a camera of pointwise effects."""
    name = degradation.blur.family
    effects = set() if degradation.camera is None else {key for key, value in degradation.camera if value}
    if effects - POINTWISE:
        effect = min(effects - POINTWISE)
        raise UsageError(f"the blur {name} has a camera with {effect}, which fresh crops cannot have", _INSTEAD)
    operator = degradation.blur.draw(Draws(0, "check", "blur")).operator
    if not isinstance(operator, Kernel):
        raise UsageError(f"the blur {name} is not one kernel, and cannot be drawn anew for a crop", _INSTEAD)
    light_table(degradation.light)
