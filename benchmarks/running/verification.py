"""Verification: evaluate the model under test on an attack's images instead of trusting the attack's claims."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from robustkit.benchmarks.planning.cell import Cell
from robustkit.contracts.answer import ask, least_lead, predict
from robustkit.contracts.model import Model
from robustkit.contracts.result import AttackResult
from robustkit.contracts.samples import Samples
from robustkit.losses import margin


class Verification(NamedTuple):
    """Tensors with one row per image, on the CPU.

    Parameters
    ----------
    prediction, margin, confidence
        The predicted class, the label's logit minus the largest other logit, and the softmax probability of the prediction.
    verified
        Whether the image is adversarial and inside the threat.
    finite
        Whether all logits of every draw are finite.
    """

    prediction: Tensor
    margin: Tensor
    confidence: Tensor
    verified: Tensor
    finite: Tensor


def verify(cell: Cell, model: Model, samples: Samples, result: AttackResult, seed: int) -> Verification:
    """Evaluate the model, in full precision, on every image of an attack's result.

    `seed` seeds the draws of a randomised model; the attack has not seen them.
    """
    x, y = samples.x, samples.y
    x_adv = result.x_adv.to(x)
    witness = None if result.witness is None else result.witness.to(x.device)
    model = model.with_draws(cell.attack.least_draws)
    with model.frozen(seed):
        logits, prediction, adversarial = predict(model, x_adv, y, samples.targets)
    finite = logits.isfinite().all(1)
    verified = cell.threat.contains(x, x_adv, model.bounds, witness) & finite & adversarial
    answer = (prediction, margin(logits, y), confidence_in(logits, prediction), verified, finite)
    return Verification(*(part.cpu() for part in answer))


def contradicts_itself(model: Model, samples: Samples, asked: Tensor) -> Tensor:
    """Which of the clean images in the mask `asked` are now clearly misclassified. Bool ``(B,)``, on the CPU.

    They were correctly classified in the clean pass, so the model is not deterministic and its other outputs prove nothing.
    """
    changed = torch.zeros_like(asked)
    rows = asked.nonzero().squeeze(1)
    if len(rows):
        some = samples.rows(rows.to(samples.x.device))
        now = ask(model, some.x, some)
        changed[rows] = (now.success & (now.margin > least_lead(now.columns))).cpu()
    return changed


def confidence_in(logits: Tensor, prediction: Tensor) -> Tensor:
    """The softmax probability of the predicted class."""
    return logits.softmax(1).gather(1, prediction[:, None])[:, 0]
