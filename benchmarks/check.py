"""What is wrong with a model or its data before an audit spends time on them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from robustkit.acceleration import check_twin
from robustkit.benchmarks.summary import Flag
from robustkit.data.base import Data
from robustkit.errors import UsageError
from robustkit.model import Model
from robustkit.threats import Threat

#: Images the model is tried on.
PROBE = 16


def check_model(model: Model, data: Data, threats: Sequence[Threat], skip_broken: bool) -> list[Flag]:
    """Try a model on a few images.

    Returns
    -------
    list of Flag
        What does not forbid an audit but bears on its number.

    Raises
    ------
    UsageError
        If images or labels cannot be meant, the answer is no row of finite logits an image, or a threat is larger than
        the images.
    """
    samples = next(iter(data.subset(range(min(PROBE, len(data)))).batches(model.spec, PROBE, skip_broken=skip_broken)), None)
    if samples is None:
        return []
    x, y = samples.x.to(model.device), samples.y.to(model.device)
    model.check_images(x)
    logits = ask(model, x)
    if not bool(logits.isfinite().all()):
        raise UsageError(
            f"{model.name} returned NaN or infinity for {int((~logits.isfinite().all(1)).sum())} of {len(x)} clean images: "
            "check its weights and its preprocessing (mean=, std=)"
        )
    model.check_images(x, y, logits.shape[1])
    highest = int(data.labels.max())
    if highest >= logits.shape[1] or int(data.labels.min()) < 0:
        raise UsageError(f"the data has labels up to {highest}, but {model.name} has {logits.shape[1]} classes: match them")
    for threat in threats:
        threat.check((x.shape[1], x.shape[2], x.shape[3]), model.bounds)
    check_twin(model, x)
    return [flag for flag in (looks_like_probabilities(logits), looks_random(model, x, logits)) if flag is not None]


def ask(model: Model, x: Tensor) -> Tensor:
    """The model's logits, with the network's own error turned into one sentence."""
    try:
        return model.logits(x)
    except UsageError:
        raise
    except Exception as error:
        first = (str(error).strip().splitlines() or ["no message"])[0]
        raise UsageError(
            f"{model.name} fails on images of shape {tuple(x.shape)} ({type(error).__name__}: {first}): check channels and size"
        ) from error


def looks_like_probabilities(logits: Tensor) -> Flag | None:
    """Rows that are non-negative and sum to one: a softmax was left in the model."""
    sums = logits.sum(1)
    if bool((logits >= 0).all()) and bool(torch.isclose(sums, torch.ones_like(sums), atol=1e-3).all()):
        return Flag(
            id="probabilities",
            weakens=True,
            sentence="The model returns probabilities, not logits: confident predictions round to 0 or 1, so the gradients that "
            "attacks follow vanish. Remove the final softmax.",
        )
    return None


def looks_random(model: Model, x: Tensor, logits: Tensor) -> Flag | None:
    """Two passes over the same images that disagree."""
    with model.frozen(seed=1):
        again = model.logits(x)
    if float((again - logits).abs().max()) > 1e-3 * max(1.0, float(logits.abs().max())):
        return Flag(
            id="randomised",
            weakens=True,
            sentence="The model answers the same image differently each time: attacks must average over its randomness, and a "
            "single success may be luck.",
        )
    return None
