import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from robustkit.rendering import (
    Placement,
    PlacementRange,
    corners,
    cover,
    cutout,
    largest_size,
    outline,
    patch_picture,
    render,
)
from robustkit.rng import SampleRandom
from robustkit.threats import PatchThreat

UNIT = (0.0, 1.0)


def placed(
    x: float, y: float, size: float, angle: float = 0.0, brightness: float = 1.0, dtype: torch.dtype = torch.float32
) -> Placement:
    def one(value: float) -> torch.Tensor:
        return torch.tensor([value], dtype=dtype)

    return Placement(center=torch.tensor([[x, y]], dtype=dtype), size=one(size), angle=one(angle), brightness=one(brightness))


def test_a_square_on_the_grid_has_hard_and_half_covered_pixels_where_they_must_be() -> None:
    x = torch.zeros(1, 1, 6, 8)
    _, alpha = render(x, torch.ones(1, 1, 1), "square", placed(4, 3, 2), UNIT)
    expected = torch.zeros(6, 8)
    expected[2:4, 3:5] = 1
    assert torch.equal(alpha[0, 0], expected)
    shifted, alpha = render(x, torch.ones(1, 1, 1), "square", placed(4.5, 3, 2), UNIT)
    assert alpha[0, 0, 2].tolist() == [0, 0, 0, 0.5, 1, 0.5, 0, 0]
    assert torch.equal(shifted, alpha)


def test_the_texture_turns_and_scales_with_the_sticker() -> None:
    x = torch.zeros(1, 3, 12, 20)
    patch = torch.zeros(3, 2, 2)
    patch[0, 0, 0] = patch[1, 0, 1] = patch[2, 1, 0] = 1  # red, green; blue, black
    upright, _ = render(x, patch, "square", placed(10, 6, 8), UNIT)
    assert upright[0, :, 2, 6].tolist() == [1, 0, 0]
    assert upright[0, :, 2, 13].tolist() == [0, 1, 0]
    assert upright[0, :, 9, 6].tolist() == [0, 0, 1]
    turned, _ = render(x, patch, "square", placed(10, 6, 8, angle=math.pi / 2), UNIT)
    assert turned[0, :, 2, 13] == pytest.approx([1, 0, 0], abs=1e-5)  # clockwise: the red corner is now top right
    assert turned[0, :, 2, 6] == pytest.approx([0, 0, 1], abs=1e-5)


def test_brightness_is_light_on_the_sticker_alone_and_stays_within_bounds() -> None:
    bounds = (-1.0, 1.0)
    x = torch.full((1, 1, 8, 8), 0.25)
    patch = torch.zeros(1, 3, 3)
    dim, alpha = render(x, patch, "circle", placed(4, 4, 4, brightness=0.5), bounds)
    assert dim[0, 0, 4, 4] == -0.5  # half of the light between black (-1) and 0
    assert torch.equal(dim[alpha == 0], x[alpha == 0])
    bright, _ = render(x, patch, "circle", placed(4, 4, 4, brightness=9), bounds)
    assert bright.max() == 1


@given(
    height=st.integers(9, 40),
    width=st.integers(9, 40),
    area=st.floats(0.01, 0.5),
    circle=st.booleans(),
    random_spot=st.booleans(),
    scale=st.floats(0.3, 1),
    rotation=st.floats(0, 180),
    channels=st.sampled_from([1, 3]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=150, deadline=None)
def test_no_placement_touches_more_pixels_than_the_threat_allows(
    height: int,
    width: int,
    area: float,
    circle: bool,
    random_spot: bool,
    scale: float,
    rotation: float,
    channels: int,
    dtype: torch.dtype,
    seed: int,
) -> None:
    threat = PatchThreat(area=area, shape="circle" if circle else "square", placement="random" if random_spot else "center")
    if threat.pixels(height, width) < 9 or threat.pixels(height, width) > min(height, width) ** 2:
        return
    ids = torch.arange(16)
    x = SampleRandom(seed, "x").uniform(ids, (channels, height, width), dtype=dtype)
    patch = SampleRandom(seed, "patch").uniform(ids[:1], (channels, 4, 4), dtype=dtype)[0]
    where = PlacementRange(rotation=rotation, scale=scale, brightness=0.3)
    placement = where.draw(threat, x, ids, SampleRandom(seed, "place"))
    x_adv, alpha = render(x, patch, threat.shape, placement, UNIT)
    assert int((alpha > 0).flatten(1).sum(1).max()) <= threat.pixels(height, width)
    assert bool(((alpha >= 0) & (alpha <= 1)).all())
    assert bool(threat.contains(x, x_adv, UNIT).all())
    untouched = (alpha == 0).expand_as(x)
    assert torch.equal(x_adv[untouched], x[untouched])


@given(
    pixels=st.integers(9, 400),
    circle=st.booleans(),
    x=st.floats(0, 1),
    y=st.floats(0, 1),
    angle=st.floats(-math.pi, math.pi),
)
@settings(max_examples=200, deadline=None)
def test_the_largest_size_holds_at_every_turn_and_subpixel_shift(
    pixels: int, circle: bool, x: float, y: float, angle: float
) -> None:
    shape = "circle" if circle else "square"
    placement = placed(20 + x, 20 + y, largest_size(pixels, shape), angle)
    _, alpha = render(torch.zeros(1, 1, 40, 40), torch.ones(1, 1, 1), shape, placement, UNIT)
    assert int((alpha > 0).sum()) <= pixels


@pytest.mark.parametrize("shape", ["square", "circle"])
def test_little_of_the_budget_is_wasted(shape: str) -> None:
    threat = PatchThreat(area=0.05, shape=shape)
    x, ids = torch.zeros(500, 1, 28, 28), torch.arange(500)
    placement = PlacementRange(rotation=20, scale=1, brightness=0).draw(threat, x, ids, SampleRandom(0, "place"))
    _, alpha = render(x, torch.ones(1, 5, 5), threat.shape, placement, UNIT)
    touched = (alpha > 0).flatten(1).sum(1).float()
    assert touched.mean() >= 0.6 * threat.pixels(28, 28)
    assert touched.max() <= threat.pixels(28, 28)


def test_stickers_lie_inside_the_image_and_reach_all_of_it() -> None:
    threat = PatchThreat(area=0.06)
    x, ids = torch.zeros(2000, 1, 20, 40), torch.arange(2000)
    where = PlacementRange(rotation=30, scale=0.7, brightness=0.2)
    placement = where.draw(threat, x, ids, SampleRandom(3, "place"))
    reach = placement.size / 2 * (placement.angle.cos().abs() + placement.angle.sin().abs())
    frame = torch.tensor([40.0, 20.0])
    assert bool((placement.center >= reach[:, None] - 1e-4).all())
    assert bool((placement.center <= frame - reach[:, None] + 1e-4).all())
    share = (placement.center - reach[:, None]) / (frame - 2 * reach[:, None])
    assert share.mean(0).tolist() == pytest.approx([0.5, 0.5], abs=0.03)
    assert placement.angle.abs().max() <= math.radians(30)
    assert placement.size.min() >= 0.7 * placement.size.max() - 1e-4
    assert 0.8 <= placement.brightness.min() <= placement.brightness.max() <= 1.2
    centred = where.draw(PatchThreat(area=0.06, placement="center"), x, ids, SampleRandom(3, "place"))
    assert torch.equal(centred.center, torch.tensor([[20.0, 10.0]]).expand(2000, 2))
    assert torch.equal(centred.size, placement.size)


@pytest.mark.parametrize("text", ["patch:10%", "patch:10%,placement=center"])
def test_a_full_square_without_rotation_has_hard_edges_on_the_pixel_grid(text: str) -> None:
    threat = PatchThreat.parse(text)
    x, ids = torch.zeros(400, 1, 15, 20), torch.arange(400)
    placement = PlacementRange().draw(threat, x, ids, SampleRandom(0, "place"))
    alpha = cover(x, "square", placement)
    assert alpha.unique().tolist() == [0, 1]
    assert alpha.flatten(1).sum(1).unique().tolist() == [25]  # 5 x 5 of the 30 pixels allowed
    corner = placement.center - 2.5
    assert torch.equal(corner, corner.round())
    ends = ([0, 0], [15, 10]) if threat.placement == "random" else ([7, 5], [7, 5])
    assert (corner.amin(0).tolist(), corner.amax(0).tolist()) == ends
    texture = torch.rand(1, 5, 5, generator=torch.Generator().manual_seed(0))
    shown, _ = render(x, texture, "square", placement, UNIT)
    first = shown[0, :, int(corner[0, 1]) :, int(corner[0, 0]) :][:, :5, :5]
    assert torch.allclose(first, texture, atol=1e-5)


@given(
    height=st.integers(9, 40), width=st.integers(9, 40), area=st.floats(0.01, 0.5), circle=st.booleans(), fixed=st.booleans()
)
@settings(max_examples=100, deadline=None)
def test_every_window_with_the_outline_is_inside_the_threat(
    height: int, width: int, area: float, circle: bool, fixed: bool
) -> None:
    threat = PatchThreat(area=area, shape="circle" if circle else "square", placement="center" if fixed else "random")
    if threat.pixels(height, width) < 9 or threat.pixels(height, width) > min(height, width) ** 2:
        return
    mask = outline(threat, height, width)
    window = (mask.shape[0], mask.shape[1])
    share = SampleRandom(0, "at").uniform(torch.arange(8), (2,))
    x = torch.zeros(8, 1, height, width)
    for image, (left, top) in zip(x, corners(threat, (height, width), window, share).int().tolist(), strict=True):
        image[0, top : top + window[0], left : left + window[1]][mask] = 1
    assert x.flatten(1).sum(1).unique().tolist() == [int(mask.sum())]
    assert bool(threat.contains(torch.zeros_like(x), x, UNIT).all())
    placement = PlacementRange().draw(threat, x, torch.arange(8), SampleRandom(0, "place"))
    assert (cover(x, threat.shape, placement) > 0).flatten(1).sum(1).unique().tolist() == [int(mask.sum())]


def test_each_image_may_have_its_own_texture() -> None:
    x, textures = torch.zeros(2, 1, 6, 8), torch.tensor([0.25, 0.75])[:, None, None, None].expand(2, 1, 2, 2)
    one = placed(4, 3, 2)
    both = Placement(
        center=one.center.repeat(2, 1), size=one.size.repeat(2), angle=one.angle.repeat(2), brightness=one.brightness.repeat(2)
    )
    shown, _ = render(x, textures, "square", both, UNIT)
    assert shown[:, 0, 2, 3].tolist() == [0.25, 0.75]


def test_placements_depend_on_the_sample_and_not_on_the_batch() -> None:
    threat, where = PatchThreat(area=0.1), PlacementRange(rotation=30, scale=0.7, brightness=0.2)
    x, ids = torch.zeros(8, 1, 16, 16), torch.arange(100, 108)
    whole = where.draw(threat, x, ids, SampleRandom(0, "place"))
    part = where.draw(threat, x[:3], ids[[5, 0, 2]], SampleRandom(0, "place"))
    for name in ("center", "size", "angle", "brightness"):
        assert torch.equal(getattr(whole, name)[[5, 0, 2]], getattr(part, name))
    later = where.draw(threat, x, ids, SampleRandom(0, "place"), step=1)
    assert not torch.equal(later.center, whole.center)


def test_the_gradient_reaches_the_patch_exactly() -> None:
    x = torch.rand(2, 1, 7, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    patch = (0.2 + 0.6 * torch.rand(1, 3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)).requires_grad_()
    one = placed(4.3, 3.1, 4.2, 0.4, 1.1, dtype=torch.float64)
    both = Placement(
        center=one.center.repeat(2, 1), size=one.size.repeat(2), angle=one.angle.repeat(2), brightness=one.brightness.repeat(2)
    )
    assert torch.autograd.gradcheck(lambda p: render(x, p, "circle", both, UNIT)[0], (patch,))


def test_a_picture_shows_the_patch_on_white_in_the_models_bounds() -> None:
    fitted = {"patch": torch.tensor([-1.0, 0.0, 1.0])[:, None, None].expand(3, 4, 4), "alpha": cutout("circle", 40)}
    picture = patch_picture(fitted, (-1.0, 1.0))
    assert picture.shape == (40, 40, 3)
    assert picture[20, 20].tolist() == [0, 128, 255]
    assert picture[0, 0].tolist() == [255, 255, 255]
    grey = patch_picture({"patch": torch.zeros(1, 2, 2), "alpha": cutout("square", 8)}, UNIT)
    assert grey.shape == (8, 8, 3)
    assert grey.max() == 0


def test_black_and_white_texels_have_gradients_too():
    """Fitted stickers are mostly black and white; a texel that has no gradient there never leaves it."""
    x = torch.full((1, 1, 12, 12), 0.5)
    patch = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]], requires_grad=True)
    one = torch.ones(1)
    placement = Placement(center=torch.tensor([[6.0, 6.0]]), size=6 * one, angle=0 * one, brightness=one)
    shown, _ = render(x, patch, "square", placement, (0.0, 1.0))
    assert bool((torch.autograd.grad(shown.sum(), patch)[0] > 1).all())
