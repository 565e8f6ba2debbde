"""The report's images: clean, adversarial and magnified difference, read row by row from the run folder."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from markupsafe import Markup
from PIL import Image
from safetensors import SafetensorError, safe_open

from robustkit.benchmarks.summary import AttackPart, Picture, ThreatPart

Bounds = tuple[float, float]
Pixels = npt.NDArray[np.float64]

_SHOWN = 140  # a small image is enlarged by an integer factor until its longest edge has at most this many CSS pixels

_CARD_TEXT = 2000  # upper bound of the bytes of text beside one image


@dataclass(frozen=True)
class Png:
    """An image as a data URI, its display size in CSS pixels, and its longest edge in the run folder."""

    uri: Markup
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


@dataclass(frozen=True)
class Stored:
    """A sample of the gallery with its clean and adversarial image, each ``(C, H, W)``, as the run folder holds them."""

    picture: Picture
    x: Pixels
    x_adv: Pixels


def stored(folder: Path, pictures: Iterable[Picture], most: int = 24) -> list[Stored]:
    """At most `most` samples whose images the run kept, alternating between worst, borderline and random."""
    found = (_read(folder, picture) for picture in _alternating(pictures))
    return list(islice((sample for sample in found if sample is not None), most))


def cards(samples: Iterable[Stored], bounds: Bounds, edge: int, room: int) -> list[Card]:
    """As many of the first samples as fit into `room` bytes, with edges of at most `edge` pixels; worst, borderline, random."""
    made: list[Card] = []
    for sample in samples:
        card = _card(sample, bounds, edge)
        room -= sum(len(png.uri) for png in (card.clean, card.adversarial, card.difference)) + _CARD_TEXT
        if room < 0:
            break
        made.append(card)
    return sorted(made, key=lambda card: ("worst", "borderline", "random").index(card.picture.why))


class PatchPicture(NamedTuple):
    """The image of a fitted patch or of a control, with its description and its attack."""

    what: str
    attack: AttackPart | None
    png: Png


def patch_pictures(folder: Path, threat: ThreatPart, edge: int, room: int) -> list[PatchPicture]:
    """The fitted patch and its controls, as many as fit into `room` bytes. Names cannot point outside the patches folder."""
    shown: list[PatchPicture] = []
    for name in threat.patches:
        path = folder / "patches" / Path(name).name
        try:
            with Image.open(path, formats=["PNG"]) as image:
                png = _png(image.convert("RGB"), edge)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue
        room -= len(png.uri) + _CARD_TEXT
        if room < 0:
            break
        attack = next((a for a in threat.attacks if a.cell and path.stem.startswith(a.cell)), None)
        what = path.stem.removeprefix(attack.cell).strip("-_ ").replace("fold", "fold ") if attack else path.stem
        shown.append(PatchPicture(what, attack, png))
    return shown


def magnification(difference: Pixels) -> float:
    """The factor that scales the largest difference to about half the range; 0 if there is no difference.

    It is rounded down to two significant digits, which avoids clipping beyond float rounding.
    """
    largest = float(np.abs(difference).max(initial=0.0))
    if largest == 0:
        return 0.0
    exact = 0.5 / largest
    unit = 10.0 ** (np.floor(np.log10(exact)) - 1)
    return float(np.floor(exact / unit * (1 + 1e-3)) * unit)


def _alternating(pictures: Iterable[Picture]) -> list[Picture]:
    kinds: dict[str, list[Picture]] = {"worst": [], "borderline": [], "random": []}
    for picture in pictures:
        kinds[picture.why].append(picture)
    longest = max(map(len, kinds.values()))
    return [kind[i] for i in range(longest) for kind in kinds.values() if i < len(kind)]


def _read(folder: Path, picture: Picture) -> Stored | None:
    for path in sorted((folder / "adversarial" / Path(picture.cell).name).glob("*.safetensors")):
        try:
            with safe_open(path, framework="pt") as file:
                rows = (file.get_tensor("sample_id") == picture.sample_id).nonzero().flatten().tolist()
                if rows:
                    x, x_adv = (file.get_slice(key)[rows[0]].double().numpy() for key in ("x", "x_adv"))
                    return Stored(picture, x, x_adv)
        except (SafetensorError, OSError):  # a damaged file loses its images, not the report
            continue
    return None


def _card(sample: Stored, bounds: Bounds, edge: int) -> Card:
    low, high = bounds
    clean, adversarial = (np.nan_to_num((v - low) / (high - low)) for v in (sample.x, sample.x_adv))
    difference = adversarial - clean
    factor = magnification(difference)
    pngs = [_png(_image(v), edge) for v in (clean, adversarial, 0.5 + factor * difference)]
    return Card(sample.picture, clean=pngs[0], adversarial=pngs[1], difference=pngs[2], factor=factor)


def _image(pixels: Pixels) -> Image.Image:
    """``(C, H, W)`` in [0, 1] as a PIL image: RGB for three channels, otherwise the first channel in grey."""
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
    encoded = io.BytesIO()
    image.save(encoded, format="PNG")
    uri = Markup("data:image/png;base64,") + base64.b64encode(encoded.getvalue()).decode("ascii")
    return Png(uri, size[0], size[1], pixelated=longest < 100, stored=longest)
