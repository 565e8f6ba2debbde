import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.build import attack
from robustkit.contracts.result import Status
from robustkit.threats import Threat

THREAT = Threat.parse("linf:0.2")


class Linear(nn.Module):
    """Two logits that measure the brightness of the image."""

    def forward(self, x):
        score = 5 * (x - 0.5).flatten(1).sum(1)
        return torch.stack([-score, score], 1)


class Plateau(nn.Module):
    """The same predictions, with zero gradients where the margin is large."""

    def forward(self, x):
        score = 5 * (x - 0.5).flatten(1).sum(1)
        score = torch.where(score.abs() > 0.5, score.detach().sign(), score)
        return torch.stack([-score, score], 1)


def model(net):
    return Model(net, spec=InputSpec(channels=1), device="cpu")


@pytest.mark.parametrize("norm", ["linf:0.2", "l2:0.5"])
def test_gets_past_gradients_that_are_flat_at_the_start(norm):
    x, y = torch.full((2, 1, 2, 2), 0.65), torch.tensor([1, 1])
    threat = Threat.parse(norm)
    alone = attack("apgd-ce", steps=10)(model(Plateau()), x, y, threat)
    assert not alone.success.any()
    helped = attack("apgd-transfer", steps=10, surrogate=model(Linear()))(model(Plateau()), x, y, threat)
    assert helped.success.all()
    assert helped.first_success_step.tolist() == [0, 0]


def test_the_first_query_is_the_surrogates_image_and_only_further_restarts_are_random():
    x = 0.7 + 0.2 * torch.rand((4, 1, 2, 2), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y, small = torch.ones(4, dtype=torch.int64), Threat.parse("linf:0.01")
    surrogate, target, seen = model(Linear()), model(Linear()), []
    built = attack("apgd-transfer", steps=3, restarts=2, surrogate=surrogate, early_exit=False)
    real = type(built).step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(built), "step", lambda s, b, state, r: (seen.append(state.x_adv), real(s, b, state, r))[1])
        result = built(target, x, y, small)
    made = attack("mi-fgsm", surrogate=surrogate)(target, x, y, small).x_adv
    assert torch.equal(seen[0], made)
    assert not torch.equal(seen[3], made)
    assert {*zip(result.forwards.tolist(), result.backwards.tolist(), strict=True)} == {built.cost(small, 2)} == {(9, 6)}
    assert surrogate.backwards == 2 * 10 * 4


def test_without_a_surrogate_there_is_one_sentence():
    with pytest.raises(UsageError, match="name it with surrogate="):
        attack("apgd-transfer")(model(Linear()), torch.rand(1, 1, 2, 2), torch.tensor([1]), THREAT)


def test_targets():
    x, y = torch.full((1, 1, 2, 2), 0.65), torch.tensor([1])
    built = attack("apgd-transfer", steps=5, surrogate=model(Linear()))
    result = built(model(Plateau()), x, y, Threat.parse("linf:0.2,targeted"), targets=torch.tensor([0]))
    assert result.status.tolist() == [Status.FOUND]


def test_wrong_parameters():
    with pytest.raises(UsageError, match="surrogate_steps"):
        attack("apgd-transfer", surrogate_steps=0)
