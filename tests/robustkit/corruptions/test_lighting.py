import numpy as np
import torch
from skimage import color

from robustkit.corruptions import lighting


def in_hsv(x, change):
    hsv = color.rgb2hsv(x.permute(0, 2, 3, 1).numpy())
    change(hsv)
    return torch.from_numpy(color.hsv2rgb(hsv)).permute(0, 3, 1, 2)


def test_brightness_adds_to_the_value(photo, small, draws):
    for x, added in ((photo, 0.3), (small, 0.15)):
        expected = in_hsv(x, lambda hsv, added=added: np.clip(hsv[..., 2] + added, 0, 1, out=hsv[..., 2]))
        assert torch.allclose(lighting.brightness(x, 3, draws), expected, atol=1e-12)


def test_saturate_changes_the_saturation(photo, small, draws):
    for x, severity, factor, added in ((photo, 1, 0.3, 0), (photo, 5, 20, 0.2), (small, 4, 2, 0.1)):
        expected = in_hsv(x, lambda hsv, f=factor, a=added: np.clip(hsv[..., 1] * f + a, 0, 1, out=hsv[..., 1]))
        assert torch.allclose(lighting.saturate(x, severity, draws), expected, atol=1e-12)


def test_contrast_draws_towards_the_mean_of_each_channel(photo, draws):
    faded = lighting.contrast(photo, 5, draws)
    assert torch.allclose(faded.mean((2, 3)), photo.mean((2, 3)))
    assert torch.allclose(faded.std((2, 3)), 0.05 * photo.std((2, 3)))


def test_greys(small, draws):
    grey = small[:, :1]
    assert torch.allclose(lighting.brightness(grey, 5, draws), grey + 0.3)
    assert torch.equal(lighting.saturate(grey, 5, draws), grey)
