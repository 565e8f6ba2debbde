"""The images that an attack ends on, at the least cost: what adversarial training needs of an attack in every step."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor

from robustkit.contract import check_threat
from robustkit.iterative import Batch, IterativeAttack, Response, State
from robustkit.model import Model
from robustkit.rng import SampleRandom
from robustkit.threats import Threat

S = TypeVar("S", bound=State)


def perturb(
    attack: IterativeAttack[S],
    model: Model,
    x: Tensor,
    y: Tensor,
    threat: Threat,
    *,
    targets: Tensor | None = None,
    sample_ids: Tensor,
    seed: int = 0,
) -> Tensor:
    """What the attack would ask the model about after its last step, ``(B, C, H, W)``.

    Exactly `attack.attempt_steps(threat)` forward and backward passes of one attempt: nothing is verified, no sample leaves early, and only
    an attack that needs the clean logits costs one forward pass more. The attack sees the network in evaluation mode and
    frozen, so it changes neither running statistics nor gradients.

    Raises
    ------
    UsageError
        If the attack does not answer the threat.
    """
    check_threat(attack, threat)
    with model.frozen(seed), torch.no_grad():
        batch = Batch(
            x=x,
            y=y,
            targets=targets,
            sample_ids=sample_ids,
            attempt=torch.zeros_like(y),
            clean_logits=model(x) if attack.needs_clean_logits else None,
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

    if attack.needs_gradient:
        logits, loss, grad = model.gradient(attack.leaf(state), lambda logits: attack.loss(batch, state, logits), view)
        grad = grad.nan_to_num(0.0, 0.0, 0.0)
    else:
        logits = model(view(attack.leaf(state)))
        loss, grad = attack.loss(batch, state, logits), torch.zeros_like(attack.leaf(state))
    return Response(logits=logits, loss=loss, grad=grad, step=torch.full_like(batch.y, step))
