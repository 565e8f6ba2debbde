import numpy as np
import pytest
import torch
from skimage import data
from skimage.transform import resize

from robustkit.errors import UsageError
from robustkit.physical.views import JPEG, JPEGCodec
from robustkit.physical.views.jpeg import _LUMA, quantisation, rounded


@pytest.mark.parametrize("quality", [10, 30, 50, 75, 90, 100])
@pytest.mark.parametrize("side", [33, 256])
def test_it_computes_what_the_codec_does(quality, side):
    pictures = [resize(picture(), (side, side + 9)) for picture in (data.astronaut, data.chelsea, data.coffee, data.rocket)]
    x = torch.from_numpy(np.stack(pictures)).float().permute(0, 3, 1, 2)
    parameters = {"quality": torch.full((4,), quality)}
    ours, real = JPEG()(x, parameters), JPEGCodec()(x, parameters)
    # They differ where a coefficient is halfway between two steps, which in a small picture weighs more.
    assert float((ours - real).abs().mean()) * 255 < 1


def test_each_image_has_its_own_quality(photos):
    qualities = torch.tensor([5, 95, 5, 95])
    error = (JPEG()(photos, {"quality": qualities}) - photos).abs().mean((1, 2, 3))
    assert float(error[::2].min()) > 2 * float(error[1::2].max())


def test_tables_are_scaled_as_in_libjpeg():
    steps = quantisation(_LUMA, torch.tensor([50, 100, 1, 75, 25]))
    assert torch.equal(steps[0], torch.tensor(_LUMA))
    assert torch.equal(steps[1], torch.ones(8, 8, dtype=torch.int64))
    assert steps[2].unique().tolist() == [255]
    assert steps[3:, 0, 0].tolist() == [8, 32]


def test_roundings_pass_the_gradient():
    x = torch.tensor([0.2, 0.5, 1.7], requires_grad=True)
    y = rounded(x)
    assert y.tolist() == [0, 0, 2]
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert gradient.tolist() == [1, 1, 1]


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (15, 17), (16, 32)])
def test_pictures_of_any_size_keep_it(size):
    grey = torch.full((1, 3, *size), 128 / 255)
    assert torch.allclose(JPEG()(grey, {"quality": torch.tensor([90])}), grey, atol=1.01 / 255)


def test_qualities_are_whole_numbers_within_the_range(random):
    drawn = JPEG(quality=(70, 72)).draw(torch.arange(300), random)["quality"]
    assert drawn.unique().tolist() == [70, 71, 72]
    with pytest.raises(UsageError, match=r"quality=\(70.5, 72\) must be two whole numbers"):
        JPEG(quality=(70.5, 72))
