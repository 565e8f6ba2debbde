import pytest
import torch
from torch import nn

from robustkit import Model, Threat, UsageError
from robustkit.attacks.physical.patch import Patch
from robustkit.attacks.physical.patch_control import PatchControl
from robustkit.attacks.physical.sticker import checked_patch, fitted_patch
from robustkit.contracts.result import Status
from robustkit.rendering import cutout


class Bright(nn.Module):
    """Class 1 if any pixel is bright; a NaN gain makes all logits NaN."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(30.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        lead = self.gain * (x.flatten(1).amax(1) - 0.8)
        return torch.stack([-lead, lead], dim=1)


X = 0.6 * torch.rand(20, 3, 16, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
Y = torch.zeros(20, dtype=torch.int64)
THREAT = Threat.parse("patch:8%")


def white(**given: float) -> tuple[PatchControl, dict[str, torch.Tensor]]:
    """A white sticker."""
    sticker = PatchControl(fill="white", **given)
    return sticker, sticker.fit(Model(Bright(), device="cpu"), X, Y, THREAT)


def test_placements_differ_by_sample_and_decide_success() -> None:
    sticker, fitted = white()
    model = Model(Bright(), device="cpu")
    result = sticker.apply(model, X, Y, THREAT, fitted)
    assert bool(result.success.all())
    assert bool(THREAT.contains(X, result.x_adv, model.bounds).all())
    assert len({tuple(place.flatten().tolist()) for place in (result.x_adv != X).any(1)}) > 15


def test_samples_do_not_depend_on_their_neighbours() -> None:
    sticker, fitted = white()
    model = Model(Bright(), device="cpu", batch_size=7)
    ids = torch.arange(50, 70)
    whole = sticker.apply(model, X, Y, THREAT, fitted, sample_ids=ids)
    rows = torch.tensor([13, 2, 7])
    part = sticker.apply(model, X[rows], Y[rows], THREAT, fitted, sample_ids=ids[rows])
    assert torch.equal(whole.x_adv[rows], part.x_adv)
    assert torch.equal(whole.status[rows], part.status)


def test_stickers_of_a_seed_have_the_same_placements() -> None:
    model = Model(Bright(), device="cpu")
    control = PatchControl(fill="random")(model, X, Y, THREAT, seed=3).x_adv
    patch = Patch(steps=1, batch=2)(model, X, Y, THREAT, seed=3).x_adv
    assert torch.equal((control != X).any(1), (patch != X).any(1))
    elsewhere = PatchControl(fill="random")(model, X, Y, THREAT, seed=4).x_adv
    assert not torch.equal((control != X).any(1), (elsewhere != X).any(1))


def test_the_full_scale_covers_the_area_and_a_smaller_one_less() -> None:
    def covered(scale: float) -> torch.Tensor:
        sticker, fitted = white(rotation=0.0, scale=scale, brightness=0.0)
        x_adv = sticker.apply(Model(Bright(), device="cpu"), X, Y, THREAT, fitted).x_adv
        return (x_adv != X).any(1).flatten(1).double().mean(1)

    assert float(covered(1.0).max()) <= 0.08
    assert float(covered(0.5).mean()) < float(covered(1.0).mean())


def test_a_model_that_returns_nan_is_an_error_and_not_robust() -> None:
    sticker, fitted = white()
    net = Bright()
    nn.init.constant_(net.gain, torch.nan)
    result = sticker.apply(Model(net, device="cpu"), X, Y, THREAT, fitted)
    assert bool((result.status == Status.ERROR).all())
    assert not result.robust.any()


def test_a_fit_on_broken_gradients_marks_every_sample() -> None:
    sticker, fitted = white()
    counts = {"fit_backwards": torch.tensor(10), "fit_broken_gradients": torch.tensor(5)}
    result = sticker.apply(Model(Bright(), device="cpu"), X, Y, THREAT, fitted | counts)
    assert result.zero_gradients.tolist() == [1] * 20


def test_a_fitted_patch_has_its_mask_and_its_cost() -> None:
    circle = Threat.parse("patch:8%,shape=circle")
    fitted = fitted_patch(torch.ones(3, 4, 4), circle, forwards=7, backwards=5, broken=1)
    assert {name: int(value) for name, value in fitted.items() if value.ndim == 0} == {
        "fit_forwards": 7, "fit_backwards": 5, "fit_broken_gradients": 1,
    }  # fmt: skip
    assert torch.equal(fitted["alpha"], cutout("circle"))


def test_a_patch_takes_the_dtype_of_the_images() -> None:
    assert checked_patch({"patch": torch.zeros(3, 4, 4)}, X).dtype == torch.float64


@pytest.mark.parametrize(
    ("fitted", "message"),
    [
        ({"patch": torch.zeros(1, 4, 4)}, "images have 3 channels"),
        ({"patch": torch.zeros(4, 4)}, "images have 3 channels"),
        ({"delta": torch.zeros(1)}, "contains delta, but no 'patch'"),
        ({}, "contains nothing, but no 'patch'"),
    ],
)
def test_invalid_patches_are_refused(fitted: dict[str, torch.Tensor], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        checked_patch(fitted, X)


def test_a_sticker_is_tried_at_several_placements() -> None:
    model, dark = Model(Bright(), device="cpu"), PatchControl(fill="black", placements=5)
    assert dark(model, X, Y, THREAT).forwards.unique().tolist() == [6]


@pytest.mark.parametrize("wrong", [{"scale": 1.5}, {"placements": 0}, {"fit_images": 0}])
def test_placements_out_of_range(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        PatchControl(**wrong)
