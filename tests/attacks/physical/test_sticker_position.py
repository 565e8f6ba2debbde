import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from robustkit import Model, Threat, UsageError
from robustkit.attacks.physical.sticker_position import StickerPosition, picture
from robustkit.build import attack

Y = torch.zeros(4, dtype=torch.int64)
X = torch.zeros(4, 1, 14, 18, dtype=torch.float64)
THREAT = Threat.parse("patch:10%")  # 5 x 5 pixels


class Hill(nn.Module):
    """The second class leads by the brightness under a smooth hill, less a constant that is never reached."""

    def __init__(self) -> None:
        super().__init__()
        down, across = torch.meshgrid(torch.arange(14.0), torch.arange(18.0), indexing="ij")
        self.hill = nn.Parameter(torch.exp(-((down - 4) ** 2 + (across - 12) ** 2) / 40))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        lead = (x.mean(1) * self.hill).flatten(1).sum(1) - 1000
        return torch.stack([-lead / 2, lead / 2], dim=1)


def test_the_place_becomes_the_best_one() -> None:
    result = StickerPosition()(Model(Hill(), device="cpu"), X, Y, THREAT)
    expected = torch.zeros_like(X)
    expected[..., 2:7, 10:15] = 1  # centred on the hill
    assert torch.equal(result.x_adv, expected)
    assert result.forwards.tolist() == [202] * 4


def test_a_turned_sticker_stays_inside_the_threat() -> None:
    result = StickerPosition(steps=30, rotation=180.0, texture="random")(Model(Hill(), device="cpu"), X, Y, THREAT)
    assert bool(THREAT.contains(X, result.x_adv, (0.0, 1.0)).all())


def test_its_first_places_are_the_controls() -> None:
    x = torch.rand(4, 1, 14, 18, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    at_once = Model(Hill(), device="cpu")
    searched = StickerPosition(steps=1, population=4, texture="black")
    tried = [attack("patch-control", fill="black", placements=k)(at_once, x, Y, THREAT).x_adv for k in (1, 2)]
    found = searched(at_once, x, Y, THREAT).x_adv
    assert all(any(torch.equal(found[i], other[i]) for other in tried) for i in range(4))


def test_a_picture_is_averaged_to_the_stickers_size(tmp_path) -> None:
    checker = np.indices((50, 50)).sum(0) % 2 * 255
    Image.fromarray(np.stack([checker, checker, checker], 2).astype(np.uint8)).save(tmp_path / "checker.png")
    built = attack("sticker-position", texture=str(tmp_path / "checker.png"), steps=1, population=4)
    x_adv = built(Model(Hill(), device="cpu"), X, Y, THREAT).x_adv
    assert x_adv[x_adv != 0].tolist() == pytest.approx([0.5] * 100, abs=0.01)


def test_pictures_that_are_no_opaque_sticker_are_refused(tmp_path) -> None:
    Image.new("RGBA", (4, 4), (255, 0, 0, 128)).save(tmp_path / "glass.png")
    (tmp_path / "text.png").write_text("no picture")
    for name, message in (("glass.png", "transparent"), ("text.png", "cannot be read"), ("none.png", "neither a file nor")):
        with pytest.raises(UsageError, match=message):
            picture(str(tmp_path / name))


def test_invalid_values_are_errors_in_one_sentence() -> None:
    for wrong in ({"population": 3}, {"rotation": -1.0}, {"steps": 0}, {"texture": "pink"}):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            attack("sticker-position", **wrong)
