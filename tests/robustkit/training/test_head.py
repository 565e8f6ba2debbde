import pytest
import timm
import torch
import torchvision
from torch import nn

from robustkit.errors import UsageError
from robustkit.training.head import find_head, freeze, replace_head


@pytest.mark.parametrize(
    ("net", "head"),
    [
        (torchvision.models.resnet18(), "fc"),
        (torchvision.models.mobilenet_v3_small(), "classifier.3"),
        (timm.create_model("resnet10t"), "fc"),
        (timm.create_model("mobilenetv3_small_050"), "classifier"),
        (nn.Sequential(nn.Flatten(), nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), "3"),
    ],
)
def test_finds_and_replaces_the_classifier(net: nn.Module, head: str) -> None:
    assert find_head(net) == head
    state = torch.get_rng_state()
    replace_head(net, 5, seed=0)
    assert torch.equal(torch.get_rng_state(), state)
    new = net.get_submodule(head)
    assert isinstance(new, nn.Linear)
    assert new.out_features == 5


def test_frozen_backbone_learns_in_the_head_alone() -> None:
    net = torchvision.models.resnet18()
    modules = freeze(net, ("backbone",))
    assert {name for name, p in net.named_parameters() if p.requires_grad} == {"fc.weight", "fc.bias"}
    assert net.bn1 in modules
    assert net.fc not in modules
    assert net not in modules


def test_refuses_what_it_cannot_find() -> None:
    with pytest.raises(UsageError, match="no linear layer"):
        find_head(nn.Sequential(nn.Conv2d(1, 1, 1)))
    with pytest.raises(UsageError, match="is not a part of"):
        freeze(torchvision.models.resnet18(), ("layer9",))
