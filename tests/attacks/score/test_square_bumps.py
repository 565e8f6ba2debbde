"""Square Attack's proposals for l2 and l1 against a reimplementation sample by sample."""

import dataclasses

import pytest
import torch

from robustkit.attacks.score.square_bumps import kernel, kernels, move_mass, place, pyramid, start_bumps, total


@pytest.mark.parametrize(("norm", "power"), [(2, 2), (1, 4)])
@pytest.mark.parametrize("side", [1, 2, 3, 4, 5, 8, 13])
def test_kernel_is_the_papers(norm, power, side):
    def rectangles(height, width):
        total = [[0.0] * width for _ in range(height)]
        for k in range(max(height // 2, width // 2) + 1):
            for r in range(max(height // 2 - k, 0), min(height // 2 + k + 1, height)):
                for c in range(max(width // 2 - k, 0), min(width // 2 + k + 1, width)):
                    total[r][c] += 1 / (k + 1) ** power
        length = sum(abs(v) ** norm for row in total for v in row) ** (1 / norm)
        return [[v / length for v in row] for row in total]

    expected = rectangles(side // 2, side) if side > 1 else []
    expected = torch.tensor(
        [*expected, *[[-v for v in row] for row in rectangles(side - side // 2, side)]], dtype=torch.float64
    )
    expected = expected / expected.abs().pow(norm).sum().pow(1 / norm)
    assert torch.allclose(kernel(side, norm, torch.float64, torch.device("cpu")), expected, atol=1e-14)


@pytest.mark.parametrize(("norm", "order"), [("l2", 2), ("l1", 1)])
def test_bumps_match_the_reimplementation(batch_of_six, words, norm, order):
    eps = {"l2": 1.5, "l1": 8.0}[norm]
    b, size = batch_of_six(f"{norm}:{eps}"), torch.tensor([3, 3, 5, 7, 9, 10])
    x_best, w = start_bumps(b), words(6)
    got = move_mass(b, x_best, w, size, (3, 5, 7, 9, 10))

    def length(z):
        return z.abs().pow(order).sum((-2, -1), keepdim=True).pow(1 / order)

    for i in range(6):
        s, x, delta = int(size[i]), b.x[i], x_best[i] - b.x[i]
        (r, c), (r2, c2) = [
            (int(w[i, j]) * (12 - s + 1) >> 32, int(w[i, j + 1]) * (10 - s + 1) >> 32) for j in (0, 2)
        ]  # fmt: skip
        one, two = torch.zeros(12, 10, dtype=torch.bool), torch.zeros(12, 10, dtype=torch.bool)
        one[r : r + s, c : c + s] = True
        two[r2 : r2 + s, c2 : c2 + s] = True
        image, both, window = delta.abs().pow(order).sum(), length(delta * (one | two)), delta[:, r : r + s, c : c + s]
        bump = kernel(s, order, torch.float64, torch.device("cpu"))
        bump = bump.T if int(w[i, 4]) & 1 else bump
        sign = torch.tensor([1.0 if int(w[i, 5]) >> channel & 1 else -1.0 for channel in range(3)], dtype=torch.float64)
        new = bump * sign[:, None, None] + window / (1e-12 + length(window))
        spare = max(eps**order - float(image), 0) / 3
        mass = (spare + both.square()).sqrt() if order == 2 else (spare + both) * 3
        new = new / (1e-12 + length(new)) * mass
        delta = delta * ~two
        delta[:, r : r + s, c : c + s] = new
        if order == 2:
            expected = (x + delta / delta.square().sum().sqrt() * eps).clamp(0, 1)
        else:
            expected = b.threat.project(x[None], (x + delta)[None], (0, 1))[0]
        assert torch.allclose(got[i], expected, atol=1e-7), i


def test_a_bump_is_placed_in_its_window():
    shapes = torch.zeros(2, 4, 4)
    shapes[0, :2, :2], shapes[1, :3, :3] = 1, 2
    got = place(
        shapes, torch.tensor([0, 1]), torch.tensor([0, 1]), torch.tensor([2, 1]), torch.tensor([2, 3]), torch.zeros(2, 1, 4, 4)
    )
    expected = torch.zeros(2, 1, 4, 4)
    expected[0, 0, :2, 2:], expected[1, 0, 1:, 1:] = 1, 2
    assert torch.equal(got, expected)


@pytest.mark.parametrize(("threat", "eps"), [("l2:0.7", 0.7), ("l1:4", 4.0)])
@pytest.mark.parametrize("shape", [(2, 1, 1, 1), (2, 3, 4, 7), (2, 1, 28, 28), (2, 1, 14, 17)])
def test_first_bumps_use_the_whole_budget_where_the_box_allows(batch_of_six, threat, eps, shape):
    b = batch_of_six(threat, shape)
    b.samples = dataclasses.replace(b.samples, x=b.x * 0 + 0.5)
    delta = start_bumps(b) - b.x
    if shape == (2, 1, 1, 1):
        eps = 0.5 if threat.startswith("l1") else min(eps, 0.5)
    length = delta.flatten(1).norm(2 if threat.startswith("l2") else 1, dim=1)
    assert bool((length <= eps + 1e-9).all())
    if shape[2] > 1 and threat.startswith("l2"):
        assert bool((length > 0.9 * eps).all())


@pytest.mark.parametrize("order", [1, 2])
def test_a_pyramid_decreases_from_its_centre_and_has_norm_one(order):
    heights = pyramid(5, 5, order)
    assert float(torch.linalg.vector_norm(heights, order)) == pytest.approx(1)
    assert torch.equal(heights, heights.T)
    assert torch.equal(heights, heights.flip(0))
    assert bool((heights[2, 2:].diff() < 0).all())


def test_all_kernels_lie_in_one_table_with_a_border_of_zeros():
    cpu = torch.device("cpu")
    found = kernels((1, 3, 4), 2, torch.float64, cpu)
    assert found.shape == (3, 2, 5, 5)
    assert torch.equal(found[1, 0, :3, :3], kernel(3, 2, torch.float64, cpu))
    assert torch.equal(found[1, 1, :3, :3], kernel(3, 2, torch.float64, cpu).T)
    assert int((found != 0).sum()) == 2 * (1 + 9 + 16)


def test_sums_of_channels():
    assert total(torch.arange(8.0).reshape(1, 2, 2, 2)).flatten().tolist() == [6, 22]
