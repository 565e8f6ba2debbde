"""Whether a model's answer about an image depends on the other images of its batch."""

from __future__ import annotations

from contextlib import suppress

import torch
from torch import Tensor, nn

from robustkit.benchmarks.summary import Flag
from robustkit.contracts.model import Model
from robustkit.errors import AttackError, UsageError, first_line
from robustkit.global_state import full_precision

#: Images that are asked about alone, and the most that are asked about at once.
ALONE, CROWD = 4, 1024


def depends_on_batch(model: Model, x: Tensor) -> Flag | None:
    """Answers about images alone that differ from those about the same images beside others: a few unlike them, and a full batch.

    The few are asked about as a whole even where the model's own batch size is 1.

    Raises
    ------
    UsageError
        If the network fails on a single image.
    AttackError
        If it now fails on images that it answered before, too.
    """
    size = min(model.chunk_size(x), CROWD)
    few = x[: ALONE if size >= 2 * ALONE else 1]
    full = x.repeat(-(-size // len(x)), 1, 1, 1)[:size]
    others = model.bounds[0] + model.bounds[1] - few  # as unlike them as the bounds allow
    with model.frozen(seed=0), torch.no_grad(), full_precision(model.device):
        try:
            alone = torch.cat([model(image[None]) for image in few])
        except UsageError:
            raise
        except Exception as error:  # a network may raise anything
            check_answers_still(model, few)
            raise UsageError(
                f"{model.name} fails on a single image ({type(error).__name__}: {first_line(error)}), but not on {len(x)} at once: "
                "its answer about an image must not depend on a batch"
            ) from error
        beside = []
        for batch in (torch.cat([few, others]), full):
            with suppress(Exception):  # out of memory, or what the audit will meet with and report
                beside.append(model(batch)[: len(few)])
        culprit = batch_statistics(model.net) if isinstance(model.net, nn.Module) else None
    rounding = max(1e-3, torch.finfo(model.dtype).eps ** 0.5)
    differs = any(float((answer - alone).abs().max()) > rounding * float(alone.abs().max()) for answer in beside)
    if not differs and (culprit is None or beside):
        return None
    if culprit is not None:
        cause = f"batch norm {culprit} takes the statistics of the batch"
        remedy = "Give it running statistics (track_running_stats=True) and leave it in evaluation mode."
    else:
        cause = "something mixes the images of a batch, as dynamic quantisation does"
        remedy = (
            "It is shown one image at a time, and the result holds for that."
            if model.batch_size == 1
            else "Remove it, or show the model one image at a time (--batch-size 1)."
        )
    return Flag(
        id="batch-dependent",
        # One at a time there is nothing to mix, and that may be how the model is used; a batch norm is not used so.
        weakens=culprit is not None or model.batch_size != 1,
        sentence=f"The model's answer about an image depends on the other images of its batch: {cause}. {remedy}",
    )


def check_answers_still(model: Model, x: Tensor) -> None:
    """Raise `AttackError` if a model fails on images that it answered before: then their number is not the cause."""
    try:
        model(x)
    except Exception as error:  # a network may raise anything
        raise AttackError(
            f"{model.name} fails on images that it answered before ({type(error).__name__}: {first_line(error)}): run it again, and "
            "look for what it keeps from call to call"
        ) from error


def batch_statistics(net: nn.Module) -> str | None:
    """The first batch norm that normalises by the batch, as a forward pass left the modules."""
    for name, module in net.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and (module.training or module.running_mean is None):
            return name or type(module).__name__
    return None
