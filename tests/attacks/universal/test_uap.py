import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.attacks.universal.uap import UAP
from robustkit.build import attack
from robustkit.contracts.result import Status
from robustkit.threats import Threat

W = torch.tensor([2.0, -1.0, 0.5, -0.1], dtype=torch.float64)


class Tilted(nn.Module):
    """Class 1 on the positive side of a plane: every image has the same gradient."""

    def forward(self, x):
        score = (x.flatten(1).double() - 0.5) @ W
        return torch.stack([-score, score], 1)


def model():
    return Model(Tilted(), spec=InputSpec(channels=1), device="cpu")


def images(n=40, one_class=True):
    x = 0.35 + 0.3 * torch.rand((n, 1, 2, 2), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = model().logits(x).argmax(1)
    return (x[y == 1], y[y == 1]) if one_class else (x, y)


SMALL = {"steps": 60, "batch": 8, "fit_images": 16}


@pytest.mark.parametrize("eps", [0.05, 0.1])
def test_optimal_for_a_linear_model_of_linf(eps):
    x, y = images()
    delta = UAP(**SMALL).fit(model(), x, y, Threat.parse(f"linf:{eps}"))["perturbation"]
    assert torch.allclose(delta.flatten(), -eps * W.sign())


def test_optimal_for_a_linear_model_of_l2():
    x, y = images()
    delta = UAP(**SMALL).fit(model(), x, y, Threat.parse("l2:0.1"))["perturbation"]
    assert torch.allclose(delta.flatten(), -0.1 * W / W.norm(), atol=1e-3)


def test_success_is_evaluated_on_held_out_images_and_verified():
    x, y = images()
    y[0] = 0
    threat, target = Threat.parse("linf:0.1"), model()
    result = attack("uap", **SMALL)(target, x, y, threat)
    assert result.status[0] == Status.MISCLASSIFIED
    assert result.forwards.tolist() == [1] + [2] * (len(x) - 1)
    assert int(result.backwards.sum()) == 0
    assert torch.equal(result.success[1:], target.logits(result.x_adv).argmax(1)[1:] == 0)
    # Optimal: every image that any perturbation of this size could successfully attack is successfully attacked.
    reach = 0.1 * W.abs().sum()
    assert torch.equal(result.success[1:], ((x.flatten(1) - 0.5) @ W < reach)[1:])


def test_a_target_is_reached_from_every_class():
    x, y = images(one_class=False)
    x, y = x[y == 0], y[y == 0]
    result = attack("uap", **SMALL)(model(), x, y, Threat.parse("linf:0.15,targeted"), targets=torch.ones_like(y))
    assert result.success.float().mean() > 0.9


def test_invalid_data_and_invalid_fits():
    x, y = images()
    threat, built = Threat.parse("linf:0.1"), UAP(**SMALL)
    with pytest.raises(UsageError, match="without images"):
        built.fit(model(), x[:0], y[:0], threat)
    with pytest.raises(UsageError, match="no 'perturbation'"):
        built.apply(model(), x, y, threat, {"patch": x[0]})
    with pytest.raises(UsageError, match="shape"):
        built.apply(model(), x, y, threat, {"perturbation": x[0, :, :1]})
    with pytest.raises(UsageError, match=r"labels span .* classes"):
        built(model(), x, y + 900, threat)


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"batch": 0}, {"step_size": 0.0}, {"cap": 0.0}, {"fit_images": 0}])
def test_wrong_parameters(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        attack("uap", **wrong)
