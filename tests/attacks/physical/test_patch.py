import pytest
import torch
from torch import nn

from robustkit import Model, Threat, UsageError
from robustkit.attacks.physical.patch import Patch
from robustkit.build import attack
from robustkit.contracts.result import Status
from robustkit.universal import fold_of


class Greenish(nn.Module):
    """Class 0, 1 or 2 by the brightest channel, compared by its largest local mean."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.gain = nn.Parameter(torch.tensor(30.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        local = nn.functional.avg_pool2d(self.norm(x), 3, stride=1)
        contrast = local - local.mean(1, keepdim=True)
        return (self.gain * contrast).flatten(2).logsumexp(2)


@pytest.fixture
def model() -> Model:
    return Model(Greenish(), device="cpu")


def images(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Grey noise with a tint that determines the class."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % 3
    x = 0.35 + 0.1 * torch.rand(n, 3, 16, 20, generator=generator)
    x[torch.arange(n), y] += 0.06
    return x, y


SMALL = {"steps": 40, "batch": 16}


def test_it_is_stronger_than_every_control_on_held_out_images(model: Model) -> None:
    x, y = images(60)
    threat = Threat.parse("patch:8%")
    result = Patch(**SMALL)(model, x, y, threat)
    assert bool((result.status != Status.MISCLASSIFIED).all())
    assert result.success.float().mean() > 0.5  # a third of the images already has the class of the patch
    for fill in ("grey", "black", "white"):
        control = attack("patch-control", fill=fill)(model, x, y, threat)
        assert control.success.float().mean() < result.success.float().mean() - 0.3, fill


def test_the_result_is_verified_and_reports_its_cost(model: Model) -> None:
    x, y = images(30)
    y[0] = 1  # mislabelled
    threat = Threat.parse("patch:8%,shape=circle")
    result = Patch(**SMALL)(model, x, y, threat)
    assert torch.equal(result.success, (result.status == Status.FOUND))
    assert torch.equal(model.logits(result.x_adv), result.logits)
    assert torch.equal(result.success, (result.logits.argmax(1) != y) & (result.status != Status.MISCLASSIFIED))
    assert bool(threat.contains(x, result.x_adv, model.bounds).all())
    assert result.status[0] == Status.MISCLASSIFIED
    assert torch.equal(result.x_adv[0], x[0])
    assert result.forwards.tolist() == [1] + [2] * 29
    assert result.backwards.sum() == 0
    assert torch.equal(result.first_success_step == 0, result.success)


def test_a_fit_is_counted_and_kept_within_bounds(model: Model) -> None:
    x, y = images(12)
    before = model.forwards, model.backwards
    fitted = Patch(steps=5, batch=8).fit(model, x, y, Threat.parse("patch:8%"))
    assert (model.forwards - before[0], model.backwards - before[1]) == (40, 40)
    assert (int(fitted["fit_forwards"]), int(fitted["fit_backwards"])) == (40, 40)
    assert 0 <= fitted["patch"].min() <= fitted["patch"].max() <= 1
    assert fitted["patch"].shape[0] == 3


def test_targeted_reaches_the_target(model: Model) -> None:
    x, y = images(60)
    x, y = x[y != 2], y[y != 2]
    threat = Threat.parse("patch:8%,targeted")
    result = Patch(**SMALL)(model, x, y, threat, targets=torch.full_like(y, 2))
    assert result.success.float().mean() > 0.8
    assert torch.equal(result.success, result.logits.argmax(1) == 2)


def test_a_chunk_too_large_for_memory_changes_nothing() -> None:
    x, y = images(12)
    threat, chosen = Threat.parse("patch:8%"), Patch(steps=3, batch=8)
    one = chosen.fit(Model(Greenish().double(), device="cpu", batch_size=3), x.double(), y, threat)
    other = chosen.fit(Model(Greenish().double(), device="cpu"), x.double(), y, threat)
    assert torch.allclose(one["patch"], other["patch"], atol=1e-9)


def test_results_depend_only_on_the_seed_and_nothing_else_changes(model: Model) -> None:
    x, y = images(20)
    threat, chosen = Threat.parse("patch:8%"), Patch(steps=5, batch=8)
    kept = x.clone()
    model.net.train()
    state = {name: value.clone() for name, value in model.net.state_dict().items()}
    generator = torch.random.get_rng_state()
    first = chosen(model, x, y, threat, seed=1)
    assert torch.equal(torch.random.get_rng_state(), generator)
    torch.manual_seed(5)
    second = chosen(model, x, y, threat, seed=1)
    other = chosen(model, x, y, threat, seed=2)
    assert torch.equal(first.x_adv, second.x_adv)
    assert not torch.equal(first.x_adv, other.x_adv)
    assert torch.equal(x, kept)
    assert model.net.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.net.parameters())
    assert all(torch.equal(value, state[name]) for name, value in model.net.state_dict().items())


def test_each_fold_is_evaluated_with_the_patch_of_the_other(model: Model) -> None:
    x, y = images(20)
    threat, chosen = Threat.parse("patch:8%"), Patch(steps=5, batch=8)
    result = chosen(model, x, y, threat)
    ids = torch.arange(20)
    side = fold_of(ids, 0)
    fitted = chosen.fit(model, x[side == 1], y[side == 1], threat, sample_ids=ids[side == 1])
    judged = side == 0
    expected = chosen.apply(model, x[judged], y[judged], threat, fitted, sample_ids=ids[judged])
    assert torch.equal(result.x_adv[judged], expected.x_adv)


def test_one_grey_channel_and_two_classes(model: Model) -> None:
    net = nn.Sequential(nn.AvgPool2d(3, 1), nn.Flatten(), nn.LazyLinear(2))
    x = torch.rand(10, 1, 12, 9, generator=torch.Generator().manual_seed(0))
    net(x)
    result = Patch(steps=3, batch=4)(Model(net, device="cpu"), x, torch.zeros(10, dtype=torch.int64), Threat.parse("patch:20%"))
    assert result.x_adv.shape == x.shape


def test_invalid_values_are_errors_in_one_sentence(model: Model) -> None:
    x, y = images(8)
    threat = Threat.parse("patch:8%")
    with pytest.raises(UsageError, match="does not support linf"):
        Patch().fit(model, x, y, Threat.parse("linf:0.1"))
    with pytest.raises(UsageError, match="give targets"):
        Patch().fit(model, x, y, Threat.parse("patch:8%,targeted"))
    with pytest.raises(UsageError, match="without images"):
        Patch().fit(model, x[:0], y[:0], threat)
    with pytest.raises(UsageError, match="too few"):
        Patch()(model, x[:1], y[:1], threat)
    for name in ("patch", "patch-control"):
        with pytest.raises(UsageError, match=r"labels span .* classes"):
            attack(name)(model, x, y + 900, threat)
    for wrong in ({"steps": 0}, {"batch": 0}, {"learning_rate": 0.0}):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            attack("patch", **wrong)
