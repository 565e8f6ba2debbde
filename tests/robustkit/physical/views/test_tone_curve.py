import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from robustkit.physical.views import ToneCurve


def curve(gamma, contrast):
    x = torch.linspace(0, 1, 101, dtype=torch.float64)[None, None, None].requires_grad_()
    parameters = {"gamma": torch.tensor([gamma]).double(), "contrast": torch.tensor([contrast]).double()}
    y = ToneCurve()(x, parameters)
    (slope,) = torch.autograd.grad(y.sum(), x)
    return y.detach().flatten(), slope.flatten()


@given(st.floats(0.3, 3), st.floats(-0.45, 0.45))
def test_a_curve_rises_everywhere_and_keeps_black_and_white(gamma, contrast):
    y, slope = curve(gamma, contrast)
    assert float(y[0]) == pytest.approx(0, abs=1e-12)
    assert float(y[-1]) == pytest.approx(1)
    assert bool((slope > 0).all())
    assert bool(slope.isfinite().all())


def test_gamma_darkens_and_contrast_steepens_the_middle():
    assert float(curve(1.0, 0.2)[1][50]) == pytest.approx(1.2)
    assert float(curve(1.0, 0.2)[1][0]) == pytest.approx(0.6)
    assert float(curve(1.0, 0.2)[0][50]) == pytest.approx(0.5)
    assert float(curve(1.2, 0.0)[0][50]) == pytest.approx(0.5**1.2, abs=0.01)


def test_what_is_brighter_than_white_is_clipped():
    x = torch.tensor([-0.1, 1.7])[None, None, None]
    y = ToneCurve()(x, {"gamma": torch.tensor([1.1]), "contrast": torch.tensor([0.1])})
    assert torch.allclose(y.flatten(), torch.tensor([0.0, 1.0]), atol=1e-6)
