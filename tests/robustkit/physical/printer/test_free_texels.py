import pytest
import torch

from robustkit.errors import UsageError
from robustkit.physical.printer.free_texels import FreeTexels
from robustkit.rng import SampleRandom


@pytest.mark.parametrize("squash", ["sigmoid", "clamp"])
def test_any_parameters_make_a_texture_in_range_and_receive_gradients(squash):
    free = FreeTexels(4, 5, squash)
    texels = torch.linspace(-9, 9, 60).reshape(3, 4, 5).requires_grad_()
    texture = free.texture({"texels": texels})
    assert texture.shape == (3, 4, 5)
    assert ((texture >= 0) & (texture <= 1)).all()
    assert (torch.autograd.grad(texture.sum(), texels)[0] > 0).all()


@pytest.mark.parametrize("squash", ["sigmoid", "clamp"])
def test_it_starts_random_in_the_middle_the_same_for_each_id(squash):
    free, random = FreeTexels(4, 5, squash), SampleRandom(0, "rp2")
    first = free.texture(free.initial(random, torch.arange(3)))
    assert first.shape == (3, 3, 4, 5)
    assert ((first > 0.24) & (first < 0.76)).all()
    assert torch.equal(free.texture(free.initial(random, torch.tensor([2])))[0], first[2])
    assert not torch.equal(first[0], first[1])


def test_it_is_present_everywhere_and_nothing_is_left_to_harden():
    free = FreeTexels(2, 2)
    parameters = free.initial(SampleRandom(0, "rp2"), torch.arange(2))
    assert torch.equal(free.alpha(parameters), torch.ones(2, 1, 2, 2))
    assert free.harden(parameters) is parameters


def test_invalid_ones_are_refused():
    with pytest.raises(UsageError, match="0 x 3 texels"):
        FreeTexels(0, 3)
    with pytest.raises(UsageError, match="squash='tanh'"):
        FreeTexels(2, 2, "tanh")
