import math

import torch

from robustkit.colour import srgb_to_linear
from robustkit.physical.views import ShadowEdge


def parameters(light, reach, softness, angle):
    values = {"light": light, "reach": reach, "softness": softness, "angle": angle}
    return {name: torch.tensor([value]) for name, value in values.items()}


def test_one_side_keeps_its_light_and_the_other_a_share():
    x = torch.full((1, 3, 8, 8), 0.6)
    shaded = srgb_to_linear(ShadowEdge()(x, parameters(0.25, 0.0, 0.01, 0.0))) / srgb_to_linear(x)
    assert torch.allclose(shaded[..., :4], torch.ones(1, 3, 8, 4), atol=1e-5)
    assert torch.allclose(shaded[..., 4:], torch.full((1, 3, 8, 4), 0.25), atol=1e-5)
    below = srgb_to_linear(ShadowEdge()(x, parameters(0.25, 0.25, 0.01, math.pi / 2))) / srgb_to_linear(x)
    assert torch.allclose(below[0, 0, :, 0], torch.tensor([1.0] * 6 + [0.25] * 2), atol=1e-5)


def test_a_soft_edge_falls_smoothly_and_is_half_on_the_line():
    x = torch.ones(1, 3, 3, 33)
    shaded = srgb_to_linear(ShadowEdge()(x, parameters(0.5, 0.0, 4.0, 0.0)))[0, 0, 1]
    assert bool((shaded.diff() <= 0).all())
    assert abs(float(shaded[16]) - 0.75) < 1e-5
    assert abs(float(shaded[0]) - 1) < 1e-5
    assert abs(float(shaded[-1]) - 0.5) < 1e-5


def test_edges_have_all_directions(random):
    angle = ShadowEdge().draw(torch.arange(1000), random)["angle"]
    assert float(angle.cos().mean().abs()) < 0.1
    assert float(angle.sin().mean().abs()) < 0.1
