"""Properties of a network given by the user: ``--mean --std --size --channels --bounds --classes``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from robustkit.errors import UsageError
from robustkit.models.entries import shown
from robustkit.models.network import Network
from robustkit.projections import Bounds

#: Maximum side of an image; anything larger is probably a typing error.
LARGEST = 16_384


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """Properties of a network's input and classes that override those of its source; None keeps them."""

    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    size: tuple[int, int] | None = None
    channels: int | None = None
    bounds: Bounds | None = None
    classes: tuple[str, ...] | None = None

    @classmethod
    def parse(
        cls,
        *,
        mean: str | float | Sequence[float] | None = None,
        std: str | float | Sequence[float] | None = None,
        size: str | int | Sequence[int] | None = None,
        channels: int | None = None,
        bounds: str | Sequence[float] | None = None,
        classes: str | Path | Sequence[str] | None = None,
    ) -> Overrides:
        """The overrides for values from a command line, a configuration or Python.

        Raises
        ------
        UsageError
            If a value is invalid.
        """
        chosen = cls(
            mean=None if mean is None else _numbers("mean", mean, "0.485,0.456,0.406"),
            std=None if std is None else _numbers("std", std, "0.229,0.224,0.225"),
            size=None if size is None else _size(size),
            channels=channels,
            bounds=None if bounds is None else _bounds(bounds),
            classes=None if classes is None else _classes(classes),
        )
        if channels is not None and (isinstance(channels, bool) or channels not in (1, 3)):
            raise UsageError(f"--channels {shown(channels)} must be 1 (grey) or 3 (colour)")
        if chosen.std is not None and min(chosen.std) <= 0:
            raise UsageError(f"--std {shown(std)} must be above 0 in every channel")
        if (chosen.std is not None and chosen.mean is None) or (chosen.std is None and chosen.mean is not None):
            given, other = ("std", "mean") if chosen.mean is None else ("mean", "std")
            raise UsageError(f"--{given} needs --{other}: the network's input is (x - mean) / std")
        return chosen

    @property
    def given(self) -> tuple[str, ...]:
        """The options that were given."""
        return tuple(f"--{name}" for name, value in vars(self).items() if value is not None)

    def over(self, network: Network) -> Network:
        """The network with these overrides.

        Raises
        ------
        UsageError
            If the number of values of mean and std differs from the number of channels.
        """
        most = max(len(self.mean or ()), len(self.std or ()))
        channels = self.channels or (most if most > 1 else network.spec.channels)
        if channels not in (1, 3, network.spec.channels):
            raise UsageError(
                f"--mean and --std have {channels} values: give one for each of the 1 or 3 channels, or one for all"
            )
        spec = replace(network.spec, channels=channels)
        if self.size is not None:
            spec = replace(spec, size=self.size, resize=None)
        mean = _per_channel("mean", self.mean, network.mean, channels)
        std = _per_channel("std", self.std, network.std, channels)
        if self.bounds is not None:
            # Images stay in [0, 1], like the data and budgets; the network's range becomes part of the normalisation.
            low, span = self.bounds[0], self.bounds[1] - self.bounds[0]
            mean = [(value - low) / span for value in mean or [0.0] * channels]
            std = [value / span for value in std or [1.0] * channels]
        return replace(
            network,
            spec=spec,
            mean=mean,
            std=std,
            bounds=network.bounds if self.bounds is None else (0.0, 1.0),
            classes=self.classes or network.classes,
        )


def _per_channel(
    name: str, given: tuple[float, ...] | None, known: Sequence[float] | None, channels: int
) -> Sequence[float] | None:
    values = known if given is None else given * channels if len(given) == 1 else given
    if values is not None and len(values) != channels:
        raise UsageError(f"--{name} has {len(values)} values for {channels} channels: give one for each, or one for all")
    return values


def _numbers(name: str, value: Any, example: str) -> tuple[float, ...]:
    parts = value.split(",") if isinstance(value, str) else list(value) if isinstance(value, Sequence) else [value]
    try:
        numbers = tuple(float(part) for part in parts if not isinstance(part, bool))
    except (TypeError, ValueError, OverflowError):
        numbers = ()
    if len(numbers) != len(parts) or not numbers or not all(math.isfinite(number) for number in numbers):
        raise UsageError(f"--{name} {shown(value)} must be comma-separated numbers, such as {example}")
    return numbers


def _bounds(value: Any) -> Bounds:
    numbers = _numbers("bounds", value, "0,255")
    if len(numbers) != 2 or not numbers[0] < numbers[1]:
        raise UsageError(f"--bounds {shown(value)} must be the minimum and maximum pixel value, such as 0,1 or 0,255")
    return numbers[0], numbers[1]


def _size(value: Any) -> tuple[int, int]:
    parts = value.lower().split("x") if isinstance(value, str) else list(value) if isinstance(value, Sequence) else [value]
    sides = [int(part) for part in parts if str(part).strip().isdecimal() and len(str(part)) <= 6]
    if len(sides) != len(parts) or len(sides) not in (1, 2) or not all(1 <= side <= LARGEST for side in sides):
        raise UsageError(f"--size {shown(value)} must be a side in pixels such as 224, or height x width such as 224x160")
    return sides[0], sides[-1]


def _classes(value: Any) -> tuple[str, ...]:
    if isinstance(value, (str, Path)):
        value = str(value).split(",") if "," in str(value) else _lines(str(value))
    names = tuple(str(part).strip() for part in value)
    if len(names) < 2 or not all(names):
        raise UsageError(f"--classes {shown(names)} must name at least two classes, one per line or separated by commas")
    return names


def _lines(text: str) -> list[str]:
    try:
        path = Path(text).expanduser()
        if path.is_file() and path.stat().st_size < 2**24:
            return path.read_text(encoding="utf-8").strip().splitlines()
    except (OSError, RuntimeError, ValueError):
        pass
    raise UsageError(f"--classes {shown(text)} is neither a comma-separated list nor a UTF-8 text file with one name per line")
