import pytest
import torch
from torch import nn

from robustkit import Model, Threat, UsageError
from robustkit.attacks.physical.places import candidate
from robustkit.attacks.physical.sparse_rs_patch import SparseRSPatch, mosaic, paste, squares
from robustkit.build import attack
from robustkit.engine.stepping import Response

SHAPE = (1, 10, 12)
WEIGHT = torch.randn(SHAPE, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
Y = torch.zeros(5, dtype=torch.int64)


class Linear(nn.Module):
    """Two classes, whose logits differ by a linear function of the image, never misclassified."""

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        lead = (x * self.weight).flatten(1).sum(1) - 1000
        return torch.stack([-lead / 2, lead / 2], dim=1)


def grey(channels: int = 1) -> torch.Tensor:
    return torch.full((5, channels, 10, 12), 0.4, dtype=torch.float64)


def test_a_texture_is_pasted_on_exactly_its_pixels() -> None:
    x = torch.arange(24.0).reshape(1, 1, 4, 6)
    texture = torch.tensor([[[[-1.0, -2.0], [-3.0, -4.0]]]])
    mask = torch.tensor([[True, False], [True, True]])
    pasted = paste(x, texture, torch.tensor([[3, 1]]), mask)
    expected = x.clone()
    expected[0, 0, 1, 3], expected[0, 0, 2, 3], expected[0, 0, 2, 4] = -1, -3, -4
    assert torch.equal(pasted, expected)


def test_on_a_linear_model_texture_and_place_become_the_best() -> None:
    x, threat = grey(), Threat.parse("patch:8%")  # 9 pixels: 3 x 3
    result = SparseRSPatch(steps=3000)(Model(Linear(WEIGHT), device="cpu"), x, Y, threat)
    gain = torch.where(WEIGHT > 0, 0.6 * WEIGHT, -0.4 * WEIGHT)
    windows = nn.functional.avg_pool2d(gain[None], 3, stride=1).flatten(1) * 9
    found = ((result.x_adv - x) * WEIGHT).flatten(1).sum(1)
    # Every texel is the best for its place; the place is the best or close to it, because moves get short.
    under = (result.x_adv != x).any(1, keepdim=True)
    assert torch.equal(result.x_adv, torch.where(under, (WEIGHT > 0).to(x), x))
    assert bool((found > windows.quantile(0.8)).all())


def walk(chosen: SparseRSPatch, batch, losses: list[float]) -> list:
    """The states of a search that is told these losses."""
    state = chosen.start(batch)
    states = [state]
    for step, loss in enumerate(losses):
        told = torch.full((len(batch.x),), loss, dtype=batch.x.dtype)
        response = Response(
            logits=told[:, None], success=told > 0, margin=told, loss=told, grad=told, step=Y + step, taken=Y + step
        )
        state = chosen.step(batch, state, response)
        states.append(state)
    return states


def test_most_queries_change_a_square_and_every_fourth_moves_the_sticker(batch_of) -> None:
    batch, chosen = batch_of(grey(3), "patch:40%"), SparseRSPatch(steps=40)
    table, _ = squares(40, 0.4, 6, torch.device("cpu"))
    for step, state in enumerate(walk(chosen, batch, [float(k) for k in range(40)])[1:]):
        changed = (state.texture_asked != state.texture).any(1)
        if step % 4 == 3:
            assert not changed.any()
        else:
            assert torch.equal(state.corner_asked, state.corner)
            assert int(changed.flatten(1).sum(1).max()) <= int(table[step]) ** 2
            if int(table[step]) == 1:
                assert changed.flatten(1).sum(1).tolist() == [1] * 5  # a texel never gets its old colour
        assert bool(batch.threat.contains(batch.x, state.x_adv, (0.0, 1.0)).all())


def test_a_worse_proposal_is_forgotten(batch_of) -> None:
    states = walk(SparseRSPatch(steps=20), batch_of(grey(), "patch:10%"), [5.0, *[1.0] * 19])
    assert all(torch.equal(state.x_best, states[0].x_adv) for state in states[1:])
    assert all(torch.equal(state.texture, states[0].texture_asked) for state in states[1:])


def test_the_places_are_those_of_the_control_if_they_are_limited(batch_of) -> None:
    batch = batch_of(grey(), "patch:10%")
    places = torch.stack([candidate(batch, Y + k).center - 1.5 for k in range(3)], dim=1).long()
    states = walk(SparseRSPatch(steps=40, placements=3), batch, [float(k) for k in range(40)])
    seen = torch.stack([state.corner_asked for state in states], dim=1)
    assert bool((seen[:, :, None] == places[:, None]).all(3).any(2).all())
    assert bool((seen != seen[:, :1]).any())
    fixed = walk(SparseRSPatch(steps=20, placements=1), batch, [float(k) for k in range(20)])
    assert all(torch.equal(state.corner_asked, places[:, 0]) for state in fixed)
    assert all(bool((a.texture_asked != a.texture).any()) for a in fixed[1:])  # no query is spent on a move


def test_the_schedule_of_squares_is_the_papers() -> None:
    table, last = squares(10_000, 0.4, 50, torch.device("cpu"))
    assert [int(table[k]) for k in (0, 11, 51, 201, 501)] == [31, 22, 15, 11, 7]
    assert int(table[9000]) == 1
    assert last == 6001 + (10_000 - 6001) // 2


def test_it_starts_from_a_mosaic_in_extreme_colours(batch_of) -> None:
    texture = mosaic(batch_of(grey(3), "patch:10%", bounds=(-1, 1)), torch.Size([9, 9]))
    assert texture.shape == (5, 3, 9, 9)
    assert texture.abs().unique().tolist() == [1]
    assert torch.equal(texture[..., 0, :], texture[..., 1, :])  # squares two texels wide
    assert texture.std() > 0.9


def test_invalid_values_are_errors_in_one_sentence() -> None:
    for wrong in ({"p_init": 0.0}, {"p_init": 1.5}, {"period": 1}, {"placements": 0}, {"steps": 0}):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            attack("sparse-rs-patch", **wrong)
