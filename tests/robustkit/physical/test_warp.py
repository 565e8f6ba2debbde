import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.transform import ProjectiveTransform
from skimage.transform import warp as skimage_warp

from robustkit.colour import linear_to_srgb, srgb_to_linear
from robustkit.errors import UsageError
from robustkit.physical import Camera, Pose, Sign, Sticker
from robustkit.physical.warp import composite, warp

SIGN = Sign.regular("stop", 8, 76.2)


def camera(size_px, picture):
    """A camera in which the sign is `size_px` wide at 300 cm."""
    return Camera(size_px * 300 / 76.2, picture, picture)


def random(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("pose", [Pose(300), Pose(300, 50), Pose(300, -30, 25, 15), Pose(300, 0, 0, 45)])
@pytest.mark.parametrize("size", [20, 90, 200])
def test_the_same_as_scikit_image(pose, size):
    """Against scikit-image's warp of the same texture, sampled bilinearly on a grid 16 times finer and averaged."""
    texture = linear_to_srgb(random(3, 24, 24).repeat_interleave(3, 1).repeat_interleave(3, 2))
    alpha = torch.ones(1, 72, 72)
    homography = pose.homography(camera(size, 128))
    colour, opacity = warp(texture, alpha, homography, size_cm=(76.2, 76.2), size_px=(128, 128))

    fine = 16
    from_fine = np.diag([1 / fine, 1 / fine, 1]) @ np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    to_texels = np.array([[72 / 76.2, 0, 35.5], [0, 72 / 76.2, 35.5], [0, 0, 1]])
    transform = ProjectiveTransform(to_texels @ np.linalg.inv(homography[0].numpy()) @ from_fine)
    layers = torch.cat([srgb_to_linear(texture), alpha]).permute(1, 2, 0).double().numpy()
    expected = skimage_warp(layers, transform, output_shape=(128 * fine,) * 2, order=1, mode="constant")
    expected = expected.reshape(128, fine, 128, fine, 4).mean((1, 3))

    seen = torch.cat([colour, opacity], 1)[0].permute(1, 2, 0).numpy()
    inside = expected[..., 3] > 0
    assert np.abs(seen - expected)[inside].mean() < 1 / 255
    frame = torch.full((1, 3, 128, 128), 0.5)
    ours = composite(frame, colour, opacity)
    theirs = composite(frame, *(torch.from_numpy(part).float().permute(2, 0, 1)[None] for part in np.split(expected, [3], -1)))
    assert (ours - theirs).abs().mean((0, 1)).numpy()[inside].mean() < 1 / 255


@settings(deadline=None, max_examples=30)
@given(st.floats(2, 60), st.floats(-60, 60), st.floats(-45, 45), st.floats(-180, 180))
def test_a_checkerboard_of_single_texels_keeps_its_mean_in_linear_light(size, yaw, pitch, roll):
    board = ((torch.arange(64)[:, None] + torch.arange(64)) % 2).float().expand(3, 64, 64)
    homography = Pose(300, yaw, pitch, roll).homography(camera(size, 96))
    colour, alpha = warp(board, torch.ones(1, 64, 64), homography, size_cm=(76.2, 76.2), size_px=(96, 96))
    assert (colour.sum() / (3 * alpha.sum())).item() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("size", [2, 16, 23.7, 32, 50, 64, 100])
@pytest.mark.parametrize("texels", [64, 128])
@pytest.mark.parametrize("yaw", [0, 45])
@pytest.mark.parametrize("level", [None, 0.0, 1.0])
def test_every_masked_texel_receives_gradient(size, texels, yaw, level):
    """Of random, black and white textures; 99 % are required."""
    alpha = SIGN.coverage((texels, texels))
    texture = (random(3, texels, texels) if level is None else torch.full((3, texels, texels), level)).requires_grad_()
    frames = torch.zeros(1, 3, 128, 128)
    Sticker(texture, alpha, SIGN).on(frames, Pose(300, yaw).homography(camera(size, 128))).sum().backward()
    assert bool((texture.grad != 0).all(0)[alpha[0] > 0].all())


@settings(deadline=None, max_examples=30)
@given(st.floats(3, 150), st.floats(-70, 70), st.floats(-180, 180), st.floats(-60, 60), st.floats(-60, 60))
def test_pixels_outside_the_mask_are_those_of_the_frame(size, yaw, roll, right, down):
    frames = random(1, 3, 64, 64)
    sticker = Sticker(random(3, 32, 32), SIGN.coverage((32, 32)), SIGN)
    homography = Pose(300, yaw, 0, roll, right, down).homography(camera(size, 64))
    _, alpha = sticker.warp(homography, (64, 64))
    seen = sticker.on(frames, homography)
    assert torch.equal(torch.where(alpha > 0, 0, seen), torch.where(alpha > 0, 0, frames))
    assert seen.min() >= 0
    assert seen.max() <= 1


def test_a_sign_of_the_same_size_is_itself():
    """Texels on pixels: only the interpolation of neighbours, a weight of 3/4 and 1/8 on either side, is seen."""
    texture, alpha = torch.zeros(3, 8, 8), torch.ones(1, 8, 8)
    texture[:, 3, 5] = 1
    homography = torch.tensor([[[1.0, 0, 4], [0, 1, 4], [0, 0, 1]]])
    colour, _ = warp(texture, alpha, homography, size_cm=(8, 8), size_px=(8, 8))
    weights = torch.tensor([0.125, 0.75, 0.125])
    expected = torch.zeros(8, 8)
    expected[2:5, 4:7] = weights[:, None] * weights
    assert torch.equal(colour[0], expected.expand(3, 8, 8))


def test_a_view_does_not_depend_on_the_batch_and_each_may_have_its_texture():
    pose = Pose(torch.tensor([200.0, 300, 900]), yaw_deg=torch.tensor([0.0, 50, -20]))
    homographies = pose.homography(camera(30, 48))
    textures, alphas = random(3, 3, 16, 16), random(3, 1, 16, 16)
    together = warp(textures, alphas, homographies, size_cm=(76.2, 76.2), size_px=(48, 48))
    for view in range(3):
        alone = warp(textures[view], alphas[view], homographies[view, None], size_cm=(76.2, 76.2), size_px=(48, 48))
        assert all(torch.equal(one[0], part[view]) for one, part in zip(alone, together, strict=True))
    shared = warp(textures[1], alphas[1], homographies, size_cm=(76.2, 76.2), size_px=(48, 48))
    assert torch.equal(shared[0][1], together[0][1])


def test_bands_give_the_same_view_and_gradients(monkeypatch):
    homography = Pose(300, 40, 10, 20).homography(camera(40, 48))
    found = []
    for chunk in (2**22, 2**10):
        monkeypatch.setattr("robustkit.physical.warp.CHUNK", chunk)
        texture = random(3, 32, 32).requires_grad_()
        seen = Sticker(texture, SIGN.coverage((32, 32)), SIGN).on(torch.zeros(1, 3, 48, 48), homography)
        found.append((seen, *torch.autograd.grad(seen.square().sum(), texture)))
    assert all(torch.allclose(whole, banded, atol=1e-5) for whole, banded in zip(*found, strict=True))


def test_the_gradients_are_those_of_finite_differences():
    alpha = SIGN.coverage((6, 6)).double().requires_grad_()
    texture = (0.1 + 0.8 * random(3, 6, 6).double()).requires_grad_()
    homography = Pose(300, 30, 10, 5).homography(camera(9, 12))

    def seen(texture, alpha):
        return composite(
            random(1, 3, 12, 12).double(), *warp(texture, alpha, homography, size_cm=(76.2, 76.2), size_px=(12, 12))
        )

    assert torch.autograd.gradcheck(seen, (texture, alpha))


def test_a_gradient_reaches_the_homography():
    homography = Pose(300, 30).homography(camera(9, 12)).requires_grad_()
    colour, _ = warp(random(3, 6, 6), torch.ones(1, 6, 6), homography, size_cm=(76.2, 76.2), size_px=(12, 12))
    (gradient,) = torch.autograd.grad(colour.square().sum(), homography)
    assert bool((gradient.isfinite() & (gradient != 0)).all())


def test_a_sign_partly_or_wholly_out_of_the_picture():
    sticker = Sticker(torch.ones(3, 16, 16), torch.ones(1, 16, 16), SIGN)
    frames = random(1, 3, 32, 32)
    half = sticker.on(frames, Pose(300, right_cm=-300).homography(camera(32, 32)))
    assert torch.equal(half, frames)  # one picture's width to the left
    near = sticker.on(frames, Pose(30).homography(camera(32, 32)))
    assert torch.equal(near, torch.ones_like(frames))


def test_a_sign_behind_the_camera():
    homography = Pose(30, 80).homography(camera(32, 32))
    with pytest.raises(UsageError, match="behind the camera"):
        warp(torch.ones(3, 8, 8), torch.ones(1, 8, 8), homography, size_cm=(76.2, 76.2), size_px=(32, 32))


def test_light_is_averaged_and_blended_not_its_code():
    """Half white and half black is the sRGB grey of half the light."""
    grey = linear_to_srgb(torch.tensor(0.5)).item()
    frames = torch.zeros(1, 3, 4, 4)
    seen = composite(frames, torch.full((1, 3, 4, 4), 0.5), torch.full((1, 1, 4, 4), 0.5))
    assert seen.unique().tolist() == [pytest.approx(grey)]
    assert composite(
        torch.ones(1, 3, 1, 1), torch.zeros(1, 3, 1, 1), torch.full((1, 1, 1, 1), 0.5)
    ).unique().item() == pytest.approx(grey)
