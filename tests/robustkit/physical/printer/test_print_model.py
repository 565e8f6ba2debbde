import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from robustkit.errors import UsageError
from robustkit.physical.printer.print_model import PrintModel


@pytest.fixture(scope="module")
def typical():
    return PrintModel.typical()


def texture(height=6, width=7):
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(0))


def spread(deviation_mm):
    ideal = PrintModel.ideal()
    return PrintModel(ideal.curves, ideal.lattice, deviation_mm)


def test_the_ideal_printer_prints_what_is_asked():
    assert torch.allclose(PrintModel.ideal()(texture(), pitch_mm=1.0), texture(), atol=1e-6)


def test_white_is_paper_and_black_is_ink(typical):
    printed = typical.colours(torch.tensor([[1.0, 1, 1], [0, 0, 0]]))
    assert torch.allclose(printed, torch.stack([typical.paper_white, typical.ink_black]), atol=1e-6)
    assert (typical.paper_white > 0.9).all()
    assert (typical.ink_black > 0.2).all()


@given(st.lists(st.tuples(*[st.floats(-0.1, 1.1)] * 3), min_size=1, max_size=8))
@settings(deadline=None)
def test_no_print_is_lighter_than_the_lightest_ink_or_darker_than_the_darkest(asked):
    typical = PrintModel.typical()
    printed = typical.colours(torch.tensor(asked))
    corners = typical.lattice.reshape(-1, 3)
    assert (printed >= corners.amin(0) - 1e-6).all()
    assert (printed <= corners.amax(0) + 1e-6).all()


def test_every_asked_value_receives_a_finite_gradient(typical):
    asked = torch.tensor([0.0, 0.3, 0.5, 1.0]).expand(3, 4, 4).clone().requires_grad_()
    (gradient,) = torch.autograd.grad(typical(asked, pitch_mm=0.2).sum(), asked)
    assert gradient.isfinite().all()
    assert (gradient != 0).all()


def test_spread_leaves_uniform_areas_as_they_are():
    grey = torch.full((3, 5, 5), 0.4)
    assert torch.allclose(spread(0.5)(grey, pitch_mm=0.25), grey, atol=1e-5)


def test_spread_widens_a_black_line():
    line = torch.ones(3, 9, 9)
    line[:, :, 4] = 0
    printed = spread(0.1)(line, pitch_mm=0.1)
    assert (printed[:, :, 3] < 0.7).all()  # a blur of light would leave 0.89
    assert torch.allclose(printed, printed.flip(2), atol=1e-6)
    assert torch.allclose(printed, printed[:, :1], atol=1e-6)


def test_spread_is_in_millimetres():
    edge = torch.ones(3, 4, 16)
    edge[:, :, 8:] = 0
    wide = spread(0.4)(edge, pitch_mm=0.2)
    assert torch.equal(wide, spread(0.8)(edge, pitch_mm=0.4))
    assert (wide - edge).abs().mean() > (spread(0.4)(edge, pitch_mm=0.4) - edge).abs().mean()
    assert torch.equal(spread(0.4)(edge, pitch_mm=10.0), spread(0.0)(edge, pitch_mm=10.0))


def test_leading_dimensions_are_kept(typical):
    batch = torch.stack([texture(), 1 - texture()])
    assert torch.allclose(typical(batch, pitch_mm=0.2)[1], typical(batch[1], pitch_mm=0.2), atol=1e-6)


def test_a_saved_model_is_loaded_exactly(typical, tmp_path):
    typical.save(tmp_path / "printer.json")
    again = PrintModel.load(tmp_path / "printer.json")
    assert torch.equal(again.lattice, typical.lattice)
    assert torch.equal(again.curves, typical.curves)
    assert again.spread_mm == typical.spread_mm


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"curves": [[1]], "lattice": [], "spread_mm": 0}'])
def test_a_file_that_is_no_model_is_named(content, tmp_path):
    (tmp_path / "bad.json").write_text(content)
    with pytest.raises(UsageError, match=r"bad\.json is not a print model"):
        PrintModel.load(tmp_path / "bad.json")


def test_invalid_models_are_refused():
    ideal = PrintModel.ideal()
    with pytest.raises(UsageError, match=r"give \(3, d \+ 1\)"):
        PrintModel(ideal.curves[:2], ideal.lattice)
    with pytest.raises(UsageError, match="rise from 0 to 1"):
        PrintModel(ideal.curves.flip(1), ideal.lattice)
    with pytest.raises(UsageError, match="spread_mm=-1"):
        PrintModel(ideal.curves, ideal.lattice, -1)
    with pytest.raises(UsageError, match="pitch_mm=0"):
        ideal(texture(), pitch_mm=0)
    with pytest.raises(UsageError, match="pitch_mm=nan"):
        ideal(texture(), pitch_mm=math.nan)
