"""The preprocessing that a network was made for is found, and only hinted at."""

import pytest
import torch
from torch import nn

from robustkit import Model
from robustkit.benchmarks.running.cause import better_input
from robustkit.data import as_data


class Brightest(nn.Module):
    """The class is the brightest channel as `seen` shows it."""

    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def forward(self, x):
        return self.seen(x).mean((2, 3))


def data():
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(60) % 3
    x = 0.3 * torch.rand(60, 3, 4, 4, generator=generator)
    x[torch.arange(60), y] += 0.5
    return as_data((x, y))


def refuses_unit_range(x):
    return x if float(x.abs().max()) > 50 else x * 0


@pytest.mark.parametrize(
    ("net", "settings", "says"),
    [
        (Brightest(lambda x: x[:, [2, 1, 0]] * torch.tensor([1, 1, 1.0])[:, None, None]), {}, "BGR"),
        (Brightest(refuses_unit_range), {}, "pixel values from 0 to 255"),
        (
            Brightest(lambda x: x.relu()),
            {"mean": [9.0] * 3, "std": [1.0] * 3},
            "without normalisation",
        ),  # of several the simplest
        (Brightest(lambda x: x.clamp(0, 1)), {"mean": [9.0] * 3, "std": [1.0] * 3}, "without normalisation"),
    ],
)
def test_the_cause_is_named(net, settings, says):
    cause = better_input(Model(net, device="cpu", **settings), data())
    assert cause is not None
    assert cause.accuracy == 1
    assert says in cause.sentence
    assert "gives 60 correct predictions instead of" in cause.sentence


def test_no_cause_is_made_up():
    class Fails(nn.Module):
        def forward(self, x):
            if float(x.max()) > 1:
                raise RuntimeError("too bright")
            return x.mean((2, 3)) * 0

    model = Model(Fails(), device="cpu")
    assert better_input(model, data()) is None
    assert better_input(Model(Brightest(lambda x: x), device="cpu"), data()) is None
    assert better_input(model, as_data((torch.rand(0, 3, 4, 4), torch.zeros(0, dtype=torch.int64)))) is None
