"""A card is read back as it was written, and refused by the first thing that does not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from robustkit import Model
from robustkit.spec import InputSpec
from robustkit.training.card import describe_model, model_settings, parse_card, versions, write_card


def net() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 2))


MODELS = [
    Model(net(), spec=InputSpec(channels=3, size=(4, 4)), device="cpu"),
    Model(
        net(), spec=InputSpec(channels=3, size=(4, 4), resize=5, interpolation="bicubic"), bounds=(-1, 1), mean=[0.1, 0.2, 0.3],
        std=[1.0, 2.0, 3.0], classes=["a", "ü"], device="cpu",
    ),
]  # fmt: skip


def card(model: Model = MODELS[0]) -> dict[str, Any]:
    val = {"name": "photos", "n": 50}
    return {
        "name": "hard",
        "command": "robustkit harden x",
        "licence": "MIT",
        "model": describe_model(model, "builtin/x", 2),
        "run": {
            "threat": "linf:0.1", "val": val, "data": val | {"n": 450}, "base": "fresh weights", "recipe": "pgd",
            "options": {"epochs": 3, "seed": 7},
        },
        "metrics": {"clean": 0.875, "robust": 0.5, "epoch": 2},
        "validation_attack": "pgd:steps=20",
        "versions": versions(),
    }  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
def test_a_model_is_built_again_from_its_card(model: Model, tmp_path: Path) -> None:
    write_card(tmp_path, card(model))
    read = parse_card((tmp_path / "card.json").read_bytes())
    assert read == json.loads(json.dumps(card(model)))
    again = Model(model.net, device="cpu", **model_settings(read))
    x = torch.rand(2, 3, 4, 4)
    assert torch.equal(again.logits(x), model.logits(x))
    assert (again.spec, again.classes, again.bounds) == (model.spec, model.classes, model.bounds)


def test_the_card_for_people_says_what_was_done(tmp_path: Path) -> None:
    write_card(tmp_path, card())
    said = (tmp_path / "card.md").read_text()
    assert said.startswith("# hard\n")
    for row in (
        "| Data | photos, 450 images |",
        "| Epochs | 3, the best is number 2 |",
        "| Clean accuracy | 87.5% of the validation images |",
        "| Robust accuracy | 50.0% under pgd:steps=20, an upper bound |",
        "| Command | `robustkit harden x` |",
    ):
        assert row in said
    plain = card()
    plain["metrics"].pop("robust")
    plain["model"]["architecture"] = None
    write_card(tmp_path, plain)
    said = (tmp_path / "card.md").read_text()
    assert "Robust accuracy" not in said
    assert "given as an object" in said


def test_a_run_is_complete_only_once_everything_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr("robustkit.training.card.write_text", lambda path, text: written.append(path.name))
    write_card(tmp_path, card())
    assert written == ["card.md", "card.json"]


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '{"model": 3}', "{}", '{"model": {"architecture": "x"}}', "[" * 100_000, "{", "\xff"]
)
def test_what_is_no_card_is_one_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        parse_card(text.encode("latin-1"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("model", "num_classes"), "4"),
        (("model", "num_classes"), -4),
        (("model", "input", "size"), [0, 28]),
        (("model", "input", "size"), [28, 10**6]),
        (("model", "input", "resize"), 10**9),
        (("model", "input", "channels"), 1.5),
        (("model", "input", "interpolation"), "cubic"),
        (("model", "bounds"), [0]),
        (("model", "mean"), [float("nan")]),
        (("model", "classes"), {"a": 1}),
        (("metrics", "clean"), "high"),
        (("run", "val", "n"), None),
    ],
)
def test_an_odd_value_is_named_by_its_place(path: tuple[str, ...], value: Any) -> None:
    odd = card()
    part = odd
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    with pytest.raises(ValueError, match=".".join(path)):
        parse_card(json.dumps(odd).encode())
