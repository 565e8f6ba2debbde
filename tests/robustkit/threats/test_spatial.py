import pytest
import torch

from robustkit import Threat, UsageError
from robustkit.threats import SpatialThreat


@pytest.mark.parametrize("text", ["spatial:30", "spatial:30,translate=10%", "spatial:7.5,translate=1/10,targeted,queries=50"])
def test_the_id_is_what_the_user_wrote_and_reads_back(text):
    threat = Threat.parse(text)
    assert isinstance(threat, SpatialThreat)
    assert threat.id == text
    assert Threat.parse(threat.id) == threat


def test_ranges():
    assert Threat.parse("spatial:30,translate=10%").ranges == ((-30, 30), (-0.1, 0.1), (-0.1, 0.1))
    assert SpatialThreat(size=30, translate=0.1).id == "spatial:30,translate=10%"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("spatial:0", "above 0"),
        ("spatial:200", "at most 180, a rotation in degrees"),
        ("spatial:30,translate=10", "did you mean|share of the side"),
        ("spatial:30,translate=0%", "above 0"),
        ("spatial:30,shift=10%", "'shift' is unknown"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(text, says):
    with pytest.raises(UsageError, match=says):
        Threat.parse(text)


def moved(x, *parameters, bounds=(0.0, 1.0)):
    threat = SpatialThreat(size=180, translate=0.5)
    return threat.transform(x, torch.tensor([parameters]).expand(len(x), -1), bounds)


def test_quarter_turns_are_exact_and_clockwise():
    x = torch.rand(2, 3, 5, 5, dtype=torch.float64)
    assert torch.allclose(moved(x, 90.0, 0.0, 0.0), x.rot90(-1, (2, 3)), atol=1e-12)
    assert torch.allclose(moved(x, -180.0, 0.0, 0.0), x.flip(2, 3), atol=1e-12)
    assert torch.equal(moved(x, 0.0, 0.0, 0.0), x)


def test_shifts_go_right_and_down_and_leave_the_lowest_value_behind():
    x = torch.rand(1, 1, 4, 10) * 2 - 1
    shifted = moved(x, 0.0, 0.2, 0.25, bounds=(-1.0, 1.0))
    assert torch.allclose(shifted[..., 1:, 2:], x[..., :-1, :-2], atol=1e-6)
    assert bool((shifted[..., 0, :] == -1).all())
    assert bool((shifted[..., :2] == -1).all())


def test_membership_is_shown_by_rendering_again():
    threat = Threat.parse("spatial:30,translate=10%")
    x = torch.rand(6, 1, 8, 8)
    witness = torch.tensor([[30.0, 0.1, -0.1]] * 5 + [[31.0, 0.0, 0.0]], dtype=torch.float64)
    x_adv = threat.transform(x, witness, (0, 1))
    assert threat.distance(x, x_adv).tolist() == [30] * 6
    x_adv[1] = torch.rand(1, 8, 8)
    x_adv[2, 0, 0, 0] = 1.1
    x_adv[3, 0, 0, 0] = torch.nan
    witness[4, 0] = torch.nan
    assert threat.contains(x, x_adv, (0, 1), witness).tolist() == [True, False, False, False, False, False]
    assert not threat.contains(x, x_adv, (0, 1)).any()  # not without the witness
    assert threat.contains(x, x, (0, 1)).all()
