"""A cell's name holds everything that could change its result."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, identity
from robustkit.benchmarks.audit import audit
from robustkit.benchmarks.planning.cell import Cell, parameters, plugin
from robustkit.benchmarks.planning.plan import Given, equip
from robustkit.build import attack
from robustkit.contracts.attack import Attack, AttackInfo
from robustkit.errors import UsageError
from robustkit.threats import Threat


def stranger(body: str, helper: str = "def helper(x): return x") -> type[Any]:
    """A plugin's class, always of the same name, with another body or another helper in its module."""
    scope: dict[str, Any] = {"__name__": "stranger"}
    exec(f"{helper}\ndef run(self, *_, **__): return {body}", scope)
    info = AttackInfo(name="mine", threats=("linf",), knowledge="white-box", targeted=False, cost="0", paper="none")
    members = {"__module__": "stranger", "__annotations__": {"info": ClassVar[AttackInfo], "steps": int}, "info": info}
    kind = type("Mine", (Attack,), {**members, "steps": 1, "run": scope["run"]})
    return dataclasses.dataclass(frozen=True, kw_only=True)(kind)


def name_of(built: Attack, threat: str = "linf:0.1") -> str:
    return Cell("mine", built, Threat.parse(threat), "attack", "all", "main", "context").name


def test_the_same_plugin_has_one_name() -> None:
    assert name_of(stranger("helper(1)")()) == name_of(stranger("helper(1)")())


@pytest.mark.parametrize("other", [stranger("helper(2)"), stranger("helper(1)", "def helper(x): return x + 1")])
def test_another_class_of_the_same_name_is_another_cell(other: type[Any]) -> None:
    assert name_of(stranger("helper(1)")()) != name_of(other())


def test_another_version_is_another_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = stranger("1")
    before = plugin(kind)
    monkeypatch.setattr(identity, "version_of", lambda module: f"{module} 2.0")
    assert plugin.__wrapped__(kind) != before  # type: ignore[attr-defined]


def test_parameters_and_threats_are_another_cell() -> None:
    names = {name_of(attack(spec), threat) for spec in ("pgd", "pgd:steps=7") for threat in ("linf:0.1", "linf:0.2")}
    assert len(names) == 4


def test_a_threats_files_count_by_their_content(tmp_path: Path) -> None:
    (tmp_path / "mask.toml").write_text("rectangles_cm = [[-10, -10, 20, 20]]")
    before = name_of(attack("rp2"), f"sticker:{tmp_path}/mask.toml")
    assert name_of(attack("rp2"), f"sticker:{tmp_path}/mask.toml") == before
    (tmp_path / "mask.toml").write_text("rectangles_cm = [[-10, -10, 20, 21]]")
    assert name_of(attack("rp2"), f"sticker:{tmp_path}/mask.toml") != before
    with pytest.raises(UsageError, match=r"none\.toml' of threat .* cannot be read"):
        name_of(attack("rp2"), "sticker:none.toml")


def test_a_surrogate_counts_by_what_it_is_however_it_is_given() -> None:
    given = Given((), 1, torch.device("cpu"))
    by_name = equip(attack("mi-fgsm:surrogate=builtin/fashion-standard"), given)
    model = by_name.surrogate[0]  # type: ignore[attr-defined]
    assert parameters(by_name)["surrogate"] == [["builtin/fashion-standard", model.fingerprint()]]


class Scaled(nn.Module):
    """Class 1 if the scaled pixels sum to more than 2."""

    scale = 1.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        score = (x.flatten(1).sum(1) - 2) * self.scale
        return torch.stack([-score, score], 1)


def opposite(self: Scaled, x: torch.Tensor) -> torch.Tensor:
    return Scaled.forward(self, x).flip(1)


@pytest.mark.parametrize(
    "change", [lambda net: setattr(net, "scale", -1.0), lambda net: setattr(net, "forward", opposite.__get__(net))]
)
def test_a_changed_model_is_another_run(change: Any, linear_data: Any, tmp_path: Path) -> None:
    def audited(net: nn.Module, out: str) -> float:
        model = Model(net, spec=InputSpec(channels=1), device="cpu", name="net")
        found = audit(model, linear_data, threats=["linf:0.105"], attacks=["pgd:steps=5"], out=tmp_path / out)
        return found.report.clean.value

    net = Scaled()
    assert audited(net, "a") == 1.0
    change(net)
    with pytest.raises(UsageError, match="model fingerprint was"):
        audited(net, "a")
    assert audited(net, "b") == 0.0


@pytest.mark.parametrize(("changed", "named"), [({"seed": 1}, "seed was 0, now 1"), ({"limit": 9}, "limit was 10, now 9")])
def test_what_the_user_changed_is_named(
    changed: dict[str, Any], named: str, linear_model: Model, linear_data: Any, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"threats": ["linf:0.105"], "attacks": ["noise"], "limit": 10, "out": tmp_path / "run"}
    audit(linear_model, linear_data, **options)
    with pytest.raises(UsageError, match=named):
        audit(linear_model, linear_data, **(options | changed))


def test_a_limit_that_leaves_the_same_samples_resumes(linear_model: Model, linear_data: Any, tmp_path: Path) -> None:
    for limit in (None, 20, 30):
        audit(linear_model, linear_data, threats=["linf:0.105"], attacks=["noise"], limit=limit, out=tmp_path / "run")
