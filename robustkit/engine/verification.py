"""Verification of adversarial images: a fresh pass of the original model in full precision, and membership in the threat."""

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
    """The result of verifying images.

    Parameters
    ----------
    answer
        The model's answer.
    admissible
        Bool ``(B,)``: the image is inside the threat, and the outputs are finite.
    success
        Bool ``(B,)``: the image is admissible and adversarial.
    """

    answer: Answer
    admissible: Tensor
    success: Tensor


def verify(model: Model, samples: Samples, threat: Threat, x_adv: Tensor, witness: Tensor | None = None) -> Verdict:
    """The verdict on images ``(B, C, H, W)`` by fresh passes, whatever the attack reported.

    Parameters
    ----------
    model
        The model under test. A randomised one uses fresh draws (continuing its sequence if frozen), most of which must agree.
    samples, threat
        The clean samples and the threat model.
    x_adv, witness
        The images and, under a threat that renders them, the parameters they were rendered from.
    """
    fresh = ask(model, x_adv, samples)
    admissible = fresh.finite & threat.contains(samples.x, x_adv, model.bounds, witness)
    return Verdict(answer=fresh, admissible=admissible, success=admissible & fresh.success)
