"""ResNet-18 with random weights and noise images, for cases that measure the engine rather than a model."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.models import resnet18

from robustkit.contracts.model import Model
from robustkit.global_state import own_random_state
from robustkit.rng import SampleRandom
from robustkit.spec import InputSpec
from robustkit.torch_model import TorchModel

SIZE, BATCH, CLASSES = 64, 64, 1000


@dataclass(frozen=True)
class Noise:
    """A model and a batch of noise: images ``(B, 3, 64, 64)``, labels ``(B,)`` and sample ids ``(B,)``."""

    model: Model
    x: Tensor
    y: Tensor
    ids: Tensor
    seed: int


def noise(device: str | torch.device = "auto", seed: int = 0, *, model: Model | None = None, batch: int = BATCH) -> Noise:
    """A batch of noise with the given model, by default ResNet-18."""
    subject = model or resnet(device, seed)
    random, ids = SampleRandom(seed, "bench"), torch.arange(batch, device=subject.device)
    y = random.integers(ids, (), CLASSES, stream="labels")
    return Noise(subject, random.uniform(ids, (3, SIZE, SIZE)), y, ids, seed)


def resnet(device: str | torch.device, seed: int) -> Model:
    """ResNet-18 for images of 64 x 64 pixels; the global random state is untouched."""
    with own_random_state(torch.device("cpu"), seed):
        net = resnet18(weights=None)
    spec = InputSpec(size=(SIZE, SIZE))
    return TorchModel(net.eval(), spec=spec, name="torchvision/resnet18 with random weights", device=device, batch_size=BATCH)
