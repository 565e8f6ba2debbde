"""A faster twin searches, and the model itself has the last word."""

import pytest
import torch
from torch import nn

from robustkit.acceleration import accelerate
from robustkit.build import attack
from robustkit.conformance import same, snapshot
from robustkit.contract import Status
from robustkit.errors import UsageError
from robustkit.model import InputSpec, Model
from robustkit.threats import Threat

THREAT = Threat.parse("linf:0.1")


@pytest.fixture
def model():
    torch.manual_seed(3)
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3))
    net[1].running_mean.normal_()
    net[1].running_var.uniform_(0.5, 2)
    return Model(net.eval(), spec=InputSpec(channels=1), device="cpu")


@pytest.fixture
def samples(model):
    x = torch.rand(12, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    return x, model.logits(x).argmax(1)


@pytest.mark.parametrize("how", [{"precision": "bf16"}, {"fold_batch_norm": True}, {"channels_last": True}])
def test_the_verdict_holds_for_the_model_itself(model, samples, how):
    x, y = samples
    before = snapshot(model.net)
    faster = accelerate(model, **how)
    result = attack("pgd", steps=10)(faster, x, y, THREAT)
    assert bool(result.success.any())
    assert torch.equal(model.logits(result.x_adv).argmax(1) != y, result.success)
    assert not (result.status == Status.UNCONFIRMED).any()
    assert all(same(old, new) for (_, old), (_, new) in zip(before, snapshot(model.net), strict=True))
    assert model.twin is None


def test_folding_changes_no_logit(model, samples):
    twin = accelerate(model, fold_batch_norm=True).quick
    assert not any(isinstance(module, nn.BatchNorm2d) for module in twin.net.modules())
    assert torch.allclose(twin.logits(samples[0]), model.logits(samples[0]), atol=1e-5)


def test_what_the_twin_calls_a_success_is_asked_about_again(model, samples):
    x, y = samples
    faster = accelerate(model, precision="bf16")
    liar = nn.Module()
    liar.forward = lambda images: -model.net(images)  # the twin calls everything wrong
    faster.twin.net = liar
    result = attack("pgd", steps=3)(faster, x, y, Threat.parse("linf:0.0001"))
    assert not bool(result.success.any())
    assert bool((result.status == Status.FAILED).all())
    assert bool((result.forwards > 5).all())  # three steps, clean pass, verification, and what was asked again


def test_unknown_precision_is_one_sentence(model):
    with pytest.raises(UsageError, match=r"search precision 'bf61' is unknown: did you mean 'bf16'"):
        accelerate(model, precision="bf61")


def test_a_graph_that_cannot_be_traced_is_one_sentence(model):
    class Branches(nn.Module):
        def forward(self, x):
            return x.flatten(1)[:, :2] if x.sum() > 0 else x.flatten(1)[:, 1:3]

    with pytest.raises(UsageError, match="cannot be folded"):
        accelerate(Model(Branches(), spec=InputSpec(channels=1), device="cpu"), fold_batch_norm=True)
