"""A palette: the sRGB colours that a printer is known to make."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from robustkit.colour import srgb_to_lab
from robustkit.errors import UsageError, brief, first_line
from robustkit.physical.printer.icc import profile_colours
from robustkit.physical.printer.print_model import PrintModel

_LEVELS = 9


@dataclass(frozen=True, eq=False)
class Palette:
    """Printable colours.

    Parameters
    ----------
    colours
        sRGB in [0, 1], ``(n, 3)``, as they look on paper.
    """

    colours: Tensor

    def __post_init__(self) -> None:
        if self.colours.ndim != 2 or self.colours.shape[1] != 3 or len(self.colours) == 0:
            raise UsageError(f"a palette of shape {tuple(self.colours.shape)} is invalid: give at least one colour, as (n, 3)")
        if not bool(((self.colours >= 0) & (self.colours <= 1)).all()):
            raise UsageError("a palette's colours must lie in [0, 1]: divide 8-bit values by 255")

    def __len__(self) -> int:
        return len(self.colours)

    @classmethod
    def default(cls) -> Palette:
        """30 colours of `PrintModel.typical`, evenly spread over its gamut by `Palette.spread`."""
        return cls.of_model(PrintModel.typical())

    @classmethod
    def black_and_white(cls, model: PrintModel | None = None) -> Palette:
        """The ink's black and the paper's white, of an ideal printer unless a model is given."""
        model = model or PrintModel.ideal()
        return cls(torch.stack([model.ink_black, model.paper_white]))

    @classmethod
    def of_model(cls, model: PrintModel, count: int = 30) -> Palette:
        """Colours that a fitted print model makes, evenly spread over its gamut."""
        levels = torch.linspace(0, 1, _LEVELS)
        return cls.spread(model.colours(torch.cartesian_prod(levels, levels, levels)), count)

    @classmethod
    def of_profile(cls, path: Path, count: int = 30) -> Palette:
        """Colours of an ICC printer profile, evenly spread over its gamut. Raises `UsageError` if it cannot be used."""
        return cls.spread(profile_colours(path), count)

    @classmethod
    def spread(cls, colours: Tensor, count: int) -> Palette:
        """So many of the colours ``(n, 3)``: the lightest, the darkest, then always the one farthest in L*a*b* from those chosen."""
        if count < 1:
            raise UsageError(f"count={count} colours make no palette: ask for at least 1")
        lab = srgb_to_lab(colours.double(), dim=-1)
        chosen: list[int] = []
        distance = torch.full_like(lab[:, 0], torch.inf)
        following = int(lab[:, 0].argmax())
        while len(chosen) < count:
            if distance[following] == 0:
                raise UsageError(f"count={count} is more than the {len(chosen)} different colours there are: ask for fewer")
            chosen.append(following)
            distance = distance.minimum((lab - lab[following]).norm(dim=1))
            following = int(lab[:, 0].argmin() if len(chosen) == 1 else distance.argmax())
        return cls(colours[chosen])

    @classmethod
    def read(cls, path: Path) -> Palette:
        """The palette in a text file in RP2's format: a line a colour, three numbers in [0, 1] separated by commas."""
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"palette {path} cannot be read ({first_line(error)}): give a text file of red,green,blue lines"
            ) from None
        rows = [_triplet(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
        if not rows:
            raise UsageError(f"palette {path} has no colours: give a line red,green,blue in [0, 1] for each")
        return cls(torch.tensor(rows))

    def write(self, path: Path) -> None:
        """Write the palette in RP2's format."""
        path.write_text(
            "".join(",".join(f"{value:.6g}" for value in row) + "\n" for row in self.colours.tolist()), encoding="utf-8"
        )

    def nearest(self, texture: Tensor) -> Tensor:
        """The number of the colour nearest to each texel in L*a*b*, ``(..., h, w)`` for ``(..., 3, h, w)``."""
        texels = srgb_to_lab(texture).movedim(-3, -1)
        flat = torch.cdist(texels.reshape(-1, 3), srgb_to_lab(self.colours.to(texture), dim=-1))
        return flat.argmin(1).reshape(texels.shape[:-1])

    def snap(self, texture: Tensor) -> Tensor:
        """The texture with each texel's colour replaced by the nearest of the palette."""
        return self.colours.to(texture)[self.nearest(texture)].movedim(-1, -3)


def _triplet(path: Path, number: int, line: str) -> list[float]:
    try:
        values = [float(part) for part in line.split(",")]
    except ValueError:
        values = []
    if len(values) != 3 or not all(0 <= value <= 1 for value in values):
        raise UsageError(f"palette {path}, line {number}: {brief(line)} is not red,green,blue, three numbers from 0 to 1")
    return values
