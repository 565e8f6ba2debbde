"""The zoo's networks take grey images of 28 x 28 pixels and give ten logits."""

import pytest
import torch

from robustkit.benchmarks.zoo import networks


@pytest.mark.parametrize(
    "net",
    [networks.cnn(8), networks.cnn(8, "tanh"), networks.mlp(16), networks.mlp(16, "tanh"), networks.resnet(4), networks.vit()],
    ids=["cnn", "tanh", "mlp", "tanh-mlp", "resnet", "vit"],
)
def test_ten_logits(net):
    logits = net.eval()(torch.rand(2, 1, 28, 28))
    assert logits.shape == (2, 10)
    assert logits.isfinite().all()
