"""Predicted photographs."""

from __future__ import annotations

import torch

from robustkit.benchmarks.sticker.predict import classify, predict
from robustkit.benchmarks.sticker.workflow import Order
from robustkit.physical.sticker import Sticker

CELLS = ((152.4, 0.0), (304.8, 15.0))


def test_every_subject_is_seen_in_every_cell_in_the_same_scenes(order: Order) -> None:
    sign, alpha = order.stage.sign, torch.zeros_like(order.alpha)
    nothing = Sticker.plain(sign, alpha)
    frames, pictures = predict(
        order.model, order.stage, {"sticker": nothing, "control:grey": nothing}, target=1, cells=CELLS, repeats=2
    )
    assert len(frames) == 3 * 2 * 2
    assert len({frame.file for frame in frames}) == len(frames)
    by_subject = {
        subject: {frame.condition: frame.prediction for frame in frames if frame.subject == subject}
        for subject in ("clean", "sticker", "control:grey")
    }
    assert by_subject["clean"] == by_subject["sticker"] == by_subject["control:grey"]
    assert {frame.target for frame in frames if frame.subject == "clean"} == {None}
    assert {frame.target for frame in frames if frame.subject != "clean"} == {1}
    assert len(pictures) == 3 * 2
    clean, sticker = (next(pictures[f.file] for f in frames if f.subject == s) for s in ("clean", "sticker"))
    assert torch.equal(clean, sticker)


def test_a_nearer_sign_is_larger(order: Order) -> None:
    frames, _ = predict(order.model, order.stage, {}, target=None, cells=CELLS, repeats=1)
    near, far = (frame.size_px or 0 for frame in frames)
    assert near > 1.8 * far


def test_pictures_are_classified_within_the_models_bounds(order: Order) -> None:
    colours = torch.eye(3)[:, :, None, None].expand(3, 3, 16, 16)
    assert classify(order.model, colours, 0) == [0, 1, 2]
