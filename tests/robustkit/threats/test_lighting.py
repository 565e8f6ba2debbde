import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from robustkit import Threat, UsageError

KINDS = ("brightness", "contrast", "hue")


@pytest.mark.parametrize("text", ["brightness:0.3", "contrast:30%,targeted", "hue:1/10,knowledge=decision"])
def test_the_id_is_what_the_user_wrote_and_reads_back(text):
    assert Threat.parse(text).id == text
    assert Threat.parse(Threat.parse(text).id) == Threat.parse(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("brightness:1.5", "at most 1, a share of the bounds' span"),
        ("contrast:0", "above 0"),
        ("hue:0.6", "at most 0.5, a share of the circle"),
        ("hue:0.1,shape=circle", "'shape' is unknown"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(text, says):
    with pytest.raises(UsageError, match=says):
        Threat.parse(text)


def test_greys_have_no_hue():
    Threat.parse("hue:0.1").check((3, 8, 8), (0, 1))
    with pytest.raises(UsageError, match="3 channels, but these have 1"):
        Threat.parse("hue:0.1").check((1, 8, 8), (0, 1))


def test_transformations_by_hand():
    x = torch.tensor([[0.1, 0.5, 0.9]])[:, :, None, None]

    def made(kind, value):
        return Threat.parse(f"{kind}:0.5").transform(x, torch.tensor([[value]]), (0.0, 1.0))[0, :, 0, 0].tolist()

    assert made("brightness", 0.3) == pytest.approx([0.4, 0.8, 1.0])
    assert made("contrast", 1.5) == pytest.approx([0.0, 0.5, 1.0])
    assert made("contrast", 0.5) == pytest.approx([0.3, 0.5, 0.7])
    assert made("hue", 1 / 3) == pytest.approx([0.9, 0.1, 0.5])


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.sampled_from([torch.float32, torch.float64]),
    st.sampled_from([(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)]),
    st.integers(0, 2**40),
    st.floats(-1, 1),
    st.sampled_from([0, 1, 8]),
)
def test_what_is_within_is_found_to_be_and_what_is_beyond_is_not(kind, dtype, bounds, seed, share, levels):
    threat = Threat.parse(f"{kind}:0.2")
    x = torch.rand(4, 3, 6, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    if levels:
        x = (x * levels).round() / levels  # pixels at the bounds, for levels=1 all of them
    x[0], x[1], x[2] = 0, 1, 0.5
    x = (bounds[0] + (bounds[1] - bounds[0]) * x).to(dtype)
    centre = sum(threat.ranges[0]) / 2
    inside = threat.transform(x, torch.full((4, 1), centre + 0.2 * share, dtype=torch.float64), bounds)
    assert bool(threat.contains(x, inside, bounds).all())
    assert bool((threat.distance(x, inside) <= 0.2 * (bounds[1] - bounds[0]) * (1 + 1e-4)).all())
    beyond = threat.transform(x[3:], torch.full((1, 1), centre - 0.2 - 0.01), bounds)
    assert not bool(threat.contains(x[3:], beyond, bounds).any())
    # One pixel changed for itself is not what the same change of all pixels gives.
    other = inside[3:].clone()
    other[0, :, 0, 0] = bounds[0] + (bounds[1] - bounds[0]) * (
        (other[0, :, 0, 0] - bounds[0]) / (bounds[1] - bounds[0]) * 0.5 + 0.3
    )
    assert not bool(threat.contains(x[3:], other, bounds).any())


@pytest.mark.parametrize("kind", KINDS)
def test_the_clean_image_is_within_and_nan_is_not(kind):
    threat = Threat.parse(f"{kind}:0.1")
    x = torch.rand(3, 3, 4, 4).round()
    assert bool(threat.contains(x, x, (0, 1)).all())
    broken = x.clone()
    broken[0, 0, 0, 0] = torch.nan
    broken[1] = 1.5
    assert threat.contains(x, broken, (0, 1)).tolist() == [False, False, True]


def test_distances_say_how_much_was_used():
    x = torch.tensor([[0.2, 0.5, 0.6]])[:, :, None, None]
    for kind, value in (("brightness", 0.15), ("hue", -0.07)):
        threat = Threat.parse(f"{kind}:0.3")
        made = threat.transform(x, torch.tensor([[value]]), (0, 1))
        assert float(threat.distance(x, made)) == pytest.approx(abs(value), abs=1e-5)
    assert float(Threat.parse("contrast:0.3").distance(x, x)) == pytest.approx(0.3)
