"""A zoo of one small network, trained for a moment on made images, and a masked copy of it."""

import pytest
import torch

from robustkit.benchmarks.zoo import make as making
from robustkit.benchmarks.zoo import members as listing
from robustkit.benchmarks.zoo.masks import ScaledLogits
from robustkit.benchmarks.zoo.members import Member


def images(split):
    """Ten classes, each with a bright row."""
    y = torch.arange(40 if split == "train" else 20) % 10
    x = torch.zeros(len(y), 1, 28, 28)
    x[torch.arange(len(y)), 0, 2 * y] = 1
    return x, y


SMALL = (
    Member(name="tiny", half="choose", data="mnist", network="cnn(width=4)", epochs=6),
    Member(name="tiny-scaled", half="report", data="mnist", mask=ScaledLogits, of="tiny"),
)


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """The folder of the made zoo."""
    monkeypatch.setattr(making, "mnist", images)
    monkeypatch.setattr(listing, "MEMBERS", SMALL)
    making.make(tmp_path, (), lambda line: None)
    return tmp_path
