"""Faster twins of models for searches; successes are confirmed by the model itself, in full precision."""

from __future__ import annotations

import copy
import math
from contextlib import nullcontext
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.fx import GraphModule

from robustkit.contracts.model import Model
from robustkit.errors import UsageError, did_you_mean
from robustkit.outputs import output_logits
from robustkit.torch_model import network_of

Precision = Literal["float32", "bf16"]

#: Number of images used to compare a twin with its model.
PROBE = 16

#: Maximum difference between the logits of twin and model, relative to the largest logit.
TOLERANCE: dict[Precision, float] = {"float32": 0.02, "bf16": 0.3}


class Twin(nn.Module):
    """A network that computes in lower precision or another memory format, and returns float32 logits.

    Parameters
    ----------
    net
        The network, which is not copied.
    precision
        ``bf16`` runs convolutions and linear layers under autocast.
    channels_last
        Whether to convert images to channels-last memory format, which the weights must have too.
    """

    def __init__(self, net: nn.Module, precision: Precision, channels_last: bool) -> None:
        super().__init__()
        self.net, self.precision, self.channels_last = net, precision, channels_last

    def extra_repr(self) -> str:
        """The settings that distinguish twins of one network."""
        return (
            f"precision={self.precision}, channels_last={self.channels_last}, compiled={self._compiled_call_impl is not None}"
        )

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(B, K)`` of preprocessed images."""
        if self.channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        low = torch.autocast(x.device.type, dtype=torch.bfloat16) if self.precision == "bf16" else nullcontext()
        with low:
            logits = output_logits(self.net(x), len(x))
        return logits.float()


def accelerate(
    model: Model,
    *,
    precision: Precision = "float32",
    fold_batch_norm: bool = False,
    compiled: bool = False,
    channels_last: bool = False,
) -> Model:
    """A copy of the model with a faster twin that searches query instead; the given model is not changed.

    A success that the twin reports is immediately checked with the model itself, and counts only if confirmed.

    Parameters
    ----------
    model
        The model under test, with its input transforms, if any.
    precision
        Precision of the twin: ``float32`` or ``bf16``.
    fold_batch_norm
        Fold batch norms into the convolutions before them.
    compiled
        Compile the twin with `torch.compile`.
    channels_last
        Use channels-last memory format for images and weights.

    Raises
    ------
    UsageError
        If the precision is unknown, or the network's batch norms cannot be folded because its graph cannot be traced.
    """
    if precision not in get_args(Precision):
        raise UsageError(f"search precision {precision!r} is unknown: {did_you_mean(precision, get_args(Precision))}")
    net = copy.deepcopy(network_of(model, "a faster search")).eval()
    if fold_batch_norm:
        net = _folded(net, model.name)
    if channels_last:
        net = net.to(memory_format=torch.channels_last)
    twin_net: nn.Module = Twin(net, precision, channels_last).eval()
    if compiled:
        twin_net.compile(dynamic=True)
    faster = copy.copy(model)
    faster.twin = model.with_net(twin_net)
    return faster


def check_twin(model: Model, x: Tensor) -> None:
    """Compare a model's twin with the model on a few of the images ``(B, C, H, W)`` before its first use.

    The passes are not counted.

    Raises
    ------
    UsageError
        If their logits differ by far more than precision explains, so that searches would attack another network.
    """
    twin = model.twin
    if twin is None or not len(x) or getattr(twin.net, "compared", False):
        return
    x = x[:PROBE]
    with model.uncounted(), twin.uncounted():
        logits, again, quick = (_logits(one, x, seed) for one, seed in ((model, 0), (model, 1), (twin, 0)))
    scale = float(logits.abs().max())
    precise = not isinstance(twin.net, Twin) or twin.net.precision == "float32"
    allowed = TOLERANCE["float32" if precise else "bf16"] * scale
    drawn = float((again - logits).abs().max())  # difference between two draws of a randomised model
    found = float((quick - logits).abs().max())
    if math.isfinite(scale) and not found <= allowed + 4 * drawn + 1e-6:
        raise UsageError(
            f"the faster copy of {model.name} deviates from the model: its logits differ by up to {found:.3g}, and are up "
            f"to {scale:.3g}; omit --fold-batch-norm, --compile, --channels-last or --search-precision, whichever causes it"
        )
    twin.net.compared = True


def _logits(model: Model, x: Tensor, seed: int) -> Tensor:
    with model.frozen(seed):
        return model.logits(x)


def _folded(net: nn.Module, name: str) -> nn.Module:
    from torch.fx import symbolic_trace
    from torch.fx.experimental.optimization import fuse

    try:
        traced = symbolic_trace(net)
        _unshare(traced)
        return fuse(traced, inplace=True, no_trace=True)
    except Exception as error:
        first = (str(error).splitlines() or ["no message"])[0]
        raise UsageError(
            f"the batch norms of {name} cannot be folded, because its graph cannot be traced ({first}): omit --fold-batch-norm"
        ) from error


def _unshare(net: GraphModule) -> None:
    """Give each call of a module its own copy: a convolution used twice may be followed by two different batch norms."""
    seen: set[str] = set()
    for node in net.graph.nodes:
        if node.op != "call_module":
            continue
        name = str(node.target)
        if name in seen:
            own = f"{name}_{node.name}"
            net.add_submodule(own, copy.deepcopy(net.get_submodule(name)))
            node.target = own
        seen.add(name)
    net.recompile()
