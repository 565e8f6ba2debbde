import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from robustkit.errors import UsageError
from robustkit.physical.printer.palette import Palette
from robustkit.physical.printer.palette_mixture import PaletteMixture
from robustkit.rng import SampleRandom

PALETTE = Palette.default()


def only_palette_colours(texture):
    texels = texture.movedim(-3, -1).reshape(-1, 1, 3)
    return (texels == PALETTE.colours).all(-1).any(-1).all()


@given(st.integers(0, 2**32), st.floats(0.01, 10))
@settings(deadline=None, max_examples=20)
def test_a_mixture_lies_between_the_colours_and_hardens_to_some_of_them(seed, temperature):
    mixture = PaletteMixture(PALETTE, 3, 4, temperature)
    parameters = mixture.initial(SampleRandom(seed, "rp2"), torch.arange(2))
    texture = mixture.texture(parameters)
    assert texture.shape == (2, 3, 3, 4)
    low, high = (edge[:, None, None] for edge in (PALETTE.colours.amin(0), PALETTE.colours.amax(0)))
    assert ((texture >= low - 1e-6) & (texture <= high + 1e-6)).all()
    assert only_palette_colours(mixture.texture(mixture.harden(parameters)))
    assert torch.equal(mixture.alpha(parameters), torch.ones(2, 1, 3, 4))


def test_a_low_temperature_is_near_to_hardened():
    parameters = PaletteMixture(PALETTE, 3, 4).initial(SampleRandom(0, "rp2"), torch.arange(1))
    cold = PaletteMixture(PALETTE, 3, 4, temperature=1e-6)
    assert torch.allclose(cold.texture(parameters), cold.texture(cold.harden(parameters)), atol=1e-3)


def test_straight_through_shows_palette_colours_and_passes_the_mixtures_gradient():
    soft, straight = PaletteMixture(PALETTE, 3, 4), PaletteMixture(PALETTE, 3, 4, straight_through=True)
    logits = soft.initial(SampleRandom(0, "rp2"), torch.arange(1))["logits"].requires_grad_()
    weight = torch.rand(3, 3, 4, generator=torch.Generator().manual_seed(0))
    assert only_palette_colours(straight.texture({"logits": logits}))
    gradients = [torch.autograd.grad((p.texture({"logits": logits}) * weight).sum(), logits)[0] for p in (soft, straight)]
    assert torch.equal(*gradients)
    assert (gradients[0] != 0).all()


def test_descent_finds_the_palettes_own_colours():
    mixture = PaletteMixture(PALETTE, 2, 3, straight_through=True)
    wanted = PALETTE.colours[[3, 7, 11, 0, 1, 29]].T.reshape(3, 2, 3)
    logits = mixture.initial(SampleRandom(0, "rp2"), torch.arange(1))["logits"][0].requires_grad_()
    optimiser = torch.optim.Adam([logits], lr=0.2)
    for _ in range(200):
        optimiser.zero_grad()
        (mixture.texture({"logits": logits}) - wanted).pow(2).sum().backward()
        optimiser.step()
    assert torch.equal(mixture.texture(mixture.harden({"logits": logits.detach()})), wanted)


def test_invalid_ones_are_refused():
    with pytest.raises(UsageError, match="0 x 3 texels"):
        PaletteMixture(PALETTE, 0, 3)
    with pytest.raises(UsageError, match="temperature=0"):
        PaletteMixture(PALETTE, 2, 2, temperature=0)
