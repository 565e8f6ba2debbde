"""A flat sign: its name and its outline in centimetres."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from robustkit.errors import UsageError, brief, did_you_mean
from robustkit.physical import polygon
from robustkit.physical.polygon import Points

#: The settings that each shape of a sign's file needs; a file without a shape gives `outline_cm`.
SHAPES: dict[str, tuple[str, ...]] = {
    "polygon": ("outline_cm",),
    "regular": ("sides", "width_cm"),
    "rectangle": ("width_cm", "height_cm"),
    "circle": ("width_cm",),
}


@dataclass(frozen=True)
class Sign:
    """A flat sign.

    Parameters
    ----------
    name
        What the sign says, such as ``stop``.
    outline_cm
        Corners of a polygon, x to the right and y down. It is moved so that the centre of its bounding box is the origin.

    Raises
    ------
    UsageError
        If the outline is not a polygon of at least three corners with an area and without crossing sides.
    """

    name: str
    outline_cm: Points

    def __post_init__(self) -> None:
        points = check_outline(self.outline_cm, "outline_cm")
        across, down = zip(*points, strict=True)
        x, y = (min(across) + max(across)) / 2, (min(down) + max(down)) / 2
        object.__setattr__(self, "outline_cm", tuple((left - x, top - y) for left, top in points))

    @classmethod
    def regular(cls, name: str, sides: int, width_cm: float, rotation_deg: float = 0.0) -> Sign:
        """A regular polygon that stands on a side, rotated clockwise; `width_cm` is that of its bounding box."""
        if isinstance(sides, bool) or not isinstance(sides, int) or sides < 3:
            raise UsageError(f"sides={brief(sides)} of a regular sign must be a whole number of at least 3")
        _positive("width_cm", width_cm)
        angles = [math.radians(90 + rotation_deg) + math.pi * (2 * k + 1) / sides for k in range(sides)]
        points = [(math.cos(angle), math.sin(angle)) for angle in angles]
        scale = width_cm / (max(x for x, _ in points) - min(x for x, _ in points))
        return cls(name, tuple((scale * x, scale * y) for x, y in points))

    @classmethod
    def rectangle(cls, name: str, width_cm: float, height_cm: float) -> Sign:
        """A rectangle."""
        _positive("width_cm", width_cm)
        _positive("height_cm", height_cm)
        x, y = width_cm / 2, height_cm / 2
        return cls(name, ((-x, -y), (x, -y), (x, y), (-x, y)))

    @classmethod
    def circle(cls, name: str, width_cm: float) -> Sign:
        """A circle, as a polygon of 64 sides."""
        return cls.regular(name, 64, width_cm)

    @property
    def width_cm(self) -> float:
        """Width of the outline's bounding box."""
        return 2 * max(x for x, _ in self.outline_cm)

    @property
    def height_cm(self) -> float:
        """Height of the outline's bounding box."""
        return 2 * max(y for _, y in self.outline_cm)

    @property
    def area_cm2(self) -> float:
        """The area within the outline."""
        return polygon.area(self.outline_cm)

    def shape(self, width_texels: int) -> tuple[int, int]:
        """Rows and columns of a raster over the bounding box with about square texels."""
        return max(1, round(width_texels * self.height_cm / self.width_cm)), width_texels

    def coverage(self, shape: tuple[int, int]) -> Tensor:
        """The share of each texel of a raster over the bounding box that lies within the outline, ``(1, h, w)``."""
        return polygon.coverage(self.outline_cm, (self.width_cm, self.height_cm), shape)


def check_outline(corners: Any, what: str) -> Points:
    """The corners as pairs of numbers. Raises `UsageError` if they do not enclose an area, or their sides cross."""
    try:
        points = tuple((float(x), float(y)) for x, y in corners)
    except (TypeError, ValueError):
        raise UsageError(f"{what} {brief(corners)} is not a list of corners: give [x, y] in cm for each") from None
    if len(points) < 3 or not all(math.isfinite(value) for point in points for value in point) or not polygon.area(points) > 0:
        raise UsageError(f"{what} {brief(points)} encloses no area: give at least three corners [x, y] in cm")
    if polygon.crosses_itself(points):
        raise UsageError(f"{what} {brief(points)} crosses itself: list the corners in order around it")
    return points


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The settings in a TOML file of a `what`. Raises `UsageError` if it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{what} {path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{what} {path} is not valid TOML: {error}") from None


def load_sign(path: str | Path) -> Sign:
    """The sign in a TOML file.

    The file has a `name` (else the file's) and either `outline_cm = [[x, y], …]` or a `shape`: ``regular`` with `sides`, `width_cm`
    and optionally `rotation_deg`; ``rectangle`` with `width_cm` and `height_cm`; ``circle`` with `width_cm`.

    Raises
    ------
    UsageError
        If the file cannot be read or is not a sign.
    """
    path = Path(path)
    settings = read_toml(path, "sign")
    try:
        return _read(path.stem, settings)
    except UsageError as error:
        raise UsageError(f"sign {path}: {error}") from None


def _read(stem: str, settings: dict[str, Any]) -> Sign:
    name = settings.pop("name", stem)
    if not isinstance(name, str) or not name.strip():
        raise UsageError(f"name {brief(name)} must be a text, such as 'stop'")
    shape = settings.pop("shape", "polygon")
    if shape not in SHAPES:
        raise UsageError(f"shape {brief(shape)} is unknown: {did_you_mean(str(shape), SHAPES)}")
    needed, optional = SHAPES[shape], ("rotation_deg",) if shape == "regular" else ()
    for key in settings:
        if key not in (*needed, *optional):
            raise UsageError(f"setting {brief(key)} is unknown for shape {shape!r}: {did_you_mean(key, (*needed, *optional))}")
    for key in needed:
        if key not in settings:
            raise UsageError(f"shape {shape!r} needs {key}: add it to the file")
    if shape == "polygon":
        return Sign(name, settings["outline_cm"])
    if shape == "regular":
        return Sign.regular(name, **settings)
    return Sign.rectangle(name, **settings) if shape == "rectangle" else Sign.circle(name, **settings)


def _positive(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value > 0):
        raise UsageError(f"{name}={brief(value)} must be a length above 0 in cm")
