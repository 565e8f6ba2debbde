"""Suites: which attacks run under a threat, in which order and on which samples. A suite is a TOML file."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from robustkit.errors import UsageError, brief, did_you_mean
from robustkit.threats import NormThreat, Threat

#: Signs of an overestimate that a stage can be a remedy for: flags of the model, of its gradients and of the records.
Sign = Literal[
    "any",
    "randomised",
    "probabilities",
    "flat",
    "dead-gradients",
    "random-direction",
    "saturated",
    "zero-gradients",
    "no-progress",
    "descent-beats-ascent",
    "unsettled",
    "noise-beats-gradient",
    "black-box-ahead",
    "black-box-beats-gradient",
    "unconfirmed",
]

#: The suite name for attacks named individually.
AD_HOC = "custom"


def kind_of(threat: Threat) -> str:
    """A threat's kind as named in suites: ``linf``, ``l2``, ``patch`` …"""
    return threat.norm if isinstance(threat, NormThreat) else threat.kind


class Stage(BaseModel):
    """One attack of a suite.

    Parameters
    ----------
    attack
        Its name and parameters, ``apgd-ce:steps=100``.
    role
        A control is a trivial baseline; its successes count too.
    on
        All correctly classified samples, or only the survivors of the previous stages.
    within
        Restricts these to the samples whose margin previous stages reduced to at most this fraction of the clean margin.
    probe
        With `within`: the share of the other samples that is attacked as well, chosen by their ids.
    bands
        Ascending fractions of the clean margin: the stage attacks the samples up to the first, then those between the first
        and the second, and so on, at last all others, and ends after a band of which it attacked samples without success.
    threats
        The kinds of threat it runs under; all by default.
    when
        The signs for which it is a remedy: it runs only if one of them was raised. By default it always runs.
    unless
        With `when`: the signs that rule it out.
    surrogate
        Whether it requires a surrogate model.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    attack: str
    role: Literal["attack", "control"] = "attack"
    on: Literal["all", "survivors"] = "all"
    within: float | None = Field(default=None, gt=0)
    threats: tuple[str, ...] = ()
    probe: float = Field(default=0, ge=0, le=1)
    bands: tuple[float, ...] = ()
    when: tuple[Sign, ...] = ()
    unless: tuple[Sign, ...] = ()
    surrogate: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Stage:
        if self.probe and self.within is None:
            raise ValueError("probe is a share of the samples that are not within a fraction: give within too")
        if self.bands and (self.within is not None or not self.when):
            raise ValueError("bands replace within, in a stage that answers signs: omit within, and give when")
        if self.unless and not self.when:
            raise ValueError("unless rules out a stage that answers signs: give when too")
        if list(self.bands) != sorted(set(self.bands)) or any(band <= 0 for band in self.bands):
            raise ValueError("bands must be above 0 and ascend")
        return self

    def answers(self, threat: Threat) -> bool:
        """Whether the stage runs under a threat."""
        return not self.threats or kind_of(threat) in self.threats


class Curve(BaseModel):
    """Accuracy vs. eps: a cheap attack and the noise control at multiples of the audited eps, on a subset.

    Parameters
    ----------
    attack, control
        Their names and parameters.
    factors
        The multiples of the audited eps.
    samples
        Maximum number of samples.
    nearer
        An attack that shrinks the verdict's adversarial images to the smaller eps, instead of `attack` at each of them.
    control_within
        Restricts the control at larger eps to the samples whose margin it reduced to at most this fraction of the clean
        margin at smaller ones.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    attack: str
    control: str
    factors: tuple[float, ...]
    samples: int = Field(gt=0)
    nearer: str | None = None
    control_within: float | None = Field(default=None, gt=0)


class Suite(BaseModel):
    """The attacks that an audit runs under each threat.

    Parameters
    ----------
    stages
        The attacks, in order.
    curve
        The attack and the eps values of the accuracy curve, if there is one.
    corruption_error
        Whether corruption threats also report the mean corruption error over all five severities.
    without_gradients
        The suite to use if the model or the threat gives an attacker no gradients.
    others
        The suites to use for the kinds of threats that this one does not support, the first that does.
    not_tested
        The omissions that the report lists.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str
    summary: str
    threats: tuple[str, ...]
    stages: tuple[Stage, ...] = Field(alias="stage", min_length=1)
    curve: Curve | None = None
    corruption_error: bool = False
    without_gradients: str | None = None
    others: tuple[str, ...] = ()
    not_tested: tuple[str, ...] = ()

    def supports(self, threat: Threat) -> bool:
        """Whether the suite has attacks of its own for a threat of this kind."""
        return not self.threats or kind_of(threat) in self.threats

    def other(self, threat: Threat) -> Suite | None:
        """The suite to use for a threat that this one does not support, if there is one."""
        if self.supports(threat):
            return None
        return next((suite for suite in map(load_suite, self.others) if suite.supports(threat)), None)

    def check(self, threat: Threat) -> None:
        """Raise `UsageError` if the suite does not support a threat."""
        if not self.supports(threat):
            fitting = [name for name in sorted(built_in_suites()) if kind_of(threat) in load_suite(name).threats]
            choice = f"use --suite {' or '.join(fitting)}, or name" if fitting else "name"
            raise UsageError(
                f"suite {self.name!r} supports {', '.join(self.threats)} threats, not {threat.id!r}: {choice} attacks with --attack"
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
        If it does not exist, or the file is not a valid suite.
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
    """The suite in the content of a TOML file, named after the file. Raises `UsageError` if it is invalid."""
    try:
        return Suite.model_validate({"name": path.stem, **tomllib.loads(content.decode())})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"suite file {path}: {where or 'it'} is invalid: {first['msg']}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"suite file {path} is not valid TOML: {error}") from None


def ad_hoc_suite(attacks: list[str]) -> Suite:
    """A suite of the given attacks, each on every correctly classified sample."""
    return Suite(
        name=AD_HOC,
        summary="The named attacks.",
        threats=(),
        stages=tuple(Stage(attack=spec) for spec in attacks),
        not_tested=("attacks other than the ones named",),
    )
