"""Checks of a model and its data before an audit spends time on them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from robustkit.acceleration import check_twin
from robustkit.benchmarks.planning.gradient_check import check_gradients
from robustkit.benchmarks.planning.neighbours import depends_on_batch
from robustkit.benchmarks.summary import Flag
from robustkit.contracts import answer
from robustkit.contracts.model import Model, cannot_take
from robustkit.contracts.samples import Samples
from robustkit.data.base import Data
from robustkit.errors import UsageError
from robustkit.outputs import is_one_logit, tuple_widths
from robustkit.threats import Knowledge, Threat
from robustkit.watch import at_work

#: Number of images the model is tested on.
PROBE = 16

#: Median difference between an image's largest and smallest logit, below which the softmax is almost uniform.
FLAT = 0.05

#: Number of majority votes of a randomised model to compare, and the share that may disagree with the others.
REPEATS = 5
UNSETTLED_SHARE = 0.1


def check_model(model: Model, data: Data, threats: Sequence[Threat], skip_broken: bool) -> list[Flag]:
    """Check a model on a few images.

    Returns
    -------
    list of Flag
        Findings that permit an audit but affect how to read its numbers.

    Raises
    ------
    UsageError
        If images or labels are invalid, the output is not one row of finite logits per image, or a threat does not fit the
        images.
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
    model.criterion.check_columns(logits, samples)
    highest = int(data.labels.max())
    if highest >= logits.shape[1] or int(data.labels.min()) < 0:
        raise UsageError(
            f"the data has labels up to {highest}, but {model.name} has {logits.shape[1]} classes: they must match"
        )
    for threat in threats:
        threat.check((x.shape[1], x.shape[2], x.shape[3]), model.bounds)
    check_twin(model, x)
    random = looks_random(model, x, y)
    mixed = depends_on_batch(model, x) if random is None else None  # fresh draws differ as well
    # Attacks on decisions use neither gradients nor scores, so the scale of one-hot rows does not matter.
    scale = [] if model.knowledge == "decision" else [looks_like_probabilities(logits, model.knowledge), looks_flat(logits)]
    guided = check_gradients(model, x, y, threats) if random is None else []
    flags = (output_reading(model, x, highest), *scale, random, mixed, *guided)
    return [flag for flag in flags if flag is not None]


def ask(model: Model, x: Tensor) -> Tensor:
    """The model's logits; raises `UsageError` with one sentence if the network fails."""
    try:
        return model.logits(x)
    except UsageError:
        raise
    except Exception as error:
        raise cannot_take(model, x, error) from error


def looks_like_probabilities(logits: Tensor, knowledge: Knowledge = "white-box") -> Flag | None:
    """Flag outputs that all lie in [0, 1], because the model ends in a softmax or sigmoid."""
    if not bool(((logits >= 0) & (logits <= 1 + 1e-3)).all()):
        return None
    sums = logits.sum(1)
    last = "softmax" if bool(torch.isclose(sums, torch.ones_like(sums), atol=1e-3).all()) else "sigmoid"
    signal, remedy = "gradients", f"Remove the final {last}."
    if knowledge != "white-box":
        signal, remedy = "differences", f"Remove the final {last}, or return the logarithms." if last == "softmax" else remedy
    return Flag(
        id="probabilities",
        weakens=True,
        sentence=f"The model returns probabilities (as after a {last}), not logits: confident predictions saturate at 0 or 1 and "
        f"the {signal} that attacks need vanish. {remedy}",
    )


def looks_flat(logits: Tensor) -> Flag | None:
    """Flag logits so close together that their softmax is almost uniform, though they are not probabilities."""
    spread = float((logits.amax(1) - logits.amin(1)).median())
    if spread >= FLAT or looks_like_probabilities(logits) is not None:
        return None
    return Flag(
        id="flat",
        weakens=True,
        sentence=f"The logits of an image differ by only {spread:.2g}: the softmax is almost uniform, and attacks on the "
        "cross-entropy lower the label's logit instead of raising another, which weakens them. Scale the logits up: dividing them by "
        "a small temperature changes no prediction.",
    )


def output_reading(model: Model, x: Tensor, highest: int) -> Flag | None:
    """Note which part of a network's output is used as logits, if that is not obvious.

    Raises
    ------
    UsageError
        If that part may be features instead of logits.
    """
    with model.frozen(seed=1), torch.no_grad(), at_work:
        output = model.outputs(x[:1].clone())
    widths = tuple_widths(output)
    fitting = [width for width in widths[1:] if highest < width < widths[0]]
    if fitting and model.classes is None:
        raise UsageError(
            f"{model.name} returns a tuple whose first entry has {widths[0]} columns and another {fitting[0]}, but labels go up to "
            f"{highest}: the first entry may be features instead of logits; return the logits alone or first, or name the "
            f"{widths[0]} classes (classes=)"
        )
    if is_one_logit(output, 1):
        reading = "returns one number z per image, which is read as the two logits (0, z)"
    elif isinstance(output, (tuple, list)) and not hasattr(output, "logits"):
        reading = f"returns a tuple of {len(output)}, whose first entry is used as the logits"
    else:
        return None
    return Flag(id="outputs", weakens=False, sentence=f"The model {reading}.")


def looks_random(model: Model, x: Tensor, y: Tensor) -> Flag | None:
    """Flag a model whose passes over the same images disagree; weakens the evidence unless majority votes of its draws agree."""
    with model.frozen(seed=1):
        one, two = model.logits(x), model.logits(x)
        if float((two - one).abs().max()) <= 1e-3 * max(1.0, float(one.abs().max())):
            return None
        if model.draws == 1:
            return Flag(
                id="randomised",
                weakens=True,
                sentence="The model is randomised, and each image was evaluated only once: a single success or failure may be "
                "luck. Use --eot, such as --eot 21, for a majority vote over that many draws.",
            )
        wrong = torch.stack([answer.ask(model, x, Samples(x, y, y)).success for _ in range(REPEATS)]).float().mean(0)
    unsettled = float(torch.minimum(wrong, 1 - wrong).mean())
    majority = f"The model is randomised; each prediction is the majority of {model.draws} draws"
    if unsettled > UNSETTLED_SHARE:
        return Flag(
            id="randomised",
            weakens=True,
            sentence=f"{majority}, and on clean images {unsettled:.0%} of these majorities still disagree: use more draws (--eot).",
        )
    return Flag(id="randomised", weakens=False, sentence=f"{majority}.")
