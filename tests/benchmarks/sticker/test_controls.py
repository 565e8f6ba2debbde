"""Controls of a sticker."""

from __future__ import annotations

import torch

from robustkit.benchmarks.sticker.controls import controls
from robustkit.physical.printer.palette import Palette
from robustkit.physical.sign import Sign
from robustkit.physical.sticker import Sticker


def sticker() -> Sticker:
    texture = torch.rand(3, 4, 6, generator=torch.Generator().manual_seed(0))
    alpha = torch.zeros(1, 4, 6)
    alpha[0, 1:3, 1:5] = 1
    return Sticker(texture, alpha, Sign.rectangle("plate", 6, 4))


def test_every_control_is_on_the_places_of_the_sticker() -> None:
    made = sticker()
    found = controls(made, 0)
    assert set(found) == {"grey", "black", "white", "random", "mirrored"}
    assert all(torch.equal(each.alpha, made.alpha) for each in found.values())


def test_their_colours() -> None:
    made = sticker()
    found = controls(made, 0)
    assert float(found["black"].texture.max()) == 0
    assert float(found["white"].texture.min()) == 1
    texels = found["random"].texture.flatten(1).T
    assert bool((torch.cdist(texels, Palette.default().colours).amin(1) < 1e-3).all())
    assert torch.equal(found["mirrored"].texture[:, 1:3, 1:5], made.texture.flip(2)[:, 1:3, 1:5])


def test_a_mirrored_sticker_takes_no_colour_from_beside_its_places() -> None:
    made = sticker()
    made.alpha[0, 1:3, 1:3] = 0
    shown = controls(made, 0)["mirrored"].texture[:, 1:3, 3:5]
    mean = made.texture[:, 1:3, 3:5].mean((1, 2), keepdim=True)
    torch.testing.assert_close(shown, mean.expand_as(shown))
