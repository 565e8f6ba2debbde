"""Attacks made on one model and judged on another."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.build import attack
from robustkit.conformance.attack import Network, same, snapshot
from robustkit.contracts.result import Status
from robustkit.contracts.samples import Samples
from robustkit.threats import Threat
from robustkit.transfer import Ensemble, load_surrogates

SHAPE = (2, 5, 4)
THREAT = Threat.parse("linf:0.1")


class Weighted(nn.Module):
    """Two logits, the image under a given pattern and against it."""

    def __init__(self, pattern, sign=1.0):
        super().__init__()
        self.pattern = nn.Parameter(pattern)
        self.sign = sign

    def forward(self, x):
        score = self.sign * ((x - 0.5) * self.pattern).flatten(1).sum(1)
        return torch.stack([-score, score], 1)


def weighted(*values, **options):
    pattern = torch.tensor(values, dtype=torch.float64).reshape(1, 2, 2)
    return Model(Weighted(pattern), spec=InputSpec(channels=1), device="cpu", **options)


def conv(classes=3, seed=None):
    net = Network(SHAPE, classes)
    if seed is not None:
        numbers = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in net.parameters():
                parameter += 0.05 * torch.randn(parameter.shape, generator=numbers, dtype=parameter.dtype)
    return Model(net, spec=InputSpec(channels=SHAPE[0]), device="cpu")


def images(n=12):
    return torch.rand((n, *SHAPE), generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_the_images_are_the_surrogates_and_the_verdict_the_models():
    target, surrogate = weighted(1, 1, 1, 1), weighted(1, -1, 1, -1)
    x, y = torch.full((1, 1, 2, 2), 0.52, dtype=torch.float64), torch.tensor([1])
    result = attack("mi-fgsm", surrogate=surrogate)(target, x, y, THREAT)
    assert torch.allclose(result.x_adv - x, torch.tensor([-0.1, 0.1, -0.1, 0.1], dtype=torch.float64).reshape(1, 1, 2, 2))
    assert result.status.tolist() == [Status.FAILED]
    result = attack("mi-fgsm", surrogate=weighted(3, 1, 1, 1))(target, x, y, THREAT)
    assert result.status.tolist() == [Status.FOUND]


def test_the_surrogate_takes_every_step_though_the_attack_succeeds_at_once():
    target, surrogate = weighted(1, 1, 1, 1), weighted(1, 1, 1, 1)
    x, y = torch.full((3, 1, 2, 2), 0.501, dtype=torch.float64), torch.tensor([1, 1, 0])
    result = attack("mi-fgsm", surrogate=surrogate, steps=7)(target, x, y, THREAT)
    assert torch.allclose(result.x_adv[:2], x[:2] - 0.1)
    assert result.forwards.tolist() == [2, 2, 1]
    assert result.backwards.tolist() == [0, 0, 0]
    assert (target.forwards, target.backwards) == (5, 0)
    assert surrogate.backwards == 7 * 2  # the image that was wrong from the start is not attacked
    assert attack("mi-fgsm", surrogate=surrogate).cost(THREAT, 2) == (2, 0)
    assert attack("mi-fgsm", steps=7).cost(THREAT, 2) == (9, 7)


def test_an_ensemble_answers_with_the_mean_of_its_members_logits_each_in_its_own_bounds():
    bytes_ = weighted(1, 2, 3, 4, bounds=(0.0, 255.0))
    bytes_.net.pattern.data /= 255
    halves = weighted(4, 3, 2, 1)
    x = torch.rand((3, 1, 2, 2), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    both = Ensemble((bytes_, halves), (0.0, 1.0), torch.device("cpu"))
    assert torch.allclose(both(x), (bytes_(255 * x) + halves(x)) / 2)


@pytest.mark.parametrize("surrogate", ["builtin/fashion-standard", "builtin/fashion-standard+builtin/fashion-robust"])
def test_surrogates_by_name(surrogate):
    built = attack(f"mi-fgsm:surrogate={surrogate}")
    models = load_surrogates(built.surrogate, torch.device("cpu"))
    assert [model.name for model in models] == surrogate.split("+")
    assert load_surrogates(built.surrogate, torch.device("cpu"))[0] is models[0]


def test_surrogates_as_models_or_both():
    one = conv()
    assert load_surrogates(attack("mi-fgsm", surrogate=one).surrogate, torch.device("cpu")) == (one,)
    several = attack("vmi-fgsm", surrogate=(one, "builtin/fashion-robust")).surrogate
    assert [model.name for model in load_surrogates(several, torch.device("cpu"))] == ["Network", "builtin/fashion-robust"]


def test_needs_no_knowledge_of_the_model_under_test():
    only = Threat.parse("linf:0.1,knowledge=transfer,queries=2")
    x, target = images(), conv()
    y = target.logits(x).argmax(1)
    assert attack("mi-fgsm", surrogate=conv(seed=1)).knowledge == "transfer"
    assert attack("mi-fgsm", surrogate=conv(seed=1), steps=3)(target, x, y, only).forwards.tolist() == [2] * 12
    with pytest.raises(UsageError, match="white-box knowledge"):
        attack("mi-fgsm")(target, x, y, only)


def test_surrogates_are_left_as_they_were():
    surrogate, target, x = conv(seed=1), conv(), images()
    y = target.logits(x).argmax(1)
    before = snapshot(surrogate.net)
    attack("vmi-fgsm", surrogate=(surrogate, surrogate), steps=2, neighbours=2)(target, x, y, THREAT)
    assert all(same(old, new) for (_, old), (_, new) in zip(before, snapshot(surrogate.net), strict=True))


def test_a_model_may_be_its_own_surrogate():
    target, x = conv(), images()
    y = target.logits(x).argmax(1)
    own = attack("mi-fgsm", surrogate=target)(target, x, y, THREAT)
    assert torch.equal(own.success, attack("mi-fgsm")(target, x, y, THREAT).success)


def test_neither_the_batch_size_nor_the_neighbours_matter():
    surrogate, target, x = conv(seed=1), conv(), images()
    y = target.logits(x).argmax(1)
    built = attack("di-fgsm", surrogate=surrogate, steps=4)
    whole = built(target, x, y, THREAT)
    surrogate.batch_size = 5
    assert torch.equal(built(target, x, y, THREAT).x_adv, whole.x_adv)
    order = torch.tensor([7, 2, 9])
    assert torch.equal(built(target, x[order], y[order], THREAT, sample_ids=order).x_adv, whole.x_adv[order])


@pytest.mark.parametrize(
    ("surrogate", "message"),
    [
        (conv(classes=4), "surrogate Network has 4 classes, but the model under test has 3"),
        (Model(nn.Sequential(nn.Flatten(), nn.Linear(7, 3)), device="cpu"), r"cannot take images of shape \(2, 5, 4\)"),
        ("builtin/fashion-robust", "cannot take images|has 10 classes"),
        ("builtin/fashion-robot", "unknown"),
        ((), "names no model"),
    ],
)
@pytest.mark.parametrize("name", ["ti-fgsm", "apgd-transfer"])
def test_a_surrogate_that_does_not_fit(name, surrogate, message):
    target, x = conv(), images(2)
    with pytest.raises(UsageError, match=message):
        attack(name, surrogate=surrogate)(target, x, target.logits(x).argmax(1), THREAT)


def test_too_few_queries_and_a_surrogate_that_is_none():
    with pytest.raises(UsageError, match="below the 2"):
        attack("mi-fgsm", surrogate=conv()).check_queries(replace(THREAT, queries=1), 1)
    with pytest.raises(UsageError, match="surrogate"):
        attack("mi-fgsm", surrogate=3)


def test_targets_are_aimed_at():
    surrogate, x = conv(seed=1), images()
    y = surrogate.logits(x).argmax(1)
    targets = (y + 1) % 3
    wide = Threat.parse("l2:4,targeted")
    ids = torch.arange(12)
    samples = Samples(x, y, ids, targets)
    made = attack("mi-fgsm", surrogate=surrogate, steps=20).craft(samples, wide, (0.0, 1.0), 3)
    assert (surrogate.logits(made).argmax(1) == targets).float().mean() > 0.5
