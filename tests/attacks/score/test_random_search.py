"""A search keeps its best query, and its random words are a function of sample, attempt and step only."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from robustkit.attacks.score.random_search import AHEAD, below, coins, next_words, search_loss, words_ahead
from robustkit.build import attack
from robustkit.engine.stepping import Response


def test_words_depend_only_on_the_step(batch_of_six):
    b = batch_of_six("linf:0.1")
    late = words_ahead(b, torch.tensor([0, 1, 5, 90, 91, 92]), 3)
    for i, step in enumerate((0, 1, 5, 90, 91, 92)):
        plain = b.random.bits(b.sample_ids[i : i + 1], (3,), step=step + 7)
        assert torch.equal(late[i : i + 1, 7], plain)


def test_words_are_drawn_again_when_they_run_out(batch_of_six):
    b, steps = batch_of_six("linf:0.1"), AHEAD // 3
    state = attack("square").start(b)
    for step in range(2 * steps + 2):
        state, drawn = next_words(b, state, torch.full((6,), step))
        assert torch.equal(drawn, b.random.bits(b.sample_ids, (3,), step=step))


def test_only_a_better_query_is_kept(batch_of_six):
    b = batch_of_six("linf:0.1")
    square = attack("square", steps=10)
    first = square.start(b)
    answer = Response(
        logits=torch.zeros(6, 2),
        success=torch.zeros(6) > 0,
        margin=torch.zeros(6),
        loss=torch.zeros(6),
        grad=b.x,
        step=torch.zeros(6, dtype=torch.int64),
        taken=torch.zeros(6, dtype=torch.int64),
    )
    second = square.step(b, first, answer)
    assert torch.equal(second.x_best, first.x_adv)
    loss = torch.tensor([1.0, -1, 1, 0, -1, 2])
    third = square.step(b, second, dataclasses.replace(answer, loss=loss, step=answer.step + 1))
    kept = torch.where((loss > 0)[:, None, None, None], second.x_adv, first.x_adv)
    assert torch.equal(third.x_best, kept)
    assert third.loss_best.tolist() == [1, 0, 1, 0, 0, 2]


def test_losses(batch_of_six):
    b = batch_of_six("linf:0.1", (2, 1, 3, 3))
    logits = torch.tensor([[3.0, 1, 2], [0, 4, 1]])
    assert search_loss(b, logits).tolist() == [-1, 4]
    b.samples = dataclasses.replace(b.samples, targets=torch.tensor([2, 2]))
    expected = [2 - math.log(math.e**3 + math.e + math.e**2), 1 - math.log(1 + math.e**4 + math.e)]
    assert search_loss(b, logits).tolist() == pytest.approx(expected, abs=1e-6)


@given(word=st.integers(0, 2**32 - 1), high=st.integers(1, 10**6))
def test_a_word_as_an_integer_below(word, high):
    assert int(below(torch.tensor([word]), high)) == word * high // 2**32


def test_integers_are_uniform():
    counts = below(torch.arange(0, 2**32, 2**20), 5).bincount()
    assert int(counts.max() - counts.min()) <= 1


def test_the_bits_of_a_word_repeat():
    word = torch.tensor([0b1011, 2**31])
    assert coins(word, 5).int().tolist() == [[1, 1, 0, 1, 0], [0] * 5]
    assert torch.equal(coins(word, 70)[:, 32:64], coins(word, 32))
    assert coins(word, 32)[1].nonzero().flatten().tolist() == [31]
