import pytest
import torch
from torch import nn

from robustkit import Model, Threat, UsageError
from robustkit.attacks.physical.patch_control import PatchControl
from robustkit.build import attack
from robustkit.rendering import patch_picture


class Even(nn.Module):
    """Always predicts the first of two classes."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        score = x.mean((1, 2, 3))
        return torch.stack([score + 9, score], 1)


X = 0.25 + 0.5 * torch.rand(12, 3, 20, 16, generator=torch.Generator().manual_seed(0))
Y = torch.zeros(12, dtype=torch.int64)
THREAT = Threat.parse("patch:10%")


@pytest.mark.parametrize(("fill", "color"), [("grey", 0.5), ("black", 0.0), ("white", 1.0)])
def test_it_covers_with_one_colour(fill: str, color: float) -> None:
    result = attack("patch-control", fill=fill, brightness=0.0)(Model(Even(), device="cpu"), X, Y, THREAT)
    changed = (result.x_adv != X).any(1)
    assert bool(changed.flatten(1).any(1).all())
    assert bool((result.x_adv == color).all(1).flatten(1).any(1).all())  # fully covered pixels
    assert not result.success.any()
    assert result.forwards.unique().tolist() == [2]
    assert result.backwards.sum() == 0


def test_random_colours_come_from_the_seed() -> None:
    model = Model(Even(), device="cpu")
    one, same, other = (PatchControl(fill="random").fit(model, X, Y, THREAT, seed=seed)["patch"] for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert len(one.unique()) == one.numel()


def test_it_has_a_picture_and_costs_no_fitting() -> None:
    model = Model(Even(), bounds=(-1, 1), device="cpu")
    fitted = PatchControl(fill="white").fit(model, X, Y, Threat.parse("patch:10%,shape=circle"))
    assert int(fitted["fit_forwards"]) == int(fitted["fit_backwards"]) == 0
    assert model.forwards == 0
    assert patch_picture(fitted, model.bounds).min() == 255


def test_other_threats_and_fills_are_refused() -> None:
    with pytest.raises(UsageError, match="does not support l2"):
        attack("patch-control")(Model(Even(), device="cpu"), X, Y, Threat.parse("l2:1"))
    with pytest.raises(UsageError, match="fill"):
        attack("patch-control", fill="pink")
