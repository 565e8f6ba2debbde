import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model
from robustkit.attacks.gradient.cycle import hash_of, note_cycle, start_cycle
from robustkit.build import attack
from robustkit.conformance.attack import check_attack
from robustkit.threats import Threat


class Ridge(nn.Module):
    """A float64 model whose class 1 is likelier on a ridge along x0 = x1 inside the ball; fixed steps oscillate across it."""

    def forward(self, x):
        flat = x.flatten(1).double()
        score = 3 - (flat[:, 0] - flat[:, 1]).abs() - 0.1 * (flat[:, 2] - 0.53).abs()
        return torch.stack([-score, score], 1)


def data():
    x = torch.rand((8, 1, 2, 2), generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 0.1 + 0.45
    return x, torch.zeros(8, dtype=torch.int64) + 1


def run(**params):
    x, y = data()
    model = Model(Ridge(), spec=InputSpec(channels=1), device="cpu")
    return attack("pgd", step_size=0.03, **params)(model, x, y, Threat.parse("linf:0.1")), model


@pytest.mark.parametrize("early_exit", [True, False])
@pytest.mark.parametrize("restarts", [1, 3])
def test_a_cycle_ends_the_attempt_and_changes_nothing(restarts, early_exit):
    plain, _ = run(steps=60, restarts=restarts)
    short, model = run(steps=60, restarts=restarts, cycle_detection=True, early_exit=early_exit)
    assert torch.equal(plain.status, short.status)
    assert torch.equal(plain.x_adv, short.x_adv)
    assert plain.forwards.tolist() == [61 * restarts + 1] * 8
    assert int(short.forwards.sum()) == model.forwards
    if early_exit:
        assert int(short.forwards.max()) < 30 * restarts


def test_the_cost_is_an_upper_bound():
    assert attack("pgd").exact_cost
    assert not attack("pgd", cycle_detection=True).exact_cost
    found = check_attack(attack("pgd", cycle_detection=True, step_size=0.1), classes=(3,))
    assert [str(finding) for finding in found] == []


def test_only_an_iterate_of_this_attempt_counts():
    first, second = torch.rand(1, 1, 2, 2), torch.rand(1, 1, 2, 2)
    state = start_cycle(first, 4)
    steps = [torch.tensor([t]) for t in range(4)]
    state = note_cycle(state, second, steps[0])
    assert state.repeats.tolist() == [False]
    assert note_cycle(state, first, steps[1]).repeats.tolist() == [True]
    assert note_cycle(state, second, steps[1]).repeats.tolist() == [True]
    assert note_cycle(start_cycle(second, 4), first, steps[0]).repeats.tolist() == [False]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_hash_depends_on_every_bit_and_on_nothing_else(dtype):
    x = torch.rand((50, 3, 8, 8), generator=torch.Generator().manual_seed(0), dtype=dtype)
    whole = hash_of(x)
    assert len(set(whole.tolist())) == 50
    assert torch.equal(hash_of(x[7:9]), whole[7:9])
    flipped = x.clone()
    flipped[:, 1, 2, 3] = torch.nextafter(flipped[:, 1, 2, 3], torch.ones(50, dtype=dtype))
    assert bool((hash_of(flipped) != whole).all())
    swapped = x.clone()
    swapped[:, 0, 0, 0], swapped[:, 0, 0, 1] = x[:, 0, 0, 1], x[:, 0, 0, 0]
    assert bool((hash_of(swapped) != whole).all())
