"""What an attacker may do, as a value: `Threat.parse("linf:8/255")`."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from torch import Tensor

from robustkit.errors import UsageError, brief, did_you_mean
from robustkit.number import read_number
from robustkit.projections import Bounds
from robustkit.registry import plugins

Goal = Literal["untargeted", "targeted"]
Knowledge = Literal["white-box", "score", "decision", "transfer"]


@dataclass(frozen=True, kw_only=True)
class Threat(ABC):
    """A threat model: the set of images an attacker may reach from a clean one, and what the attacker knows and wants.

    Parameters
    ----------
    goal
        ``untargeted``: any wrong class. ``targeted``: a given class.
    knowledge
        What the attacker sees of the model.
    queries
        The most forward passes a sample may cost; None for no limit.
    """

    goal: Goal = "untargeted"
    knowledge: Knowledge = "white-box"
    queries: int | None = None

    #: What its text begins with; of a plugin's threat ``owner/name``, as its entry point makes it.
    kind: ClassVar[str]
    #: One threat as text for each kind that its text can begin with, fit for images of a few pixels a side.
    examples: ClassVar[tuple[str, ...]] = ()
    #: Images ``(C, H, W)`` that the examples make sense for, where not any will do.
    example_shape: ClassVar[tuple[int, int, int] | None] = None

    def __post_init__(self) -> None:
        if self.goal not in get_args(Goal):
            raise UsageError(f"goal {brief(self.goal)} is unknown: {did_you_mean(self.goal, get_args(Goal))}")
        if self.knowledge not in get_args(Knowledge):
            raise UsageError(
                f"knowledge {brief(self.knowledge)} is unknown: {did_you_mean(self.knowledge, get_args(Knowledge))}"
            )
        if self.queries is not None and self.queries < 1:
            raise UsageError(f"queries={self.queries} leaves nothing to ask: give at least 1, or leave it out")

    @property
    def targeted(self) -> bool:
        """Whether a given class is wanted."""
        return self.goal == "targeted"

    @property
    @abstractmethod
    def budget(self) -> str:
        """The kind and size alone, as the user wrote it: ``linf:8/255``."""

    @property
    def id(self) -> str:
        """The whole threat as text that `parse` reads back."""
        parts = [self.budget]
        if self.targeted:
            parts.append("targeted")
        if self.knowledge != "white-box":
            parts.append(f"knowledge={self.knowledge}")
        if self.queries is not None:
            parts.append(f"queries={self.queries}")
        return ",".join(parts)

    def __str__(self) -> str:
        return self.id

    @abstractmethod
    def check(self, shape: tuple[int, int, int], bounds: Bounds) -> None:
        """Raise `UsageError` if the budget makes no sense for images of `shape` (C, H, W) within `bounds`."""

    @abstractmethod
    def distance(self, x: Tensor, x_adv: Tensor) -> Tensor:
        """How much of the budget each sample uses, in the threat's own unit. ``(B, C, H, W)`` twice to ``(B,)``."""

    @abstractmethod
    def contains(self, x: Tensor, x_adv: Tensor, bounds: Bounds, witness: Tensor | None = None) -> Tensor:
        """Whether each image is within budget and box, up to float rounding. Bool ``(B,)``.

        Parameters
        ----------
        x, x_adv
            Clean and adversarial images ``(B, C, H, W)``.
        bounds
            The least and the greatest pixel value.
        witness
            ``(B, P)``: what the images were rendered from, where pixels alone do not show it. Each is rendered again and
            compared; without a witness none but the clean image itself belongs to such a threat.
        """

    def plausible(self, x: Tensor, x_adv: Tensor, bounds: Bounds) -> Tensor:
        """What a search checks of each query: `contains`, but for what costs a rendering. Bool ``(B,)``."""
        return self.contains(x, x_adv, bounds)

    @classmethod
    def example(cls, kind: str) -> str:
        """A threat of that kind as text, fit for small images: what messages show, and what conformance checks attacks under.

        Raises
        ------
        UsageError
            If the class has none.
        """
        found = next((text for text in cls.examples if text.startswith(f"{kind}:")), None)
        if found is None:
            raise UsageError(f"threat {cls.__name__} has no example that begins with '{kind}:': add one to its `examples`")
        return found

    @staticmethod
    def parse(text: str) -> Threat:
        """Read a threat: ``linf:8/255``, ``l2:0.5,targeted``, ``l1:12,knowledge=score,queries=5000``, ``patch:5%``.

        Raises
        ------
        UsageError
            If the kind is unknown, the size is not a positive number, or an option is unknown.
        """
        head, *options = (part.strip() for part in text.split(","))
        kind, colon, size = head.partition(":")
        known = plugins("threats")
        if kind.lower() not in known:
            colon = " Write a colon before the size." if "=" in kind else ""
            raise UsageError(
                f"threat {brief(text)} is of unknown kind {brief(kind)}: {did_you_mean(kind.lower(), known)}{colon}"
            )
        chosen: type[Threat] = known[kind.lower()].load()
        if not colon or not size:
            raise UsageError(f"threat {brief(text)} has no size: write one like '{chosen.example(kind.lower()).split(',')[0]}'")
        settings: dict[str, str] = {}
        for option in options:
            key, equals, value = option.partition("=")
            key, value = (key.strip(), value.strip()) if equals else ("goal", option)
            if key in settings:
                raise UsageError(f"threat {brief(text)} says {brief(key)} twice: leave one of them out")
            settings[key] = value
        return chosen.from_text(kind.lower(), size, settings)

    @classmethod
    @abstractmethod
    def from_text(cls, kind: str, size: str, settings: dict[str, str]) -> Threat:
        """Build from the parts of the text form."""


def read_settings(settings: dict[str, str], known: tuple[str, ...] = ()) -> dict[str, object]:
    """The options every threat has, plus the `known` ones as text. Raises `UsageError` for any other."""
    allowed = ("goal", "knowledge", "queries", *known)
    read: dict[str, object] = {}
    for key, value in settings.items():
        if key not in allowed:
            raise UsageError(f"threat option {brief(key)} is unknown: {did_you_mean(key, allowed)}")
        if key == "queries":
            if not re.fullmatch(r"\d{1,18}", value):
                raise UsageError(f"queries={brief(value)} is not a whole number below 1e18: write one like queries=5000")
            read[key] = int(value)
        else:
            read[key] = value
    return read


def read_size(text: str, whole: str) -> float:
    """A positive number written ``0.5``, ``8/255`` or ``5%``; `whole` is the threat's text for the message."""
    percent = text.endswith("%")
    try:
        value = read_number(text.rstrip("%").replace(" ", "")) / (100 if percent else 1)
    except ValueError:
        raise UsageError(
            f"the size {brief(text)} of threat {brief(whole)} is not a number that can be used: write 0.5, 8/255 or 5%"
        ) from None
    if not value > 0:
        raise UsageError(
            f"the size {brief(text)} of threat {brief(whole)} must be above 0: an attacker without a budget changes nothing"
        )
    return value
