import pytest
import torch

from robustkit.physical.printer.asking import ask_for, gamut_distance
from robustkit.physical.printer.palette import Palette
from robustkit.physical.printer.print_model import PrintModel


@pytest.fixture(scope="module")
def typical():
    return PrintModel.typical()


def test_what_the_printer_made_can_be_asked_for(typical):
    flat = PrintModel(typical.curves, typical.lattice)
    wanted = flat(torch.rand(3, 5, 5, generator=torch.Generator().manual_seed(0)), pitch_mm=1.0)
    asked = ask_for(flat, wanted, pitch_mm=1.0)
    assert asked.delta_e.max() < 0.5
    assert torch.equal(asked.printed, flat(asked.texture, pitch_mm=1.0))
    assert ((asked.texture >= 0) & (asked.texture <= 1)).all()


def test_asking_makes_up_for_some_of_the_spread_of_ink(typical):
    wanted = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0)) * 0.2 + 0.5
    flat = ask_for(PrintModel(typical.curves, typical.lattice), wanted, pitch_mm=0.3)
    aware = ask_for(typical, wanted, pitch_mm=0.3)
    assert aware.delta_e.mean() < (typical(flat.texture, 0.3) - wanted).abs().mean() * 100


def test_the_distance_to_the_gamut(typical):
    assert gamut_distance(typical, Palette.default().colours).max() < 0.5
    assert gamut_distance(typical, torch.tensor([[0.0, 1, 0], [0, 0, 1], [0, 0, 0]])).min() > 5
