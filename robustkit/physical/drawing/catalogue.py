"""The signs that the project draws, by the name of their class."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

from robustkit.errors import UsageError, brief, did_you_mean
from robustkit.physical.drawing import mandatory, priority, prohibition, warning
from robustkit.physical.drawing.paint import Drawing
from robustkit.physical.sticker import Sticker

SIGNS: dict[str, Callable[[], Drawing]] = {
    "stop": priority.stop,
    "yield": priority.yield_,
    "priority road": priority.priority_road,
    "no entry": prohibition.no_entry,
    "speed limit 30": partial(prohibition.speed_limit, 30),
    "speed limit 45": partial(prohibition.speed_limit_in_words, 45),
    "speed limit 50": partial(prohibition.speed_limit, 50),
    "speed limit 80": partial(prohibition.speed_limit, 80),
    "no overtaking": prohibition.no_overtaking,
    "no stopping": prohibition.no_stopping,
    "turn left": mandatory.turn_left,
    "turn right": mandatory.turn_right,
    "ahead only": mandatory.ahead_only,
    "keep right": mandatory.keep_right,
    "danger": warning.danger,
    "pedestrian crossing": warning.pedestrian_crossing,
}
CLASSES = tuple(SIGNS)


@cache
def artwork(name: str, width_texels: int = 128) -> Sticker:
    """A sign's picture, opaque within its outline.

    Raises
    ------
    UsageError
        If the project draws no such sign.
    """
    if name not in SIGNS:
        raise UsageError(f"sign {brief(name)} is not drawn: {did_you_mean(name, CLASSES)}")
    drawing = SIGNS[name]()
    sign = drawing.sign(name)
    shape = sign.shape(width_texels)
    return Sticker(drawing.texture(shape), sign.coverage(shape), sign)
