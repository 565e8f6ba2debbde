"""The contract of a threat model, such as `Threat.parse("linf:8/255")`."""

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
    """A threat model: the images an attacker may reach from a clean one, and the attacker's knowledge and goal.

    Parameters
    ----------
    goal
        ``untargeted``: any wrong class. ``targeted``: a given class.
    knowledge
        What the attacker knows of the model.
    queries
        Maximum number of forward passes per sample; None for no limit.
    """

    goal: Goal = "untargeted"
    knowledge: Knowledge = "white-box"
    queries: int | None = None

    #: The start of its text form; ``owner/name`` for a plugin's threat, set from its entry point.
    kind: ClassVar[str]
    #: One threat in text form for each kind, valid for images a few pixels in size.
    examples: ClassVar[tuple[str, ...]] = ()
    #: The image shape ``(C, H, W)`` that the examples need, if they do not accept any.
    example_shape: ClassVar[tuple[int, int, int] | None] = None

    def __post_init__(self) -> None:
        if self.goal not in get_args(Goal):
            raise UsageError(f"goal {brief(self.goal)} is unknown: {did_you_mean(self.goal, get_args(Goal))}")
        if self.knowledge not in get_args(Knowledge):
            raise UsageError(
                f"knowledge {brief(self.knowledge)} is unknown: {did_you_mean(self.knowledge, get_args(Knowledge))}"
            )
        if self.queries is not None and self.queries < 1:
            raise UsageError(f"queries={self.queries} allows no query: give at least 1, or omit it")

    @property
    def targeted(self) -> bool:
        """Whether the goal is a given class."""
        return self.goal == "targeted"

    @property
    @abstractmethod
    def budget(self) -> str:
        """The kind and size only, as the user wrote them: ``linf:8/255``."""

    @property
    def id(self) -> str:
        """The complete text form, which `parse` reads back."""
        parts = [self.budget]
        if self.targeted:
            parts.append("targeted")
        if self.knowledge != "white-box":
            parts.append(f"knowledge={self.knowledge}")
        if self.queries is not None:
            parts.append(f"queries={self.queries}")
        return ",".join(parts)

    @property
    def content(self) -> str:
        """A digest of the files that the text form names, because they may change; empty without files."""
        return ""

    def __str__(self) -> str:
        return self.id

    @abstractmethod
    def check(self, shape: tuple[int, int, int], bounds: Bounds) -> None:
        """Raise `UsageError` if the budget is invalid for images of `shape` (C, H, W) within `bounds`."""

    @abstractmethod
    def distance(self, x: Tensor, x_adv: Tensor) -> Tensor:
        """The distance of each pair of images ``(B, C, H, W)`` in the threat's unit, ``(B,)``."""

    @abstractmethod
    def contains(self, x: Tensor, x_adv: Tensor, bounds: Bounds, witness: Tensor | None = None) -> Tensor:
        """Whether each image is within budget and bounds, up to float rounding. Bool ``(B,)``.

        Parameters
        ----------
        x, x_adv
            Clean and adversarial images ``(B, C, H, W)``.
        bounds
            Minimum and maximum pixel value.
        witness
            ``(B, P)``: of a threat that renders images, the parameters they were rendered from. Each image is rendered again
            and compared; without a witness, such a threat contains only the clean image.
        """

    def plausible(self, x: Tensor, x_adv: Tensor, bounds: Bounds) -> Tensor:
        """The part of `contains` that needs no rendering, checked for each query of a search. Bool ``(B,)``."""
        return self.contains(x, x_adv, bounds)

    @classmethod
    def example(cls, kind: str) -> str:
        """The example of this kind in text form, for messages and conformance checks.

        Raises
        ------
        UsageError
            If the class has none.
        """
        found = next((text for text in cls.examples if text.startswith(f"{kind}:")), None)
        if found is None:
            raise UsageError(f"threat {cls.__name__} has no example that starts with '{kind}:': add one to its `examples`")
        return found

    @staticmethod
    def parse(text: str) -> Threat:
        """The threat of a text: ``linf:8/255``, ``l2:0.5,targeted``, ``l1:12,knowledge=score,queries=5000``, ``patch:5%``.

        Raises
        ------
        UsageError
            If the kind is unknown, the size is not a positive number, or an option is unknown.
        """
        head, *options = (part.strip() for part in text.split(","))
        kind, colon, size = head.partition(":")
        known = plugins("threats")
        if kind.lower() not in known:
            colon = " Put a colon before the size." if "=" in kind else ""
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
                raise UsageError(f"threat {brief(text)} sets {brief(key)} twice: omit one of them")
            settings[key] = value
        return chosen.from_text(kind.lower(), size, settings)

    @classmethod
    @abstractmethod
    def from_text(cls, kind: str, size: str, settings: dict[str, str]) -> Threat:
        """The threat with these parts of the text form."""


def read_settings(settings: dict[str, str], known: tuple[str, ...] = ()) -> dict[str, object]:
    """The options common to all threats, plus the `known` ones as text. Raises `UsageError` for any other."""
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
    """The positive number in a text such as ``0.5``, ``8/255`` or ``5%``; `whole` is the threat's text, for the message."""
    percent = text.endswith("%")
    try:
        value = read_number(text.rstrip("%").replace(" ", "")) / (100 if percent else 1)
    except ValueError:
        raise UsageError(
            f"the size {brief(text)} of threat {brief(whole)} is not a valid number: write it like 0.5, 8/255 or 5%"
        ) from None
    if not value > 0:
        raise UsageError(f"the size {brief(text)} of threat {brief(whole)} must be above 0")
    return value
