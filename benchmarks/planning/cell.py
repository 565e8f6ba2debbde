"""A cell is (model, defenses, attack, threat); its name hashes everything that could change its result.

Resuming and caching are therefore one mechanism: a file with that name holds the result unless it is damaged.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from robustkit.contracts.attack import Attack
from robustkit.contracts.model import Model
from robustkit.identity import Identity
from robustkit.threats import Threat

#: Increment it when a change to the engine or the records changes results.
FORMAT = 7

Part = Literal["main", "curve", "non-adaptive"]


@dataclass(frozen=True)
class Cell:
    """One attack on one threat, as part of a run.

    Parameters
    ----------
    spec, attack
        The attack as text and as an object.
    threat
        The threat model.
    role, on
        As in the suite's stage.
    part
        Whether it belongs to the verdict, the curve, or the non-adaptive comparison.
    context
        Digest of model, data and seed.
    before
        Names of the cells whose successfully attacked samples it skips.
    within, probe, when, unless
        As in the suite's stage.
    beyond
        Restricts it to samples whose margin no previous stage reduced to this fraction of the clean margin.
    among
        Names of cells, at least one of which must have succeeded on a sample; empty means no such condition.
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
    beyond: float | None = None
    probe: float = 0.0
    when: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    among: tuple[str, ...] = ()

    @cached_property
    def name(self) -> str:
        """A readable part and twelve hexadecimal digits of the hash."""
        digest = digest_of(
            [
                FORMAT,
                self.context,
                plugin(type(self.attack)),
                self.attack.name,
                parameters(self.attack),
                plugin(type(self.threat)),
                self.threat.id,
                self.threat.content,
                self.part,
                self.before,
                self.among,
                self.within,
                self.beyond,
                self.probe,
            ]
        )
        readable = re.sub(r"[^A-Za-z0-9.]+", "-", f"{self.attack.name}-{self.threat.budget}")
        return f"{readable}-{digest[:12]}"


def parameters(attack: Attack) -> dict[str, Any]:
    """An attack's parameters as JSON values: a model becomes its fingerprint, other objects their digest."""
    assert dataclasses.is_dataclass(attack)

    def plain(value: Any) -> Any:
        if isinstance(value, Model):
            return [value.name, value.fingerprint()]
        if isinstance(value, tuple | list):
            return [plain(item) for item in value]
        return value if isinstance(value, str | int | float | None) else Identity().of(value).hex()

    return {field.name: plain(getattr(attack, field.name)) for field in dataclasses.fields(attack)}


@functools.cache
def plugin(kind: type) -> str:
    """Hexadecimal digest of a plugin's class: its qualified name, distribution and version, its code and what the code uses."""
    identity = Identity()
    return digest_of([identity.of(kind).hex(), identity.reached().hex()])


def digest_of(value: Any) -> str:
    """Hexadecimal digest of any JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
