"""One mapping of colours for the whole image."""

import torch
from torch import nn

from robustkit import Model, Threat, attack


class Redder(nn.Module):
    """Class 1 if there is more red than green."""

    def forward(self, x):
        lead = x[:, 0].flatten(1).mean(1) - x[:, 1].flatten(1).mean(1)
        return torch.stack([-lead, lead], dim=1)


def test_equal_colours_are_changed_alike_and_only_where_the_threat_reaches():
    model = Model(Redder(), device="cpu")
    x = torch.rand(6, 3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x[:, :, 0] = x[:, :, 1]
    x[:, 0] = 0.5 + 0.2 * x[:, 0]
    x[:, 1] = 0.35 + 0.1 * x[:, 1]  # red exceeds green by 0.2 on average, which offsets of 0.1 each compensate
    y = torch.ones(6, dtype=torch.int64)
    lead = x[:, 0].flatten(1).mean(1) - x[:, 1].flatten(1).mean(1)
    for size in (0.05, 0.15):
        result = attack("recolor")(model, x, y, Threat.parse(f"recolor:{size}"))
        assert torch.equal(result.x_adv[:, :, 0], result.x_adv[:, :, 1])
        assert torch.equal(result.success, lead < 2 * size)
