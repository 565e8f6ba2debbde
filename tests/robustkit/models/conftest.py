"""A module of the user's in the current directory, which is not on the path."""

import sys

import pytest

NETS = """
import torch
from torch import nn
import robustkit as rk

class Net(nn.Sequential):
    def __init__(self, outputs=3):
        super().__init__(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, outputs))

def build():
    return Net()

def wide():
    return Net(5)

def whole():
    return rk.Model(Net(), mean=[0.5], std=[0.25], bounds=(-1, 1), name="mine", device="cpu")

def number():
    return 3

def fails():
    raise RuntimeError("no luck")

def explains():
    raise rk.UsageError("install it first")

def needs(outputs):
    return Net(outputs)

def exits():
    raise SystemExit(0)

def talks():
    print("building")
    return Net()

class Zoo:
    @staticmethod
    def small(outputs=4):
        return Net(outputs)

net = Net(7)
value = 3
"""


@pytest.fixture
def nets(tmp_path, monkeypatch):
    (tmp_path / "mynets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", str(tmp_path))])
    sys.modules.pop("mynets", None)
    yield tmp_path
    sys.modules.pop("mynets", None)
