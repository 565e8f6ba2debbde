import dataclasses

import pytest
import torch

from robustkit import InputSpec, Model
from robustkit.attacks.bridges import base
from robustkit.contracts.result import Status
from robustkit.errors import UsageError
from robustkit.threats import Threat


class Push:
    """An attack of another library, which shifts every pixel by `size`."""

    def __init__(self, model, size: float = 0.1, eps: float = 0.5, eps_step: float = 0.25, wanted: int = 1):
        self.model, self.size, self.eps, self.eps_step = model, size, eps, eps_step


@dataclasses.dataclass(frozen=True, kw_only=True)
class PushAttack(base.PeerAttack):
    provided = frozenset({"model", "eps", "wanted"})

    def attack_batch(self, task):
        peer = self.create({"eps": task.eps, "wanted": 2}, task.network)
        type(self).made.append(peer)
        task.network(task.x)
        return task.x - peer.size


@pytest.fixture
def push():
    """The plugin for `Push`, which records every instance it creates."""
    PushAttack.made = []
    return base.adapt(PushAttack, "my/Push", Push, "my 1.0", norms=("linf",), knowledge="decision", targeted=False)


def test_an_image_inside_the_threat_is_kept_and_verified(push, linear_model, linear_data):
    x, y = linear_data
    result = push(size=0.1)(linear_model, x, y, Threat.parse("linf:0.15"))
    assert result.success.tolist() == [i < 9 or (i == 9 and bool(result.success[9])) for i in range(20)]
    assert torch.equal(result.x_adv, x - 0.1)
    assert torch.equal(result.status == Status.FOUND, result.success)
    assert result.forwards.tolist() == [3] * 20
    assert result.backwards.tolist() == [0] * 20


def test_each_query_uses_the_models_draws(push, linear_model, linear_data):
    x, y = linear_data
    model = linear_model.with_draws(3)
    result = push(size=0.1)(model, x, y, Threat.parse("linf:0.15"))
    assert result.forwards.tolist() == [9] * 20
    assert int(result.forwards.sum()) == model.forwards
    once = push(size=0.1)(linear_model, x, y, Threat.parse("linf:0.15"))
    assert torch.equal(result.success, once.success)


def test_an_image_outside_the_threat_is_projected_and_counts_at_its_own_distance(push, linear_model, linear_data):
    x, y = linear_data
    result = push(size=0.3)(linear_model, x, y, Threat.parse("linf:0.105"))
    assert result.success.tolist() == [True] * 10 + [False] * 10
    assert result.distance.max() <= 0.105 + 1e-6
    assert result.nearest_distance[:10].tolist() == pytest.approx([0.105] * 10, abs=1e-6)
    assert result.nearest_distance[10:].tolist() == pytest.approx([0.3] * 10, abs=1e-6)
    assert torch.allclose(result.nearest[10:], x[10:] - 0.3)
    assert result.forwards.tolist() == [3] * 10 + [4] * 10


def test_misclassified_samples_are_not_attacked(push, linear_model, linear_data):
    x, y = linear_data
    y = y.clone()
    y[:5] = 0
    result = push()(linear_model, x, y, Threat.parse("linf:0.15"))
    assert (result.status[:5] == Status.MISCLASSIFIED).all()
    assert result.forwards[:5].tolist() == [1] * 5
    assert result.nearest_distance[:5].tolist() == [0] * 5
    assert not push()(linear_model, x, y * 0, Threat.parse("linf:0.15")).success.any()


def test_the_library_sees_the_unit_interval_for_all_bounds(push):
    model = Model(
        torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2)), bounds=(-2, 2), spec=InputSpec(1), device="cpu"
    )
    x = torch.rand(3, 1, 2, 2) * 4 - 2
    y = model.logits(x).argmax(1)
    result = push(size=0.01)(model, x, y, Threat.parse("linf:0.4"))
    assert push.made[-1].eps == pytest.approx(0.1)
    assert torch.allclose(result.x_adv, (x - 0.04).clamp(-2, 2), atol=1e-6)


def test_step_sizes_keep_the_librarys_proportion_to_eps(push, linear_model, linear_data):
    push()(linear_model, *linear_data, Threat.parse("linf:0.2"))
    assert push.made[-1].eps_step == pytest.approx(0.1)
    push(eps_step=0.03)(linear_model, *linear_data, Threat.parse("linf:0.2"))
    assert push.made[-1].eps_step == 0.03


def test_the_query_budget_holds(push, linear_model, linear_data):
    assert push()(linear_model, *linear_data, Threat.parse("linf:0.2,queries=4")).success.any()
    with pytest.raises(UsageError, match="needs more than the queries=3 per sample"):
        push()(linear_model, *linear_data, Threat.parse("linf:0.2,queries=3"))


def test_unsupported_norms_and_library_errors(push, linear_model, linear_data):
    with pytest.raises(UsageError, match="does not support l2 threats"):
        push()(linear_model, *linear_data, Threat.parse("l2:0.2"))
