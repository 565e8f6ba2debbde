"""Certified training by interval bound propagation (Gowal et al., arXiv 1810.12715)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from robustkit.defenses.training.warmup import WarmUp
from robustkit.outputs import output_logits
from robustkit.plugin import DefenseInfo, NormThreat, Threat, TorchModel, TrainingBatch, UsageError

MONOTONE = (nn.ReLU, nn.Tanh, nn.Sigmoid, nn.Flatten, nn.Identity, nn.MaxPool2d, nn.AvgPool2d)


@dataclass(frozen=True, kw_only=True)
class IBP(WarmUp):
    """Half of the loss is the cross-entropy of the clean logits, half that of the worst logits within interval bounds.

    Supports chains (`torch.nn.Sequential`) of linear layers, convolutions and monotone activations, under linf threats. A
    training step costs about three times as much as standard training.

    Parameters
    ----------
    warmup
        Share of the training during which eps, and the weight of the worst logits, increase linearly from 0.
    """

    warmup: float = 0.5

    info: ClassVar[DefenseInfo] = DefenseInfo(
        name="ibp",
        kind="training",
        paper="On the Effectiveness of Interval Bound Propagation for Training Verifiably Robust Models, arXiv 1810.12715",
    )

    def check(self, threat: Threat | None) -> None:
        super().check(threat)
        if not isinstance(threat, NormThreat) or threat.norm != "linf" or threat.targeted:
            raise UsageError(f"recipe 'ibp' trains against untargeted linf threats such as linf:8/255, not {threat}")

    def loss(self, batch: TrainingBatch) -> Tensor:
        warmed = self.warmed(batch)
        assert isinstance(warmed.threat, NormThreat)
        assert isinstance(batch.threat, NormThreat)
        assert isinstance(batch.model, TorchModel)
        eps = warmed.threat.eps
        lower, upper = (batch.model.preprocess((batch.x + shift).clamp(*batch.model.bounds)) for shift in (-eps, eps))
        lower, upper = (output_logits(ends, len(batch.x)) for ends in bounds(batch.model.net, lower, upper))
        own = functional.one_hot(batch.y, upper.shape[1]).bool()
        worst = functional.cross_entropy(torch.where(own, lower, upper), batch.y)
        weight = 0.5 * eps / batch.threat.eps
        return (1 - weight) * functional.cross_entropy(batch.forward(batch.x), batch.y) + weight * worst


def bounds(net: nn.Module, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
    """Elementwise bounds of the outputs for inputs between `lower` and `upper`.

    Raises
    ------
    UsageError
        If a layer is not supported.
    """
    if isinstance(net, nn.Sequential):
        for layer in net:
            lower, upper = bounds(layer, lower, upper)
        return lower, upper
    if isinstance(net, MONOTONE):
        return net(lower), net(upper)
    middle, radius = (lower + upper) / 2, (upper - lower) / 2
    if isinstance(net, nn.Linear):
        middle, radius = net(middle), functional.linear(radius, net.weight.abs())
    elif isinstance(net, nn.Conv2d) and net.padding_mode == "zeros":
        middle = net(middle)
        radius = functional.conv2d(radius, net.weight.abs(), None, net.stride, net.padding, net.dilation, net.groups)
    else:
        raise UsageError(
            f"recipe 'ibp' cannot bound the layer {type(net).__name__}: train a chain of linear layers, convolutions and "
            "monotone activations, such as builtin/fashion-robust"
        )
    return middle - radius, middle + radius
