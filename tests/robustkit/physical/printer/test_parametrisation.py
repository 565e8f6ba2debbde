import pytest
import torch

from robustkit.errors import UsageError
from robustkit.physical.printer.black_white_blocks import BlackWhiteBlocks
from robustkit.physical.printer.free_texels import FreeTexels
from robustkit.physical.printer.palette import Palette
from robustkit.physical.printer.palette_mixture import PaletteMixture
from robustkit.physical.printer.parametrisation import Parametrisation, check_size, check_temperature, straight_through
from robustkit.rng import SampleRandom

ALL: list[Parametrisation] = [
    FreeTexels(4, 6),
    PaletteMixture(Palette.default(), 4, 6),
    BlackWhiteBlocks.grid(torch.ones(1, 4, 6), 1.0, 2.0),
]


@pytest.mark.parametrize("parametrisation", ALL, ids=lambda p: type(p).__name__)
def test_each_maps_any_parameters_to_a_sticker_and_keeps_the_leading_dimensions(parametrisation):
    several = parametrisation.initial(SampleRandom(0, "rp2"), torch.arange(2))
    second = {name: values[1] for name, values in several.items()}
    for render, channels in ((parametrisation.texture, 3), (parametrisation.alpha, 1)):
        assert render(several).shape == (2, channels, 4, 6)
        assert torch.allclose(render(several)[1], render(second))
        hard = render(parametrisation.harden(second))
        assert ((hard >= 0) & (hard <= 1)).all()


def test_straight_through_is_the_value_with_the_others_gradient():
    x = torch.tensor([0.2, 0.7], requires_grad=True)
    y = straight_through(x.round(), x * 3)
    assert y.tolist() == [0, 1]
    assert torch.autograd.grad(y.sum(), x)[0].tolist() == [3, 3]


def test_sizes_and_temperatures_are_checked():
    check_size(1, 1)
    check_temperature(0.1)
    with pytest.raises(UsageError, match="1 x 0 texels"):
        check_size(1, 0)
    with pytest.raises(UsageError, match="temperature=nan"):
        check_temperature(float("nan"))
