"""What a step of each recipe costs and what it trains on."""

import pytest
import torch
from torch import Tensor, nn

from robustkit.build import preprocessor, recipe
from robustkit.defense import TrainingBatch
from robustkit.errors import UsageError
from robustkit.model import Model
from robustkit.spec import InputSpec
from robustkit.threats import Threat


class Watched:
    """A training batch whose training passes are recorded."""

    def __init__(self, threat: str | None) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(48, 4))
        self.model = Model(net, spec=InputSpec(channels=1), device="cpu")
        self.trained_on: list[Tensor] = []
        x = torch.rand(8, 1, 6, 6, generator=torch.Generator().manual_seed(3))
        self.batch = TrainingBatch(
            x=x,
            y=torch.arange(8) % 4,
            sample_ids=torch.arange(8),
            forward=self.forward,
            model=self.model,
            threat=None if threat is None else Threat.parse(threat),
            num_classes=4,
            seed=0,
        )

    def forward(self, x: Tensor) -> Tensor:
        self.trained_on.append(x)
        logits: Tensor = self.model.net(self.model.preprocess(x))
        return logits


@pytest.mark.parametrize(
    ("spec", "threat", "steps"),
    [
        ("standard", None, 0),
        ("fast", "linf:0.1", 1),
        ("fast:alpha=1.0", "l2:0.5", 1),
        ("pgd:steps=3", "linf:0.1", 3),
        ("pgd:steps=7,step_size=0.02", "l2:0.5", 7),
        ("pgd:attack=mi-fgsm,steps=2", "linf:0.1", 2),
        ("pgd:steps=2", "l1:3", 2),
        ("pgd:steps=2", "linf:0.1,targeted", 2),
    ],
)
def test_costs_k_input_passes_and_one_training_pass(spec: str, threat: str | None, steps: int) -> None:
    watched = Watched(threat)
    built = recipe(spec)
    built.check(watched.batch.threat)
    built.loss(watched.batch).backward()
    assert (watched.model.forwards, watched.model.backwards) == (8 * steps, 8 * steps)
    (images,) = watched.trained_on
    if watched.batch.threat is None:
        assert torch.equal(images, watched.batch.x)
    else:
        assert not torch.equal(images, watched.batch.x)
        assert watched.batch.threat.contains(watched.batch.x, images, (0.0, 1.0)).all()
    assert all(parameter.grad is not None for parameter in watched.model.net.parameters())


@pytest.mark.parametrize(
    ("spec", "threat", "message"),
    [
        ("fast", None, "trains against a threat"),
        ("pgd", None, "trains against a threat"),
        ("pgd", "l0:3", "does not answer l0"),
    ],
)
def test_refuses_a_threat_it_cannot_train_against(spec: str, threat: str | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        recipe(spec).check(None if threat is None else Threat.parse(threat))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("fast:alpha=0", "must be above 0"),
        ("pgd:steps=0", "must be at least 1"),
        ("pgd:attack=pgdd", "unknown"),
        ("jpeg", "not a training recipe"),
    ],
)
def test_refuses_wrong_values(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        recipe(spec)


def test_a_recipe_is_not_an_input_transform() -> None:
    with pytest.raises(UsageError, match="not an input transform"):
        preprocessor("fast")
