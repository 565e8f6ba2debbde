"""The final images of an attack at minimal cost, for adversarial training."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import Tensor

from robustkit.contracts.attack import check_threat
from robustkit.contracts.model import Model
from robustkit.contracts.samples import Samples
from robustkit.engine.stepping import Batch, Response, State
from robustkit.iterative import IterativeAttack
from robustkit.rng import SampleRandom
from robustkit.threats import Threat

S = TypeVar("S", bound=State)


def perturb(
    attack: IterativeAttack[S],
    model: Model,
    samples: Samples,
    threat: Threat,
    seed: int = 0,
) -> Tensor:
    """The images ``(B, C, H, W)`` after the attack's last step.

    Costs exactly `attack.attempt_steps(threat)` forward and backward passes of one attempt, plus one forward pass if the attack
    needs clean logits: nothing is verified, and no sample stops early. The network is frozen in evaluation mode, so the attack
    changes neither running statistics nor gradients.

    Raises
    ------
    UsageError
        If the attack does not support the threat.
    """
    check_threat(attack, threat)
    with model.frozen(seed), torch.no_grad():
        batch = Batch(
            samples=samples,
            attempt=torch.zeros_like(samples.ids),
            clean_logits=model.criterion.columns(model(samples.x)) if attack.needs_clean_logits else None,
            criterion=model.criterion,
            threat=threat,
            bounds=model.bounds,
            random=SampleRandom(seed, attack.info.name),
        )
        state = attack.start(batch)
        for step in range(attack.attempt_steps(threat)):
            state = attack.step(batch, state, _ask(attack, model, batch, state, step))
    return state.x_adv


def _ask(attack: IterativeAttack[S], model: Model, batch: Batch, state: S, step: int) -> Response:
    def view(leaf: Tensor) -> Tensor:
        return attack.view(batch, state, leaf)

    def loss(outputs: Any) -> Tensor:
        return attack.loss(batch, state, outputs)

    if attack.needs_gradient:
        outputs, losses, grad = model.gradient(attack.leaf(state), loss, view)
        grad = grad.nan_to_num(0.0, 0.0, 0.0)
    else:
        outputs = model(view(attack.leaf(state)))
        losses, grad = loss(outputs), torch.zeros_like(attack.leaf(state))
    criterion = batch.criterion
    return Response(
        logits=criterion.columns(outputs),
        success=criterion.success(outputs, batch.samples),
        margin=criterion.margin(outputs, batch.samples),
        loss=losses,
        grad=grad,
        step=torch.full_like(batch.attempt, step),
        taken=torch.full((len(batch.attempt),), step),
    )
