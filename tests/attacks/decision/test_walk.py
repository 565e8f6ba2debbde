"""The walk of HopSkipJump and CGBA: starting points, knowledge and budget."""

import pytest
import torch
from torch import Tensor, nn

from robustkit import InputSpec, Model, Threat, UsageError
from robustkit.attacks.decision.cgba import CGBA
from robustkit.attacks.decision.hopskipjump import HopSkipJump
from robustkit.contracts.result import Status

KINDS = [(HopSkipJump, "l2:0.01"), (HopSkipJump, "linf:0.005"), (CGBA, "l2:0.01")]


class Brightness(nn.Module):
    """Class 1 unless the image is dark, which fine noise never is; `tell` transforms the logits. Class 2 is never predicted."""

    def __init__(self, tell=lambda logits: logits) -> None:
        super().__init__()
        self.tell = tell
        self.asked: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.asked.append(x.clone())
        weight = torch.linspace(0.5, 1.5, x[0].numel(), dtype=x.dtype)
        score = (x.flatten(1) * weight).mean(1) - 0.3
        return self.tell(torch.stack([-score, score, -score.abs() - 1], dim=1))


def attack_dark(attack, threat, tell=lambda logits: logits, targets=None):
    net = Brightness(tell)
    x = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = torch.ones(6, dtype=torch.int64)
    result = attack(Model(net, spec=InputSpec(channels=1), device="cpu"), x, y, Threat.parse(threat), targets=targets)
    return result, net.asked


@pytest.mark.parametrize(("kind", "threat"), KINDS)
def test_images_of_the_class_of_fine_noise_have_a_starting_point(kind, threat):
    result, _ = attack_dark(kind(steps=60), threat)
    assert result.nearest_distance.isfinite().all()


@pytest.mark.parametrize(("kind", "threat"), KINDS)
@pytest.mark.parametrize(
    "tell",
    [lambda z: 8 * z, lambda z: z.softmax(1), lambda z: nn.functional.one_hot(z.argmax(1), 3).to(z.dtype)],
    ids=["scaled", "softmax", "decision"],
)
def test_only_decisions_matter(kind, threat, tell):
    attack = kind(steps=200, initial_queries=10)
    result, asked = attack_dark(attack, threat)
    other, asked_other = attack_dark(attack, threat, tell)
    # The clean pass and the search; the engine chooses the image to verify by the margin.
    assert all(torch.equal(a, b) for a, b in zip(asked[:201], asked_other[:201], strict=True))
    assert torch.allclose(result.nearest_distance, other.nearest_distance, rtol=1e-3)


@pytest.mark.parametrize(("kind", "threat"), KINDS)
@pytest.mark.parametrize("steps", [1, 7, 90])
def test_the_budget_is_kept_exactly(kind, threat, steps):
    attack = kind(steps=steps, initial_queries=5)
    result, asked = attack_dark(attack, threat)
    assert (result.status == Status.FAILED).all()
    assert attack.cost(Threat.parse(threat), 3) == (steps + 3, 0)
    assert (result.forwards == steps + 3).all()
    assert (result.backwards == 0).all()
    assert sum(map(len, asked)) == 6 * (steps + 3)


@pytest.mark.parametrize(("kind", "threat"), KINDS)
def test_a_target_class_without_a_starting_point_is_a_failure(kind, threat):
    never = torch.full((6,), 2)
    result, _ = attack_dark(kind(steps=50), f"{threat},targeted", targets=never)
    assert not result.success.any()
    assert result.nearest_distance.isinf().all()
    dark, _ = attack_dark(kind(steps=200), f"{threat},targeted", targets=torch.zeros_like(never))
    assert dark.nearest_distance.isfinite().all()


@pytest.mark.parametrize(("kind", "threat"), KINDS)
def test_more_queries_never_increase_the_distance(kind, threat):
    few, _ = attack_dark(kind(steps=100), threat)
    many, _ = attack_dark(kind(steps=400), threat)
    assert (many.nearest_distance <= few.nearest_distance).all()
    assert many.nearest_distance.median() < 0.95 * few.nearest_distance.median()


def test_no_probes_are_refused():
    with pytest.raises(UsageError, match="initial_queries=0 must be at least 1"):
        HopSkipJump(initial_queries=0)
