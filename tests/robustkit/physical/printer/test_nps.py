import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

from robustkit.physical.printer.nps import non_printability_score, printability_distance
from robustkit.physical.printer.palette import Palette

PALETTE = Palette(torch.tensor([[0.0, 0, 0], [1, 1, 1], [0.8, 0.1, 0.1]]))


def texture():
    return torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def ones(x):
    return torch.ones_like(x[..., :1, :, :])


def test_the_score_is_the_product_of_the_distances_summed():
    grey = torch.full((3, 1, 2), 0.5)
    expected = 0.75**0.5 * 0.75**0.5 * (0.3**2 + 0.4**2 + 0.4**2) ** 0.5
    assert non_printability_score(grey, PALETTE, ones(grey)).item() == pytest.approx(2 * expected)
    assert non_printability_score(grey, PALETTE, torch.tensor([[[1.0, 0]]])).item() == pytest.approx(expected)


def test_a_printable_texture_scores_nothing_and_its_gradient_is_finite():
    texture = PALETTE.colours.T[:, None, :].clone().requires_grad_()
    score = non_printability_score(texture, PALETTE, ones(texture))
    assert score == 0
    assert torch.autograd.grad(score, texture)[0].isfinite().all()


def test_the_distance_is_near_that_to_the_nearest_colour_in_lab():
    x = texture()
    apart = rgb2lab(x.movedim(0, -1).numpy())[..., None, :] - rgb2lab(PALETTE.colours.double().numpy())
    nearest = np.linalg.norm(apart, axis=-1).min(-1).mean()
    assert printability_distance(x, PALETTE, ones(x)).item() == pytest.approx(nearest, abs=1 + np.log(3))
    assert printability_distance(x, PALETTE, ones(x)) < nearest


def test_only_masked_texels_count():
    x, mask = texture(), torch.zeros(1, 4, 5, dtype=torch.float64)
    mask[0, 1, 2] = 1
    alone = x[:, 1:2, 2:3]
    for measure in (non_printability_score, printability_distance):
        assert torch.allclose(measure(x, PALETTE, mask), measure(alone, PALETTE, ones(alone)))
    assert printability_distance(x, PALETTE, torch.zeros_like(mask)) == 0


def test_the_distance_is_smooth_everywhere():
    on_a_colour = PALETTE.colours.double().T[:, None, :]
    for x in (texture(), on_a_colour * 0.98 + 0.01):
        assert torch.autograd.gradcheck(lambda x: printability_distance(x, PALETTE, ones(x)), x.clone().requires_grad_())
    x = on_a_colour.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(printability_distance(x, PALETTE, ones(x)), x)
    assert gradient.isfinite().all()
    x = texture().requires_grad_()
    (gradient,) = torch.autograd.grad(printability_distance(x, PALETTE, ones(x)), x)
    assert (gradient.norm(dim=0) > 1e-3).all()


def test_descent_ends_at_palette_colours():
    x = texture().float().requires_grad_()
    optimiser = torch.optim.Adam([x], lr=0.02)
    for _ in range(300):
        optimiser.zero_grad()
        printability_distance(x, PALETTE, ones(x)).backward()
        optimiser.step()
    assert (x - PALETTE.snap(x.detach())).abs().max() < 0.05


def test_leading_dimensions_are_kept():
    batch = torch.stack([texture(), 1 - texture()])
    for measure in (non_printability_score, printability_distance):
        assert torch.allclose(measure(batch, PALETTE, ones(batch))[1], measure(batch[1], PALETTE, ones(batch[1])))
