"""The camera behind a blur: every effect is off unless it is named, and what is drawn is drawn for each pair.

    camera = { noise = true, jpeg = [80, 95] }

`true` takes an effect with its published constants. The order is RSBlur's (Rim et al., "Realistic blur synthesis for
learning image deblurring", ECCV 2022; rimchang/RSBlur, Uformer-RSBlur/dataset/dataset_RealisticDeblur.py):

1. sRGB to light; `saturation`: light is added where the sharp picture was clipped;
2. `colour`: to the sensor's colours; `bayer`: one colour a pixel; `white_balance` undone;
3. `noise`; then 2 backwards, with Malvar's demosaicing;
4. samples that were white after 1 are white again, without noise; light to stored values, by the sRGB curve or `crf`
   (the sharp picture, too, then gets the response `crf`);
5. `jpeg`, on the blurred picture.

What differs from RSBlur: pictures keep their size (the picture is mirrored by 2 pixels, reflect101, before the mosaic,
and the margin has noise of its own, where RSBlur crops 4 pixels a side); noise is normal with Poisson's variance (see
`noise`); the saturation mask is blurred from the sharp picture (see `saturation`); it is all integers, 2^20 = white;
JPEG is our addition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator

from deblurbench.blur.camera import bayer
from deblurbench.blur.camera.colour import WHITE, light_of_stored
from deblurbench.blur.camera.crf import remap_sharp, response
from deblurbench.blur.camera.jpeg import Quality, draw_jpeg, through_jpeg
from deblurbench.blur.camera.noise import Noise
from deblurbench.blur.camera.saturation import PUBLISHED, Strength, saturate
from deblurbench.blur.camera.sensor import Sensor, WhiteBalance
from deblurbench.blur.convolve import reflect101
from deblurbench.blur.values import draw_value
from deblurbench.config import Config
from deblurbench.draws import Draws
from deblurbench.errors import PictureError, UsageError
from deblurbench.images.codec import Picture

_STRIP = 64  # rows at a time, an even number: keeps memory small; the pixels do not depend on it


class CameraShot(NamedTuple):
    """What a camera made of a pair: pictures uint8 H x W x 3, and the parameters as drawn, as JSON values."""

    sharp: Picture
    blurred: Picture
    parameters: dict[str, Any]


def _published(constants: Any) -> BeforeValidator:
    """`true` stands for `constants`, `false` for None."""

    def replace(value: Any) -> Any:
        if isinstance(value, bool):
            return constants if value else None
        return value

    return BeforeValidator(replace)


class Camera(Config):
    """A camera's effects, each optional; the head of this module says in which order they come.

    Attributes:
        saturation: light added to what was clipped, in multiples of white; `true`: [0.25, 1.75].
        colour: the sensor whose colour space the noise lives in: `a7r3` (Sony A7R3).
        bayer: one of the four Bayer patterns is drawn; mosaic, and Malvar's demosaicing.
        white_balance: gains of red and blue, undone before the noise; `true`: [1.9, 2.4] and [1.5, 1.9].
        noise: shot and read noise; `true`: those of RealBlur's camera, each times [0.5, 1.5].
        crf: the response curve in place of sRGB's, on both pictures: `a7r3`.
        jpeg: quality, or a range of it, with which the blurred picture is stored (4:2:0).
    """

    saturation: Annotated[Strength | None, _published(PUBLISHED)] = None
    colour: Literal["a7r3"] | None = None
    bayer: bool = False
    white_balance: Annotated[WhiteBalance | None, _published(WhiteBalance())] = None
    noise: Annotated[Noise | None, _published(Noise())] = None
    crf: Literal["a7r3"] | None = None
    jpeg: Quality | None = None

    @property
    def needs_mask(self) -> bool:
        """Whether `apply` needs the saturation mask."""
        return self.saturation is not None

    def apply(
        self, sharp: Picture, blurred: Picture, draws_for: Callable[[str], Draws], mask: Picture | None = None
    ) -> CameraShot:
        """The pair as this camera gives it.

        Args:
            sharp: uint8 H x W x 3.
            blurred: uint8 of the same shape.
            draws_for: the stream of random numbers of this pair for a purpose, here `camera-...`.
            mask: uint8 of the same shape, from `saturation_mask`; only with `saturation`.

        Raises:
            PictureError: the shapes differ, or JPEG cannot hold such a size.
            UsageError: `saturation` without a mask.
        """
        for name, picture in (("blurred", blurred), ("saturation mask", mask)):
            if picture is not None and picture.shape != sharp.shape:
                raise PictureError(
                    f"the {name} is {_size(picture)}, the sharp picture {_size(sharp)}", "they must be of one size"
                )
        if self.needs_mask and mask is None:
            raise UsageError("camera.saturation needs a mask", "make it with `saturation_mask` from the same blur")
        parameters = self.draw(draws_for)
        if self.needs_mask or self.crf or Sensor.of(parameters) != Sensor(None, None, None, None):
            blurred = _expose(blurred, mask, parameters, draws_for)
        if self.crf:
            sharp = remap_sharp(self.crf)[sharp]
        if self.jpeg is not None:
            blurred = through_jpeg(blurred, parameters["jpeg"])
        return CameraShot(sharp, blurred, parameters)

    def draw(self, draws_for: Callable[[str], Draws]) -> dict[str, Any]:
        """What this camera does to one pair, as `apply` draws it: the key of an effect is there only where it happens.

        Args:
            draws_for: the stream of random numbers of this pair for a purpose.
        """
        drawn: dict[str, Any] = {}
        if self.saturation is not None:
            drawn["saturation"] = draw_value(draws_for("camera-saturation"), self.saturation)
        if self.colour is not None:
            drawn["colour"] = self.colour
        if self.bayer:
            drawn["bayer"] = bayer.PATTERNS[draws_for("camera-bayer").integer(0, len(bayer.PATTERNS) - 1)]
        if self.white_balance is not None:
            drawn |= self.white_balance.draw(draws_for("camera-white-balance"))
        if self.noise is not None:
            drawn |= self.noise.draw(draws_for("camera-noise"))
        if self.crf is not None:
            drawn["crf"] = self.crf
        if self.jpeg is not None:
            drawn |= draw_jpeg(self.jpeg, draws_for("camera-jpeg"))
        return drawn


def _expose(
    blurred: Picture, mask: Picture | None, parameters: dict[str, Any], draws_for: Callable[[str], Draws]
) -> Picture:
    """Steps 1 to 4, strip by strip."""
    sensor, table = Sensor.of(parameters), response(parameters.get("crf"))
    height, width = blurred.shape[:2]
    margin = sensor.margin
    rows, columns = reflect101(height, margin, margin), reflect101(width, margin, margin)
    words = None
    if sensor.noise is not None:
        shape = sensor.words_shape(height, width)
        words = draws_for("camera-noise").stream(int(np.prod(shape))).reshape(shape)
    out = np.empty_like(blurred)
    for top in range(0, height, _STRIP):
        strip = slice(top, min(top + _STRIP, height) + 2 * margin)
        light = _light(blurred, mask, rows[strip], columns, parameters)
        white = light[:, margin : light.shape[1] - margin, margin : light.shape[2] - margin] == WHITE
        shown = sensor.record(light, None if words is None else words[..., strip, :])
        stored = table[np.where(white, WHITE, shown.clip(0, WHITE))]
        out[top : top + _STRIP] = stored.transpose(1, 2, 0)
    return out


def _light(
    blurred: Picture,
    mask: Picture | None,
    rows: npt.NDArray[np.intp],
    columns: npt.NDArray[np.intp],
    parameters: dict[str, Any],
) -> npt.NDArray[np.int64]:
    """The light of these rows and columns, saturation added: int64 3 x rows x columns, 2^20 = white."""
    light = light_of_stored()[blurred[rows][:, columns].transpose(2, 0, 1)]
    if mask is None or "saturation" not in parameters:
        return light
    return saturate(light, mask[rows][:, columns].transpose(2, 0, 1), parameters["saturation"])


def _size(picture: Picture) -> str:
    return f"{picture.shape[1]}x{picture.shape[0]}"


RSBLUR = Camera(
    saturation=PUBLISHED, colour="a7r3", bayer=True, white_balance=WhiteBalance(), noise=Noise(), crf="a7r3"
)
"""RSBlur's pipeline with its constants for RealBlur's camera, which is what its code ships for GoPro frames."""
