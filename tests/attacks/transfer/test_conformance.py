"""Transfer attacks conform to the contract on surrogates too."""

import pytest
import torch

from robustkit import InputSpec, Model
from robustkit.build import attack
from robustkit.conformance.attack import Network, check_attack


def surrogate(classes):
    """A surrogate similar to the network of the conformance checks."""
    shape = (1, 5, 6) if classes == 2 else (3, 6, 5)
    net, numbers = Network(shape, classes), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.02 * torch.randn(parameter.shape, generator=numbers, dtype=parameter.dtype)
        net.norm.bias.fill_(1.0)  # so that a black image has a gradient
    return Model(net, spec=InputSpec(channels=shape[0]), device="cpu")


@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize("name", ["mi-fgsm", "ni-fgsm", "di-fgsm", "ti-fgsm", "vmi-fgsm", "apgd-transfer:surrogate_steps=2"])
def test_keeps_the_contract(name, classes):
    built = attack(name, surrogate=surrogate(classes))
    assert [str(finding) for finding in check_attack(built, classes=(classes,))] == []
