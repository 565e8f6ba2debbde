"""A model that tells signs by the colour of their middle, and a run of the workflow on it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import robustkit as rk
from robustkit.benchmarks.sticker.folder import StickerFolder
from robustkit.benchmarks.sticker.stages import DrawnStage
from robustkit.benchmarks.sticker.workflow import Order, optimise
from robustkit.contracts.model import Model
from robustkit.physical.drawing.catalogue import artwork
from robustkit.physical.printer.palette import Palette
from robustkit.spec import InputSpec
from robustkit.torch_model import TorchModel


class Reddest(nn.Module):
    """The logits of red, green and blue in the middle of the picture; green counts twice on the left, against that on the right."""

    def forward(self, x: Tensor) -> Tensor:
        left, right = x[:, :, 4:12, 4:8].mean((2, 3)), x[:, :, 4:12, 8:12].mean((2, 3))
        red, _, blue = (left + right).unbind(1)
        return 20 * torch.stack([red, 1.8 * (2 * left - right)[:, 1], 0.8 * blue], 1)


@pytest.fixture(scope="session")
def model() -> Model:
    return TorchModel(Reddest(), name="reddest", classes=("stop", "green", "blue"), spec=InputSpec(size=(16, 16)), device="cpu")


@pytest.fixture(scope="session")
def order(model: Model) -> Order:
    sign = artwork("stop").sign
    return Order(
        model=model,
        stage=DrawnStage(sign, 0, 16, count=8),
        source="drawn",
        alpha=sign.coverage((8, 8)),
        true=0,
        target=1,
        attack=rk.attack("rp2", steps=12, views=4, learning_rate=0.2),
        printer=None,
        palette=Palette(torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])),
        repeats=1,
        ablation=False,
    )


@pytest.fixture(scope="session")
def run(order: Order, tmp_path_factory: pytest.TempPathFactory) -> StickerFolder:
    """A finished run."""
    folder = Path(tmp_path_factory.mktemp("sticker")) / "stop"
    optimise(order, folder, repeat={"command": "robustkit sticker"})
    return StickerFolder(folder)
