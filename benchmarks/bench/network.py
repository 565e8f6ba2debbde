"""The network of the cases that measure the machinery rather than a model: ResNet-18 with random weights."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.models import resnet18

from robustkit.model import InputSpec, Model, own_random_state
from robustkit.rng import SampleRandom

SIZE, BATCH, CLASSES = 64, 64, 1000


def resnet(device: str | torch.device, seed: int) -> Model:
    """ResNet-18 for images of 64 x 64 pixels; the global random state is untouched."""
    with own_random_state(torch.device("cpu"), seed):
        net = resnet18(weights=None)
    spec = InputSpec(size=(SIZE, SIZE))
    return Model(net.eval(), spec=spec, name="torchvision/resnet18 with random weights", device=device, batch_size=BATCH)


def random_batch(device: torch.device, seed: int, batch: int = BATCH) -> tuple[Tensor, Tensor, Tensor]:
    """Images ``(B, 3, 64, 64)`` of noise, labels and sample ids ``(B,)``."""
    random, ids = SampleRandom(seed, "bench"), torch.arange(batch, device=device)
    return random.uniform(ids, (3, SIZE, SIZE)), random.integers(ids, (), CLASSES, stream="labels"), ids
