import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.transform import ProjectiveTransform
from skimage.transform import warp as skimage_warp

from robustkit.colour import linear_to_srgb, srgb_to_linear
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


@pytest.mark.parametrize("size", [16, 23.7, 32, 50, 64, 100])
@pytest.mark.parametrize("texels", [64, 128])
@pytest.mark.parametrize("yaw", [0, 45])
def test_every_masked_texel_receives_gradient(size, texels, yaw):
    alpha = SIGN.coverage((texels, texels))
    texture = random(3, texels, texels).requires_grad_()
    frames = torch.zeros(1, 3, 128, 128)
    Sticker(texture, alpha, SIGN).on(frames, Pose(300, yaw).homography(camera(size, 128))).sum().backward()
    assert (texture.grad != 0).all(0)[alpha[0] > 0].float().mean() >= 0.99


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
