"""Check whether a model's output for an image depends on the other images of its batch."""

from __future__ import annotations

from contextlib import suppress

import torch
from torch import Tensor, nn

from robustkit.benchmarks.summary import Flag
from robustkit.contracts.model import Model
from robustkit.errors import AttackError, UsageError, first_line
from robustkit.global_state import full_precision

#: Number of images evaluated one at a time, and the maximum size of the large batch.
ALONE, CROWD = 4, 1024


def depends_on_batch(model: Model, x: Tensor) -> Flag | None:
    """Flag a model whose outputs for single images differ from those for the same images in a batch.

    The images are batched once with their inversions and once as part of a full batch.

    Raises
    ------
    UsageError
        If the network fails on a single image.
    AttackError
        If it also fails on images that it processed before.
    """
    size = min(model.chunk_size(x), CROWD)
    few = x[: ALONE if size >= 2 * ALONE else 1]
    full = x.repeat(-(-size // len(x)), 1, 1, 1)[:size]
    others = model.bounds[0] + model.bounds[1] - few  # inverted, hence as different as the bounds allow
    with model.frozen(seed=0), torch.no_grad(), full_precision(model.device):
        try:
            alone = torch.cat([model(image[None]) for image in few])
        except UsageError:
            raise
        except Exception as error:  # a network may raise anything
            check_answers_still(model, few)
            raise UsageError(
                f"{model.name} fails on a single image ({type(error).__name__}: {first_line(error)}), but not on a batch of {len(x)}: "
                "its output for an image must not depend on the batch"
            ) from error
        beside = []
        for batch in (torch.cat([few, others]), full):
            with suppress(Exception):  # out of memory, or a failure that the audit itself will report
                beside.append(model(batch)[: len(few)])
        culprit = batch_statistics(model.net) if isinstance(model.net, nn.Module) else None
    rounding = max(1e-3, torch.finfo(model.dtype).eps ** 0.5)
    differs = any(float((answer - alone).abs().max()) > rounding * float(alone.abs().max()) for answer in beside)
    if not differs and (culprit is None or beside):
        return None
    if culprit is not None:
        cause = f"batch norm {culprit} uses the statistics of the batch"
        remedy = "Give it running statistics (track_running_stats=True) and keep it in evaluation mode."
    else:
        cause = "some operation mixes the images of a batch, as dynamic quantisation does"
        remedy = (
            "The model was evaluated one image at a time, and the result holds for that mode."
            if model.batch_size == 1
            else "Remove it, or evaluate one image at a time (--batch-size 1)."
        )
    return Flag(
        id="batch-dependent",
        # One image at a time may be how the model is deployed; no model is deployed with batch norm in that state.
        weakens=culprit is not None or model.batch_size != 1,
        sentence=f"The model's output for an image depends on the other images of its batch: {cause}. {remedy}",
    )


def check_answers_still(model: Model, x: Tensor) -> None:
    """Raise `AttackError` if a model fails on images that it processed before, which rules out the batch size as the cause."""
    try:
        model(x)
    except Exception as error:  # a network may raise anything
        raise AttackError(
            f"{model.name} fails on images that it processed before ({type(error).__name__}: {first_line(error)}): run it again, "
            "and look for state that it keeps between calls"
        ) from error


def batch_statistics(net: nn.Module) -> str | None:
    """The name of the first batch norm that used batch statistics in the last forward pass."""
    for name, module in net.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and (module.training or module.running_mean is None):
            return name or type(module).__name__
    return None
