import io

import numpy as np
import torch
from PIL import Image

from robustkit.physical.views import JPEG, JPEGCodec


def test_it_is_what_a_file_holds(photos):
    levels = (photos * 255).round()
    ours = JPEGCodec()(photos, {"quality": torch.tensor([30, 50, 75, 95])}) * 255
    for k, quality in enumerate((30, 50, 75, 95)):
        file = io.BytesIO()
        Image.fromarray(levels[k].permute(1, 2, 0).byte().numpy()).save(file, "JPEG", quality=quality)
        read = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).float()
        assert float((ours[k] - read).abs().mean()) < 0.1


def test_it_draws_the_qualities_of_its_surrogate(random):
    ids = torch.arange(50)
    assert torch.equal(JPEG().draw(ids, random)["quality"], JPEGCodec().draw(ids, random)["quality"])


def test_the_gradient_is_that_of_the_identity(photos):
    x = photos.clone().requires_grad_()
    (gradient,) = torch.autograd.grad((JPEGCodec()(x, {"quality": torch.full((4,), 50)}) * 3).sum(), x)
    assert bool((gradient == 3).all())
