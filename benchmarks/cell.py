"""A cell is (model, defenses, attack, threat); its name hashes everything that could change its result.

So resuming and caching are one mechanism: a file of that name is either the answer or damaged.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import torch

from robustkit.contract import Attack
from robustkit.defense import DefendedModel
from robustkit.model import Model
from robustkit.threats import Threat

#: Raise it when a change to the engine or the records changes results.
FORMAT = 2

Part = Literal["main", "curve", "non-adaptive"]


@dataclass(frozen=True)
class Cell:
    """One attack on one threat, as part of a run.

    Parameters
    ----------
    spec, attack
        The attack as text and as built.
    threat
        What the attacker may do.
    role, on
        As in the suite's stage.
    part
        Whether it belongs to the verdict, to the curve, or to the non-adaptive comparison.
    context
        Digest of model, data and seed.
    before
        Names of the cells whose beaten samples it does not get.
    within, when
        As in the suite's stage.
    """

    spec: str
    attack: Attack
    threat: Threat
    role: Literal["attack", "control"]
    on: Literal["all", "survivors"]
    part: Part
    context: str
    before: tuple[str, ...] = ()
    within: float | None = None
    when: Literal["always", "suspicious", "randomised"] = "always"

    @cached_property
    def name(self) -> str:
        """A readable part and twelve hexadecimal digits."""
        digest = digest_of(
            [
                FORMAT,
                self.context,
                self.attack.name,
                parameters(self.attack),
                self.threat.id,
                self.part,
                self.before,
                self.within,
            ]
        )
        readable = re.sub(r"[^A-Za-z0-9.]+", "-", f"{self.attack.name}-{self.threat.budget}")
        return f"{readable}-{digest[:12]}"


def parameters(attack: Attack) -> dict[str, Any]:
    """An attack's parameters as values that JSON can hold: a model stands as its fingerprint."""
    assert dataclasses.is_dataclass(attack)

    def plain(value: Any) -> Any:
        if isinstance(value, Model):
            return [value.name, fingerprint(value)]
        return [plain(item) for item in value] if isinstance(value, tuple | list) else value

    return {field.name: plain(getattr(attack, field.name)) for field in dataclasses.fields(attack)}


def digest_of(value: Any) -> str:
    """Hexadecimal digest of anything JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def fingerprint(model: Model) -> str:
    """Hexadecimal digest of a model's weights, structure and preprocessing, defenses included."""
    digest = hashlib.sha256()
    described: list[object] = [repr(model.net), model.bounds, model.mean, model.std, repr(model.spec)]
    if isinstance(model, DefendedModel):
        described.append([repr(defense) for defense in model.defenses])
    digest.update(json.dumps(described).encode())
    for name, tensor in model.net.state_dict().items():
        if isinstance(tensor, torch.Tensor):
            digest.update(f"{name}{tensor.dtype}{tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
