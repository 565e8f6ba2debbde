"""The sign that a user names, and the stage that shows it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from robustkit.benchmarks.sticker.photos import PhotoReading, as_scenes, read_cuts
from robustkit.benchmarks.sticker.stages import DrawnStage, PhotoStage, Stage
from robustkit.contracts.model import Model
from robustkit.errors import UsageError, brief
from robustkit.physical.drawing.catalogue import CLASSES, artwork
from robustkit.physical.sign import Sign, load_sign
from robustkit.physical.sticker import Sticker

#: Side of the pictures for a model that takes any size.
ANY_PX = 224
#: How much larger photographs are kept than the model's pictures, so that they can be seen from elsewhere.
FINER = 4


def sign_named(name: str) -> Sign:
    """The sign in a TOML file, or one that the project draws. Raises `UsageError` if it is neither."""
    if name in CLASSES:
        return artwork(name).sign
    if not name.endswith(".toml"):
        raise UsageError(f"sign {brief(name)} is neither a TOML file nor drawn by robustkit: {', '.join(CLASSES)}")
    return load_sign(Path(name))


def stage_of(sign: Sign, photos: str | None, model: Model, true: int, reading: PhotoReading) -> tuple[Stage, str, list[str]]:
    """Where the sign is shown: on photographs, or drawn without any; what that is in words, and notes for the user.

    Raises
    ------
    UsageError
        If the photographs cannot be used, or a sign without photographs is not one that the project draws.
    """
    size_px = side_px(model)
    if photos is not None:
        name = model.classes[true] if model.classes else None
        cuts, notes = read_cuts(photos, sign, FINER * size_px, reading, only=name)
        if len(cuts) < 3:
            raise UsageError(
                f"{photos} has {len(cuts)} usable photos, too few to fit on, choose on and judge on different ones: give at least 3"
            )
        digest = hashlib.sha256(b"".join(cut.picture.numpy().tobytes() for cut in cuts)).hexdigest()
        scenes = as_scenes(cuts, true)
        if sign.name in CLASSES:  # the drawn sign has the colours to which each photo's light is fitted
            art = artwork(sign.name)
            scenes = scenes.relit(Sticker(art.texture, art.alpha, sign))
        return PhotoStage(sign, scenes, size_px), f"{photos}, {len(cuts)} photos, {digest[:12]}", notes
    if sign.name not in CLASSES or artwork(sign.name).sign != sign:
        raise UsageError(
            f"sign {brief(sign.name)} is not one that robustkit draws: give photographs of it with --photos folder:PATH"
        )
    return DrawnStage(sign, true, size_px), "drawn by robustkit", []


def side_px(model: Model) -> int:
    """Side of the square pictures that a model gets. Raises `UsageError` if it takes others."""
    if model.spec.channels != 3:
        raise UsageError(
            f"{model.name} takes images with {model.spec.channels} channels, but signs have colours: give an RGB model"
        )
    height, width = model.spec.size or (ANY_PX, ANY_PX)
    if height != width:
        raise UsageError(
            f"{model.name} takes images of {height} x {width}, but signs are cut out as squares: give a square --size"
        )
    return height
