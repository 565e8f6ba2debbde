"""Auto-PGD's losses, targets and cost; its two update rules are tested in test_apgd_momentum.py and test_apgd_l1.py."""

import pytest
import torch

from robustkit import InputSpec, Model, UsageError
from robustkit.attacks.gradient.apgd import APGDT
from robustkit.build import attack
from robustkit.threats import Threat


def test_cost():
    assert attack("apgd-ce").cost(Threat.parse("l1:1"), 10) == (104, 102)
    assert attack("apgd-ce").cost(Threat.parse("linf:0.1"), 10) == (102, 100)
    assert attack("apgd-t").cost(Threat.parse("linf:0.1"), 10) == (9 * 101 + 1, 900)
    assert attack("apgd-t").cost(Threat.parse("l1:1"), 10) == (5 * 103 + 1, 510)


def test_targets_are_the_likeliest_wrong_classes_in_order(trail, monkeypatch):
    aimed = []
    real = APGDT.targets
    monkeypatch.setattr(APGDT, "targets", lambda self, batch: (aimed.append(real(self, batch).tolist()), real(self, batch))[1])
    net, x = trail.network(), trail.images()
    logits = net(x)
    model = Model(net, spec=InputSpec(channels=2), device="cpu")
    attack("apgd-t", steps=1, restarts=2, early_exit=False)(model, x, logits.argmax(1), Threat.parse("linf:0.01"))
    order = logits.argsort(dim=1, descending=True)
    assert aimed == [order[:, rank].tolist() for rank in (1, 1, 2, 2, 3, 3, 4, 4)]


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize("name", ["apgd-dlr", "apgd-t"])
@pytest.mark.parametrize("classes", [2, 3, 4])
def test_few_classes_still_have_a_gradient(trail, name, classes, norm):
    net, x = trail.network(classes, channels=1), trail.images(channels=1)
    model = Model(net, spec=InputSpec(channels=1), device="cpu")
    y = net(x).argmax(1)
    threat = Threat.parse(f"{norm}:{10 * trail.eps[norm]}")
    result = attack(name, steps=20)(model, x, y, threat)
    assert int(result.success.sum()) >= 4
    # The ratio is constant if the label ranks third: that may happen once before success.
    assert int(result.zero_gradients.max()) <= 1


def test_targeted_threat_reaches_the_target(trail):
    net, x = trail.network(), trail.images()
    model = Model(net, spec=InputSpec(channels=2), device="cpu")
    y = net(x).argmax(1)
    targets = (y + 2) % 5
    for name in ("apgd-ce", "apgd-dlr", "apgd-t"):
        result = attack(name, steps=30)(model, x, y, Threat.parse("linf:0.9,targeted"), targets=targets)
        assert bool(result.success.all())
        assert torch.equal(net(result.x_adv).argmax(1), targets)


@pytest.mark.parametrize(
    ("name", "wrong"), [("apgd-ce", {"rho": 0}), ("apgd-dlr", {"restarts": 0}), ("apgd-t", {"target_classes": 0})]
)
def test_wrong_parameters(name, wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        attack(name, **wrong)
