import torch
from torch import nn

from robustkit import InputSpec, Model, Threat
from robustkit.contracts.samples import Samples
from robustkit.engine.verification import verify


class Sign(nn.Module):
    """Class 1 if the pixel is above 0.5; no answer above 0.9."""

    def forward(self, x):
        score = x.flatten(1).sum(1) - 0.5
        score = torch.where(score > 0.4, torch.nan, score)
        return torch.stack([-score, score], 1)


def test_only_an_image_inside_the_threat_that_the_model_gets_wrong_is_a_success():
    model = Model(Sign(), spec=InputSpec(channels=1), device="cpu")
    x = torch.tensor([0.6, 0.6, 0.8, 0.85, 0.2]).reshape(-1, 1, 1, 1)
    #                  wrong, right, too far, no answer, outside the box
    x_adv = torch.tensor([0.45, 0.55, 0.4, 0.95, -0.05]).reshape(-1, 1, 1, 1)
    samples = Samples(x, torch.tensor([1, 1, 1, 1, 1]), torch.arange(5))
    verdict = verify(model, samples, Threat.parse("linf:0.3"), x_adv)
    assert verdict.success.tolist() == [True, False, False, False, False]
    assert verdict.admissible.tolist() == [True, True, False, False, False]
    assert verdict.answer.success.tolist()[:3] == [True, False, True]
    assert model.forwards == 5
