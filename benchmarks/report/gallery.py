"""The report's pictures: clean, adversarial and magnified difference, read row by row from the run folder."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from safetensors import SafetensorError, safe_open

from robustkit.benchmarks.summary import AttackPart, Picture, ThreatPart

Bounds = tuple[float, float]
Pixels = npt.NDArray[np.float64]

_SHOWN = 140  # CSS pixels that the longest edge of a small picture is blown up to, by a whole factor


@dataclass(frozen=True)
class Png:
    """A picture as a data URI, the size it is shown at in CSS pixels, and the longest edge it had in the run folder."""

    uri: str
    width: int
    height: int
    pixelated: bool
    stored: int


@dataclass(frozen=True)
class Card:
    """One sample of the gallery. `factor` is the magnification of the difference; 0 if the images are equal."""

    picture: Picture
    clean: Png
    adversarial: Png
    difference: Png
    factor: float


def cards(folder: Path, pictures: Iterable[Picture], bounds: Bounds, edge: int, most: int) -> list[Card]:
    """At most `most` pictures that the run folder holds, taking turns among worst, borderline and random, no edge above `edge`."""
    found: list[Card] = []
    for picture in _in_turns(pictures):
        if len(found) == most:
            break
        pair = _stored(folder, picture)
        if pair is not None:
            found.append(_card(picture, *pair, bounds, edge))
    order = {"worst": 0, "borderline": 1, "random": 2}
    return sorted(found, key=lambda card: order[card.picture.why])


def patch_pictures(folder: Path, threat: ThreatPart, edge: int, most: int) -> list[tuple[str, AttackPart | None, Png]]:
    """The fitted patch and its controls: (what, the attack it belongs to, picture). A name cannot leave the patches folder."""
    shown: list[tuple[str, AttackPart | None, Png]] = []
    for name in threat.patches[:most]:
        path = folder / "patches" / Path(name).name
        try:
            with Image.open(path, formats=["PNG"]) as image:
                opened = image.convert("RGB")
        except (OSError, ValueError, Image.DecompressionBombError):
            continue
        attack = next((a for a in threat.attacks if a.cell and path.stem.startswith(a.cell)), None)
        what = path.stem.removeprefix(attack.cell).strip("-_ ") if attack else path.stem
        shown.append((what, attack, _png(opened, edge)))
    return shown


def magnification(difference: Pixels) -> float:
    """The factor, cut to two significant digits, that brings the largest difference near half the range; 0 if there is none.

    The cut is downwards, so nothing is clipped but what float rounding adds.
    """
    largest = float(np.abs(difference).max(initial=0.0))
    if largest == 0:
        return 0.0
    exact = 0.5 / largest
    unit = 10.0 ** (np.floor(np.log10(exact)) - 1)
    return float(np.floor(exact / unit * (1 + 1e-3)) * unit)


def _in_turns(pictures: Iterable[Picture]) -> list[Picture]:
    kinds: dict[str, list[Picture]] = {"worst": [], "borderline": [], "random": []}
    for picture in pictures:
        kinds[picture.why].append(picture)
    longest = max(map(len, kinds.values()))
    return [kind[i] for i in range(longest) for kind in kinds.values() if i < len(kind)]


def _stored(folder: Path, picture: Picture) -> tuple[Pixels, Pixels] | None:
    """The clean and the adversarial image of a sample, ``(C, H, W)``, or None where the run kept none."""
    for path in sorted((folder / "adversarial" / Path(picture.cell).name).glob("*.safetensors")):
        try:
            with safe_open(path, framework="pt") as stored:
                rows = (stored.get_tensor("sample_id") == picture.sample_id).nonzero().flatten().tolist()
                if rows:
                    read: Callable[[str], Pixels] = lambda key: stored.get_slice(key)[rows[0]].double().numpy()  # noqa: B023, E731
                    return read("x"), read("x_adv")
        except (SafetensorError, OSError):  # a damaged file costs its pictures, not the report
            continue
    return None


def _card(picture: Picture, x: Pixels, x_adv: Pixels, bounds: Bounds, edge: int) -> Card:
    low, high = bounds
    clean, adversarial = (np.nan_to_num((v - low) / (high - low)) for v in (x, x_adv))
    difference = adversarial - clean
    factor = magnification(difference)
    images = (_image(v) for v in (clean, adversarial, 0.5 + factor * difference))
    return Card(picture, *(_png(image, edge) for image in images), factor)


def _image(pixels: Pixels) -> Image.Image:
    """``(C, H, W)`` in [0, 1] as a picture: colour for three channels, else the first channel in grey."""
    bytes_ = np.rint(255 * pixels.clip(0, 1)).astype(np.uint8)
    return Image.fromarray(np.moveaxis(bytes_, 0, -1) if len(bytes_) == 3 else bytes_[0])


def _png(image: Image.Image, edge: int) -> Png:
    longest = max(image.size)
    factor = max(1, _SHOWN // longest) if longest <= edge else 1
    shown = min(1.0, 146 / longest) if factor == 1 else factor
    size = [max(1, round(side * shown)) for side in image.size]
    if longest > edge:
        reduced = [max(1, round(side * edge / longest)) for side in image.size]
        image = image.resize((reduced[0], reduced[1]), Image.Resampling.BOX)
    stored = io.BytesIO()
    image.save(stored, format="PNG", compress_level=9)
    uri = "data:image/png;base64," + base64.b64encode(stored.getvalue()).decode("ascii")
    return Png(uri, size[0], size[1], pixelated=longest < 100, stored=longest)
