"""What is wrong with a model or its data before an audit spends time on them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from robustkit.acceleration import check_twin
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

#: Images the model is tried on.
PROBE = 16

#: Between the greatest and the least logit of an image, half of the images: below it the softmax is almost uniform.
FLAT = 0.05

#: Majorities of a randomised model's draws that are compared, and the share that may disagree with the others.
REPEATS = 5
UNSETTLED_SHARE = 0.1


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
    model.criterion.check_columns(logits, samples)
    highest = int(data.labels.max())
    if highest >= logits.shape[1] or int(data.labels.min()) < 0:
        raise UsageError(f"the data has labels up to {highest}, but {model.name} has {logits.shape[1]} classes: match them")
    for threat in threats:
        threat.check((x.shape[1], x.shape[2], x.shape[3]), model.bounds)
    check_twin(model, x)
    random = looks_random(model, x, y)
    mixed = depends_on_batch(model, x) if random is None else None  # fresh draws differ as well
    # Of one-hot rows nobody follows a gradient or a score.
    scale = [] if model.knowledge == "decision" else [looks_like_probabilities(logits, model.knowledge), looks_flat(logits)]
    flags = (what_was_taken(model, x, highest), *scale, random, mixed)
    return [flag for flag in flags if flag is not None]


def ask(model: Model, x: Tensor) -> Tensor:
    """The model's logits, with the network's own error turned into one sentence."""
    try:
        return model.logits(x)
    except UsageError:
        raise
    except Exception as error:
        raise cannot_take(model, x, error) from error


def looks_like_probabilities(logits: Tensor, knowledge: Knowledge = "white-box") -> Flag | None:
    """Answers that all lie in [0, 1]: a softmax or a sigmoid was left in the model."""
    if not bool(((logits >= 0) & (logits <= 1 + 1e-3)).all()):
        return None
    sums = logits.sum(1)
    last = "softmax" if bool(torch.isclose(sums, torch.ones_like(sums), atol=1e-3).all()) else "sigmoid"
    followed, remedy = "gradients", f"Remove the final {last}."
    if knowledge != "white-box":
        followed, remedy = "differences", f"Remove the final {last}, or return the logarithms." if last == "softmax" else remedy
    return Flag(
        id="probabilities",
        weakens=True,
        sentence=f"The model returns probabilities, as after a {last}, not logits: confident predictions round to 0 or 1, so the "
        f"{followed} that attacks follow vanish. {remedy}",
    )


def looks_flat(logits: Tensor) -> Flag | None:
    """Logits so near to each other that their softmax is uniform, though they are no probabilities."""
    spread = float((logits.amax(1) - logits.amin(1)).median())
    if spread >= FLAT or looks_like_probabilities(logits) is not None:
        return None
    return Flag(
        id="flat",
        weakens=True,
        sentence=f"The logits of an image lie within {spread:.2g} of each other: the softmax is almost uniform, and attacks that climb "
        f"the cross-entropy lower the label's logit rather than raise another, which finds less. Scale the logits up: divide them by a "
        "temperature, which changes no prediction.",
    )


def what_was_taken(model: Model, x: Tensor, highest: int) -> Flag | None:
    """What of a network's answer was taken as logits, where that is not plain.

    Raises
    ------
    UsageError
        If features may stand where the logits belong.
    """
    with model.frozen(seed=1), torch.no_grad(), at_work:
        output = model.outputs(x[:1].clone())
    widths = tuple_widths(output)
    fitting = [width for width in widths[1:] if highest < width < widths[0]]
    if fitting and model.classes is None:
        raise UsageError(
            f"{model.name} returns a tuple whose first entry has {widths[0]} columns and another {fitting[0]}, for labels up to "
            f"{highest}: features may stand where the logits belong; return the logits alone or first, or name the {widths[0]} "
            "classes (classes=)"
        )
    if is_one_logit(output, 1):
        taken = "returns one number an image: it was taken as the logit z of class 1, of the two classes (0, z)"
    elif isinstance(output, (tuple, list)) and not hasattr(output, "logits"):
        taken = f"returns a tuple of {len(output)}: its first entry was taken as the logits"
    else:
        return None
    return Flag(id="outputs", weakens=False, sentence=f"The model {taken}.")


def looks_random(model: Model, x: Tensor, y: Tensor) -> Flag | None:
    """Two passes over the same images that disagree; it weakens trust unless majorities of the model's draws agree."""
    with model.frozen(seed=1):
        one, two = model.logits(x), model.logits(x)
        if float((two - one).abs().max()) <= 1e-3 * max(1.0, float(one.abs().max())):
            return None
        if model.draws == 1:
            return Flag(
                id="randomised",
                weakens=True,
                sentence="The model answers the same image differently each time, and each question was asked once: a single "
                "success or failure may be luck. Give --eot, such as --eot 21: each answer is then the majority of so many draws.",
            )
        wrong = torch.stack([answer.ask(model, x, Samples(x, y, y)).success for _ in range(REPEATS)]).float().mean(0)
    unsettled = float(torch.minimum(wrong, 1 - wrong).mean())
    majority = f"The model answers the same image differently each time; each answer is the majority of {model.draws} draws"
    if unsettled > UNSETTLED_SHARE:
        return Flag(
            id="randomised",
            weakens=True,
            sentence=f"{majority}, and on clean images {unsettled:.0%} of these majorities still disagree with the others: give "
            "more draws (--eot).",
        )
    return Flag(id="randomised", weakens=False, sentence=f"{majority}.")
