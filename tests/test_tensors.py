"""Metrics of batches of tensors are those of the protocols, whatever the device, the layout and the context."""

import csv
import math
import warnings

import numpy as np
import pytest
import torch
from conftest import noise
from test_protocol_vectors import DIGIT, TOLERANCES
from torch._subclasses.fake_tensor import FakeTensorMode

from deblurbench import plugins
from deblurbench.errors import UsageError
from deblurbench.images.codec import read_rgb
from deblurbench.scoring import tensors
from deblurbench.scoring.batches import BatchScorer
from deblurbench.scoring.metrics import plain
from deblurbench.scoring.metrics.ssim import gaussian_ssim, reflected_ssim, uniform_ssim, volume_ssim
from deblurbench.scoring.pictures.reading import Opened, Reading
from deblurbench.scoring.protocol import Metric, find_protocol


def has_cuda():
    return torch.cuda.is_available()


needs_cuda = pytest.mark.skipif("not has_cuda()")

NONE = {"lpips-alex", "lpips-vgg", "realblur-ecc", "rsblur-ecc"}
OFFERED = sorted(plugins.find("protocols").keys() - NONE)
LARGE = "large enough for piq to halve"


def planes(pictures):
    return torch.from_numpy(pictures).permute(0, 3, 1, 2)


def smooth(height, width, seed):
    """Waves of 8-bit levels, different in each channel."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x * a + y * b + c) for a, b, c in rng.uniform(0.02, 0.3, (3, 3))]
    return np.rint(127.5 + 120 * np.stack(waves, 2)).astype(np.uint8)


def disturbed(sharp, size, seed):
    return sharp / 255 + np.random.default_rng(seed).normal(0, size, sharp.shape)


def batches():
    """What a batch is called -> prediction, sharp: N x H x W x 3, uint8 or floating."""
    sizes = {"odd": (37, 52), "one window": (11, 11), "no Gaussian window": (9, 8), "hardly a reflection": (6, 5)}
    for name, (height, width) in sizes.items():
        sharp = np.stack([noise(height, width, seed=i) for i in range(2)])
        yield f"noise, {name}", (disturbed(sharp, 0.05, 1).astype(np.float32), sharp)
    sharp = np.stack([smooth(40, 61, i) for i in range(3)])
    yield "smooth", (disturbed(sharp, 0.01, 2).astype(np.float32), (sharp / 255).astype(np.float32))
    yield "smooth, float64", (disturbed(sharp, 0.01, 2), sharp / 255)
    yield "smooth, uint8", (np.rint(disturbed(sharp, 0.01, 3).clip(0, 1) * 255).astype(np.uint8), sharp)
    yield "uint8 against floats", (sharp, disturbed(sharp, 0.01, 4).clip(0, 1))
    yield "flat and bright", (np.full((1, 20, 20, 3), 250, np.uint8), np.full((1, 20, 20, 3), 251, np.uint8))
    black = np.stack([noise(30, 23, seed=i) % 2 for i in range(2)])
    yield "nearly black", (black[::-1].copy(), black)
    yield "nearly black floats", ((black[::-1] / 255).astype(np.float32), black)
    yield "one pixel above", (np.where(np.arange(30)[:, None, None] == 7, 2, black).astype(np.uint8), black)
    yield "equal", (sharp, sharp)
    large = smooth(390, 400, 9)[None]
    yield LARGE, (disturbed(large, 0.02, 5).astype(np.float32), large)


BATCHES = dict(batches())


def expected(protocol, prediction, sharp):
    """What the protocol gives for each picture, less its slow metrics."""
    fast = [metric for metric in protocol.metrics if not metric.slow]
    rows = []
    for one, other in zip(prediction, sharp, strict=True):
        pair = Reading(Opened(one), Opened(other), code=plain).compared(protocol)
        rows.append({metric.name: metric.function(pair) for metric in fast})
    return {m.name: [row[m.name] for row in rows] for m in fast if rows[0][m.name] is not None}


def as_lists(values):
    return {name: value.tolist() for name, value in values.items()}


def close(tolerance=1e-9, relative=1e-12):
    return lambda values: {n: pytest.approx(v, abs=tolerance, rel=relative) for n, v in values.items()}


@pytest.mark.parametrize(
    ("name", "batch"), [(n, b) for n in OFFERED for b in BATCHES if b != LARGE or n == "piq-default"]
)
def test_a_batch_has_the_numbers_of_the_protocol(name, batch):
    prediction, sharp = BATCHES[batch]
    values = BatchScorer(name)(planes(prediction), planes(sharp))
    assert all(value.dtype == torch.float64 and value.shape == (len(sharp),) for value in values.values())
    assert as_lists(values) == close()(expected(find_protocol(name), prediction, sharp))


@pytest.mark.parametrize("name", OFFERED)
def test_every_fast_metric_is_offered(name):
    protocol = find_protocol(name)
    assert BatchScorer(name).metrics == tuple(metric.name for metric in protocol.metrics if not metric.slow)


@pytest.mark.parametrize("name", OFFERED)
def test_grey_batches(name):
    prediction, sharp = (BATCHES["smooth, uint8"][i][..., 0] for i in range(2))
    values = BatchScorer(name)(torch.from_numpy(prediction)[:, None], torch.from_numpy(sharp)[:, None])
    assert as_lists(values) == close()(expected(find_protocol(name), prediction, sharp))


@pytest.mark.parametrize("name", OFFERED)
def test_float32_is_near(name):
    for prediction, sharp in (BATCHES["smooth"], BATCHES["noise, odd"]):
        pair = planes(prediction), planes(sharp)
        values = BatchScorer(name, dtype=torch.float32)(*pair)
        assert all(value.dtype == torch.float32 for value in values.values())
        assert as_lists(values) == close(1e-5, 1e-6)(as_lists(BatchScorer(name)(*pair)))


@pytest.mark.parametrize("name", OFFERED)
def test_nothing_waits_for_the_device(name):
    """Fake tensors have no values: whoever asks for one fails."""
    with FakeTensorMode():
        pair = torch.zeros(2, 3, 400, 390), torch.zeros(2, 3, 400, 390)
        assert all(value.shape == (2,) for value in BatchScorer(name)(*pair).values())
        with pytest.raises(Exception, match=r"data_dependent|_local_scalar_dense"):
            pair[0].sum().item()


@pytest.mark.parametrize("name", OFFERED)
def test_contexts_layouts_and_precisions_of_a_training_loop_change_nothing(name):
    prediction, sharp = (planes(z) for z in BATCHES["smooth"])
    scorer = BatchScorer(name)
    wanted = as_lists(scorer(prediction, sharp))
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert as_lists(scorer(prediction, sharp)) == wanted
    last = (z.contiguous(memory_format=torch.channels_last) for z in (prediction, sharp))
    assert as_lists(scorer(*last)) == close(1e-12)(wanted)
    halves = prediction.half()
    assert as_lists(scorer(halves, sharp)) == as_lists(scorer(halves.float(), sharp))
    assert as_lists(scorer(prediction[0], sharp[0])) == close(1e-12)({n: v[:1] for n, v in wanted.items()})


@needs_cuda
@pytest.mark.parametrize("name", OFFERED)
def test_a_gpu_gives_the_same_and_is_never_waited_for(name):
    scorer = BatchScorer(name)
    for prediction, sharp in BATCHES.values():
        pair = planes(prediction), planes(sharp)
        there = [z.cuda() for z in pair]
        torch.cuda.set_sync_debug_mode("error")
        try:
            with torch.autocast("cuda"):
                values = scorer(*there)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        assert all(value.is_cuda for value in values.values())
        assert as_lists(values) == close()(as_lists(scorer(*pair)))


def test_the_values_of_published_code(shared):
    """Of each protocol on files of 8 bits, as a batch of one. (All pairs are in the tests of the protocols.)"""
    folder = shared / "protocol_vectors"
    rows: dict[tuple[str, str], list] = {}
    for row in csv.DictReader((folder / "expected.csv").read_text().splitlines()):
        if row["protocol"] in OFFERED and row["pair"][:3] in ("p02", "p04", "p05"):  # odd, nearly black, equal
            rows.setdefault((row["pair"], row["protocol"]), []).append(row)
    checked = set()
    for (pair, name), of in rows.items():
        files = (folder / side / f"{pair}.png" for side in ("pred", "sharp"))
        values = BatchScorer(name)(*(torch.from_numpy(read_rgb(file)).permute(2, 0, 1) for file in files))
        for row in of:
            metric = {"psnr": "psnr_db"}.get(row["metric"], row["metric"])
            if metric in values:
                tolerance = TOLERANCES.get((name, row["metric"]), DIGIT)
                assert float(values[metric]) == pytest.approx(float(row["value"]), rel=0, abs=tolerance), row
                checked.add((name, metric))
    assert len(checked) >= 25


METRICS = {
    "psnr": tensors.psnr,
    "gaussian": tensors.ssim,
    "reflected": lambda p, s: tensors.ssim(p, s, border="reflect"),
    "relu": lambda p, s: tensors.ssim(p, s, relu=True),
    "uniform": lambda p, s: tensors.ssim(p, s, window="uniform"),
    "volume": tensors.volume_ssim,
}


@pytest.mark.parametrize("name", METRICS)
def test_gradients_are_right(name):
    pair = [torch.rand(2, 3, 12, 13, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    assert torch.autograd.gradcheck(METRICS[name], pair, fast_mode=True)
    assert torch.autograd.gradgradcheck(METRICS[name], [z[:, :, :11, :12] for z in pair], fast_mode=True)


def test_ssim_is_a_loss_that_restores_a_picture():
    torch.manual_seed(0)
    sharp = planes(BATCHES["smooth"][1][:1])
    restored = (sharp + 0.2 * torch.randn_like(sharp)).requires_grad_()
    before = float(tensors.ssim(restored, sharp).detach())
    optimiser = torch.optim.Adam([restored], lr=0.02)
    for _ in range(40):
        optimiser.zero_grad()
        (1 - tensors.ssim(restored, sharp, dtype=torch.float32).mean()).backward()
        optimiser.step()
    assert before < 0.5
    assert float(tensors.ssim(restored, sharp).detach()) > before + 0.3


@pytest.mark.parametrize("name", OFFERED)
def test_without_rounding_gradients_reach_the_prediction(name):
    prediction, sharp = (planes(z).double() for z in BATCHES["smooth, float64"])
    prediction = prediction.clamp(0.01, 0.99).requires_grad_()
    values = BatchScorer(name, rounded=False)(prediction, sharp)
    (gradient,) = torch.autograd.grad(sum(value.sum() for value in values.values()), prediction)
    assert torch.isfinite(gradient).all()
    assert gradient.count_nonzero() > 0.9 * gradient.numel()
    rounded = BatchScorer(name)(prediction, sharp)
    assert all(torch.allclose(values[n], rounded[n], atol=0.5, rtol=0.05) for n in rounded)


def test_the_functions_are_those_of_numpy():
    prediction, sharp = (z.astype(np.float64) / 255 for z in BATCHES["smooth, uint8"])
    pair = planes(prediction), planes(sharp)
    twins = [
        (tensors.ssim(*pair), gaussian_ssim),
        (tensors.ssim(*pair, border="reflect"), reflected_ssim),
        (tensors.ssim(*pair, window="uniform"), uniform_ssim),
        (tensors.volume_ssim(*pair), volume_ssim),
    ]
    for values, function in twins:
        wanted = [function(p, s, peak=1.0, code=plain) for p, s in zip(prediction, sharp, strict=True)]
        assert values.tolist() == pytest.approx(wanted, abs=1e-12)
    errors = np.square(prediction - sharp).mean((1, 2, 3))
    assert tensors.psnr(*pair).tolist() == pytest.approx((-10 * np.log10(errors)).tolist(), abs=1e-12)
    assert tensors.psnr(pair[0] * 255, pair[1] * 255, peak=255).tolist() == pytest.approx(tensors.psnr(*pair).tolist())


def test_psnr_of_equal_pictures():
    black = torch.zeros(2, 3, 4, 4)
    assert tensors.psnr(black, black).tolist() == [math.inf] * 2
    assert tensors.psnr(black, black, eps=1e-8).tolist() == pytest.approx([80, 80])
    assert BatchScorer("deblurganv2")(black, black)["psnr_db"].tolist() == [100, 100]


def test_each_picture_may_have_its_own_peak():
    prediction, sharp = (planes(z.astype(np.float64)) for z in BATCHES["smooth, uint8"])
    peaks = torch.tensor([255.0, 1.0, 510.0])
    for metric in (tensors.psnr, tensors.ssim, tensors.volume_ssim):
        together = metric(prediction, sharp, peak=peaks).tolist()
        assert together == [float(metric(prediction[i], sharp[i], peak=float(peaks[i]))) for i in range(3)]


RGB = torch.rand(2, 3, 20, 20)
REFUSED = {
    "shapes": (lambda: tensors.psnr(RGB, RGB[:1]), "2 x 3 x 20 x 20, the sharp picture 1 x 3 x 20 x 20"),
    "no batch": (lambda: tensors.ssim(RGB[0, 0], RGB[0, 0]), "20 x 20 is no batch of pictures"),
    "empty": (lambda: tensors.psnr(RGB[:0], RGB[:0]), "0 x 3 x 20 x 20 is no batch"),
    "devices": (lambda: tensors.psnr(RGB, RGB.to("meta")), "on cpu and meta"),
    "small": (lambda: tensors.ssim(RGB[..., :10], RGB[..., :10]), "its sides need at least 11 pixels"),
    "smaller": (lambda: tensors.ssim(RGB[..., :6], RGB[..., :6], window="uniform"), "at least 7"),
    "reflected": (lambda: tensors.ssim(RGB[..., :5], RGB[..., :5], border="reflect"), "at least 6"),
    "window": (lambda: tensors.ssim(RGB, RGB, window="box"), "no window is called 'box': known: gaussian, uniform"),
    "border": (lambda: tensors.ssim(RGB, RGB, border="zero"), "no border is called 'zero': known: valid, reflect"),
    "taps": (lambda: tensors.ssim(RGB, RGB, window=[0.2, 0.3, 0.5]), "3 taps that is not symmetric"),
    "dtype": (lambda: tensors.ssim(RGB, RGB, dtype=torch.float16), "not computed in torch.float16"),
    "uint8": (lambda: tensors.ssim(RGB.byte(), RGB.byte()), "peak 1: give floats, or peak=255"),
    "integers": (lambda: BatchScorer()(RGB.long(), RGB.long()), "of torch.int64: give floats in 0 .. 1, or uint8"),
    "slow alone": (lambda: BatchScorer("realblur-ecc"), "no metric for tensors: score files or arrays"),
    "slow": (
        lambda: BatchScorer("deblurganv2", metrics=["psnr_db", "cw_ssim"]),
        "deblurganv2 has no cw_ssim for tensors: it offers psnr_db, ssim",
    ),
    "LPIPS": (lambda: BatchScorer("lpips-alex"), "lpips-alex has no metric for tensors"),
    "array": (
        lambda: BatchScorer()(RGB.numpy(), RGB.numpy()),
        "a ndarray is no tensor: deblurbench.score takes arrays",
    ),
    "unknown": (lambda: BatchScorer("basicsr"), "basicsr"),
    "version": (lambda: BatchScorer("tf@2"), "no version 2"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_computed_is_refused(case):
    call, message = REFUSED[case]
    with pytest.raises(UsageError, match=message):
        call()


def test_a_protocol_of_someone_else_works_where_it_asks_for_no_pixels(monkeypatch):
    ours = find_protocol("basicsr-rgb")
    metrics = (
        Metric("half", lambda pair: pair.psnr() / 2),
        Metric("pixels", lambda pair: float(pair.prediction.mean())),
        Metric("constant", lambda pair: 1.0),
    )
    theirs = type(ours)(ours.name, 1, "", ours.reader, metrics, ours.recipe)
    ours_scored = BatchScorer(ours.name)(RGB, RGB / 2)
    monkeypatch.setattr("deblurbench.scoring.batches.find_protocol", lambda _: theirs)
    scorer = BatchScorer("theirs")
    assert scorer.metrics == ("half",)
    assert torch.equal(2 * scorer(RGB, RGB / 2)["half"], ours_scored["psnr_db"])


def test_scoring_says_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        BatchScorer("basicsr-y")(RGB, RGB)
