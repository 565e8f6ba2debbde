"""The manifest."""

import hashlib
import json
import struct

import torch

from robustkit.benchmarks.sticker.export.manifest import manifest, tensor_sha256
from robustkit.benchmarks.sticker.export.paper import Paper
from robustkit.benchmarks.sticker.export.pieces import pieces
from robustkit.physical.sign import Sign
from robustkit.physical.sticker import Sticker


def test_a_tensor_is_hashed_as_little_endian_floats() -> None:
    tensor = torch.tensor([[0.0, 0.5], [1.0, 0.25]])
    expected = hashlib.sha256(struct.pack("<4f", 0.0, 0.5, 1.0, 0.25)).hexdigest()
    assert tensor_sha256(tensor) == tensor_sha256(tensor.double()) == expected
    assert tensor_sha256(tensor.T) != expected


def test_the_manifest_says_what_was_printed_from_what() -> None:
    sticker = Sticker(torch.zeros(3, 10, 20), torch.ones(1, 10, 20), Sign.rectangle("\udc80 sign", 40, 20))
    found = manifest(
        {"sticker": sticker}, pieces(sticker), {"sticker.pdf": b"abc"},
        paper=Paper.named("A3"), dpi=300, overlap_mm=10, seed=7, warnings=["coarse"],
    )  # fmt: skip
    assert json.loads(json.dumps(found)) == found
    assert found["sign"] == {"name": "\udc80 sign", "width_mm": 400, "height_mm": 200}
    assert found["pieces"] == [
        {"name": "S1", "width_mm": 400, "height_mm": 200, "left_mm": 0, "right_mm": 0, "top_mm": 0, "bottom_mm": 0}
    ]
    assert found["texel_mm"] == [20, 20]
    assert (found["seed"], found["dpi"], found["overlap_mm"], found["warnings"]) == (7, 300, 10, ["coarse"])
    assert found["paper"] == {"name": "A3", "width_mm": 297, "height_mm": 420, "margin_mm": 10}
    assert found["files"] == {"sticker.pdf": hashlib.sha256(b"abc").hexdigest()}
    assert found["stickers"]["sticker"]["mask_sha256"] == tensor_sha256(sticker.alpha)
    assert {"robustkit", "python", "matplotlib"} <= set(found["versions"])
