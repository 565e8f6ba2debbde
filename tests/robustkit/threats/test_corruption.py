import pytest
import torch

from robustkit import Threat, UsageError
from robustkit.corruptions import CORRUPTIONS, corrupt
from robustkit.rng import SampleRandom
from robustkit.threats import CorruptionThreat
from robustkit.threats.corruption import DRAWS


@pytest.mark.parametrize("text", ["corruption:3", "corruption:5,kinds=fog+snow,targeted", "corruption:1,queries=30"])
def test_the_id_is_what_the_user_wrote_and_reads_back(text):
    threat = Threat.parse(text)
    assert isinstance(threat, CorruptionThreat)
    assert threat.id == text
    assert Threat.parse(threat.id) == threat


def test_all_kinds_by_default():
    assert Threat.parse("corruption:3").kinds == tuple(CORRUPTIONS)
    assert Threat.parse(f"corruption:3,kinds={'+'.join(CORRUPTIONS)}").id == "corruption:3"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("corruption:0", "not one of 1 to 5"),
        ("corruption:6", "not one of 1 to 5"),
        ("corruption:2.5", "not one of 1 to 5"),
        ("corruption:3,kinds=fgo", "did you mean 'fog'"),
        ("corruption:3,kinds=fog+fog", "each given once"),
        ("corruption:3,kinds=", "is unknown"),
        ("corruption:3,kind=fog", "did you mean 'kinds'"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(text, says):
    with pytest.raises(UsageError, match=says):
        Threat.parse(text)


def test_every_image_gets_its_own_corruption_in_the_models_bounds():
    threat = Threat.parse("corruption:4,kinds=fog+gaussian_noise+contrast")
    x = torch.rand(4, 3, 12, 10, dtype=torch.float64)
    which, ids, number = torch.tensor([2, 0, 1, 0]), torch.tensor([3, 4, 5, 6]), torch.tensor([0, 0, 7, 1])
    random = SampleRandom(0, "test")
    made = threat.transform(2 * x - 1, which, (-1.0, 1.0), random, ids, number)
    for row, kind in enumerate(("contrast", "fog", "gaussian_noise", "fog")):
        rows = slice(row, row + 1)
        expected = corrupt(kind, x[rows], 4, random, ids[rows], number[rows])
        assert torch.allclose(made[rows], 2 * expected - 1, atol=1e-12)
    assert threat.distance(x, made).tolist() == [4, 4, 4, 4]


@pytest.mark.parametrize("seed", [0, 7, 2**63 - 1, 2**63, 2**64 - 1])
def test_membership_is_shown_by_corrupting_again(seed):
    threat = Threat.parse("corruption:4,kinds=fog+gaussian_noise+contrast")
    x = torch.rand(5, 3, 12, 10)
    which, ids, number = torch.tensor([2, 0, 1, 0, 1]), torch.tensor([3, 4, 5, 6, 7]), torch.tensor([0, 0, 7, 1, 2])
    made = threat.transform(x, which, (0, 1), SampleRandom(seed, DRAWS), ids, number)
    witness = threat.witness(which, number, ids, seed)
    made[3] = torch.rand(3, 12, 10)
    witness[4, 0] = 9
    assert threat.contains(x, made, (0, 1), witness).tolist() == [True, True, True, False, False]
    assert not threat.contains(x, made + 5, (0, 1), witness).any()
    assert not threat.contains(x, made, (0, 1)).any()
    assert threat.contains(x, x, (0, 1)).all()
