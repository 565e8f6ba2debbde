"""The manifest of an export: what was printed from what, with hashes."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from torch import Tensor

from robustkit.benchmarks.sticker.export.paper import Paper
from robustkit.benchmarks.sticker.export.pieces import Piece
from robustkit.benchmarks.sticker.export.placement import offsets_cm
from robustkit.physical.sticker import Sticker


def manifest(
    stickers: Mapping[str, Sticker],
    pieces: Sequence[Piece],
    files: Mapping[str, bytes],
    *,
    paper: Paper,
    dpi: float,
    overlap_mm: float,
    seed: int | None,
    warnings: Sequence[str],
) -> dict[str, Any]:
    """The manifest as JSON values.

    Parameters
    ----------
    stickers
        The sticker and its controls, by the first part of their files' names.
    pieces
        Those of the sticker.
    files
        Contents by name.
    """
    sign = next(iter(stickers.values())).sign
    return {
        "sign": {"name": sign.name, "width_mm": round(10 * sign.width_cm, 4), "height_mm": round(10 * sign.height_cm, 4)},
        "seed": seed,
        "paper": {"name": paper.name, "width_mm": paper.width_mm, "height_mm": paper.height_mm, "margin_mm": paper.margin_mm},
        "dpi": dpi,
        "overlap_mm": overlap_mm,
        "texel_mm": [round(pitch, 4) for pitch in pieces[0].pitch_mm],
        "pieces": [
            {
                "name": piece.name,
                "width_mm": round(piece.width_mm, 4),
                "height_mm": round(piece.height_mm, 4),
                **{f"{edge}_mm": round(10 * cm, 4) for edge, cm in zip(EDGES, offsets_cm(piece, sign), strict=True)},
            }
            for piece in pieces
        ],
        "stickers": {
            name: {"texture_sha256": tensor_sha256(sticker.texture), "mask_sha256": tensor_sha256(sticker.alpha)}
            for name, sticker in stickers.items()
        },
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "warnings": list(warnings),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("robustkit", "torch", "numpy", "matplotlib", "pillow")},
        },
    }


EDGES = ("left", "right", "top", "bottom")


def tensor_sha256(tensor: Tensor) -> str:
    """SHA-256 of a tensor's values as little-endian float32 in C order."""
    return hashlib.sha256(tensor.detach().cpu().float().numpy().astype("<f4").tobytes()).hexdigest()
