"""The verdict on finished images: one fresh pass of the untouched model, in full precision, inside the threat."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from robustkit.contracts.answer import Answer, ask
from robustkit.contracts.model import Model
from robustkit.contracts.rows import Rows
from robustkit.contracts.samples import Samples
from robustkit.threats import Threat


@dataclass(kw_only=True)
class Verdict(Rows):
    """What a fresh pass says of images.

    Parameters
    ----------
    answer
        The model's.
    admissible
        Bool ``(B,)``: the image is inside the threat, and the answer is made of numbers.
    success
        Bool ``(B,)``: it is a success of the attacker, and admissible.
    """

    answer: Answer
    admissible: Tensor
    success: Tensor


def verify(model: Model, samples: Samples, threat: Threat, x_adv: Tensor, witness: Tensor | None = None) -> Verdict:
    """Ask the model about images ``(B, C, H, W)`` made of some samples; nothing that was claimed of them counts.

    Parameters
    ----------
    model
        The model under test. A randomised one draws afresh, after the draws before if it is frozen; most draws must agree.
    samples, threat
        What the images were made of, and what the attacker may do.
    x_adv, witness
        The images, and under a threat that renders them what they were rendered from.
    """
    fresh = ask(model, x_adv, samples)
    admissible = fresh.finite & threat.contains(samples.x, x_adv, model.bounds, witness)
    return Verdict(answer=fresh, admissible=admissible, success=admissible & fresh.success)
