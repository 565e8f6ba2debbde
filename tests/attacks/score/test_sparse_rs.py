"""Sparse-RS uses its whole budget, follows its schedule, and never replaces a location by itself."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.attacks.score.sparse_rs import distinct, replaced
from robustkit.build import attack
from robustkit.contracts.classification import CLASSIFICATION
from robustkit.contracts.samples import Samples
from robustkit.engine.stepping import Batch, Response
from robustkit.rng import SampleRandom
from robustkit.threats import Threat


def batch(threat, shape=(4, 3, 6, 5)):
    x = torch.rand(shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    x[0], x[1] = 0, 1
    ids = torch.arange(shape[0])
    return Batch(
        samples=Samples(x, ids * 0, ids), criterion=CLASSIFICATION, attempt=ids * 0, clean_logits=None,
        threat=Threat.parse(threat), bounds=(0, 1), random=SampleRandom(0, "sparse-rs"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("query", "count"),
    [(1, 75), (25, 75), (26, 37), (100, 37), (250, 30), (500, 24), (1000, 18), (2000, 15), (4001, 7), (5000, 7)],
)
def test_schedule(query, count):
    table, most = replaced(5000, 0.3, 500, 10_000, torch.device("cpu"))
    assert int(table[query - 1]) == count
    assert most == 75


def changed_places(b, x_adv, pixels):
    changed = x_adv != b.x
    return changed.any(1).flatten(1) if pixels else changed.flatten(1)


@pytest.mark.parametrize(("eps", "pixels", "places"), [(14, True, 4), (3, True, 1), (2, False, 2), (90, True, 29)])
def test_each_query_differs_in_exactly_the_budget(eps, pixels, places):
    b, sparse = batch(f"l0:{eps}"), attack("sparse-rs", steps=20, alpha_init=1)
    state = sparse.start(b)
    zero = torch.zeros(4, dtype=torch.int64)
    best = changed_places(b, state.x_adv, pixels)
    for step in range(20):
        now = changed_places(b, state.x_adv, pixels)
        assert now.sum(1).tolist() == [places] * 4
        values = state.x_adv[(state.x_adv != b.x)]
        assert bool(((values == 0) | (values == 1)).all())
        count = int(replaced(20, 1.0, places, now.shape[1], b.x.device)[0][max(step - 1, 0)])
        if step:
            assert (best & ~now).sum(1).tolist() == [count] * 4
        loss = torch.tensor([1.0, -1, 1, -1]) * (step + 1)  # the first and third sample improve at every step
        if step == 0:
            loss = loss.abs()
        better = torch.tensor([True, step == 0, True, step == 0])
        best = torch.where(better[:, None], now, best)
        at = zero + step
        answer = Response(logits=loss, success=loss > 0, margin=loss, loss=loss, grad=b.x, step=at, taken=at)
        state = sparse.step(b, state, answer)


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(0, 2**32 - 1), st.integers(0, 4))
def test_distinct_locations(count, seed, spare):
    words = torch.randint(0, 2**32, (30, 6), generator=torch.Generator().manual_seed(seed))
    places = distinct(words, count + spare, torch.full((30,), count))
    assert int(places.min()) >= 0
    assert int(places.max()) < count + spare
    assert all(len(set(row)) == count for row in places.tolist())
    assert bool((places[:, count:] == places[:, :1]).all())


def test_locations_are_equally_likely():
    words = torch.randint(0, 2**32, (20_000, 1), generator=torch.Generator().manual_seed(0))
    drawn = distinct(words, 5, torch.ones(20_000, dtype=torch.int64)).flatten().bincount()
    assert bool(((drawn - 4000).abs() < 250).all())


class Dots(nn.Module):
    """Class 0 has a large margin, which only two white pixels reduce."""

    def forward(self, x):
        score = x[:, 0, 1, 1] + x[:, 0, 3, 2]
        return torch.stack([100 - score, score], 1)


def test_finds_the_pixels_that_count():
    x = torch.zeros(3, 1, 4, 4)
    model = Model(Dots(), spec=InputSpec(channels=1), device="cpu")
    result = attack("sparse-rs", steps=300)(model, x, torch.zeros(3, dtype=torch.int64), Threat.parse("l0:2"))
    assert bool((result.x_adv[:, 0, 1, 1] == 1).all())
    assert bool((result.x_adv[:, 0, 3, 2] == 1).all())
    assert result.distance.tolist() == [2] * 3
    assert result.forwards.tolist() == [302] * 3


def test_an_image_of_one_pixel_is_refused():
    with pytest.raises(UsageError, match="at least 2 pixels"):
        attack("sparse-rs").start(batch("l0:1", (2, 1, 1, 1)))


def test_alpha_init_out_of_range():
    with pytest.raises(UsageError, match="alpha_init=0"):
        attack("sparse-rs", alpha_init=0)
