"""Everything that computes on a device computes on one that is not the CPU, and seldom makes the host wait for it."""

import dataclasses

import pytest
import torch
from torch import nn

import robustkit as rk
from robustkit import Model, Threat, attack, defend
from robustkit.conformance import example
from robustkit.registry import plugins
from tests.far import Far, far_device, waits

STEPS = 8


def built(name, steps=STEPS):
    wanted = {"steps": steps, "fit_images": 3}
    fields = {field.name for field in dataclasses.fields(plugins("attacks")[name].load()) if field.init}
    return attack(name, **{key: value for key, value in wanted.items() if key in fields})


def small(device, seed=0):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 5 * 4, 5))
    x = torch.rand(12, 3, 12, 10)
    y = net(x).argmax(1)
    return Model(net, device=device), x, y


def test_mixed_devices_are_noticed_and_waits_are_counted():
    with far_device() as device:
        x = torch.arange(3.0, device=device)
        assert isinstance(x, Far)
        assert x.device.type == "far"
        with pytest.raises(RuntimeError, match="mixes tensors of far and cpu"):
            x + torch.ones(3)
        assert (x + 1).cpu().tolist() == [1, 2, 3]
        assert not waits
        assert float(x.sum()) == 3
        assert sum(waits.values()) == 1


def surrogated(made, model):
    """The attack with another model to start on, where it cannot do without."""
    return dataclasses.replace(made, surrogate=(model,)) if made.name == "apgd-transfer" else made


@pytest.mark.parametrize("name", plugins("attacks"))
def test_every_attack_runs_there_and_finds_what_it_finds_here(name):
    if name == "corruption":
        pytest.xfail("torch does not let the pretend device follow tolist()")
    made = built(name, 40 if name in ("hopskipjump", "cgba") else STEPS)
    threat = example(made.info.threats[0])
    here, x, y = small("cpu")
    expected = surrogated(made, here)(here, x, y, threat, seed=3)
    with far_device() as device:
        there, x, y = small(device)
        found = surrogated(made, there)(there, x, y, threat, seed=3)
        assert isinstance(found.x_adv, Far)
        assert torch.equal(found.success.cpu(), expected.success)
        torch.testing.assert_close(found.x_adv.cpu(), expected.x_adv, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["pgd", "apgd-ce", "apgd-t", "fmn", "ddn", "pma", "simba", "stadv", "recolor"])
def test_the_engine_reads_the_device_once_a_step(name):
    threat = {
        "fmn": "l2:0.0001",
        "ddn": "l2:0.0001",
        "simba": "l2:0.0001",
        "stadv": "flow:0.001",
        "recolor": "recolor:0.0001",
    }.get(name, "linf:0.00001")
    counts = []
    with far_device() as device:
        model, x, y = small(device)
        for steps in (STEPS, 2 * STEPS):
            waits.clear()
            built(name, steps)(model, x, y, Threat.parse(threat))
            counts.append(sum(waits.values()))
    attempts = built(name).attempts(Threat.parse(threat), 5)
    assert counts[1] - counts[0] <= STEPS * min(attempts, 2)


@pytest.mark.parametrize("suite", ["standard", "minimum-norm"])
def test_a_whole_audit_says_there_what_it_says_here(tmp_path, suite):
    here, x, y = small("cpu")
    expected = rk.audit(here, (x, y), threats=["linf:0.02"], suite=suite, out=tmp_path / "here").report
    with far_device() as device:
        there, x, y = small(device)
        found = rk.audit(there, (x, y), threats=["linf:0.02"], suite=suite, out=tmp_path / "there").report
    assert found.clean == expected.clean
    assert [part.robust_accuracy for part in found.threats[0].attacks] == [
        part.robust_accuracy for part in expected.threats[0].attacks
    ]
    assert found.exit_code == expected.exit_code


@pytest.mark.parametrize(
    "name", [name for name, plugin in plugins("defenses").items() if plugin.load().info.kind == "preprocessor"]
)
def test_every_input_transform(name):
    here, x, _ = small("cpu")
    expected = defend(here, name).logits(x)
    with far_device() as device:
        there, x, _ = small(device)
        shield = defend(there, name)
        torch.testing.assert_close(shield.logits(x.to(device)).cpu(), expected, atol=1e-5, rtol=0)
        _, _, grad = shield.gradient(x.to(device), lambda logits: logits[:, 0])
        assert isinstance(grad, Far)
