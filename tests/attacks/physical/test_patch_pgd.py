import pytest
import torch
from torch import nn

from robustkit import Model, Threat, UsageError
from robustkit.attacks.physical.patch_pgd import PatchPGD, under_sticker
from robustkit.build import attack
from robustkit.contracts.result import Status


class Linear(nn.Module):
    """Two classes, whose logits differ by a linear function of the image."""

    def __init__(self, weight: torch.Tensor, bias: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.bias = bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        lead = (x * self.weight).flatten(1).sum(1) - self.bias
        return torch.stack([-lead / 2, lead / 2], dim=1)


SHAPE = (3, 10, 12)
WEIGHT = torch.randn(SHAPE, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
Y = torch.zeros(6, dtype=torch.int64)
THREAT = Threat.parse("patch:22%")  # 5 x 5 pixels


def model(weight: torch.Tensor = WEIGHT, bias: float = 1000.0, **given) -> Model:
    return Model(Linear(weight, bias), device="cpu", **given)


def test_the_texture_is_that_of_a_linear_model(batch_of) -> None:
    x = torch.rand(6, *SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    result = PatchPGD(steps=8)(model(), x, Y, THREAT)
    under = under_sticker(batch_of(x, "patch:22%"), Y)
    assert under.flatten(1).sum(1).tolist() == [25] * 6
    best = torch.where(under, (WEIGHT > 0).to(x), x)  # white where the weight is positive, else black
    assert torch.equal(result.x_adv, best)
    assert bool(THREAT.contains(x, result.x_adv, (0.0, 1.0)).all())
    assert result.status.tolist() == [Status.FAILED] * 6


def test_targeted_and_other_bounds(batch_of) -> None:
    x = torch.rand(6, *SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 4 - 2
    chosen = PatchPGD(steps=8)
    threat = Threat.parse("patch:22%,targeted")
    result = chosen(model(bounds=(-2, 2)), x, Y, threat, targets=Y + 1)
    under = under_sticker(batch_of(x, "patch:22%", bounds=(-2, 2)), Y)
    assert torch.equal(result.x_adv, torch.where(under, torch.where(WEIGHT > 0, 2.0, -2.0).to(x), x))


@pytest.mark.parametrize("restarts", [1, 3])
def test_the_place_is_the_best_of_the_candidates_for_a_linear_model(restarts: int, batch_of) -> None:
    x = torch.zeros(6, *SHAPE, dtype=torch.float64)
    weight = WEIGHT.abs()  # on black images, grey and the best texture gain most at the same place
    result = PatchPGD(steps=8, placements=10, restarts=restarts)(model(weight), x, Y, THREAT)
    batch = batch_of(x, "patch:22%")
    places = torch.stack([under_sticker(batch, Y + k) for k in range(10)], dim=1)
    gain = (places * weight).flatten(2).sum(2)
    best = places[torch.arange(6), gain.argmax(1)]
    assert torch.equal(result.x_adv, best.expand_as(x).to(x))


def test_attack_and_control_are_compared_at_the_same_place() -> None:
    x = torch.rand(6, *SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ids = torch.tensor([5, 17, 3, 2**40, 8, 1])
    ours, control = (
        attack(name)(model(), x, Y, THREAT, sample_ids=ids, seed=3).x_adv for name in ("patch-pgd", "patch-control")
    )
    assert torch.equal((ours != x).any(1), (control != x).any(1))
    elsewhere = attack("patch-pgd")(model(), x, Y, THREAT, sample_ids=ids, seed=4).x_adv
    assert not torch.equal((ours != x).any(1), (elsewhere != x).any(1))


def test_a_success_of_the_search_ends_it_and_passes_are_counted() -> None:
    x = torch.zeros(6, *SHAPE, dtype=torch.float64)
    chosen = PatchPGD(steps=4, placements=7, restarts=2)
    hopeless = model(WEIGHT.abs())
    result = chosen(hopeless, x, Y, THREAT)
    assert (result.forwards.unique().tolist(), result.backwards.unique().tolist()) == ([2 * (4 + 4 + 1) + 1], [8])
    assert (hopeless.forwards, hopeless.backwards) == (6 * 19, 6 * 8)
    easy = chosen(model(WEIGHT.abs(), 0.5), x, Y, THREAT)
    assert bool(easy.success.all())
    assert easy.forwards.unique().tolist() == [3]  # the clean image, the first grey square, the verification
    assert easy.backwards.sum() == 0


@pytest.mark.parametrize(
    "text", ["patch:22%,placement=center", "patch:22%,shape=circle", "patch:22%,shape=circle,placement=center"]
)
def test_every_shape_and_place_is_inside_the_threat(text: str) -> None:
    x = torch.rand(6, *SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    threat = Threat.parse(text)
    result = PatchPGD(steps=3, placements=3)(model(), x, Y, threat)
    assert bool(threat.contains(x, result.x_adv, (0.0, 1.0)).all())
    assert bool((result.x_adv != x).any(1).flatten(1).sum(1).ge(15).all())


def test_invalid_values_are_errors_in_one_sentence() -> None:
    for wrong in ({"steps": 0}, {"placements": 0}, {"restarts": 0}, {"step_size": 0.0}, {"step_size": 2.0}):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            attack("patch-pgd", **wrong)
    with pytest.raises(UsageError, match="does not support linf"):
        PatchPGD()(model(), torch.zeros(6, *SHAPE), Y, Threat.parse("linf:0.1"))
