import dataclasses

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from robustkit.corruptions import Draws
from robustkit.rng import SampleRandom


def test_a_draw_belongs_to_its_sample_and_its_realisation(draws):
    def few(**changed):
        return dataclasses.replace(draws, **changed).uniform((3,), "a")

    whole = few()
    assert whole.shape == (4, 3)
    assert torch.equal(few(sample_ids=torch.tensor([2, 0])), whole[[2, 0]])
    assert not torch.equal(few(number=1), whole)
    mixed = few(number=torch.tensor([0, 1, 0, 1]))
    assert torch.equal(mixed[[0, 2]], whole[[0, 2]])
    assert torch.equal(mixed[[1, 3]], few(number=1)[[1, 3]])


def test_every_stream_of_every_corruption_is_its_own(draws):
    other = dataclasses.replace(draws, name="other")
    drawn = [each.uniform((8,), stream) for each in (draws, other) for stream in ("a", "b")]
    assert len({tuple(values[0].tolist()) for values in drawn}) == 4


@given(low=st.floats(-5, 5), width=st.floats(0.1, 5), high=st.integers(1, 100), seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_draws_stay_in_their_ranges(low, width, high, seed):
    draws = Draws(random=SampleRandom(seed, "test"), sample_ids=torch.arange(3), number=0, name="n")
    between, whole = draws.between(low, low + width, (20,), "a"), draws.integers(high, (20,), "b")
    assert bool(((between >= low) & (between <= low + width)).all())
    assert bool(((whole >= 0) & (whole < high)).all())
    assert (between.dtype, whole.dtype, draws.normal((2,), "c", torch.float32).dtype) == (
        torch.float64, torch.int64, torch.float32,
    )  # fmt: skip
