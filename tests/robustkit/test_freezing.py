"""A network is put back exactly."""

import pytest
import torch
from torch import nn

from robustkit.freezing import held_still


def test_modes_flags_buffers_and_gradients_are_put_back():
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5), nn.Flatten(), nn.Linear(2 * 4, 3))
    net[1].eval()
    net[4].bias.requires_grad_(False)
    modes = [m.training for m in net.modules()]
    buffers = {k: v.clone() for k, v in net.named_buffers()}
    with held_still(net):
        assert not any(m.training for m in net.modules())
        assert not any(p.requires_grad for p in net.parameters())
        net.train()
        net(torch.rand(4, 3, 4, 4))
        net[1].num_batches_tracked = net[1].num_batches_tracked + 5
    assert [m.training for m in net.modules()] == modes
    assert [p.requires_grad for p in net.parameters()] == [True] * 5 + [False]
    assert all(torch.equal(buffers[k], v) for k, v in net.named_buffers())
    assert all(p.grad is None for p in net.parameters())


def test_also_after_an_error():
    net = nn.Sequential(nn.Dropout(0.5))

    def crash():
        with held_still(net):
            raise KeyError

    with pytest.raises(KeyError):
        crash()
    assert net[0].training
