"""Attacks, engine and verification on models that are no classifiers: a toy segmenter and a toy detector, whose minimal
perturbations are known in closed form.
"""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, Threat, UsageError
from robustkit.build import attack
from robustkit.contracts.criterion import Criterion
from robustkit.contracts.result import Status

ATTACKS = ["pgd:steps=20", "apgd-margin:steps=20", "fmn:steps=60", "square:steps=600"]
EPS = 0.1


@dataclass(frozen=True)
class FewCorrectPixels(Criterion):
    """Success: fewer than a share of the pixels are in their class. `y` is a mask ``(B, H, W)``."""

    share: float = 0.5
    name = "the share of correct pixels"

    def outputs(self, returned, count):
        return returned

    def columns(self, outputs):
        return outputs.flatten(1)

    def success(self, outputs, samples):
        return (outputs.argmax(1) == samples.y).flatten(1).double().mean(1) < self.share

    def margin(self, outputs, samples):
        right = outputs.gather(1, samples.y[:, None])
        other = outputs.scatter(1, samples.y[:, None], -torch.inf).amax(1, keepdim=True)
        lead = (other - right).flatten(1)
        needed = int(lead.shape[1] * (1 - self.share)) + 1  # wrong pixels
        return lead.topk(needed, dim=1).values[:, -1]

    def loss(self, outputs, samples):
        return nn.functional.cross_entropy(outputs, samples.y, reduction="none").flatten(1).mean(1)

    def checked(self, samples, bounds):
        if samples.y.shape != (len(samples.x), *samples.x.shape[2:]):
            raise UsageError("give one class a pixel")
        return samples


class Brightness(nn.Module):
    """A pixel is of class 1 if it is brighter than 0.5."""

    def forward(self, x):
        lead = 4 * (x[:, 0] - 0.5)
        return torch.stack([-lead, lead], 1)


@dataclass(frozen=True)
class NoBox(Criterion):
    """Success: no box of the sample's class is left above a score of 0.5. `y` is a list of classes."""

    name = "the boxes that are left"

    def outputs(self, returned, count):
        if not isinstance(returned, list) or len(returned) != count:
            raise UsageError("expected a list of one dict an image")
        return returned

    def best(self, outputs, classes):
        scores = [
            torch.cat([found["scores"][found["labels"] == wanted], found["scores"].new_zeros(1)])
            for found, wanted in zip(outputs, classes, strict=True)
        ]
        return torch.stack([each.max() for each in scores])

    def columns(self, outputs):
        return torch.stack([found["scores"].max() for found in outputs])[:, None]

    def success(self, outputs, samples):
        return self.best(outputs, samples.y) <= 0.5

    def margin(self, outputs, samples):
        return 0.5 - self.best(outputs, samples.y)

    def checked(self, samples, bounds):
        return replace(samples, y=list(samples.y))


class Quarters(nn.Module):
    """Four boxes an image, of classes 7, 7, 7 and 8, each with a score that says how bright its quarter is."""

    def forward(self, x):
        scores = nn.functional.avg_pool2d(x, x.shape[2] // 2).flatten(1).sub(0.5).mul(6).sigmoid()
        labels = torch.tensor([7, 7, 7, 8])
        return [{"boxes": torch.zeros(4, 4), "scores": row, "labels": labels} for row in scores]


def segmenter():
    """Images whose distance to half of their pixels being wrong is 0.3, 0.8, 1.3 and 3 times eps, and one wrong already."""
    distance = EPS * torch.tensor([0.3, 0.8, 1.3, 3.0])
    side = torch.where(torch.arange(16).reshape(4, 4) % 3 == 0, 1.0, -1.0)
    x = 0.5 + side * distance[:, None, None]
    x[:, 0, 0] = 0.5 + 0.49 * side[0, 0]  # out of reach, and not needed
    y = (side > 0).long().expand(4, 4, 4)
    x, y = torch.cat([x, 1 - x[:1]])[:, None], torch.cat([y, y[:1]])
    return Model(Brightness(), spec=InputSpec(channels=1), device="cpu", criterion=FewCorrectPixels()), x, y, distance


def detector():
    """Images whose brightest quarter of class 7 is 0.3, 0.8, 1.3 and 3 times eps too bright, and one without any."""
    distance = EPS * torch.tensor([0.3, 0.8, 1.3, 3.0])
    x = torch.full((5, 1, 4, 4), 0.45)
    x[:4, :, :2, :2] = 0.5 + distance[:, None, None, None]
    x[:, :, 2:, 2:] = 0.95  # of another class
    model = Model(Quarters(), spec=InputSpec(channels=1), device="cpu", criterion=NoBox(), batch_size=2)
    return model, x, [7] * 5, distance


@pytest.mark.parametrize("toy", [segmenter, detector])
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_finds_what_there_is(toy, name):
    model, x, y, distance = toy()
    result = attack(name)(model, x, y, Threat.parse(f"linf:{EPS}"))
    ends = [Status.FOUND, Status.FOUND, Status.FAILED, Status.FAILED, Status.MISCLASSIFIED]
    assert result.status.tolist() == [int(end) for end in ends]
    fresh = model.criterion.success(model(result.x_adv), replace_x(model, x, y))
    assert fresh.tolist() == [True, True, False, False, True]
    assert Threat.parse(f"linf:{EPS}").contains(x, result.x_adv, model.bounds).all()
    if name.startswith("fmn"):
        assert torch.allclose(result.nearest_distance[:4], distance, rtol=0.05)
        assert (result.nearest_distance[:4] >= distance - 1e-6).all()


def replace_x(model, x, y):
    from robustkit.contracts.samples import Samples

    return model.criterion.checked(Samples(x, y, torch.arange(len(x))), model.bounds)


@pytest.mark.parametrize("toy", [segmenter, detector])
def test_the_batch_size_changes_nothing(toy):
    model, x, y, _ = toy()
    whole = attack("apgd-margin:steps=10,restarts=2")(model, x, y, Threat.parse(f"linf:{EPS}"))
    model.batch_size = 1
    alone = attack("apgd-margin:steps=10,restarts=2")(model, x, y, Threat.parse(f"linf:{EPS}"))
    assert torch.equal(whole.x_adv, alone.x_adv)


@pytest.mark.parametrize("toy", [segmenter, detector])
@pytest.mark.parametrize("name", ["fab:steps=3", "apgd-t:steps=5", "hopskipjump:steps=20"])
def test_an_attack_that_reads_logits_of_classes_says_so(toy, name):
    model, x, y, _ = toy()
    with pytest.raises(UsageError, match=r"needs the logits of a classifier, but the criterion of .* is the .*: use"):
        attack(name)(model, x, y, Threat.parse("linf:0.1"))


def test_what_the_criterion_does_not_expect_is_its_own_sentence():
    model, x, y, _ = segmenter()
    with pytest.raises(UsageError, match="give one class a pixel"):
        attack("pgd")(model, x, y[:, 0, 0], Threat.parse("linf:0.1"))
    wrong = Model(Brightness(), spec=InputSpec(channels=1), device="cpu", criterion=NoBox())
    with pytest.raises(UsageError, match="expected a list of one dict an image"):
        attack("pgd")(wrong, x, [7] * len(x), Threat.parse("linf:0.1"))
