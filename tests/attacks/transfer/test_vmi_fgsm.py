import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.build import attack
from robustkit.contracts.samples import Samples
from robustkit.perturb import perturb
from robustkit.rng import SampleRandom
from robustkit.threats import Threat, norm_of


class Bowl(nn.Module):
    """A nonlinear two-class network, so that gradients vary from point to point."""

    def forward(self, x):
        flat = x.flatten(1)
        score = (flat * torch.arange(1, 7, dtype=x.dtype)).sin().sum(1)
        return torch.stack([score, -score], 1)


def climb(x, y, steps, neighbours, beta, eps, noises):
    """Algorithm 1 of arXiv 2103.15571 for one image, in plain loops."""

    def gradient(z):
        z = z.clone().requires_grad_()
        return torch.autograd.grad(nn.functional.cross_entropy(Bowl()(z[None]), y[None]), z)[0]

    momentum, variance, x_adv = torch.zeros_like(x), torch.zeros_like(x), x
    for t in range(steps):
        grad = gradient(x_adv)
        momentum = momentum + (grad + variance) / (grad + variance).abs().sum()
        # The noise of a neighbour is drawn in the previous step.
        around = [gradient(x_adv + beta * eps * noises[t * (neighbours + 1) + i]) for i in range(neighbours)]
        variance = sum(around) / neighbours - grad
        x_adv = (x_adv + eps / steps * momentum.sign()).clamp(x - eps, x + eps).clamp(0, 1)
    return x_adv


@pytest.mark.parametrize("neighbours", [1, 4])
def test_one_query_a_step_is_the_algorithm_of_the_paper(neighbours):
    x = torch.rand((3, 1, 2, 3), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    y, ids = torch.tensor([0, 1, 0]), torch.arange(3)
    model = Model(Bowl(), spec=InputSpec(channels=1), device="cpu")
    built = attack("vmi-fgsm", steps=5, neighbours=neighbours)
    got = perturb(built, model, Samples(x, y, ids), Threat.parse("linf:0.3"))
    draws = SampleRandom(0, "vmi-fgsm")
    for i in ids.tolist():
        noises = [
            2 * draws.uniform(ids, (1, 2, 3), step=t, stream="neighbour", dtype=x.dtype)[i] - 1
            for t in range(5 * (neighbours + 1))
        ]
        assert torch.allclose(got[i], climb(x[i], y[i], 5, neighbours, 1.5, 0.3, noises), atol=1e-12)
    assert model.backwards == 3 * (4 * (neighbours + 1) + 1)


def test_neighbours_lie_on_the_sphere_for_l2():
    x = 0.3 + 0.4 * torch.rand((3, 1, 2, 3), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    model = Model(Bowl(), spec=InputSpec(channels=1), device="cpu")
    built, seen = attack("vmi-fgsm", steps=2, neighbours=3), []
    real = type(built).view
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(built), "view", lambda *given: (seen.append(real(*given)), seen[-1])[1])
        perturb(built, model, Samples(x, torch.zeros(3, dtype=torch.int64), torch.arange(3)), Threat.parse("l2:0.2"))
    assert len(seen) == 5
    assert torch.equal(seen[0], x)
    for neighbour in seen[1:4]:
        assert torch.allclose(norm_of(neighbour.detach() - x, "l2"), torch.full((3,), 0.3, dtype=torch.float64))
    assert torch.allclose(norm_of(seen[4].detach() - x, "l2"), torch.full((3,), 0.1, dtype=torch.float64))


@pytest.mark.parametrize("wrong", [{"neighbours": 0}, {"beta": 0.0}])
def test_wrong_parameters(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        attack("vmi-fgsm", **wrong)
