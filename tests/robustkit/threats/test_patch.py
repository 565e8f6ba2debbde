import pytest
import torch

from robustkit.errors import UsageError
from robustkit.threats import PatchThreat, Threat


@pytest.mark.parametrize(
    "text", ["patch:5%", "patch:0.05", "patch:1/20,shape=circle", "patch:10%,shape=circle,placement=center,targeted"]
)
def test_the_id_is_what_the_user_wrote_and_reads_back(text: str) -> None:
    threat = Threat.parse(text)
    assert isinstance(threat, PatchThreat)
    assert threat.id == text
    assert Threat.parse(threat.id) == threat


def test_defaults_are_left_out_of_the_id() -> None:
    threat = Threat.parse("patch:5%,shape=square,placement=random")
    assert threat.id == "patch:5%"
    assert (threat.kind, threat.shape, threat.placement, threat.area) == ("patch", "square", "random", 0.05)
    assert PatchThreat(area=0.05).id == "patch:5%"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("patch:60%", "at most 50%"),
        ("patch:5", r"did you mean patch:5%\?"),
        ("patch:500%", "more than the whole image: write a share of it"),
        ("patch:0%", "above 0"),
        ("patch:five", "not a valid number"),
        ("patch:5%,shape=star", "shape 'star'"),
        ("patch:5%,placement=left", "placement 'left'"),
        ("patch:5%,size=3", "'size' is unknown"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Threat.parse(text)


def test_check_refuses_stickers_smaller_than_a_pixel_and_longer_than_the_image() -> None:
    Threat.parse("patch:5%").check((1, 28, 28), (0, 1))
    with pytest.raises(UsageError, match=r"at least 9, 1\.15% of this one"):
        Threat.parse("patch:0.1%").check((1, 28, 28), (0, 1))
    with pytest.raises(UsageError, match=r"does not fit in an image of 4 x 40: give at most 10\.00%"):
        Threat.parse("patch:20%").check((1, 4, 40), (0, 1))


@pytest.mark.parametrize("text", ["patch:5%", "patch:29%", "patch:7%", "patch:1/20"])
def test_the_budget_counts_pixels_exactly(text: str) -> None:
    threat = Threat.parse(text)
    assert isinstance(threat, PatchThreat)
    assert threat.pixels(10, 20) == {"patch:5%": 10, "patch:29%": 58, "patch:7%": 14, "patch:1/20": 10}[text]


def test_distance_and_membership_are_exact() -> None:
    threat = Threat.parse("patch:5%")
    x = torch.full((3, 3, 10, 20), 0.5)
    x_adv = x.clone()
    x_adv[0, 0, :3, :3] = 1.0
    x_adv[0, 0, 0, 3] = 1.0  # one channel of ten pixels
    x_adv[1, :, :3, :4] = 0.0  # twelve pixels
    x_adv[2, 1, 0, 0] = 1.5  # outside the box
    assert threat.distance(x, x_adv).tolist() == pytest.approx([0.05, 0.06, 0.005])
    assert threat.contains(x, x_adv, (0, 1)).tolist() == [True, False, False]
    assert threat.contains(x, x, (0, 1)).all()
    x_adv[0, 0, 0, 0] = torch.nan
    assert not threat.contains(x, x_adv, (0, 1))[0]


def lies(text: str, *places: tuple[slice | int, slice | int]) -> list[bool]:
    """Whether each set of pixels of a 12 x 12 image may be changed."""
    x = torch.full((len(places), 1, 12, 12), 0.5)
    x_adv = x.clone()
    for row, place in enumerate(places):
        x_adv[row, 0][place] = 1.0
    return Threat.parse(text).contains(x, x_adv, (0, 1)).tolist()


def test_the_changed_pixels_fit_a_sticker_of_the_shape_where_the_threat_puts_it() -> None:
    edge, block, middle = (0, slice(None)), (slice(0, 4), slice(8, 12)), (slice(4, 8), slice(4, 8))
    strip, corners = (slice(3, 5), slice(2, 10)), (slice(None, None, 11), slice(None, None, 11))
    assert lies("patch:16/144", edge, block, middle, strip, corners) == [False, True, True, False, False]
    assert lies("patch:16/144,placement=center", edge, block, middle) == [False, False, True]
    bar = (slice(5, 7), slice(4, 8))
    assert lies("patch:16/144,shape=circle", edge, block, bar, strip) == [False, True, True, False]
    assert lies("patch:16/144,shape=circle,placement=center", edge, block, bar) == [False, False, True]


def test_every_query_is_checked_for_its_pixels_and_the_result_for_its_place_too():
    """Whether a sticker covers the pixels is found out once, at the end, because it takes longer than a small network."""
    threat = Threat.parse("patch:9%")
    x = torch.full((3, 1, 10, 10), 0.5)
    x_adv = x.clone()
    x_adv[0, 0, 2:5, 3:6] = 1  # a sticker
    x_adv[1, 0, ::5, ::4] = 1  # six pixels far apart
    x_adv[2, 0, 2:6, 3:6] = 1  # more than nine pixels
    assert threat.plausible(x, x_adv, (0.0, 1.0)).tolist() == [True, True, False]
    assert threat.contains(x, x_adv, (0.0, 1.0)).tolist() == [True, False, False]
    assert threat.plausible(x, x_adv, (0.0, 0.9)).tolist() == [False] * 3
