"""Suites: which attacks answer a threat, in which order and on which samples. A suite is a TOML file."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from robustkit.errors import UsageError, brief, did_you_mean
from robustkit.threats import NormThreat, Threat

When = Literal["always", "suspicious", "randomised"]

#: What attacks that were named one by one are called together.
AD_HOC = "custom"


def kind_of(threat: Threat) -> str:
    """What suites call a threat's kind: ``linf``, ``l2``, ``patch`` …"""
    return threat.norm if isinstance(threat, NormThreat) else threat.kind


class Stage(BaseModel):
    """One attack of a suite.

    Parameters
    ----------
    attack
        Its name and parameters, ``apgd-ce:steps=100``.
    role
        A control shows what is reached without a method; what it finds counts all the same.
    on
        Every correctly classified sample, or only those that the stages before left as survivors.
    within
        Of these only the ones that the stages before brought close: their best image left the label a lead of at most this
        share of its lead in the clean image.
    threats
        The kinds of threat it runs under; all by default.
    when
        Always, or only if the stages before left signs that they may have missed something, or only if the model is randomised.
    surrogate
        Whether it runs only if a surrogate model is given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    attack: str
    role: Literal["attack", "control"] = "attack"
    on: Literal["all", "survivors"] = "all"
    within: float | None = Field(default=None, gt=0)
    threats: tuple[str, ...] = ()
    when: When = "always"
    surrogate: bool = False

    def answers(self, threat: Threat) -> bool:
        """Whether the stage runs under a threat."""
        return not self.threats or kind_of(threat) in self.threats


class Curve(BaseModel):
    """Accuracy against eps: a cheap attack and the noise control at multiples of the audited eps, on a subset."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    attack: str
    control: str
    factors: tuple[float, ...]
    samples: int = Field(gt=0)


class Suite(BaseModel):
    """What an audit runs against each threat.

    Parameters
    ----------
    stages
        The attacks, in their order.
    curve
        How accuracy against eps is measured, if it is.
    corruption_error
        Whether threats of corruptions get the mean corruption error too, over all five severities.
    without_gradients
        The suite whose stages run instead where the model or the threat gives an attacker no gradients.
    not_tested
        What the report names as left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str
    summary: str
    threats: tuple[str, ...]
    stages: tuple[Stage, ...] = Field(alias="stage", min_length=1)
    curve: Curve | None = None
    corruption_error: bool = False
    without_gradients: str | None = None
    not_tested: tuple[str, ...] = ()

    def check(self, threat: Threat) -> None:
        """Raise `UsageError` if the suite has nothing for a threat."""
        if self.threats and kind_of(threat) not in self.threats:
            raise UsageError(
                f"suite {self.name!r} answers {', '.join(self.threats)} threats, not {threat.id!r}: choose another --suite, or name "
                "attacks with --attack"
            )


def built_in_suites() -> dict[str, Path]:
    """The suites that ship with robustkit, by name."""
    folder = resources.files("robustkit.benchmarks.planning.suites")
    return {Path(str(item)).stem: Path(str(item)) for item in folder.iterdir() if item.name.endswith(".toml")}


def load_suite(name: str) -> Suite:
    """A built-in suite by name, or one from a TOML file.

    Raises
    ------
    UsageError
        If there is none, or the file does not hold a suite.
    """
    known = built_in_suites()
    path = known.get(name) or Path(name)
    try:
        if path.suffix != ".toml" or not path.is_file():
            raise FileNotFoundError
        content = path.read_bytes()
    except (OSError, ValueError):  # a name too long, or one that no file system has
        raise UsageError(f"suite {brief(name)} is unknown: {did_you_mean(name, known)} A file must end in .toml.") from None
    return read_suite(content, path)


def read_suite(content: bytes, path: Path) -> Suite:
    """The suite that the content of a TOML file describes, named after the file. Raises `UsageError` if it describes none."""
    try:
        return Suite.model_validate({"name": path.stem, **tomllib.loads(content.decode())})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"suite file {path}: {where or 'it'} is wrong: {first['msg']}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"suite file {path} is not TOML: {error}") from None


def ad_hoc_suite(attacks: list[str]) -> Suite:
    """A suite of the given attacks, each on every correctly classified sample."""
    return Suite(
        name=AD_HOC,
        summary="The attacks that were named.",
        threats=(),
        stages=tuple(Stage(attack=spec) for spec in attacks),
        not_tested=("attacks other than the ones named",),
    )
