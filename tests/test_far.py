"""Everything that computes on a device computes on one that is not the CPU, and makes the host wait for it as seldom as it says."""

import dataclasses

import pytest
import torch
from torch import nn

import robustkit as rk
from robustkit import Model, attack, defend
from robustkit.benchmarks.running.corruption_error import count_errors
from robustkit.build import recipe
from robustkit.conformance.attack import example
from robustkit.contracts.recipe import TrainingBatch
from robustkit.contracts.samples import Samples
from robustkit.corruptions import CORRUPTIONS, corrupt
from robustkit.iterative import IterativeAttack
from robustkit.registry import plugins
from robustkit.rng import SampleRandom
from robustkit.threats import CorruptionThreat, NormThreat, RenderedThreat, Threat
from robustkit.training.augment import augment
from robustkit.universal import UniversalAttack
from tests.far import Far, far_device, stalls, uploads, waits

STEPS = 8

#: What an attack may wait for beside its steps: checks of what it was given, the clean pass, the verification.
AROUND = 24

#: What a cell of an audit may wait for beside its steps, and an audit beside its cells.
AROUND_CELL, ONCE = 40, 48

#: Images that a fingerprint and the questions after a model's classes and batches send.
PROBES = 14

#: Attacks that say after each step what the next one is to ask, or whose attempt is over: the host needs it at once.
AT_ONCE = ("cr", "deepfool", "hybrid-square", "jsma", "noise", "square", "superdeepfool")
#: It selects the samples of each step on the host, several times a step.
ON_THE_HOST = ("shrink",)


def kinds_of(what):
    return [name for name, plugin in plugins("defenses").items() if plugin.load().info.kind == what]


def built(name, steps=STEPS):
    wanted = {"steps": steps, "fit_images": 3}
    fields = {field.name for field in dataclasses.fields(plugins("attacks")[name].load()) if field.init}
    return attack(name, **{key: value for key, value in wanted.items() if key in fields})


def small(device, seed=0):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 5 * 4, 5))
    x = torch.rand(12, 3, 12, 10)
    y = net((x - 0.4) / 0.3).argmax(1)
    return Model(net, mean=(0.4,) * 3, std=(0.3,) * 3, device=device), x, y


def surrogated(made, model):
    """The attack with another model to start on, where it cannot do without."""
    return dataclasses.replace(made, surrogate=(model,)) if made.name == "apgd-transfer" else made


def queries(made, threat):
    """How often an attack asks about a survivor, with attempts that run side by side counted once."""
    if made.name == "hybrid-square":
        return queries(attack(made.start), threat) + made.steps
    if not isinstance(made, IterativeAttack):
        return 0
    return made.attempt_steps(threat) * min(made.attempts(threat, 5), 2)


def test_mixed_devices_are_noticed_and_waits_are_counted():
    with far_device() as device:
        x = torch.arange(3.0, device=device)
        assert isinstance(x, Far)
        assert x.device.type == "far"
        with pytest.raises(RuntimeError, match="mixes tensors of far and cpu"):
            x + torch.ones(3)
        assert not waits
        assert (x + 1).cpu().tolist() == [1, 2, 3]
        assert float(x.sum()) == 3
        assert x[x > 0].shape == (2,)
        x[x > 0] = 1
        x.copy_(torch.ones(3))
        torch.tensor([1.0], device=device)
        assert sum(waits.values()) == sum(stalls.values()) == 6


def test_what_is_read_before_it_arrived_is_wrong():
    with far_device() as device:
        x = torch.tensor([1.0, 2.0]).to(device, non_blocking=True)
        early, flags = x.to("cpu", non_blocking=True), (x > 1).to("cpu", non_blocking=True)
        assert early.isnan().all()
        assert flags.tolist() == [True, False]
        assert not waits
        torch.far.current_stream().record_event().synchronize()
        assert early.tolist() == [1.0, 2.0]
        assert flags.tolist() == [False, True]
        assert sum(waits.values()) == 1


@pytest.mark.parametrize("name", plugins("attacks"))
def test_every_attack_runs_there_and_finds_what_it_finds_here(name):
    made = built(name, 40 if name in ("hopskipjump", "cgba") else STEPS)
    threat = example(made.info.threats[0])
    here, x, y = small("cpu")
    expected = surrogated(made, here)(here, x, y, threat, seed=3)
    with far_device() as device:
        there, x, y = small(device)
        found = surrogated(made, there)(there, x, y, threat, seed=3)
        assert isinstance(found.x_adv, Far)
        asked = queries(made, threat)
        around = AROUND * (2 if isinstance(made, UniversalAttack) else 1)  # each fold is searched and verified
        if name not in ON_THE_HOST:
            assert sum(waits.values()) <= asked + around
            assert sum(stalls.values()) <= around + (asked if name in AT_ONCE else 0)
        assert torch.equal(found.success.cpu(), expected.success)
        assert torch.equal(found.forwards.cpu(), expected.forwards)
        torch.testing.assert_close(found.x_adv.cpu(), expected.x_adv, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name, plugin in plugins("attacks").items() for kind in plugin.load().info.threats],
)
def test_a_step_waits_once_and_the_device_works_meanwhile(name, kind):
    threat = example(kind)
    if isinstance(threat, NormThreat) and kind != "l0":
        threat = threat.with_eps(1e-6)  # no sample leaves
    counts = []
    with far_device() as device:
        model, x, y = small(device)
        for steps in (STEPS, 2 * STEPS):
            waits.clear()
            stalls.clear()
            made = surrogated(built(name, steps), model)
            made(model, x[:4], y[:4], threat)
            counts.append((queries(made, threat), sum(waits.values()), sum(stalls.values())))
    asked, waited, stalled = (more - few for few, more in zip(*counts, strict=True))
    assert waited <= asked
    assert stalled <= (asked if name in AT_ONCE else 0)


@pytest.mark.parametrize("name", ["pgd", "fab-t", "square"])
def test_a_step_of_several_draws_waits_twice_for_they_are_confirmed(name):
    counts = []
    with far_device() as device:
        model, x, y = small(device)
        for steps in (STEPS, 2 * STEPS):
            waits.clear()
            made = dataclasses.replace(built(name, steps), eot=3)
            threat = Threat.parse("linf:0.000001")
            made(model, x[:4], y[:4], threat)
            counts.append((queries(made, threat), sum(waits.values())))
    asked, waited = (more - few for few, more in zip(*counts, strict=True))
    assert waited <= 2 * asked


def judged(threat, x):
    """What a threat makes of images, and what it says of them."""
    bounds = (0.0, 1.0)
    ids, random = torch.arange(len(x), device=x.device), SampleRandom(3, "test")
    witness = None
    moved = (x + 0.01).clamp(*bounds)
    if isinstance(threat, NormThreat):
        moved = threat.project(x, threat.random_start(x, ids, ids, random, bounds) + 0.2, bounds)
    elif isinstance(threat, RenderedThreat):
        low, high = threat.limits(x)
        witness = low + (high - low) * random.uniform(ids, low.shape, dtype=torch.float64)
        moved = threat.transform(x, witness, bounds)
    elif isinstance(threat, CorruptionThreat):
        which = torch.arange(len(x)) % len(threat.kinds)
        moved = threat.transform(x, which, bounds, SampleRandom(3, "corruption"), ids, ids)
        witness = threat.witness(which.to(x.device, non_blocking=True), ids, ids, 3)
    made = dict(waits)
    return made, [moved, threat.contains(x, moved, bounds, witness), threat.distance(x, moved)]


@pytest.mark.parametrize("kind", plugins("threats"))
def test_every_threat_judges_there_as_here(kind):
    threat = example(kind)
    x = torch.rand(6, 3, 12, 10, generator=torch.Generator().manual_seed(1))
    _, expected = judged(threat, x)
    with far_device() as device:
        there = x.to(device)
        waits.clear()
        made, found = judged(threat, there)
        assert all(isinstance(value, Far) for value in found)
        assert not made
        assert kind in ("corruption", "patch") or not waits
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one.cpu(), other, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_every_corruption_is_made_there_without_a_wait(kind):
    x, ids = torch.rand(2, 3, 12, 10, generator=torch.Generator().manual_seed(1)), torch.arange(2)
    expected = corrupt(kind, x, 3, SampleRandom(0, "test"), ids)
    with far_device() as device:
        there, ids = x.to(device), ids.to(device)
        waits.clear()
        found = corrupt(kind, there, 3, SampleRandom(0, "test"), ids)
        assert kind == "jpeg_compression" or not waits
        torch.testing.assert_close(found.cpu(), expected, atol=1e-5, rtol=0)


def test_a_corruption_sweep_is_counted_there_and_read_back_once():
    here, x, y = small("cpu")
    kinds = ("gaussian_noise", "contrast")
    expected = count_errors(here, Samples(x, y, torch.arange(len(x))), kinds, (1, 5), 0)
    with far_device() as device:
        there, x, y = small(device)
        samples = Samples(x, y, torch.arange(len(x))).to(device)
        waits.clear()
        assert count_errors(there, samples, kinds, (1, 5), 0) == expected
        assert sum(waits.values()) == 1


@pytest.mark.parametrize("name", kinds_of("training"))
def test_a_training_step_of_every_recipe(name):
    def step(device):
        model, x, y = small(device)
        x, y, ids = (tensor.to(device) for tensor in (x, y, torch.arange(len(x))))
        waits.clear()
        batch = TrainingBatch(
            x=x,
            y=y,
            sample_ids=ids,
            forward=lambda images: model.net(model.preprocess(images)),
            model=model,
            threat=Threat.parse("linf:0.02"),
            num_classes=5,
            seed=0,
        )
        optimizer = torch.optim.SGD(model.net.parameters(), lr=0.1)
        loss = recipe(name).loss(batch)
        loss.backward()
        optimizer.step()
        return loss, dict(waits), [parameter.detach() for parameter in model.net.parameters()]

    loss, _, expected = step("cpu")
    with far_device() as device:
        there, waited, found = step(device)
        assert not waited
        torch.testing.assert_close(there.detach().cpu(), loss.detach(), atol=1e-5, rtol=0)
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one.cpu(), other, atol=1e-5, rtol=0)


def test_augmented_images_are_made_there_without_a_wait():
    x, ids = torch.rand(6, 3, 12, 10, generator=torch.Generator().manual_seed(1)), torch.arange(6)
    expected = augment(x, ids, ("flip", "crop"), 0)
    with far_device() as device:
        there, ids = x.to(device), ids.to(device)
        waits.clear()
        found = augment(there, ids, ("flip", "crop"), 0)
        assert not waits
        assert torch.equal(found.cpu(), expected)


@pytest.mark.parametrize(
    ("suite", "threat"),
    [
        ("standard", "linf:0.02"),
        ("minimum-norm", "linf:0.02"),
        ("natural", "spatial:10"),
        ("standard", "shadow:0.8"),
        ("parametric", "recolor:0.05"),
        ("physical", "patch:10%"),
    ],
)
def test_a_whole_audit_says_there_what_it_says_here(tmp_path, suite, threat):
    here, x, y = small("cpu")
    expected = rk.audit(here, (x, y), threats=[threat], suite=suite, out=tmp_path / "here").report
    with far_device() as device:
        there, x, y = small(device)
        found = rk.audit(there, (x, y), threats=[threat], suite=suite, out=tmp_path / "there").report
        between_steps = sum(count for line, count in waits.items() if not line.startswith("crossing.py"))
        crossed = sum(uploads.values())
    cells = len(list((tmp_path / "there" / "records").iterdir()))
    assert between_steps <= AROUND_CELL * cells + ONCE
    # For the checks and for all cells, and for the curve of suite standard, which brings back the verdict's images.
    assert crossed <= (3 if suite == "standard" else 2) * len(x) + PROBES
    assert found.clean == expected.clean
    assert [part.robust_accuracy for part in found.threats[0].attacks] == [
        part.robust_accuracy for part in expected.threats[0].attacks
    ]
    assert found.exit_code == expected.exit_code


@pytest.mark.parametrize("name", kinds_of("preprocessor"))
def test_every_input_transform(name):
    here, x, _ = small("cpu")
    expected = defend(here, name).logits(x)
    with far_device() as device:
        there, x, _ = small(device)
        shield, x = defend(there, name), x.to(device)
        waits.clear()
        logits = shield.logits(x)
        _, _, grad = shield.gradient(x, lambda logits: logits[:, 0])
        assert isinstance(grad, Far)
        assert name == "jpeg" or not waits
        torch.testing.assert_close(logits.cpu(), expected, atol=1e-5, rtol=0)
