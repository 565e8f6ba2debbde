"""Networks that mask their gradients: wrappers that change no prediction much, but lead gradient attacks astray."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from robustkit.build import preprocessor


class Masked(nn.Module):
    """A network behind a function of its images, and before a function of its logits."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def before(self, x: Tensor) -> Tensor:
        """The images that the network sees."""
        return x

    def after(self, logits: Tensor) -> Tensor:
        """The logits that the attacker sees."""
        return logits

    def forward(self, x: Tensor) -> Tensor:
        return self.after(self.net(self.before(x)))


class ScaledLogits(Masked):
    """Logits times a thousand: in float32 the softmax is 0 or 1, and the gradient of the cross-entropy is 0."""

    def after(self, logits: Tensor) -> Tensor:
        return 1000 * logits


class RoundedInput(Masked):
    """Pixels rounded to a few levels: the gradient is 0 everywhere."""

    levels = 16

    def before(self, x: Tensor) -> Tensor:
        return (x * (self.levels - 1)).round() / (self.levels - 1)


class CoarselyRoundedInput(RoundedInput):
    """Pixels rounded to eight levels."""

    levels = 8


class SaturatedInput(Masked):
    """A steep sigmoid of each pixel, nearly a threshold at half the range: the gradient of most pixels is 0."""

    def before(self, x: Tensor) -> Tensor:
        return torch.sigmoid(1000 * (x - 0.5))


class CompressedInput(Masked):
    """JPEG compression that passes no gradient."""

    def before(self, x: Tensor) -> Tensor:
        return preprocessor("jpeg:quality=75").apply(x.detach(), (0.0, 1.0)) + 0 * x


class NoisyInput(Masked):
    """Gaussian noise on every query."""

    def before(self, x: Tensor) -> Tensor:
        return x + 0.1 * torch.randn_like(x)


class DroppedInput(Masked):
    """Dropout of a tenth of the pixels on every query."""

    def before(self, x: Tensor) -> Tensor:
        return functional.dropout(x, 0.1, training=True)


class DetachedBranch(Masked):
    """The network without gradient, plus a weak linear classifier with one, whose gradient leads astray."""

    weak: Tensor

    def __init__(self, net: nn.Module) -> None:
        super().__init__(net)
        generator = torch.Generator().manual_seed(0)
        self.register_buffer("weak", 0.002 * torch.randn(10, 784, generator=generator), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            strong = self.net(x.detach())
        logits: Tensor = strong + functional.linear(x.flatten(1), self.weak)
        return logits


Mask = Callable[[nn.Module], nn.Module]
