"""A sticker: a texture and its opacity over a sign."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from robustkit.errors import UsageError
from robustkit.files import atomic
from robustkit.physical.sign import Sign
from robustkit.physical.warp import composite, warp


@dataclass(frozen=True, eq=False)
class Sticker:
    """A texture with opacity on a raster over a sign's bounding box.

    Parameters
    ----------
    texture
        sRGB in [0, 1], ``(3, h, w)``.
    alpha
        Opacity in [0, 1], ``(1, h, w)``: a black texel of opacity 1 is black, one of opacity 0 shows the sign.
    sign
        What it is stuck on.

    Raises
    ------
    UsageError
        If the shapes do not match.
    """

    texture: Tensor
    alpha: Tensor
    sign: Sign

    def __post_init__(self) -> None:
        shape, opacity = tuple(self.texture.shape), tuple(self.alpha.shape)
        if len(shape) != 3 or shape[0] != 3 or opacity != (1, *shape[1:]):
            raise UsageError(f"a sticker of shapes {shape} and {opacity} must have a texture (3, h, w) and an alpha (1, h, w)")

    @classmethod
    def plain(cls, sign: Sign, alpha: Tensor, colour: tuple[float, float, float] = (0.5, 0.5, 0.5)) -> Sticker:
        """A sticker of one sRGB colour."""
        texture = torch.tensor(colour, dtype=alpha.dtype, device=alpha.device)[:, None, None].repeat(1, *alpha.shape[1:])
        return cls(texture, alpha, sign)

    @property
    def size_cm(self) -> tuple[float, float]:
        """Width and height of the raster, which are those of the sign."""
        return self.sign.width_cm, self.sign.height_cm

    @property
    def texel_cm(self) -> float:
        """Width of a texel."""
        return self.sign.width_cm / self.texture.shape[2]

    def warp(self, homography: Tensor, size_px: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """The sticker as each view shows it: see `robustkit.physical.warp.warp`."""
        return warp(self.texture, self.alpha, homography, size_cm=self.size_cm, size_px=size_px)

    def on(self, frames: Tensor, homography: Tensor) -> Tensor:
        """The pictures ``(B, 3, H, W)`` with the sticker on the sign that each homography ``(B, 3, 3)`` places in them."""
        return composite(frames, *self.warp(homography, (frames.shape[2], frames.shape[3])))

    def save(self, path: Path) -> None:
        """Write the texture, the opacity and the sign to a safetensors file."""
        tensors = {"texture": self.texture.detach().cpu().contiguous(), "alpha": self.alpha.detach().cpu().contiguous()}
        sign = json.dumps({"name": self.sign.name, "outline_cm": self.sign.outline_cm})
        with atomic(path) as partial:
            save_file(tensors, partial, metadata={"sign": sign})

    @classmethod
    def load(cls, path: Path) -> Sticker:
        """The sticker that `save` wrote. Raises `UsageError` if the file is not one."""
        try:
            with safe_open(path, framework="pt") as file:
                sign = json.loads(file.metadata()["sign"])
                return cls(file.get_tensor("texture"), file.get_tensor("alpha"), Sign(sign["name"], sign["outline_cm"]))
        except OSError as error:
            raise UsageError(f"sticker {path} cannot be read: {error.strerror or error}") from None
        except (SafetensorError, TypeError, KeyError, ValueError) as error:
            raise UsageError(f"sticker {path} is not one that robustkit saved: {error}") from None
