import pytest
import torch

from robustkit.errors import UsageError
from robustkit.physical import Camera, Pose, Sign, Sticker

SIGN = Sign.regular("stop", 8, 76.2)


def test_a_black_texel_is_opaque_and_a_transparent_white_one_is_not_seen():
    alpha = torch.zeros(1, 64, 64)
    alpha[:, :, :32] = 1
    texture = torch.ones(3, 64, 64)
    texture[:, :, :32] = 0
    frames = torch.full((1, 3, 32, 32), 0.25)
    seen = Sticker(texture, alpha, SIGN).on(frames, Pose(100.0).homography(Camera(100 * 32 / 76.2, 32, 32)))
    assert bool((seen[..., 1:-1, 1:15] == 0).all())  # its outermost texels fade over the raster's edge
    assert torch.equal(seen[..., 17:], frames[..., 17:])


def test_plain():
    sticker = Sticker.plain(SIGN, SIGN.coverage((8, 8)), (0.1, 0.2, 0.3))
    assert torch.equal(sticker.texture[:, 3, 5], torch.tensor([0.1, 0.2, 0.3]))
    assert sticker.size_cm == (SIGN.width_cm, SIGN.height_cm)
    assert sticker.texel_cm == pytest.approx(76.2 / 8)


def test_shapes_must_match():
    with pytest.raises(UsageError, match=r"must have a texture \(3, h, w\)"):
        Sticker(torch.zeros(3, 4, 4), torch.zeros(4, 4), SIGN)


def test_there_and_back_through_a_file(tmp_path):
    sticker = Sticker(torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0)), SIGN.coverage((8, 8)), SIGN)
    sticker.save(tmp_path / "sticker.safetensors")
    loaded = Sticker.load(tmp_path / "sticker.safetensors")
    assert torch.equal(loaded.texture, sticker.texture)
    assert torch.equal(loaded.alpha, sticker.alpha)
    assert loaded.sign.name == "stop"
    assert loaded.sign == SIGN


def test_a_file_that_is_no_sticker(tmp_path):
    path = tmp_path / "sticker.safetensors"
    with pytest.raises(UsageError, match="cannot be read"):
        Sticker.load(path)
    path.write_bytes(b"not one")
    with pytest.raises(UsageError, match="is not one that robustkit saved"):
        Sticker.load(path)
