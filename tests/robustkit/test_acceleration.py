"""A faster twin searches, and the model itself has the last word."""

import pytest
import torch
from torch import nn

from robustkit import Model
from robustkit.acceleration import accelerate, check_twin
from robustkit.build import attack, defend
from robustkit.conformance.attack import same, snapshot
from robustkit.contracts.result import Status
from robustkit.errors import UsageError
from robustkit.spec import InputSpec
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
    liar.compared = True
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


class Steps(nn.Module):
    """A convolution that is used twice, with batch norms of its own for each time step."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(1) for _ in range(2))
        for number, norm in enumerate(self.norms):
            norm.running_mean.fill_(number - 0.5)
            norm.running_var.fill_(0.01 + number)

    def forward(self, x):
        for norm in self.norms:
            x = norm(self.conv(x)).relu()
        return x.flatten(1)[:, :3]


def test_a_convolution_that_is_used_twice_is_folded_with_each_batch_norm(samples):
    shared = Model(Steps().eval(), spec=InputSpec(channels=1), device="cpu")
    twin = accelerate(shared, fold_batch_norm=True).quick
    assert not any(isinstance(module, nn.BatchNorm2d) for module in twin.net.modules())
    assert torch.allclose(twin.logits(samples[0]), shared.logits(samples[0]), atol=1e-5)


def test_a_twin_that_answers_otherwise_is_refused_before_it_is_used(model, samples):
    faster = accelerate(model, fold_batch_norm=True)
    with torch.no_grad():
        next(faster.twin.net.parameters()).add_(3)
    with pytest.raises(UsageError, match=r"faster copy .* omit --fold-batch-norm"):
        attack("pgd", steps=2)(faster, *samples, THREAT)


def test_the_draws_of_a_randomised_model_are_no_difference(model, samples):
    class Noisy(nn.Module):
        def forward(self, x):
            return model.net(x) + torch.randn(len(x), 3)

    check_twin(accelerate(Model(Noisy(), spec=InputSpec(channels=1), device="cpu"), channels_last=True), samples[0])


def test_a_defense_in_front_of_an_accelerated_model_keeps_its_twin(model, samples):
    defended = defend(defend(accelerate(model, precision="bf16"), "bit-depth:bits=3"), "median")
    assert defended.quick is not defended
    assert defended.quick.defenses == defended.defenses
    plain = defend(defend(model, "bit-depth:bits=3"), "median")
    assert torch.equal(defended.logits(samples[0]), plain.logits(samples[0]))
    assert torch.allclose(defended.quick.logits(samples[0]), plain.logits(samples[0]), atol=0.1)


class GivesItsBuffersAway(torch.autograd.Function):
    """What torch.compile makes of a network: a backward pass that cannot be repeated."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        if torch._C._autograd._get_current_graph_task_keep_graph():
            raise RuntimeError("This backward function was compiled with non-empty donated buffers which requires ...")
        return grad


def test_attacks_of_several_losses_run_on_a_compiled_network(model, samples):
    class Compiled(nn.Module):
        def forward(self, x):
            return GivesItsBuffersAway.apply(model.net(x))

    x, y = samples
    subject = Model(Compiled(), spec=model.spec, device="cpu")
    expected = model.gradient(x, lambda logits: logits)
    for found, wanted in zip(subject.gradient(x, lambda logits: logits), expected, strict=True):
        assert torch.equal(found, wanted)
    assert subject.backwards == 3 * len(x)
    for name in ("fab:steps=3", "deepfool:steps=3"):
        results = [attack(name)(one, x, y, Threat.parse("l2:0.5")) for one in (subject, model)]
        assert torch.equal(results[0].x_adv, results[1].x_adv)
