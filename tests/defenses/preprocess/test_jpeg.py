import pytest
import torch

from robustkit.build import preprocessor
from robustkit.defenses.preprocess.jpeg import JPEG
from robustkit.errors import UsageError


def smooth_images(channels: int) -> torch.Tensor:
    ramp = torch.linspace(0, 1, 24)
    image = (ramp[:, None] + ramp[None, :]) / 2
    return torch.stack([image, image.flip(0)])[:, None].expand(-1, channels, -1, -1).contiguous()


@pytest.mark.parametrize("channels", [1, 3])
def test_finer_quality_is_nearer_to_the_image(channels: int) -> None:
    x = smooth_images(channels)
    errors = [float((JPEG(quality=quality)(x, (0.0, 1.0)) - x).abs().mean()) for quality in (5, 50, 100)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.005


def test_result_is_bytes_within_the_bounds() -> None:
    result = JPEG(quality=30)(2 * smooth_images(3) - 1, (-1.0, 1.0))
    assert result.shape == (2, 3, 24, 24)
    assert result.min() >= -1
    assert result.max() <= 1
    levels = (result + 1) / 2 * 255
    torch.testing.assert_close(levels, levels.round(), atol=1e-3, rtol=0)


def test_gradient_is_that_of_the_identity() -> None:
    x = smooth_images(1).requires_grad_()
    weight = torch.rand_like(x)
    (grad,) = torch.autograd.grad((JPEG()(x, (0.0, 1.0)) * weight).sum(), x)
    assert torch.equal(grad, weight)


@pytest.mark.parametrize("quality", [0, 101])
def test_refuses_other_qualities(quality: int) -> None:
    with pytest.raises(UsageError, match="from 1 to 100"):
        preprocessor("jpeg", quality=quality)


def test_refuses_two_channels() -> None:
    with pytest.raises(UsageError, match="1 or 3 channels, not 2"):
        JPEG()(torch.rand(1, 2, 8, 8), (0.0, 1.0))
