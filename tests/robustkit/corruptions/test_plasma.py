import numpy as np
import pytest

from robustkit.corruptions.plasma import plasma


def diamond_square(draw, decay):
    """One point after the other on a torus."""
    side = len(draw)
    heights, step, wibble = np.zeros((side, side)), side, 100.0
    while step >= 2:
        half = step // 2
        noise = wibble**2 * (2 * draw - 1)
        for i in range(half, side, step):
            for j in range(half, side, step):
                around = [heights[(i + a) % side, (j + b) % side] for a in (-half, half) for b in (-half, half)]
                heights[i, j] = np.mean(around) + noise[i, j]
        for i in range(0, side, half):
            for j in range((i + half) % step, side, step):
                around = [heights[(i + a) % side, (j + b) % side] for a, b in ((-half, 0), (half, 0), (0, -half), (0, half))]
                heights[i, j] = np.mean(around) + noise[i, j]
        step, wibble = half, wibble / decay
    return (heights - heights.min()) / (heights.max() - heights.min())


@pytest.mark.parametrize("decay", [1.4, 3.0])
def test_clouds_are_those_of_diamond_and_square(draws, decay):
    draw = draws.uniform((16, 16), "plasma").numpy()
    clouds = plasma(16, 13, decay, draws)
    assert clouds.shape == (4, 1, 16, 13)
    for n in range(4):
        np.testing.assert_allclose(clouds[n, 0].numpy(), diamond_square(draw[n], decay)[:, :13], atol=1e-12)
