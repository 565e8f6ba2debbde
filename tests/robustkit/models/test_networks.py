import torch

from robustkit.models.networks import fashion_cnn, signs_cnn


def test_each_has_the_size_and_the_classes_it_says():
    assert sum(value.numel() for value in fashion_cnn().parameters()) == 348_086
    assert fashion_cnn(7)(torch.rand(2, 1, 28, 28)).shape == (2, 7)
    assert sum(value.numel() for value in signs_cnn().parameters()) == 357_584
    assert signs_cnn(7)(torch.rand(2, 3, 32, 32)).shape == (2, 7)
