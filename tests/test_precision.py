"""Predictions in float32 and float64 have one score."""

import math

import numpy as np
import pytest
import torch
from conftest import noise

from deblurbench.scoring.batches import BatchScorer
from deblurbench.scoring.pictures.reading import Opened, Reading
from deblurbench.scoring.protocol import find_protocol

LEVELS = noise(30, 40)


def psnr(name, prediction):
    """Through arrays and through tensors, against the levels."""
    metric = find_protocol(name).metrics[0]
    value = metric.function(Reading(Opened(prediction), Opened(LEVELS)).compared(find_protocol(name)))
    planes = (torch.tensor(np.moveaxis(picture, -1, 0)) for picture in (prediction, LEVELS))
    assert BatchScorer(name)(*planes)[metric.name].item() == pytest.approx(value, abs=1e-9)
    return value


@pytest.mark.parametrize("name", ["basicsr-rgb", "deblurganv2"])
def test_float64_is_rounded_as_scripts_do_after_they_made_it_float32(name):
    near_halves = (np.minimum(LEVELS, 254) + 0.5) / 255 * (1 - 1e-9)
    near_levels = np.nextafter(LEVELS / 255, 0)
    for prediction in (near_halves, near_levels):
        assert psnr(name, prediction) == psnr(name, prediction.astype(np.float32))


@pytest.mark.parametrize("name", ["kornia", "mimo-unet", "uformer", "torchmetrics-pooled"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_pictures_are_equal_in_both(name, dtype):
    assert psnr(name, LEVELS.astype(dtype) / dtype(255)) == math.inf
