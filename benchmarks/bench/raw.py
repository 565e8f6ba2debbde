"""Bare loops of network passes, the baseline for timing attacks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from robustkit.contracts.model import Model
from robustkit.outputs import output_logits


class Whole(nn.Module):
    """A model as one network for images in its bounds, as peer libraries expect.

    The model counts the passes unless `bare` is set.
    """

    def __init__(self, model: Model, *, bare: bool = False) -> None:
        super().__init__()
        self.model, self.net, self.bare = model, model.net, bare

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(B, K)`` of images ``(B, C, H, W)``."""
        return output_logits(self.net(self.model.preprocess(x)), len(x)) if self.bare else self.model(x)


def gradients(model: Model, x: Tensor, y: Tensor, passes: int) -> Tensor:
    """Compute the input gradients of every image `passes` times; return the last ones, ``(N, C, H, W)``."""
    network, chunk = Whole(model, bare=True), model.chunk_size(x)
    last = []
    with model.frozen():
        for images, labels in zip(torch.split(x, chunk), torch.split(y, chunk), strict=True):
            for _ in range(passes):
                leaf = images.detach().requires_grad_()
                loss = functional.cross_entropy(network(leaf), labels, reduction="sum")
                (grad,) = torch.autograd.grad(loss, leaf)
            last.append(grad)
    return torch.cat(last)


def forwards(model: Model, x: Tensor, passes: int) -> Tensor:
    """Compute the logits of every image `passes` times without gradients; return the last ones, ``(N, K)``."""
    network, chunk = Whole(model, bare=True), model.chunk_size(x)
    last = []
    with model.frozen(), torch.no_grad():
        for images in torch.split(x, chunk):
            for _ in range(passes):
                logits = network(images)
            last.append(logits)
    return torch.cat(last)
