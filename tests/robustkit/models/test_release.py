"""What is shipped is the rounded weights, and the card says what those measure."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from robustkit.data import as_data
from robustkit.models import builtin_models, release
from robustkit.models.networks import fashion_cnn


def test_robust_accuracy_is_the_worst_case_over_the_attacks(linear_model, linear_data):
    found = release.measure(linear_model, as_data(linear_data), "linf:0.1", robust_limit=15)
    assert (found["clean"], found["clean_n"], found["clean_first_1000"]) == (1, 20, 1)
    # Of the fifteen nearest images, those at 0.01 to 0.15, the last five stand at linf:0.1, and perhaps the one at 0.10.
    assert found["robust_n"] == 15
    assert round(15 * found["robust"]) in (5, 6)
    assert found["robust_first_1000"] == found["robust"]
    assert list(found["robust_after"]) == list(release.ATTACKS)
    assert sorted(found["robust_after"].values(), reverse=True) == list(found["robust_after"].values())


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A folder for embedded models, and data in place of Fashion-MNIST's test images."""
    data = as_data((torch.rand(12, 1, 28, 28), torch.arange(12) % 10))
    monkeypatch.setattr(release, "load_data", lambda name: data)
    for module in (release, builtin_models):
        monkeypatch.setattr(module, "FOLDER", tmp_path / "builtin")
    monkeypatch.setattr(release, "ATTACKS", ("apgd-ce:steps=2",))
    return tmp_path / "builtin"


def test_the_two_files_are_those_the_loader_reads(tmp_path, shipped, monkeypatch):
    run, net = tmp_path / "run", fashion_cnn()
    run.mkdir()
    save_file(net.state_dict(), run / "model.safetensors")
    classes = [f"class {i}" for i in range(10)]
    card = {"command": "robustkit train x", "model": {"classes": classes}, "run": {"seed": 0}, "versions": {"torch": "2"}}
    monkeypatch.setattr(release, "read_card", lambda folder: card)
    written = release.release(run, "builtin/fashion-robust", robust_limit=5)
    assert json.loads((shipped / "fashion-robust.json").read_text()) == written
    assert (written["name"], written["classes"], written["parameters"]) == ("builtin/fashion-robust", classes, 348_086)
    assert {"licence", "command", "run", "versions"} <= written.keys()
    assert written["metrics"]["robust_n"] == 5
    kept = load_file(shipped / "fashion-robust.safetensors")
    assert all(torch.equal(value, net.state_dict()[key].half()) for key, value in kept.items())


def test_every_embedded_model_has_a_test():
    assert {builtin_models.embedded(name).data for name in builtin_models.builtin_names()} == set(release.TESTS)
    assert "no photograph" in release.TESTS["builtin/signs"].licence
