from pathlib import Path

import pytest
import torch

from robustkit.build import attack
from robustkit.data.load import load_data
from robustkit.errors import UsageError
from robustkit.models.builtin_models import FOLDER, builtin_card, builtin_names, embedded, load_builtin
from robustkit.threats import Threat


@pytest.mark.parametrize("name", builtin_names())
def test_measures_what_its_card_says(name: str) -> None:
    model, card = load_builtin(name, device="cpu"), builtin_card(name)
    data = load_data(embedded(name).data).matched(model)
    x, y, _ = next(data.batches(model.spec, len(data)))
    assert float((model.logits(x).argmax(1) == y).double().mean()) == card["metrics"]["clean_first_1000"]
    assert all(parameter.dtype == torch.float32 for parameter in model.net.parameters())


@pytest.mark.parametrize("name", builtin_names())
def test_files_are_small_and_the_licence_is_stated(name: str) -> None:
    assert (FOLDER / f"{name.removeprefix('builtin/')}.safetensors").stat().st_size < 800_000
    assert "Apache-2.0" in builtin_card(name)["licence"]
    assert ("Zalando" in builtin_card(name)["licence"]) == ("fashion" in name)
    assert str(Path.home()) not in str(builtin_card(name))


def test_figures_reach_what_the_models_are_for() -> None:
    standard, robust = (builtin_card(f"builtin/fashion-{kind}")["metrics"] for kind in ("standard", "robust"))
    assert standard["clean"] >= 0.92
    assert standard["robust"] <= 0.01
    assert robust["clean"] >= 0.84
    assert robust["robust"] >= 0.70
    assert builtin_card("builtin/signs-cnn")["metrics"]["clean"] >= 0.97


def test_a_short_attack_finds_no_less_robustness_than_the_strongest_one() -> None:
    model = load_builtin("builtin/fashion-robust", device="cpu")
    data = load_data("builtin/fashion").limit(100).matched(model)
    x, y, ids = next(data.batches(model.spec, 100))
    result = attack("pgd", steps=10)(model, x, y, Threat.parse("linf:0.1"), sample_ids=ids)
    assert 0.6 <= float(result.robust.float().mean()) <= 0.9


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"did you mean .*'builtin/fashion-robust'"):
        load_builtin("builtin/fashion-robus")
