from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.transform import AffineTransform

from robustkit.corruptions import digital


def pictures(x):
    eight_bits = (x * 255).round() / 255
    return eight_bits, [Image.fromarray(p) for p in (eight_bits * 255).round().byte().permute(0, 2, 3, 1).numpy()]


@pytest.mark.parametrize(("severity", "share"), [(1, 0.6), (3, 0.4), (5, 0.25)])
def test_pixelate_is_that_of_pillow(photo, draws, severity, share):
    x, before = pictures(photo)
    found = digital.pixelate(x, severity, draws)
    for picture, mine in zip(before, found, strict=True):
        fewer = picture.resize((int(70 * share), int(64 * share)), Image.Resampling.BOX)
        expected = np.asarray(fewer.resize((70, 64), Image.Resampling.BOX)) / 255
        assert np.abs(mine.permute(1, 2, 0).numpy() - expected).max() < 2.1 / 255  # Pillow rounds to 8 bits four times


def test_jpeg_is_that_of_pillow(photo, draws):
    x, before = pictures(photo)
    for picture, mine in zip(before, digital.jpeg_compression(x, 2, draws), strict=True):
        buffer = BytesIO()
        picture.save(buffer, "JPEG", quality=18)
        assert np.array_equal((mine * 255).round().byte().permute(1, 2, 0).numpy(), np.asarray(Image.open(buffer)))


def test_jpeg_of_greys_and_of_other_channels(small, draws):
    five = torch.cat([small, small[:, :2]], dim=1)
    compressed = digital.jpeg_compression(five, 5, draws)
    assert compressed.shape == five.shape
    assert torch.equal(compressed[:, 3:4], digital.jpeg_compression(small[:, :1], 5, draws))


def test_the_affine_map_of_elastic_transform_takes_three_points_along(small):
    moves = torch.rand(4, 3, 2, dtype=torch.float64) * 4 - 2
    rows, columns = digital._affine(small, moves)
    old = 14 + 9 * np.array([[1, 1], [1, -1], [-1, -1]])
    down, right = np.mgrid[:28, :28]
    for n in range(4):
        back = AffineTransform.from_estimate(old + moves[n].numpy(), old)
        expected = back(np.stack([right, down], axis=-1).reshape(-1, 2)).reshape(28, 28, 2)
        np.testing.assert_allclose(columns[n].numpy(), expected[..., 0], atol=1e-9)
        np.testing.assert_allclose(rows[n].numpy(), expected[..., 1], atol=1e-9)


def test_elastic_transform_moves_pixels_and_keeps_their_range(photo, small, draws):
    for x in (photo, small):
        for severity in (1, 5):
            stretched = digital.elastic_transform(x, severity, draws)
            assert float((stretched - x).abs().mean()) > 0.01
            assert float(stretched.min()) >= 0
            assert float(stretched.max()) <= 1 + 1e-12


def test_a_flat_image_is_elastic_without_a_trace(draws):
    flat = torch.full((4, 3, 64, 64), 0.3, dtype=torch.float64)
    assert torch.allclose(digital.elastic_transform(flat, 5, draws), flat)
