import torch

from robustkit.training.augment import augment


def test_depends_on_the_sample_alone() -> None:
    x, ids = torch.rand(16, 3, 16, 12), torch.arange(100, 116)
    whole = augment(x, ids, ("flip", "crop"), 3)
    parts = torch.cat([augment(a, b, ("flip", "crop"), 3) for a, b in zip(x.split(5), ids.split(5), strict=True)])
    assert torch.equal(whole, parts)
    assert whole.shape == x.shape
    assert not torch.equal(whole, augment(x, ids, ("flip", "crop"), 4))


def test_flip_is_a_mirror_or_nothing() -> None:
    x = torch.rand(64, 1, 4, 4)
    flipped = augment(x, torch.arange(64), ("flip",), 0)
    mirrored = (flipped == x.flip(3)).flatten(1).all(1)
    assert 16 < mirrored.sum() < 48
    assert torch.equal(flipped[~mirrored], x[~mirrored])


def test_crop_is_a_shift_over_black() -> None:
    x = torch.zeros(32, 2, 16, 16)
    x[:, :, 8, 8] = torch.tensor([0.25, 0.75])
    shifted = augment(x, torch.arange(32), ("crop",), 0)
    assert (shifted.sum((2, 3)) == torch.tensor([0.25, 0.75])).all()
    positions = shifted[:, 0].flatten(1).argmax(1)
    assert ((positions // 16 - 8).abs() <= 2).all()
    assert ((positions % 16 - 8).abs() <= 2).all()
    assert len(positions.unique()) > 5
