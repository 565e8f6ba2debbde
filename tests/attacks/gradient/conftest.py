"""A network and images that record a gradient attack's queries one by one."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, Threat
from robustkit.build import attack


class Trail:
    """A small network, images, and the queries an attack makes to the network."""

    eps: ClassVar = {"linf": 0.06, "l2": 0.5, "l1": 3.0}

    def network(self, classes=5, channels=2):
        net = nn.Sequential(nn.Conv2d(channels, 6, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 30, classes)).double()
        numbers = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.normal_(0, 2 * parameter[0].numel() ** -0.5, generator=numbers)
        return net

    def images(self, channels=2):
        x = torch.rand((5, channels, 6, 5), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
        x[0, :, :3], x[0, :, 3:] = 0, 1
        return x

    def threat(self, norm):
        return Threat.parse(f"{norm}:{self.eps[norm]}")

    def queries(self, name, norm, net, x, y, **params):
        """Every batch of images the attack queried, in order, without the clean ones."""
        seen = []
        watch = net.register_forward_pre_hook(lambda net, args: seen.append(args[0].detach().clone()))
        model = Model(net, spec=InputSpec(channels=x.shape[1]), device="cpu")
        attack(name, early_exit=False, **params)(model, x, y, self.threat(norm), seed=4)
        watch.remove()
        return seen

    def ask(self, net, x, y):
        """One image's loss and its gradient."""
        z = x.clone().requires_grad_()
        loss = nn.functional.cross_entropy(net(z[None]), y[None])
        return loss.item(), torch.autograd.grad(loss, z)[0]


@pytest.fixture
def trail():
    return Trail()
