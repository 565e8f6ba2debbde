from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from robustkit import Model, UsageError
from robustkit.benchmarks.sticker import rp2_check
from robustkit.benchmarks.sticker.rp2_check import SIGN, STOP, Scenes, Sticker, photos, published, random_places, rates, square
from robustkit.physical.masks import area_share

DATA = Path("../shared/data/rp2")


class Redness(nn.Module):
    """Stop if the picture is red, the target if it is blue, else class 0."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = torch.zeros(len(x), 18)
        mean = x.mean((2, 3))
        logits[:, STOP], logits[:, rp2_check.SPEED_LIMIT_45] = mean[:, 0] - mean[:, 2], mean[:, 2] - mean[:, 0]
        return logits


def scenes() -> Scenes:
    frames = torch.zeros(4, 3, 32, 32)
    frames[:3, 0] = 0.5
    return Scenes.filled(frames, torch.full((4,), STOP), SIGN)


def test_only_views_whose_clean_partner_is_read_as_stop_count() -> None:
    model = Model(Redness(), device="cpu")
    blue = Sticker.plain(SIGN, torch.ones(1, 32, 32), (0.0, 0.0, 1.0))
    found = rates(model, scenes(), blue, None)
    assert (found.untargeted.n, found.untargeted.value, found.targeted.value) == (3, 1, 1)
    red = Sticker.plain(SIGN, torch.ones(1, 32, 32), (1.0, 0.0, 0.0))
    assert rates(model, scenes(), red, None).untargeted.value == 0


def test_places_are_within_a_tenth_of_the_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rp2_check, "PLACES", 3)
    found = random_places()
    assert len(found) == 3
    for alpha in found:
        assert 0.045 < area_share(alpha, SIGN) <= 0.1


def test_arts_patch_lies_where_ours_does() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 18))
    found = rp2_check.art_sticker(Model(net, device="cpu"), scenes(), 5, 12, 6, evaluations=8)
    assert torch.equal(found.alpha, square(5, 12, 6))
    assert bool((found.texture[:, 5:11, 12:18] > 0).any())
    assert float((found.texture * (1 - found.alpha)).abs().max()) == 0


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no PNG"):
        photos(tmp_path)


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the authors' photographs and network")
def test_the_published_result() -> None:
    model = Model(rp2_check.LisaCNN(load_file(DATA / "lisa_cnn.safetensors")), device="cpu")
    assert published(model, DATA, photos(DATA / "stop_32")) == (40, 36)
