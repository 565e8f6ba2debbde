"""A training run's folder as a model: weights first, and code that the card names only if the user says so."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_model
from torch import nn

import robustkit as rk
from robustkit import Model
from robustkit.errors import ExitCode, UnsafeFileError, UsageError
from robustkit.spec import InputSpec
from robustkit.training.card import describe_model


def run(folder: Path, architecture: str | None, num_classes: int = 2) -> Path:
    folder.mkdir()
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    save_model(net, str(folder / "model.safetensors"))
    model = Model(net, spec=InputSpec(channels=1, size=(2, 2)), device="cpu")
    described = describe_model(model, architecture, num_classes)
    val = {"name": "x", "n": 1}
    card = {"command": "robustkit train", "model": described, "run": {"threat": None, "val": val}, "metrics": {"clean": 1.0}}
    (folder / "card.json").write_text(json.dumps(card | {"validation_attack": "pgd", "versions": {}}))
    return folder


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stranger.py").write_text(
        "from torch import nn\n\nopen('touched', 'w')\n\ndef build():\n    return nn.Sequential(nn.Flatten(), nn.Linear(4, 2))\n"
    )
    return tmp_path


def test_code_that_a_card_names_runs_only_if_the_user_says_so(place):
    run(place / "run", "python:stranger:build")
    with pytest.raises(UnsafeFileError, match=r"names code .* use --arch stranger:build \(or --allow-remote") as caught:
        rk.load_model("run", device="cpu")
    assert caught.value.exit_code == ExitCode.UNSAFE_FILE
    assert not (place / "touched").exists()
    for said in ({"arch": "stranger:build"}, {"allow_remote_code": True}):
        assert rk.load_model("run", device="cpu", **said).logits(torch.rand(1, 1, 2, 2)).shape == (1, 2)


def test_weights_are_looked_for_before_any_code_runs(place):
    folder = run(place / "run", "python:stranger:build")
    (folder / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(UsageError, match="git lfs pull"):
        rk.load_model("run", device="cpu", allow_remote_code=True)
    (folder / "model.safetensors").unlink()
    with pytest.raises(UsageError, match="do not exist"):
        rk.load_model("run", device="cpu", allow_remote_code=True)
    assert not (place / "touched").exists()


def test_a_run_of_a_network_object_takes_an_arch(place):
    run(place / "run", None)
    with pytest.raises(UsageError, match=r"trained from a network object.* --arch"):
        rk.load_model("run", device="cpu")
    assert rk.load_model("run", arch="stranger:build", device="cpu").spec.size == (2, 2)


@pytest.mark.parametrize(
    ("architecture", "says"),
    [
        ("builtin/../../x", "is unknown"),
        ("file:/etc/passwd", "cannot be built without its weights"),
        ("timm/hf-hub:owner/name", "timm has no model"),
        ("timm/../x", "timm has no model"),
        ("torchvision/\u202e", "has no classifier"),
        ("builtin/fashion-robust", "do not fit"),
    ],
)
def test_other_architectures_of_a_card_run_nothing(place, architecture, says):
    run(place / "run", architecture)
    with pytest.raises(UsageError, match=says):
        rk.load_model("run", device="cpu")


@pytest.mark.parametrize("name", ["owner/name", "name", "../nowhere"])
def test_a_card_asks_the_hub_only_if_the_user_says_so(place, monkeypatch, name):
    transformers = pytest.importorskip("transformers")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(place / "cache"))
    configured, alone = transformers.AutoConfig.from_pretrained, []

    def offline(where, **options):
        alone.append(options["local_files_only"])
        return configured(where, **options | {"local_files_only": True})

    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", offline)
    run(place / "run", f"hf/{name}")
    with pytest.raises(
        UnsafeFileError, match=rf"its network \('hf/{name}'\) is on the hub and not in the local cache: .* --allow-remote"
    ):
        rk.load_model("run", device="cpu")
    with pytest.raises(UsageError, match="cannot be loaded"):
        rk.load_model("run", device="cpu", allow_remote_code=True)
    assert alone == [True, False]


def test_a_card_may_name_a_hub_network_that_is_here(place):
    transformers = pytest.importorskip("transformers")
    config = transformers.ViTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, image_size=8, patch_size=4, num_labels=5
    )
    transformers.ViTForImageClassification(config).save_pretrained(place / "vit")
    run(place / "run", "hf/vit")
    with pytest.raises(UsageError, match="do not fit hf/vit"):
        rk.load_model("run", device="cpu")


def test_more_classes_than_numbers_are_a_damaged_card(place):
    run(place / "run", "builtin/fashion-robust", num_classes=10**12)
    with pytest.raises(UsageError, match="damaged"):
        rk.load_model("run", device="cpu")
