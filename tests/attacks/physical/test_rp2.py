from dataclasses import replace

import pytest
import torch
from torch import nn

from robustkit import Model, Threat, UsageError
from robustkit.attacks.physical.rp2 import RP2, failure, total_variation
from robustkit.physical import Sign
from robustkit.physical.fitting import StickerTask
from robustkit.physical.printer.palette import Palette
from robustkit.physical.scenes import Scenes
from robustkit.physical.views import CHAINS

PLAIN = {"camera": "none", "printer": "ideal", "printability": 0.0, "total_variation": 0.0}
SIGN = Sign.rectangle("square", 40, 40)


class Linear(nn.Module):
    """The logits 0 and the sum of weighted pixels."""

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        lead = ((x - 0.5) * self.weight).flatten(1).sum(1)
        return torch.stack([-lead + 1, lead - 1], 1)


@pytest.fixture
def weight() -> torch.Tensor:
    sign = torch.rand(3, 12, 12, generator=torch.Generator().manual_seed(0)) - 0.5
    return sign.sign() * 0.05


def images(count: int = 12) -> torch.Tensor:
    return 0.45 + 0.1 * torch.rand(count, 3, 12, 12, generator=torch.Generator().manual_seed(1))


def task(scenes: Scenes, alpha: torch.Tensor, **changes: object) -> StickerTask:
    made = StickerTask(fit=scenes, choose=scenes, sign=SIGN, alpha=alpha, views=None, printer=None, palette=Palette.default())
    return replace(made, **changes)  # type: ignore[arg-type]


def filled(count: int = 12) -> Scenes:
    return Scenes(images(count), torch.arange(count), torch.zeros(count).long())


def test_the_best_texture_for_a_linear_model_is_the_sign_of_its_weights(weight: torch.Tensor) -> None:
    alpha = torch.zeros(1, 12, 12)
    alpha[:, 3:9, 2:7] = 1
    attack = RP2(steps=60, learning_rate=0.1, **PLAIN)
    model = Model(Linear(weight), device="cpu")
    for target, wanted in ((None, weight > 0), (1, weight > 0)):
        fitting = attack.fit_scenes(model, task(filled().aimed(target), alpha), 0)
        assert torch.equal(fitting.asked.texture[:, 3:9, 2:7], wanted[:, 3:9, 2:7].float())
    assert (fitting.forwards, fitting.backwards) == (60 * 8 + len(fitting.curve.step) * 2 * 12, 60 * 8)


def test_held_out_images_are_fooled_inside_the_threat_and_nothing_else_changes(weight: torch.Tensor) -> None:
    model, x = Model(Linear(weight), device="cpu"), images(24)
    threat = Threat.parse("sticker:whole,targeted")
    y = torch.zeros(24).long()
    result = RP2(steps=40, **PLAIN)(model, x, y, threat, targets=y + 1)
    assert result.success.all()
    assert threat.contains(x, result.x_adv, model.bounds).all()
    again = RP2(steps=40, **PLAIN)(model, x, y, threat, targets=y + 1)
    assert torch.equal(again.x_adv, result.x_adv)


def test_other_bounds_give_the_same_images(weight: torch.Tensor) -> None:
    class Rescaled(Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward((x + 1) / 2)

    x, y, threat = images(8), torch.zeros(8).long(), Threat.parse("sticker:bars")
    attack = RP2(steps=4, **PLAIN)
    one = attack(Model(Linear(weight), device="cpu"), x, y, threat)
    other = attack(Model(Rescaled(weight), device="cpu", bounds=(-1, 1)), 2 * x - 1, y, threat)
    assert torch.allclose(other.x_adv, 2 * one.x_adv - 1, atol=1e-4)


@pytest.mark.parametrize("colours", ["palette", "blocks"])
def test_what_is_printed_has_printable_colours_only(weight: torch.Tensor, colours: str) -> None:
    alpha = torch.zeros(1, 12, 12)
    alpha[:, 2:10, 2:10] = 1
    attack = RP2(steps=10, colours=colours, block_mm=100.0, **PLAIN)  # type: ignore[arg-type]
    fitting = attack.fit_scenes(Model(Linear(weight), device="cpu"), task(filled(), alpha), 0)
    palette = Palette.default() if colours == "palette" else Palette.black_and_white()
    texture = fitting.asked.texture[:, 2:10, 2:10]
    assert torch.allclose(palette.snap(texture), texture, atol=1e-5)
    assert set(fitting.asked.alpha.unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize("score", ["lab", "nps"])
def test_the_penalties_draw_colours_to_printable_ones_and_to_each_other(weight: torch.Tensor, score: str) -> None:
    model, alpha = Model(Linear(weight), device="cpu"), torch.ones(1, 12, 12)
    few = Palette(torch.tensor([[0.2, 0.2, 0.2], [0.8, 0.8, 0.8]]))
    free = RP2(steps=80, **PLAIN)
    bound = replace(free, printability=50.0, score=score)  # type: ignore[arg-type]
    textures = [
        attack.fit_scenes(model, task(filled(), alpha, palette=few), 0).asked.texture
        for attack in (free, bound, replace(free, total_variation=500.0))
    ]
    apart = [float((texture - few.snap(texture)).abs().mean()) for texture in textures]
    assert apart[1] < apart[0] / 2
    assert total_variation(textures[2], alpha) < total_variation(textures[0], alpha) / 2


def test_views_are_differentiated_through(weight: torch.Tensor) -> None:
    fitting = RP2(steps=30, **PLAIN).fit_scenes(
        Model(Linear(weight), device="cpu"), task(filled(), torch.ones(1, 12, 12), views=CHAINS["camera"]), 0
    )
    assert fitting.curve.success[-1] > 0.9
    assert fitting.curve.loss[-1] < fitting.curve.loss[0] / 2
    assert int(fitting.broken) == 0


def test_the_loss_is_minus_the_log_probability_of_success() -> None:
    logits = torch.tensor([[2.0, 0.5, -1.0]])
    scenes = Scenes(torch.zeros(1, 3, 2, 2), torch.arange(1), torch.zeros(1).long())
    share = logits.softmax(1)[0]
    assert failure(logits, scenes).item() == pytest.approx(-float((1 - share[0]).log()))
    assert failure(logits, scenes.aimed(2)).item() == pytest.approx(-float(share[2].log()))


def test_the_total_variation_counts_pairs_on_the_sticker_only() -> None:
    texture = torch.zeros(3, 2, 3)
    texture[:, :, 1:] = 1
    assert total_variation(texture, torch.ones(1, 2, 3)).item() == pytest.approx(2 / 7)
    alpha = torch.ones(1, 2, 3)
    alpha[..., 0] = 0
    assert total_variation(texture, alpha).item() == 0


def test_invalid_values_are_errors_in_one_sentence(weight: torch.Tensor) -> None:
    for wrong in (
        {"steps": 0},
        {"views": 0},
        {"learning_rate": 0.0},
        {"printability": -1.0},
        {"colours": "gold"},
        {"camera": "eye"},
    ):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            RP2(**wrong)  # type: ignore[arg-type]
    model, x = Model(Linear(weight), device="cpu"), images(4)
    attack, threat = RP2(steps=1, **PLAIN), Threat.parse("sticker:bars")
    with pytest.raises(UsageError, match="without images"):
        attack.fit(model, x[:0], torch.zeros(0).long(), threat)
    with pytest.raises(UsageError, match="fit one to them"):
        attack.apply(model, x, torch.zeros(4).long(), threat, {"patch": torch.zeros(3, 2, 2)})
