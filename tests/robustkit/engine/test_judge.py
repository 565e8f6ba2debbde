import torch
from torch import nn

from robustkit import InputSpec, Model
from robustkit.build import attack
from robustkit.contracts.attack import prepare
from robustkit.contracts.result import Status
from robustkit.engine.judge import judge
from robustkit.threats import Threat

THREAT = Threat.parse("linf:0.3")


class Sign(nn.Module):
    """Class 1 if the pixel is above 0.5; no answer above 0.9."""

    def forward(self, x):
        score = x.flatten(1).sum(1) - 0.5
        score = torch.where(score > 0.4, torch.nan, score)
        return torch.stack([-score, score], 1)


def verdict(x, y, made):
    model = Model(Sign(), spec=InputSpec(channels=1), device="cpu")
    x, y = torch.tensor(x).reshape(-1, 1, 1, 1), torch.tensor(y)
    asked = []

    def make(attacked, num_classes):
        asked.extend(attacked.ids.tolist())
        assert num_classes == 2
        return torch.tensor(made).reshape(-1, 1, 1, 1)[attacked.ids]

    samples = prepare(attack("noise"), model, x, y, THREAT, None, None)
    return judge(model, samples, THREAT, make), asked, model


def test_each_way_a_sample_can_end():
    #  successful, not successful, wrong from the start, no answer from the start, no answer in the end, outside the ball
    result, asked, model = verdict([0.6, 0.7, 0.6, 0.95, 0.7, 0.8], [1, 1, 0, 1, 1, 1], [0.4, 0.6, 0.4, 0.4, 0.92, 0.4])
    assert asked == [0, 1, 4, 5]
    ends = (Status.FOUND, Status.FAILED, Status.MISCLASSIFIED, Status.ERROR, Status.ERROR, Status.FAILED)
    assert result.status.tolist() == [int(end) for end in ends]
    assert result.success.tolist() == [True] + [False] * 5
    assert result.forwards.tolist() == [2, 2, 1, 1, 2, 2]
    assert int(result.forwards.sum()) == model.forwards
    assert result.first_success_step.tolist() == [0, -1, -1, -1, -1, -1]
    assert torch.allclose(result.x_adv.flatten()[:4], torch.tensor([0.4, 0.6, 0.6, 0.95]))
    assert torch.equal(result.logits[:2], model.logits(result.x_adv[:2]))


def test_no_sample_to_attack():
    result, asked, _ = verdict([0.6], [0], [0.4])
    assert (asked, result.forwards.tolist()) == ([], [1])


class Coin(nn.Module):
    """Wrong on 30 % of draws, whatever the image."""

    def forward(self, x):
        lead = torch.where(torch.rand(len(x)) < 0.3, -1.0, 1.0) + 0 * x.flatten(1).sum(1)
        return torch.stack([lead, -lead], 1)


def test_the_models_draws_are_taken():
    model = Model(Coin(), spec=InputSpec(channels=1), device="cpu", draws=101)
    x, y = torch.full((50, 1, 2, 2), 0.5), torch.zeros(50, dtype=torch.int64)
    samples = prepare(attack("noise"), model, x, y, THREAT, None, None)
    result = judge(model, samples, THREAT, lambda attacked, _: attacked.x + 0.1)
    assert (result.status == int(Status.FAILED)).all()
    assert result.forwards.tolist() == [202] * 50
    assert model.forwards == 202 * 50
