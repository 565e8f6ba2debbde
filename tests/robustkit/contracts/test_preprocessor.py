"""A transform shows its values, and its own gradient or the stated substitute."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from robustkit.contracts.preprocessor import Preprocessor
from tests.transforms import Doubled, Rounded


class Smooth(Rounded):
    """Rounds too, but says what stands in for its gradient."""

    def surrogate(self, x: Tensor, bounds: tuple[float, float]) -> Tensor:
        return 3 * x


@pytest.mark.parametrize(
    ("defense", "values", "slopes"),
    [(Doubled(), [0.4, 1.6], [2, 2]), (Rounded(), [0, 1], [1, 1]), (Smooth(), [0, 1], [3, 3])],
)
def test_values_are_the_transforms_and_gradients_as_stated(
    defense: Preprocessor, values: list[float], slopes: list[float]
) -> None:
    x = torch.tensor([0.2, 0.8], requires_grad=True)
    found = defense(x, (0.0, 1.0))
    assert found.tolist() == pytest.approx(values)
    found.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == pytest.approx(slopes)
    assert x.tolist() == pytest.approx([0.2, 0.8])  # though the transform writes on what it is given
