"""PGD on the divergence from the clean prediction."""

import torch
from torch import nn

from robustkit import Model, Threat
from robustkit.build import attack
from robustkit.contracts.samples import Samples
from robustkit.perturb import perturb
from robustkit.spec import InputSpec


def test_it_ends_in_the_corner_farthest_along_the_logit_whatever_the_label():
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    net[1].weight.data = torch.tensor([[2.0, -1.0, 0.5, 3.0], [0.0, 0.0, 0.0, 0.0]])
    net[1].bias.data = torch.tensor([-0.5, 0.0])
    model = Model(net, spec=InputSpec(channels=1), device="cpu")
    x = torch.full((6, 1, 2, 2), 0.5)
    ends = []
    for label in (0, 1):
        samples = Samples(x, torch.full((6,), label), torch.arange(6))
        ends.append(perturb(attack("pgd-kl", steps=10), model, samples, Threat.parse("linf:0.2")))
    assert torch.equal(*ends)
    moved = (ends[0] - x).flatten(1) * net[1].weight[0].sign()
    assert torch.allclose(moved.abs(), torch.full_like(moved, 0.2), atol=1e-6)
    assert (moved.sign() == moved.sign()[:, :1]).all()  # every pixel raises the logit, or every pixel lowers it
