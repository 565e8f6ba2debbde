import torch

from robustkit.models.builtin_models import builtin_names, load_builtin
from robustkit.models.networks import fashion_cnn


def test_it_has_the_size_and_the_classes_it_says():
    assert sum(value.numel() for value in fashion_cnn().parameters()) == 348_086
    assert fashion_cnn(7)(torch.rand(2, 1, 28, 28)).shape == (2, 7)


def test_it_is_the_network_of_the_embedded_models():
    for name in builtin_names():
        weights = load_builtin(name, device="cpu").net.state_dict()
        assert {key: value.shape for key, value in weights.items()} == {
            key: value.shape for key, value in fashion_cnn().state_dict().items()
        }
