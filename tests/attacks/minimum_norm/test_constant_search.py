"""The search for the smallest sufficient constant."""

from dataclasses import replace

import pytest
import torch

from robustkit.attacks.minimum_norm.constant_search import ConstantState, next_constant


def constants(suffices, steps=4, searches=8):
    """The constants tried if every query with a sufficient constant succeeds."""
    state = ConstantState(
        x_adv=torch.zeros(1, 1, 1, 1),
        constant=torch.ones(1),
        lower=torch.zeros(1),
        upper=torch.full((1,), torch.inf),
        found=torch.zeros(1, dtype=torch.bool),
    )
    tried = []
    for _ in range(searches):
        tried.append(float(state.constant))
        for step in range(steps):
            adversarial = torch.tensor([suffices(float(state.constant), step)])
            state = replace(state, **next_constant(state, adversarial, torch.tensor([step]), steps))
    return tried


def test_tenfold_until_one_suffices_then_by_bisection():
    assert constants(lambda constant, _: constant >= 60, searches=6) == [1, 10, 100, 55, 77.5, 66.25]


def test_halved_while_it_suffices():
    assert constants(lambda constant, _: True, searches=4) == [1, 0.5, 0.25, 0.125]


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_a_single_success_at_the_end_counts(steps):
    assert constants(lambda _, step: step == steps - 1, steps, searches=2) == [1, 0.5]


def test_early_successes_do_not_count():
    assert constants(lambda _, step: step < 2, steps=4, searches=3) == [1, 10, 100]
