import pytest
import torch

from robustkit.errors import UsageError
from robustkit.physical import Camera, Pose, Sign, Sticker
from robustkit.physical.scenes import Scenes
from robustkit.physical.views import CHAINS, Chain, Exposure
from robustkit.rng import SampleRandom

SQUARE = Sign.rectangle("square", 60, 60)


def noise(count: int, side: int = 12) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0))


def sticker(side: int, share: float = 0.5) -> Sticker:
    alpha = torch.zeros(1, side, side)
    alpha[:, : int(side * share)] = 1
    return Sticker.plain(SQUARE, alpha, (1.0, 0.0, 0.0))


def test_a_photo_that_the_sign_fills_shows_the_sticker_where_it_is_on_the_sign() -> None:
    scenes = Scenes.filled(noise(3), torch.zeros(3).long(), SQUARE)
    shown = scenes.show(sticker(24))
    assert torch.equal(shown[:, :, 7:], scenes.frames[:, :, 7:])
    assert (shown[:, 0, 1:5, 1:11] == 1).all()
    assert (shown[:, 1:, 1:5, 1:11] == 0).all()


def test_corners_at_the_edges_are_a_filled_frame() -> None:
    frames, labels = noise(2), torch.zeros(2).long()
    corners_px = torch.tensor([[0.0, 0], [12, 0], [12, 12], [0, 12]]).repeat(2, 1, 1)
    cornered = Scenes.cornered(frames, labels, corners_px, torch.tensor(SQUARE.outline_cm))
    assert torch.allclose(cornered.homography, Scenes.filled(frames, labels, SQUARE).homography, atol=1e-9)


def test_without_a_homography_a_texel_is_a_pixel() -> None:
    scenes = Scenes(noise(2), torch.arange(2), torch.zeros(2).long())
    shown = scenes.show(sticker(12))
    assert torch.equal(shown[:, :, 6:], scenes.frames[:, :, 6:])
    assert (shown[:, 0, :6] == 1).all()
    with pytest.raises(UsageError, match="does not fit frames"):
        scenes.show(sticker(10))


def test_a_drawn_sign_is_seen_from_its_pose() -> None:
    art = Sticker.plain(SQUARE, torch.ones(1, 8, 8), (0.0, 0.0, 1.0))
    camera = Camera(40, 32, 32)
    scenes = Scenes.rendered(art, Pose(torch.tensor([120.0, 240.0])), camera, noise(2, 32), torch.zeros(2).long())
    blue = (scenes.frames[:, 2] == 1) & (scenes.frames[:, 0] == 0)
    assert blue.flatten(1).sum(1).tolist() == pytest.approx([18 * 18, 8 * 8])
    red = scenes.show(sticker(8, 1.0))
    assert (red[:, 0][blue] == 1).all()


def test_views_are_applied_to_sticker_and_clean_partner_alike() -> None:
    scenes = Scenes.filled(noise(4), torch.zeros(4).long(), SQUARE)
    drawn = CHAINS["camera"].draw(scenes.ids, SampleRandom(0, "test"))
    clean = scenes.show(None, CHAINS["camera"], drawn)
    assert torch.equal(clean, CHAINS["camera"](scenes.frames, drawn))
    nothing = Sticker.plain(SQUARE, torch.zeros(1, 8, 8))
    assert torch.equal(scenes.show(nothing, CHAINS["camera"], drawn), clean)


def test_the_light_of_each_photo_falls_on_the_sticker() -> None:
    side = 16
    texture = torch.where(torch.arange(side)[None, None] < side // 2, 0.9, 0.3).expand(3, side, side)
    art = Sticker(texture, torch.ones(1, side, side), SQUARE)
    neutral = Scenes.filled(art.texture.repeat(2, 1, 1, 1), torch.zeros(2).long(), SQUARE)
    dark = Chain(name="dark", views=(Exposure(stops=(-2, -2)),))
    frames = dark(neutral.frames, dark.draw(neutral.ids, SampleRandom(0, "x")))
    relit = Scenes.filled(frames, neutral.labels, SQUARE).relit(art)
    assert torch.allclose(relit.gain, torch.full((2, 3), 0.25), atol=0.02)
    assert torch.allclose(relit.show(art)[:, :, 1:-1, 1:6], frames[:, :, 1:-1, 1:6], atol=0.02)


def test_parts_are_disjoint_and_drawn_from_ids_alone() -> None:
    scenes = Scenes(noise(20), torch.arange(100, 120), torch.zeros(20).long())
    fit, choose, held = scenes.split(3, (2, 1, 1))
    assert [len(fit), len(choose), len(held)] == [10, 5, 5]
    assert sorted(torch.cat([fit.ids, choose.ids, held.ids]).tolist()) == list(range(100, 120))
    again = scenes.rows(torch.arange(19, -1, -1)).split(3, (2, 1, 1))[0]
    assert set(again.ids.tolist()) == set(fit.ids.tolist())
    with pytest.raises(UsageError, match="too few for 3 parts"):
        scenes.rows(torch.arange(2)).split(0, (1, 1, 1))


def test_shapes_that_do_not_match_are_refused() -> None:
    with pytest.raises(UsageError, match="colour pictures"):
        Scenes(torch.zeros(2, 1, 4, 4), torch.arange(2), torch.zeros(2))
    with pytest.raises(UsageError, match="labels has 3 rows for 2 frames"):
        Scenes(torch.zeros(2, 3, 4, 4), torch.arange(2), torch.zeros(3))
