"""Adversarial losses on critics that can be worked out by hand."""

import math

import pytest
import torch
from torch import nn

from deblurbench_baselines.losses.adversarial import frozen, gradient_penalty, make_adversarial
from deblurbench_baselines.losses.settings import AdversarialSettings

KINDS = ["wgan-gp", "wgan-sigmoid", "bce"]


def number(value):
    return value.detach().item()


def adversarial(kind, **more):
    return make_adversarial(AdversarialSettings(kind=kind, learning_rate=1e-4, **more))


class Linear(nn.Module):
    """A weighted sum of the crop's values: its slope is the weights everywhere."""

    def __init__(self, norm=3.0, side=6):
        super().__init__()
        weights = torch.randn(3, side, side, generator=torch.Generator().manual_seed(1))
        self.weights = nn.Parameter(weights * norm / weights.norm())

    def forward(self, crops):
        return (crops * self.weights).sum((1, 2, 3))[:, None]


class Says(nn.Module):
    """Scores by the mean grey of a crop, with a factor and a constant."""

    def __init__(self, factor=0.0, constant=0.0):
        super().__init__()
        self.factor, self.constant = nn.Parameter(torch.tensor(factor)), nn.Parameter(torch.tensor(constant))

    def forward(self, crops):
        return self.factor * (crops.mean((1, 2, 3)) - 0.5)[:, None] + self.constant


class Half(nn.Module):
    """Half the squared length of a crop: its slope is the crop itself."""

    def forward(self, crops):
        return crops.square().sum((1, 2, 3))[:, None] / 2


def convolutional(seed=0, side=6):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(8 * (side // 2) ** 2, 1))


def crops(count=4, side=6, seed=0):
    """Restored and sharp ones."""
    random = torch.Generator().manual_seed(seed)
    return tuple(torch.rand(2, count, 3, side, side, generator=random).unbind(0))


def black_and_white(count=2):
    """Restored crops are black, sharp ones white."""
    return torch.zeros(count, 3, 6, 6), torch.ones(count, 3, 6, 6)


@pytest.mark.parametrize("norm", [0.25, 1.0, 3.0])
def test_the_penalty_of_a_linear_critic_is_that_of_its_slope(norm):
    critic, (restored, sharp) = Linear(norm), crops()
    loss, terms = adversarial("wgan-gp", gradient_penalty=7.0).critic(critic, restored, sharp)
    real, fake = number(critic(sharp).mean()), number(critic(restored).mean())
    assert number(terms["penalty"]) == pytest.approx((norm - 1) ** 2, abs=1e-6)
    assert number(terms["critic_real"]) == pytest.approx(real, abs=1e-6)
    assert number(terms["critic_fake"]) == pytest.approx(fake, abs=1e-6)
    assert number(loss) == pytest.approx(fake - real + 7 * (norm - 1) ** 2, abs=1e-5)
    assert number(terms["critic"]) == number(loss)


def test_each_sample_is_looked_at_in_a_place_of_its_own_between_its_two_crops():
    restored, sharp = crops()
    torch.manual_seed(5)
    penalty = gradient_penalty(Half(), restored, sharp)
    torch.manual_seed(5)
    place = torch.rand(4, 1, 1, 1)
    between = (1 - place) * sharp + place * restored
    assert len(place.unique()) == 4
    assert number(penalty) == pytest.approx(number((between.flatten(1).norm(dim=1) - 1).square().mean()), rel=1e-5)


def test_the_penalty_is_the_mean_of_that_of_single_samples():
    same = crops(1)[0]
    apart = torch.cat([same, 3 * same, 9 * same])  # restored = sharp: the place in between does not matter
    singles = [number(gradient_penalty(Half(), each[None], each[None])) for each in apart]
    assert number(gradient_penalty(Half(), apart, apart)) == pytest.approx(sum(singles) / 3, rel=1e-5)


def test_the_score_of_patches_is_their_mean():
    linear, pair = Linear(3.0), crops()

    class Patches(nn.Module):
        def forward(self, x):
            return linear(x)[:, :, None, None].expand(-1, 1, 4, 5)

    assert number(gradient_penalty(Patches(), *pair)) == pytest.approx(4, rel=1e-5)


def test_a_step_against_the_penalty_brings_the_slope_to_one():
    critic, (restored, sharp) = Linear(3.0), crops()
    for _ in range(60):
        critic.zero_grad()
        gradient_penalty(critic, restored, sharp).backward()
        with torch.no_grad():
            critic.weights -= 0.1 * critic.weights.grad
    assert number(critic.weights.norm()) == pytest.approx(1, abs=1e-3)


def test_a_critic_without_slope_gets_a_finite_gradient():
    critic = convolutional()
    for parameter in critic.parameters():
        nn.init.zeros_(parameter)
    loss, _ = adversarial("wgan-gp").critic(critic, *crops())
    loss.backward()
    assert number(loss) == 10
    assert all(parameter.grad.isfinite().all() for parameter in critic.parameters())


def test_the_penalty_is_float32_under_autocast_and_autocast_goes_on_after_it():
    critic, pair = convolutional(), crops()
    torch.manual_seed(3)
    plain = gradient_penalty(critic, *pair)
    torch.manual_seed(3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        penalty = gradient_penalty(critic, pair[0].bfloat16(), pair[1])
        assert critic(pair[0]).dtype == torch.bfloat16
        torch.manual_seed(3)
        torch.testing.assert_close(gradient_penalty(critic, *pair), plain, rtol=0, atol=0)
    assert penalty.dtype == torch.float32


@pytest.mark.parametrize("kind", KINDS)
def test_losses_under_autocast_are_float32_and_near_those_without(kind):
    critic, loss, (restored, sharp) = convolutional(), adversarial(kind), crops()
    values = []
    for enabled in (False, True):
        torch.manual_seed(3)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            values.append([loss.critic(critic, restored, sharp)[0], loss.network(critic, restored)])
    torch.testing.assert_close(values[1], values[0], rtol=0.03, atol=0.03)
    assert {value.dtype for value in values[1]} == {torch.float32}


@pytest.mark.parametrize(("kind", "floor"), [("wgan-sigmoid", -0.5), ("bce", 0.0)])
def test_a_perfect_critic_reaches_the_floor(kind, floor):
    loss, critic = adversarial(kind), Says(factor=100.0)
    value, terms = loss.critic(critic, *black_and_white())
    assert loss.floor == floor
    assert number(value) == pytest.approx(floor, abs=1e-6)
    assert number(terms["critic_real"]) == pytest.approx(1)
    assert number(terms["critic_fake"]) == pytest.approx(0, abs=1e-6)
    worst, _ = loss.critic(Says(factor=-100.0), *black_and_white())
    assert number(worst) > 0.49


def test_a_wasserstein_loss_with_a_penalty_has_no_floor():
    assert adversarial("wgan-gp").floor is None
    value, _ = adversarial("wgan-gp", gradient_penalty=0.0).critic(Says(factor=1e4), *black_and_white())
    assert number(value) < -9000


@pytest.mark.parametrize(("kind", "critics", "network"), [("wgan-sigmoid", 0, 0.5), ("bce", math.log(2), math.log(2))])
def test_a_critic_that_knows_nothing(kind, critics, network):
    value, terms = adversarial(kind).critic(Says(), *black_and_white())
    assert number(value) == pytest.approx(critics)
    assert {number(terms["critic_real"]), number(terms["critic_fake"])} == {0.5}
    assert number(adversarial(kind).network(Says(), torch.zeros(2, 3, 6, 6))) == pytest.approx(network)


def test_the_sigmoid_losses_are_the_founders():
    """Labels +1 for sharp, -1 for restored crops, mean(label * prediction), half of each; the network wants +1."""
    critic, (restored, sharp) = Linear(2.0), crops()
    theirs = [(-critic(x)).sigmoid() for x in (sharp, restored)]  # their critic says how blurred a crop is
    value, _ = adversarial("wgan-sigmoid").critic(critic, restored, sharp)
    assert number(value) == pytest.approx(number(0.5 * ((1 * theirs[0]).mean() + (-1 * theirs[1]).mean())), abs=1e-6)
    assert number(adversarial("wgan-sigmoid").network(critic, restored)) == pytest.approx(number(theirs[1].mean()))


def test_cross_entropy_of_given_scores():
    value, _ = adversarial("bce").critic(
        Says(factor=2.0, constant=1.0), *black_and_white()
    )  # 2 of sharp, 0 of restored
    assert number(value) == pytest.approx((math.log1p(math.exp(-2)) + math.log(2)) / 2)
    network = adversarial("bce").network(Says(constant=3.0), torch.zeros(1, 3, 6, 6))
    assert number(network) == pytest.approx(math.log1p(math.exp(-3)))


@pytest.mark.parametrize("kind", KINDS)
def test_extreme_scores_stay_finite(kind):
    for factor in (-1e4, 1e4):
        critic = Says(factor=factor)
        restored = torch.zeros(2, 3, 6, 6, requires_grad=True)
        value, _ = adversarial(kind).critic(critic, *black_and_white())
        value.backward()
        adversarial(kind).network(critic, restored).backward()
        assert value.isfinite()
        assert critic.factor.grad.isfinite()
        assert restored.grad.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_of_the_critic_lowers_its_loss_and_tells_sharp_from_restored(kind):
    critic, loss, (restored, sharp) = convolutional(), adversarial(kind, gradient_penalty=0.0), crops()
    before, _ = loss.critic(critic, restored, sharp)
    before.backward()
    gap = (critic(sharp).mean() - critic(restored).mean()).detach()
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.sub_(parameter.grad, alpha=0.05)
    after, _ = loss.critic(critic, restored, sharp)
    assert after < before
    assert critic(sharp).mean() - critic(restored).mean() > gap


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_of_the_network_lowers_its_term_and_pleases_the_critic(kind):
    critic, loss = convolutional(), adversarial(kind)
    restored = crops()[0].requires_grad_()
    before = loss.network(critic, restored)
    before.backward()
    better = (restored - 0.5 * restored.grad).detach()
    assert loss.network(critic, better) < before
    assert critic(better).mean() > critic(restored).mean()


@pytest.mark.parametrize("kind", KINDS)
def test_each_side_gets_no_gradient_of_the_other(kind):
    critic, loss, (restored, sharp) = convolutional(), adversarial(kind), crops()
    restored.requires_grad_()
    total, terms = loss.critic(critic, restored, sharp)
    total.backward()
    assert restored.grad is None
    assert not any(term.requires_grad for term in terms.values())
    critic.zero_grad()
    loss.network(critic, restored).backward()
    assert restored.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in critic.parameters())
    assert all(parameter.requires_grad for parameter in critic.parameters())


@pytest.mark.parametrize("kind", ["wgan-sigmoid", "bce"])
def test_the_loss_of_a_batch_is_the_mean_of_that_of_its_samples(kind):
    critic, loss, (restored, sharp) = convolutional(), adversarial(kind), crops()
    ones = [slice(i, i + 1) for i in range(4)]
    singles = torch.stack([loss.critic(critic, restored[i], sharp[i])[0] for i in ones])
    torch.testing.assert_close(loss.critic(critic, restored, sharp)[0], singles.mean())
    singles = torch.stack([loss.network(critic, restored[i]) for i in ones])
    torch.testing.assert_close(loss.network(critic, restored), singles.mean())


def test_freezing_keeps_what_was_frozen_before():
    critic = convolutional()
    critic[0].requires_grad_(False)
    before = [parameter.requires_grad for parameter in critic.parameters()]
    with frozen(critic):
        assert not any(parameter.requires_grad for parameter in critic.parameters())
    assert [parameter.requires_grad for parameter in critic.parameters()] == before
