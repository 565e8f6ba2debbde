"""The plugins that CONTRIBUTING shows are whole, short, and keep their contracts."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

import robustkit as rk
from robustkit.conformance.attack import check_attack
from robustkit.contracts.recipe import TrainingBatch
from robustkit.contracts.result import Status
from robustkit.defended_model import DefendedModel
from robustkit.plugin import AttackInfo, ParametricAttack
from robustkit.registry import Plugin, plugins
from tests.blocks import ROOT, blocks, run

PAGE = ROOT / "CONTRIBUTING.md"
BLOCKS = blocks("CONTRIBUTING.md")


def shown(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that a block is which defines a name."""
    (block,) = [block for block in BLOCKS if re.search(rf"^(class|def) {name}\b", block, flags=re.MULTILINE)]
    return run(block, monkeypatch)


@pytest.fixture
def gamma(monkeypatch: pytest.MonkeyPatch) -> type[rk.Threat]:
    """The threat of the page, registered as if its package were installed."""
    module = shown("Gamma", monkeypatch)
    entry = EntryPoint("gamma", "page:Gamma", "robustkit.threats")
    monkeypatch.setitem(plugins("threats"), "mypackage/gamma", Plugin("mypackage/gamma", "threats", entry, "mypackage", "1"))
    made: type[rk.Threat] = module.Gamma
    return made


@pytest.fixture
def linear() -> rk.Model:
    """A classifier of images of 1x6x6 pixels into four classes."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        net = nn.Sequential(nn.Flatten(), nn.Linear(36, 4))
    return rk.Model(net, spec=rk.InputSpec(channels=1), device="cpu")


def images(count: int) -> Tensor:
    return torch.rand(count, 1, 6, 6, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_a_block_is_short_and_imports_contracts_from_one_place(block: str) -> None:
    assert set(re.findall(r"(?:from|import) (robustkit[\w.]*)", block)) == {"robustkit.plugin"}
    definitions = block[re.search(r"^(@dataclass|class)", block, flags=re.MULTILINE).start() :]  # type: ignore[union-attr]
    assert len([line for line in definitions.splitlines() if line.strip()]) < 25


def test_every_entry_point_names_a_class_that_is_shown() -> None:
    named = re.findall(r'^\w+ = "mypackage\.\w+:(\w+)"', PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(named) == ["Corner", "Gamma", "Half", "Soften"]
    assert all(any(f"class {name}(" in block for block in BLOCKS) for name in named)


def test_the_files_it_points_to_exist() -> None:
    paths = re.findall(r"`((?:attacks|defenses|robustkit|tests)/[\w/]+\.py)`", PAGE.read_text(encoding="utf-8"))
    assert len(paths) > 5
    assert all((ROOT / path).is_file() for path in paths)


def test_the_attack(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_attack(shown("Corner", monkeypatch).Corner()) == []


def test_the_threat(gamma: type[rk.Threat]) -> None:
    class Steepest(ParametricAttack):
        info = AttackInfo(
            name="g", threats=("mypackage/gamma",), knowledge="white-box", targeted=True, cost="", paper="", any_criterion=True
        )

    threat = rk.Threat.parse("mypackage/gamma:0.5,targeted")
    assert type(threat) is gamma
    assert rk.Threat.parse(threat.id) == threat
    assert check_attack(Steepest(), dtypes=(torch.float32, torch.float64)) == []


def test_the_kind_of_model(monkeypatch: pytest.MonkeyPatch) -> None:
    model = shown("Remote", monkeypatch).build()
    x = torch.full((2, 1, 28, 28), 0.5) + torch.tensor([0.05, 0.2]).reshape(2, 1, 1, 1)
    y = model.logits(x).argmax(1)
    threat = rk.Threat.parse("linf:0.1")
    found = rk.attack("noise")(model, (x - 0.04), y, threat)
    assert found.status.tolist() == [Status.FAILED, Status.FAILED]
    assert rk.attack("square:steps=100")(model, x, y, threat).success.tolist() == [True, False]
    with pytest.raises(rk.UsageError, match=r"needs white-box knowledge, but remote gives score only"):
        rk.attack("pgd")(model, x, y, threat)


def test_the_criterion(monkeypatch: pytest.MonkeyPatch) -> None:
    class Brightness(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.stack([0.5 - x[:, 0], x[:, 0] - 0.5], 1)

    criterion = shown("MostPixelsWrong", monkeypatch).MostPixelsWrong()
    model = rk.Model(Brightness(), spec=rk.InputSpec(channels=1), device="cpu", criterion=criterion)
    x = torch.full((3, 1, 4, 4), 0.5) + torch.tensor([0.03, 0.08, 0.2]).reshape(3, 1, 1, 1)
    masks = torch.ones(3, 4, 4, dtype=torch.int64)
    for name in ("pgd", "apgd-margin", "fmn"):
        assert rk.attack(name)(model, x, masks, rk.Threat.parse("linf:0.1")).success.tolist() == [True, True, False]
    with pytest.raises(rk.UsageError, match="give one class per pixel"):
        rk.attack("pgd")(model, x, masks[:, 0], rk.Threat.parse("linf:0.1"))


def test_the_preprocessor(monkeypatch: pytest.MonkeyPatch, linear: rk.Model) -> None:
    soften = shown("Soften", monkeypatch).Soften()
    flat = torch.full((1, 1, 6, 6), 0.25)
    assert torch.equal(soften(flat, (0, 1)), flat)
    shield, x = DefendedModel(linear, (soften,)), images(8)
    result = rk.attack("pgd:early_exit=false,steps=3")(shield, x, shield.logits(x).argmax(1), rk.Threat.parse("linf:0.05"))
    assert (result.zero_gradients == 0).all()


def test_the_recipe(monkeypatch: pytest.MonkeyPatch, linear: rk.Model) -> None:
    recipe = shown("Half", monkeypatch).Half(steps=2)
    threat, seen = rk.Threat.parse("linf:0.1"), []

    def forward(x: Tensor) -> Tensor:
        seen.append(x)
        logits: Tensor = linear.net(x)
        return logits

    rows = torch.arange(8)
    recipe.check(threat)
    recipe.loss(
        TrainingBatch(
            x=images(8), y=rows % 4, sample_ids=rows, forward=forward, model=linear, threat=threat, num_classes=4, seed=0
        )
    ).backward()
    assert torch.equal(seen[0], images(8))
    assert (seen[1] != seen[0]).any()
    assert all(parameter.grad is not None for parameter in linear.net.parameters())
    with pytest.raises(rk.UsageError, match="trains against a threat"):
        recipe.check(None)
