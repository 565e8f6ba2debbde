import pytest
import torch

from robustkit.attacks.physical.fills import FILLS, filled
from robustkit.threats import PatchThreat

THREAT = PatchThreat(area=0.1)
X = torch.rand(2, 3, 20, 16, dtype=torch.float64)


@pytest.mark.parametrize(("fill", "colour"), [("grey", 0.5), ("black", -1.0), ("white", 2.0)])
def test_one_colour_in_the_bounds_of_the_model(fill: str, colour: float) -> None:
    texture = filled(fill, THREAT, X, (-1.0, 2.0), 0)
    assert torch.equal(texture, torch.full((3, 5, 5), colour, dtype=torch.float64))  # 25 of the 32 pixels allowed


def test_random_colours_are_the_same_for_all_images_and_come_from_the_seed() -> None:
    one, other = (filled("random", THREAT, X, (-1.0, 2.0), seed) for seed in (0, 1))
    assert torch.equal(one, filled("random", THREAT, X[:1] * 0, (-1.0, 2.0), 0))
    assert len(one.unique()) == 75
    assert one.min() < -0.5
    assert one.max() > 1.5
    assert not torch.equal(one, other)


def test_every_fill_has_a_name() -> None:
    assert FILLS == ("grey", "black", "white", "random")
