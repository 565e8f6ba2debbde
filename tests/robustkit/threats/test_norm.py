import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from robustkit import Threat, UsageError
from robustkit.rng import SampleRandom
from robustkit.threats import NormThreat, norm_of

SIZES = {"linf": 0.1, "l2": 0.7, "l1": 2.0, "l0": 2.0}


def test_norms_by_hand():
    delta = torch.tensor([[[[3.0, -4.0], [0.0, 0.0]]]])
    assert [float(norm_of(delta, norm)) for norm in ("linf", "l2", "l1", "l0")] == [4, 5, 7, 2]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["linf", "l2", "l1", "l0"]),
    st.sampled_from([torch.float16, torch.float32, torch.float64]),
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 7), st.integers(1, 7)),
    st.integers(0, 2**40),
    st.floats(0.001, 1),
)
def test_random_starts_are_inside_ball_and_box(norm, dtype, shape, seed, share):
    x = torch.rand(shape, generator=torch.Generator().manual_seed(seed)).to(dtype).round(decimals=1)
    eps = SIZES[norm] * share if norm != "l0" else 2.0
    threat = NormThreat(norm=norm, eps=eps)
    start = threat.random_start(x, torch.arange(len(x)), 0, SampleRandom(seed, "t"), (0.0, 1.0))
    assert start.dtype == dtype
    assert bool(threat.contains(x, start, (0.0, 1.0)).all())


def test_contains_says_no_outside_ball_or_box():
    x = torch.tensor([[[[0.0, 0.5]]]])
    threat = Threat.parse("linf:0.1")
    assert bool(threat.contains(x, x + 0.1, (0, 1)).all())
    assert not bool(threat.contains(x, x + 0.101, (0, 1)).any())
    assert not bool(threat.contains(x, x - 0.05, (0, 1)).any())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("linf:8", "did you mean linf:8/255"),
        ("l2:100", "is above"),
        ("l1:1000", "is above"),
        ("l0:2.5", "whole number"),
    ],
)
def test_a_budget_beyond_the_images_is_refused(text, says):
    with pytest.raises(UsageError, match=says):
        Threat.parse(text).check((1, 4, 4), (0.0, 1.0))


def test_with_eps_keeps_the_rest():
    threat = Threat.parse("l2:0.5,targeted").with_eps(0.25)
    assert threat.id == "l2:0.25,targeted"
    for eps in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="eps="):
            NormThreat(norm="l2", eps=eps)


def test_a_budget_meant_for_other_bounds_is_refused():
    with pytest.raises(UsageError, match=r"one step of 255 is 1: write linf:8 for that share"):
        Threat.parse("linf:8/255").check((3, 8, 8), (0, 255))
    with pytest.raises(UsageError, match=r"write l2:127.5 for that share"):
        Threat.parse("l2:0.5").check((3, 8, 8), (0, 255))
    Threat.parse("linf:8").check((3, 8, 8), (0, 255))
    Threat.parse("linf:1/255").check((3, 8, 8), (-1, 1))


def test_a_small_budget_in_bounds_of_units_is_a_budget():
    for bounds in ((-1, 1), (-2, 2), (-3, 3)):
        for text in ("l2:0.001", "linf:0.001", "l1:0.001"):
            Threat.parse(text).check((3, 8, 8), bounds)
