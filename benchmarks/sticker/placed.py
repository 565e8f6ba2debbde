"""Where stickers may be, from the user's words: a file, the whole sign, boxes on it, or the model's most vulnerable places."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from robustkit.benchmarks.sticker.stages import Stage
from robustkit.contracts.model import Model
from robustkit.errors import UsageError, brief, did_you_mean
from robustkit.physical.fitting import in_bounds
from robustkit.physical.masks import from_rectangles, load_mask
from robustkit.physical.sign import Sign
from robustkit.physical.sticker import Sticker
from robustkit.physical.vulnerable import vulnerable_boxes
from robustkit.threats.sticker import BARS

#: Boxes by name, as shares of the sign's width and height: left, top, width, height.
BOXES = {
    "bars": BARS,
    "bands": ((-0.36, -0.37, 0.72, 0.14), (-0.36, 0.23, 0.72, 0.14)),
    "square": ((-0.35, -0.35, 0.7, 0.7),),
}
NAMES = ("whole", *BOXES, "vulnerable:10%")
#: Of RP2's first stage: steps, scenes, rate and weight of the L1 norm.
STEPS, SCENES, RATE, SPARSITY = 60, 32, 0.05, 0.5


def placed(
    mask: str,
    sign: Sign,
    shape: tuple[int, int],
    model: Model,
    stage: Stage,
    target: int | None,
    *,
    threshold: int | None = None,
    seed: int = 0,
) -> Tensor:
    """The opacity ``(1, h, w)`` over the sign's bounding box.

    Raises
    ------
    UsageError
        If the mask is neither a name nor a readable file, or does not lie on the sign.
    """
    kind, _, share = mask.partition(":")
    if mask == "whole":
        return sign.coverage(shape)
    if mask in BOXES:
        across, down = sign.width_cm, sign.height_cm
        return from_rectangles(sign, [(x * across, y * down, w * across, h * down) for x, y, w, h in BOXES[mask]], shape)
    if kind == "vulnerable":
        found = vulnerable_boxes(_magnitude(sign, shape, model, stage, target, seed), sign, area_share=_share(mask, share))
        return from_rectangles(sign, found, shape)
    if not Path(mask).exists():
        raise UsageError(f"mask {brief(mask)} is neither a file nor a name: {did_you_mean(mask, NAMES)}")
    return load_mask(mask, sign, shape, threshold=threshold)


def _share(mask: str, text: str) -> float:
    try:
        share = float(text.removesuffix("%")) / 100
    except ValueError:
        share = 0.0
    if not (text.endswith("%") and 0 < share < 1):
        raise UsageError(f"mask {brief(mask)} needs a share of the sign's area, such as vulnerable:10%")
    return share


def _magnitude(sign: Sign, shape: tuple[int, int], model: Model, stage: Stage, target: int | None, seed: int) -> Tensor:
    """The size of an L1-sparse change of a grey sticker over the whole sign that makes its scenes succeed, ``(h, w)``."""
    scenes = stage.fitting(seed)[0]
    scenes = scenes.rows(torch.arange(min(SCENES, len(scenes)))).aimed(target)
    alpha = sign.coverage(shape)
    # How much of a texel is covered, and with what, both from nothing.
    cover = torch.full((1, *shape), -3.0, requires_grad=True)
    colour = torch.full((3, *shape), 0.5, requires_grad=True)
    adam = torch.optim.Adam([cover, colour], lr=RATE * 4)
    wanted = scenes.labels if scenes.targets is None else scenes.targets
    sign_of_loss = -1.0 if scenes.targets is None else 1.0
    with model.frozen(seed):
        for _ in range(STEPS):
            opacity = cover.sigmoid() * alpha
            images = in_bounds(scenes.show(Sticker(colour.clamp(0, 1), opacity, sign)), model.bounds)
            _, _, gradient = model.gradient(
                images.detach(), lambda logits: sign_of_loss * F.cross_entropy(logits, wanted, reduction="none")
            )
            adam.zero_grad()
            torch.autograd.backward([images, SPARSITY * opacity.mean()], [gradient / len(scenes), torch.tensor(1.0)])
            adam.step()
    return (cover.sigmoid() * alpha)[0].detach()
