from pathlib import Path

import pytest
import torch
from PIL import Image

from robustkit.colour import linear_to_srgb, srgb_to_linear
from robustkit.errors import UsageError
from robustkit.physical import area_share
from robustkit.threats import StickerThreat, Threat


@pytest.mark.parametrize("text", ["sticker:bars", "sticker:whole,targeted", "sticker:m.png,sign=stop.toml,threshold=128"])
def test_the_id_is_what_the_user_wrote_and_reads_back(text: str) -> None:
    threat = Threat.parse(text)
    assert isinstance(threat, StickerThreat)
    assert threat.id == text
    assert Threat.parse(threat.id) == threat


def test_pixels_outside_the_mask_are_those_of_the_clean_image_bit_for_bit() -> None:
    threat = Threat.parse("sticker:bars")
    assert isinstance(threat, StickerThreat)
    x = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    alpha = threat.alpha(32, 32)
    inside = torch.where(alpha == 1, 0.0, x)
    assert threat.contains(x, inside, (0, 1)).all()
    outside = inside.clone()
    outside[1, 0, 0, 0] = torch.nextafter(outside[1, 0, 0, 0], torch.tensor(2.0))
    assert threat.contains(x, outside, (0, 1)).tolist() == [True, False, True]
    assert threat.distance(x, inside)[0].item() == pytest.approx((alpha == 1).float().mean().item())


def test_a_pixel_that_is_covered_in_part_keeps_its_share_of_the_signs_light() -> None:
    threat = Threat.parse("sticker:bars")
    assert isinstance(threat, StickerThreat)
    x = torch.full((1, 3, 32, 32), 0.8)
    alpha = threat.alpha(32, 32)
    partly = (alpha > 0.1) & (alpha < 0.9)
    assert partly.any()
    for colour in (0.0, 1.0):
        painted = linear_to_srgb(colour * alpha + (1 - alpha) * srgb_to_linear(x)).clamp(0, 1)
        painted = torch.where(alpha > 0, painted, x)
        assert threat.contains(x, painted, (0, 1)).all()
        assert not threat.contains(x, torch.where(partly, colour, painted), (0, 1)).any()


def test_files_and_built_in_masks(tmp_path: Path) -> None:
    picture = torch.zeros(20, 20, dtype=torch.uint8)
    picture[8:12, 5:15] = 255
    Image.fromarray(picture.numpy()).save(tmp_path / "mask.png")
    (tmp_path / "sign.toml").write_text('shape = "rectangle"\nwidth_cm = 40\nheight_cm = 40\n')
    threat = Threat.parse(f"sticker:{tmp_path}/mask.png,sign={tmp_path}/sign.toml")
    assert isinstance(threat, StickerThreat)
    assert area_share(threat.alpha(40, 40), threat.plate) == pytest.approx(0.1)
    whole, bars = Threat.parse("sticker:whole"), Threat.parse("sticker:bars")
    assert isinstance(whole, StickerThreat)
    assert isinstance(bars, StickerThreat)
    assert area_share(whole.alpha(64, 64), whole.plate) == pytest.approx(1)
    assert area_share(bars.alpha(64, 64), bars.plate) < 0.12


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sticker:bars,threshold=high", "not a whole number"),
        ("sticker:bars,threshold=300", "grey from 1 to 255"),
        ("sticker:bars,area=3", "'area' is unknown"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Threat.parse(text)


def test_check_names_a_missing_mask_and_images_without_colour() -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        Threat.parse("sticker:missing.png").check((3, 8, 8), (0, 1))
    with pytest.raises(UsageError, match="have 1 channels"):
        Threat.parse("sticker:bars").check((1, 8, 8), (0, 1))
