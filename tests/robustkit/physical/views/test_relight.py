import pytest
import torch

from robustkit.colour import linear_to_srgb, srgb_to_linear
from robustkit.errors import UsageError
from robustkit.physical.views import Relight


@pytest.fixture
def sign():
    """A red sign with white letters, ``(2, 3, 20, 20)``, and its mask."""
    x = torch.tensor([0.75, 0.1, 0.12])[None, :, None, None].repeat(2, 1, 20, 20)
    x[..., 8:12, 4:16] = 0.95
    mask = torch.zeros(2, 1, 20, 20)
    mask[..., 2:18, 2:18] = 1
    return x, mask


GAIN = torch.tensor([[0.6, 0.5, 0.4], [1.1, 1.0, 0.9]])
OFFSET = torch.tensor([[0.01, 0.02, 0.05], [0.0, 0.0, 0.0]])


def test_the_light_of_a_photo_is_found_whatever_is_around_the_sign(sign):
    x, mask = sign
    photo = Relight()(x, {"gain": GAIN, "offset": OFFSET})
    photo = torch.where(mask > 0, photo, torch.rand(photo.shape))
    found = Relight.fit(x, photo, mask)
    assert torch.allclose(found["gain"], GAIN, atol=2e-3)
    assert torch.allclose(found["offset"], OFFSET, atol=2e-3)
    assert torch.allclose((Relight()(x, found) * mask), photo * mask, atol=3e-3)
    one_for_all = Relight.fit(x[:1], photo, mask[:1])
    assert all(torch.equal(one_for_all[name], found[name]) for name in found)


def test_dirt_on_a_tenth_of_the_sign_hardly_matters(sign):
    x, mask = sign
    photo = Relight()(x, {"gain": GAIN, "offset": OFFSET})
    photo[..., 2:4, 2:15] = 0.2
    found = Relight.fit(x, photo, mask)
    assert torch.allclose(found["gain"], GAIN, atol=0.02)
    assert torch.allclose(found["offset"], OFFSET, atol=0.02)


def test_a_sign_of_one_colour_gives_the_gain_alone(sign):
    _, mask = sign
    flat, seen = torch.full((2, 3, 20, 20), 0.5), torch.full((2, 3, 20, 20), 0.7)
    found = Relight.fit(flat, seen, mask)
    share = srgb_to_linear(torch.tensor(0.7)) / srgb_to_linear(torch.tensor(0.5))
    assert torch.allclose(found["gain"], share.expand(2, 3), rtol=1e-3)
    assert float(found["offset"].abs().max()) < 1e-3


def test_a_sign_drawn_beside_the_photographed_one_is_no_error(sign):
    x, mask = sign
    photo = Relight()(x, {"gain": GAIN, "offset": OFFSET}).roll((3, -2), (2, 3))
    found = Relight.fit(x, photo, mask)
    assert torch.allclose(found["gain"], GAIN, atol=0.03)
    assert torch.allclose(found["offset"], OFFSET, atol=0.03)


def test_a_gain_is_never_negative(sign):
    x, mask = sign
    found = Relight.fit(x, linear_to_srgb(1 - srgb_to_linear(x)), mask)
    assert float(found["gain"].min()) >= 0


def test_masks_without_pixels_and_black_signs_are_named(sign):
    x, mask = sign
    with pytest.raises(UsageError, match=r"the mask of photo 1 is empty: give one"):
        Relight.fit(x, x, mask * torch.tensor([1.0, 0.0])[:, None, None, None])
    with pytest.raises(UsageError, match=r"a channel of rendered sign 0 is 0 under the mask"):
        Relight.fit(x * torch.tensor([1.0, 0.0, 1.0])[:, None, None], x, mask)
