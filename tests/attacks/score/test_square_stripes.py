"""Square Attack's proposals for linf against a reimplementation sample by sample."""

import dataclasses

import torch

from robustkit.attacks.score.square_stripes import paint_square, start_stripes, window


def test_stripes_are_vertical_and_on_the_edge(batch_of_six):
    b = batch_of_six("linf:0.1")
    b.samples = dataclasses.replace(b.samples, x=b.x * 0.5 + 0.25)
    delta = start_stripes(b) - b.x
    assert torch.allclose(delta.abs(), torch.full_like(delta, 0.1))
    assert bool((delta.sign() == delta.sign()[:, :, :1]).all())
    assert 0.2 < float((delta[:, :, 0] > 0).double().mean()) < 0.8


def test_linf_square_is_two_eps_clipped_to_ball_and_box(batch_of_six, words):
    b, size = batch_of_six("linf:0.1"), torch.tensor([1, 2, 3, 5, 9, 10])
    x_best, w = start_stripes(b), words(3)
    got = paint_square(b, x_best, w, size)
    for i in range(6):
        side = int(size[i])
        top, left = int(w[i, 0]) * (12 - side + 1) >> 32, int(w[i, 1]) * (10 - side + 1) >> 32
        delta = torch.zeros(3, 12, 10, dtype=torch.float64)
        for c in range(3):
            delta[c, top : top + side, left : left + side] = 0.2 if int(w[i, 2]) >> c & 1 else -0.2
        expected = (x_best[i] + delta).maximum(b.x[i] - 0.1).minimum(b.x[i] + 0.1).clamp(0, 1)
        assert torch.allclose(got[i], expected, atol=1e-15)


def test_every_place_gets_a_window(batch_of_six, words):
    b = batch_of_six("linf:0.1", shape=(400, 1, 4, 5))
    b.samples = dataclasses.replace(b.samples, x=b.x * 0 + 0.5)
    changed = paint_square(b, b.x, words(3, 400), torch.full((400,), 3)) != b.x
    assert bool(changed.any(0).all())
    assert bool((changed.flatten(1).sum(1) == 9).all())


def test_a_window_is_a_square_of_ones():
    ones = window(torch.tensor([0, 1]), torch.tensor([2, 0]), torch.tensor([1, 2]), torch.zeros(2, 3, 3, 4))
    expected = torch.zeros(2, 1, 3, 4)
    expected[0, 0, 0, 2] = 1
    expected[1, 0, 1:, :2] = 1
    assert torch.equal(ones, expected)
