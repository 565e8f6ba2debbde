import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from robustkit.attacks.minimum_norm.schedule import cosine, radius_change

LIKE = torch.zeros((), dtype=torch.float64)


def test_half_a_cosine_from_first_to_last():
    assert cosine(torch.tensor([0, 2, 4]), 4, 3.0, 1.0, LIKE).tolist() == pytest.approx([3, 2, 1])
    assert cosine(torch.tensor([0]), 4, 3.0, 1.0, torch.zeros((), dtype=torch.float32)).dtype == torch.float32


@pytest.mark.parametrize(("steps", "first"), [(10, 0.5), (40, 0.5), (50, 0.4), (100, 0.3), (1000, 0.3)])
def test_the_radius_first_changes_by_more_if_there_are_few_steps(steps, first):
    assert radius_change(torch.tensor([0, steps]), steps, None, LIKE).tolist() == pytest.approx([first, 0.001])


def test_a_given_gamma_is_used():
    assert radius_change(torch.tensor([0, 9]), 9, 0.2, LIKE).tolist() == pytest.approx([0.2, 0.001])
    assert radius_change(torch.tensor([0, 9]), 9, 0.0005, LIKE).tolist() == pytest.approx([0.0005, 0.0005])


@given(steps=st.integers(1, 300), gamma=st.none() | st.floats(1e-4, 0.99))
def test_it_never_increases_and_stays_between_zero_and_one(steps, gamma):
    change = radius_change(torch.arange(steps), steps, gamma, LIKE)
    assert bool((change.diff() <= 1e-12).all())
    assert 0 < float(change[-1]) <= float(change[0]) < 1
