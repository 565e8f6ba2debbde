"""Networks rebuilt by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from robustkit.errors import UsageError
from robustkit.models.overrides import Overrides
from robustkit.training.topology import IMAGENET_MEAN, build_network, fresh_model


def test_the_same_seed_is_the_same_network() -> None:
    first, second = (build_network("builtin/fashion-robust", 10, seed=3).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_hub_network_is_rebuilt_with_other_classes(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.ViTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, image_size=8, patch_size=4, num_labels=5
    )
    transformers.ViTForImageClassification(config).save_pretrained(tmp_path)
    net = build_network(f"hf/{tmp_path}", 3)
    assert net(torch.zeros(1, 3, 8, 8)).logits.shape == (1, 3)


NETS = """
from torch import nn

def net(channels=1):
    return nn.Sequential(nn.Conv2d(channels, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3))

def flat():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
"""


@pytest.mark.parametrize(
    ("name", "said", "channels", "mean"),
    [
        ("net", {}, 1, None),
        ("net(3)", {}, 3, IMAGENET_MEAN),
        ("net", {"mean": "0.5", "std": "0.25"}, 1, (0.5,)),
        ("net", {"channels": 1}, 1, None),
        ("flat", {"channels": 1}, 1, None),
        ("flat", {"channels": 1, "bounds": "0,255"}, 1, (0.0,)),
        ("net(3)", {"mean": "0.5", "std": "0.25"}, 3, (0.5,) * 3),
    ],
)
def test_the_normalisation_has_as_many_values_as_the_network_has_channels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: dict[str, Any], channels: int, mean: Any
) -> None:
    (tmp_path / "topologynets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    said_of_it = Overrides.parse(**said)
    model = fresh_model(f"python:topologynets:{name}", 3, (8, 8), seed=0, device="cpu", said=said_of_it)
    assert (model.spec.channels, model.spec.size, model.mean) == (channels, (8, 8), mean)
    assert model.logits(torch.rand(2, channels, 8, 8)).shape == (2, 3)


def test_an_unknown_network_is_one_sentence() -> None:
    with pytest.raises(UsageError, match="did you mean"):
        build_network("torchvision/resnet81", 3)
    with pytest.raises(UsageError, match="without its weights"):
        build_network("onnx/x", 3)
