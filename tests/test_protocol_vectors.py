"""Every value that published code gave for our protocols, through the files as `score` takes them."""

import csv
import math
from collections import defaultdict

import numpy as np
import pytest
import torch

from deblurbench.scoring.metrics import fused, plain, ssim
from deblurbench.scoring.metrics.psnr import psnr_db
from deblurbench.scoring.metrics.windows import GAUSSIAN, GAUSSIAN_2D_32, RADIUS
from deblurbench.scoring.pictures.pairing import pair_folders
from deblurbench.scoring.pictures.reading import Opened, Reading
from deblurbench.scoring.protocol import find_protocol
from deblurbench.scoring.score import score_pairing

DIGIT = 1e-9  # what is computed in float64 agrees to this; the rest is said here, with its cause
TOLERANCES = {
    ("uformer", "psnr"): 1e-5,  # float32; of files of 8 bits our sum is of integers
    ("mimo-unet", "psnr"): 1e-5,  # the same
    ("nafnet", "ssim"): 1e-4,  # float32 Conv3d
    ("matlab-gopro", "ssim_float32"): 1e-4,  # the same
    ("deepdeblur", "psnr"): 1e-5,  # float32
    ("deepdeblur", "ssim"): 5e-5,  # float32
    ("tf", "psnr"): 1e-5,  # float32
    ("tf", "ssim"): 1e-3,  # float32, where variance is small
    (
        "torchmetrics-pooled",
        "psnr",
    ): 2e-6,  # its factor from nats to dB is float32 even of float64 tensors: 5e-8 of a value
    ("torchmetrics-pooled", "psnr_float32"): 1e-5,
    ("torchmetrics-pooled", "psnr_single"): 1e-5,  # sums kept in float32
    ("torchmetrics-ssim", "ssim"): 5e-5,  # float32
    ("torchmetrics-ssim", "ssim_float64"): 1e-7,  # the value itself is kept in float32
    ("torchmetrics-ssim", "ssim_data_range_none"): 5e-5,  # float32
    ("piq-default", "ssim_float32"): 5e-5,
    ("pyiqa-y", "psnr_y"): 1e-4,  # float32
}
ELSEWHERE = {"deblurganv2", "realblur-ecc", "rsblur-ecc", "realblur-ecc-cv5", "rsblur-ecc-cv5"}  # tests of their own
NOT_OURS = {("skimage-gaussian", "ssim_sample_cov")}  # an option of scikit-image's that no protocol here has


def deepdeblur_window():
    """Its class with dtype=float64 still has weights that torch made in float32: their sum is what matters."""
    taps = torch.tensor([-((i - RADIUS) ** 2) / 4.5 for i in range(11)]).exp()[:, None]
    weights = taps @ taps.T
    return GAUSSIAN * math.sqrt((weights / weights.sum()).double().sum())


def five_taps(pair):
    """kornia's window_size=5: eleven taps of which the outer six are 0."""
    window = np.exp(-(np.arange(-5, 6) ** 2) / 4.5) * (abs(np.arange(-5, 6)) <= 2)
    pictures = (np.pad(p, ((5, 5), (5, 5), (0, 0)), mode="reflect") for p in (pair.prediction, pair.sharp))
    return ssim.gaussian_ssim(*pictures, window=window / window.sum(), eps=1e-12, code=pair.code)


def guessed_range(pair):
    """torchmetrics without data_range: the larger span of the two pictures."""
    span = max(np.ptp(pair.prediction), np.ptp(pair.sharp))
    return ssim.reflected_ssim(pair.prediction, pair.sharp, peak=float(span), code=pair.code)


def luma_psnr(pair):
    """pyiqa's psnry: the luma is not rounded."""
    error = (pair.prediction.astype(float) - pair.sharp) @ [0.299, 0.587, 0.114]
    return psnr_db(float(np.mean(error**2)), eps=1e-8)


OWN = {"psnr": "psnr_db", "ssim": "ssim"}
VARIANTS = {
    ("deepdeblur", "ssim_float64"): lambda p: p.gaussian_ssim(peak=p.guessed_peak, window=deepdeblur_window()),
    ("kornia", "ssim_valid"): lambda p: p.gaussian_ssim(eps=1e-12),
    ("kornia", "ssim_window5"): five_taps,
    ("matlab-gopro", "ssim_octave"): lambda p: p.volume_ssim(),
    ("matlab-gopro", "ssim_float32"): lambda p: p.volume_ssim(),
    ("piq-default", "ssim_float32"): lambda p: metric("piq-default", "ssim").function(p),
    ("piq-default", "ssim_no_downsample"): lambda p: p.gaussian_ssim(),
    ("pyiqa-y", "psnr_rgb"): lambda p: metric("pyiqa-y", "psnr_db").function(p),
    ("pyiqa-y", "psnr_y"): luma_psnr,
    ("pyiqa-y", "ssim_rgb"): lambda p: p.gaussian_ssim(relu=True, window=GAUSSIAN_2D_32),
    ("torchmetrics-pooled", "psnr_single"): lambda p: p.psnr(),
    ("torchmetrics-ssim", "ssim_float64"): lambda p: p.reflected_ssim(),
    ("torchmetrics-ssim", "ssim_data_range_none"): guessed_range,
}


def metric(protocol, name):
    (found,) = [m for m in find_protocol(protocol).metrics if m.name == name]
    return found


def agrees(value, row):
    tolerance = TOLERANCES.get((row["protocol"], row["metric"]), DIGIT)
    assert value == pytest.approx(float(row["value"]), rel=0, abs=tolerance), row


@pytest.fixture(scope="module")
def rows(shared):
    """The rows of the protocols that are tested here, by pair."""
    found = defaultdict(list)
    for row in csv.DictReader((shared / "protocol_vectors" / "expected.csv").read_text().splitlines()):
        if row["protocol"] not in ELSEWHERE and (row["protocol"], row["metric"]) not in NOT_OURS:
            found[row["pair"]].append(row)
    return found


@pytest.mark.parametrize("code", [fused, plain])
def test_each_pair(shared, rows, code):
    folder, checked = shared / "protocol_vectors", 0
    for name in [pair for pair in rows if not pair.startswith("SET_")]:
        floats = "_float" if name == "f12_float" else ""
        prediction = Opened(folder / f"pred{floats}" / f"{name}{'.npy' if floats else '.png'}")
        reading = Reading(prediction, Opened(folder / f"sharp{floats}" / f"{name}.png"), code=code)
        for row in rows[name]:
            pair = reading.compared(find_protocol(row["protocol"]))
            of = VARIANTS.get((row["protocol"], row["metric"])) or metric(row["protocol"], OWN[row["metric"]]).function
            agrees(of(pair), row)
            checked += 1
    assert checked == 444


def test_each_set(shared, rows):
    folder = shared / "protocol_vectors"
    names = list(dict.fromkeys(row["protocol"] for pair in ("SET_all", "SET_finite") for row in rows[pair]))
    pairing = pair_folders(folder / "pred", folder / "sharp")
    report = score_pairing(pairing, [find_protocol(name) for name in names], quiet=True)
    assert (report.n, report.failures) == (11, ())
    scores = dict(zip(names, report.protocols, strict=True))
    for row in rows["SET_all"] + rows["SET_finite"]:
        of = scores[row["protocol"]]
        images = [image for image in of.images if row["pair"] == "SET_all" or not image.name.startswith("p05")]
        agrees(of.means_of(images)[OWN[row["metric"].removesuffix("_float32")]], row)
    assert scores["gnr638-eval"].infinite == {"psnr_db": 1}
    finite = next(r for r in rows["SET_finite"] if (r["protocol"], r["metric"]) == ("gnr638-eval", "psnr"))
    agrees(scores["gnr638-eval"].finite_mean["psnr_db"], finite)
