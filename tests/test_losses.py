"""Losses of pixels, windows and frequencies: values worked out by hand, batches, gradients, and their weighted sum."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from deblurbench.errors import UsageError
from deblurbench.scoring.metrics.ssim import gaussian_ssim
from deblurbench_baselines.losses import pixel
from deblurbench_baselines.losses.combined import Losses

LOSSES = {name: getattr(pixel, name) for name in ("charbonnier", "fft", "l1", "mse", "psnr", "ssim")}


def number(value):
    return value.detach().item()


def pictures(count=3, height=14, width=17, seed=0, dtype=torch.float32):
    """Random pictures, and others near them; each further away than the one before."""
    random = torch.Generator().manual_seed(seed)
    target = torch.rand(count, 3, height, width, generator=random, dtype=dtype)
    away = torch.randn(target.shape, generator=random, dtype=dtype) * torch.arange(1, count + 1)[:, None, None, None]
    return target + away / 20, target


def in_numpy(name, output, target):
    """The same losses written anew, in float64."""
    x, y = output.double().numpy(), target.double().numpy()
    d = x - y
    if name == "fft":
        spectra = np.fft.fft2(x) - np.fft.fft2(y)
        return np.mean([np.abs(spectra.real), np.abs(spectra.imag)])
    if name == "ssim":
        similar = [
            gaussian_ssim(a.transpose(1, 2, 0), b.transpose(1, 2, 0), peak=1.0) for a, b in zip(x, y, strict=True)
        ]
        return 1 - np.mean(similar)
    return {
        "charbonnier": np.sqrt(d**2 + 1e-6).mean(),
        "l1": np.abs(d).mean(),
        "mse": (d**2).mean(),
        "psnr": np.mean([10 * np.log10((each**2).mean() + 1e-8) for each in d]),
    }[name]


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("size", [(14, 17), (12, 16), (11, 11)])
def test_values_are_those_of_the_formulas(name, size):
    pair = pictures(3, *size)
    assert number(LOSSES[name](*pair)) == pytest.approx(in_numpy(name, *pair), rel=2e-5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("charbonnier", math.sqrt(0.25 + 1e-6)),
        ("l1", 0.5),
        ("mse", 0.25),
        ("psnr", -6.0206),
        ("fft", 0.5 / 2),  # all of it at frequency 0: 0.5 H W there, real, among 2 H W numbers
    ],
)
def test_values_of_a_constant_difference(name, value):
    target = torch.full((2, 3, 12, 16), 0.25)
    assert number(LOSSES[name](target + 0.5, target)) == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize(("name", "value"), [("charbonnier", 1e-3), ("psnr", -80), ("l1", 0), ("fft", 0), ("ssim", 0)])
def test_equal_pictures_have_a_finite_value_and_gradient(name, value):
    _, target = pictures()
    output = target.clone().requires_grad_()
    loss = LOSSES[name](output, target)
    loss.backward()
    assert number(loss) == pytest.approx(value, abs=1e-6)
    assert output.grad.isfinite().all()


@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_of_a_batch_is_the_mean_of_those_of_its_pictures(name):
    loss, (output, target) = LOSSES[name], pictures(4)
    singles = [number(loss(output[i : i + 1], target[i : i + 1])) for i in range(4)]
    assert len({round(value, 4) for value in singles}) == 4, "the pictures must not be alike"
    assert number(loss(output, target)) == pytest.approx(np.mean(singles), rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_right(name):
    output, target = pictures(2, 11, 12, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: LOSSES[name](x, target), output.requires_grad_())


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_in_float32_are_near_those_in_float64(name):
    gradients = []
    for dtype in (torch.float32, torch.float64):
        output, target = (x.to(dtype) for x in pictures(2, 32, 32))
        LOSSES[name](output.requires_grad_(), target).backward()
        gradients.append(output.grad.double())
    assert (gradients[0] - gradients[1]).norm() < 1e-4 * gradients[1].norm()


@pytest.mark.parametrize("name", LOSSES)
def test_autocast_and_half_precision_change_nothing_but_the_rounded_input(name):
    output, target = pictures()
    half = output.bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = LOSSES[name](half, target)
    assert loss.dtype == torch.float32
    assert loss.shape == ()
    torch.testing.assert_close(loss, LOSSES[name](half.float(), target), rtol=0, atol=0)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("wrong", [lambda x: x[:, :1], lambda x: x[0], lambda x: (x * 255).byte(), lambda x: x[:1]])
def test_what_does_not_go_together_is_refused(name, wrong):
    output, target = pictures()
    with pytest.raises(UsageError):
        LOSSES[name](output, wrong(target))


def test_a_total_is_the_weighted_sum_and_terms_are_unweighted():
    output, target = pictures()
    output.requires_grad_()
    total, terms = Losses({"l1": 2.0, "fft": 0.1, "ssim": 0.5}, None)(output, target)
    assert {name: number(value) for name, value in terms.items()} == pytest.approx(
        {name: number(LOSSES[name](output, target)) for name in ("fft", "l1", "ssim")}
    )
    assert number(total) == pytest.approx(
        2 * number(terms["l1"]) + 0.1 * number(terms["fft"]) + number(terms["ssim"]) / 2
    )
    assert total.requires_grad
    assert not any(term.requires_grad for term in terms.values())


def test_the_order_of_the_weights_changes_no_bit():
    output, target = pictures()
    weights = {"psnr": 0.1, "l1": 1 / 3, "fft": 0.7, "mse": 9.1, "charbonnier": 0.3}
    total, terms = Losses(weights)(output, target)
    again, turned = Losses(dict(reversed(weights.items())))(output, target)
    assert torch.equal(total, again)
    assert list(terms) == list(turned)


def test_no_losses_add_up_to_nothing():
    """A critic may be the only teacher."""
    total, terms = Losses({})(*pictures())
    assert (number(total), total.shape, terms) == (0, (), {})


def test_a_total_under_autocast_is_float32():
    output, target = pictures()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        total, terms = Losses({"l1": 1.0, "ssim": 1.0})(output.bfloat16(), target)
    assert {total.dtype, *(term.dtype for term in terms.values())} == {torch.float32}


def test_the_perceptual_loss_is_one_of_them_and_moves_with_them():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("two", torch.tensor(2.0))

        def forward(self, output, target):
            return self.two * pixel.l1(output, target)

    output, target = pictures()
    losses = Losses({"l1": 1.0, "perceptual": 10.0}, Twice())
    total, terms = losses(output, target)
    assert number(total) == pytest.approx(21 * number(terms["l1"]))
    assert losses.to("meta").perceptual.two.device.type == "meta"


@pytest.mark.parametrize(
    ("weights", "module", "words"),
    [
        ({"charbonier": 1.0}, None, "charbonnier"),
        ({"perceptual": 1.0}, None, "perceptual"),
        ({"l1": 1.0}, nn.Identity(), "perceptual"),
    ],
)
def test_losses_that_are_not_there_are_refused(weights, module, words):
    with pytest.raises(UsageError, match=words):
        Losses(weights, module)
