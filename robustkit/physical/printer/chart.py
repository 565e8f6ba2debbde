"""A chart of colour patches: printed, photographed, and read back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from robustkit.colour import linear_to_srgb, srgb_to_linear
from robustkit.errors import UsageError

_LEVELS = 6
_MM_PER_INCH = 25.4
#: Pixels across the gap between patches below which no clean paper can be read there.
_FEWEST_GAP_PX = 3


@dataclass(frozen=True, eq=False)
class Chart:
    """Patches in rows on white paper inside a black frame, whose outer corners rectify the photograph.

    Parameters
    ----------
    colours
        The asked sRGB colours, ``(n, 3)``, row by row.
    columns
        Patches in a row.
    patch_mm, gap_mm
        Width of a patch, and of the paper between two.
    frame_mm
        Width of the frame, with a gap of paper inside it.
    """

    colours: Tensor
    columns: int
    patch_mm: float = 10.0
    gap_mm: float = 2.0
    frame_mm: float = 1.0

    def __post_init__(self) -> None:
        if self.colours.ndim != 2 or self.colours.shape[1] != 3 or len(self.colours) == 0:
            raise UsageError(
                f"a chart with colours of shape {tuple(self.colours.shape)} is invalid: give (n, 3) with at least one"
            )
        if self.columns < 1 or min(self.patch_mm, self.gap_mm, self.frame_mm) <= 0:
            raise UsageError(
                f"a chart with columns={self.columns}, patch_mm={self.patch_mm}, gap_mm={self.gap_mm}, frame_mm={self.frame_mm} is "
                "invalid: each must be above 0"
            )

    @classmethod
    def standard(cls) -> Chart:
        """216 colours, 6 levels of each channel, 220 mm x 148 mm: A4 in landscape."""
        levels = torch.linspace(0, 1, _LEVELS)
        return cls(torch.cartesian_prod(levels, levels, levels), columns=18)

    @property
    def rows(self) -> int:
        """Rows of patches."""
        return math.ceil(len(self.colours) / self.columns)

    @property
    def width_mm(self) -> float:
        """Width between the outer edges of the frame."""
        return self._across_mm(self.columns)

    @property
    def height_mm(self) -> float:
        """Height between the outer edges of the frame."""
        return self._across_mm(self.rows)

    def image(self, dpi: float) -> Tensor:
        """The chart to print, ``(3, h, w)``: each pixel has the colour at its centre."""
        height, width = (max(1, round(size / _MM_PER_INCH * dpi)) for size in (self.height_mm, self.width_mm))
        y = (torch.arange(height) + 0.5) / height * self.height_mm
        x = (torch.arange(width) + 0.5) / width * self.width_mm
        row, column = self._patch_at(y, self.rows)[:, None], self._patch_at(x, self.columns)[None, :]
        number = torch.where((row >= 0) & (column >= 0), row * self.columns + column, -1)
        number = torch.where(number < len(self.colours), number, -1)
        image = torch.cat([self.colours, torch.ones(1, 3)])[number]  # -1 is the paper
        image[self._on_frame(y, self.height_mm)[:, None] | self._on_frame(x, self.width_mm)[None, :]] = 0
        return image.movedim(-1, 0)

    def read(self, photo: Tensor, paper: tuple[float, float, float] | None = None) -> Tensor:
        """The colours of the patches in a photograph.

        Each is the median over the middle of its patch. Uneven light is removed: in linear light, each patch is divided by the paper
        at its four corners.

        Parameters
        ----------
        photo
            sRGB in [0, 1], ``(3, H, W)``, rectified: it ends at the outer corners of the frame.
        paper
            The sRGB colour that the paper is to have; by default its mean colour in the photograph.

        Returns
        -------
        sRGB in [0, 1], ``(n, 3)``.

        Raises
        ------
        UsageError
            If the photograph is too small, or no image in colour.
        """
        if photo.ndim != 3 or photo.shape[0] != 3:
            raise UsageError(f"a chart's photograph of shape {tuple(photo.shape)} is invalid: give a colour image, (3, H, W)")
        scale_y, scale_x = photo.shape[1] / self.height_mm, photo.shape[2] / self.width_mm
        fewest = _FEWEST_GAP_PX / self.gap_mm
        if min(scale_y, scale_x) < fewest:
            raise UsageError(
                f"the chart's photograph of {photo.shape[2]} x {photo.shape[1]} pixels is too small: give at least "
                f"{math.ceil(fewest * self.width_mm)} x {math.ceil(fewest * self.height_mm)}"
            )
        light = srgb_to_linear(photo.float())

        def medians(rows_mm: list[float], columns_mm: list[float], size_mm: float) -> Tensor:
            windows = [
                light[:, _window(y, size_mm, scale_y), _window(x, size_mm, scale_x)].flatten(1).median(1).values
                for y in rows_mm
                for x in columns_mm
            ]
            return torch.stack(windows).reshape(len(rows_mm), len(columns_mm), 3)

        patches = medians(self._centres_mm(self.rows), self._centres_mm(self.columns), self.patch_mm / 2)
        gaps = medians(self._crossings_mm(self.rows), self._crossings_mm(self.columns), self.gap_mm / 2)
        around = (gaps[:-1, :-1] + gaps[:-1, 1:] + gaps[1:, :-1] + gaps[1:, 1:]) / 4
        white = gaps.mean((0, 1)) if paper is None else srgb_to_linear(light.new_tensor(paper))
        even = patches / around.clamp_min(1e-4) * white
        return linear_to_srgb(even.clamp(0, 1)).reshape(-1, 3)[: len(self.colours)]

    @property
    def _step_mm(self) -> float:
        return self.patch_mm + self.gap_mm

    def _across_mm(self, count: int) -> float:
        return count * self._step_mm + self.gap_mm + 2 * self.frame_mm

    def _centres_mm(self, count: int) -> list[float]:
        return [self.frame_mm + self.gap_mm + self.patch_mm / 2 + i * self._step_mm for i in range(count)]

    def _crossings_mm(self, count: int) -> list[float]:
        return [self.frame_mm + self.gap_mm / 2 + i * self._step_mm for i in range(count + 1)]

    def _patch_at(self, place_mm: Tensor, count: int) -> Tensor:
        """The row or column of the patch at each place, -1 if there is none."""
        inside = place_mm - self.frame_mm - self.gap_mm
        index = (inside / self._step_mm).floor()
        on_patch = (index >= 0) & (index < count) & (inside - index * self._step_mm < self.patch_mm)
        return torch.where(on_patch, index, -1).long()

    def _on_frame(self, place_mm: Tensor, size_mm: float) -> Tensor:
        return (place_mm < self.frame_mm) | (place_mm > size_mm - self.frame_mm)


def _window(centre_mm: float, size_mm: float, scale: float) -> slice:
    """The pixels whose centres lie in a window, at least one."""
    first = math.ceil((centre_mm - size_mm / 2) * scale - 0.5)
    last = math.floor((centre_mm + size_mm / 2) * scale - 0.5)
    return slice(first, last + 1) if last >= first else slice(math.floor(centre_mm * scale), math.floor(centre_mm * scale) + 1)
