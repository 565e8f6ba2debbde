"""Networks rebuilt by name."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from robustkit.errors import UsageError
from robustkit.training.topology import build_network


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


def test_an_unknown_network_is_one_sentence() -> None:
    with pytest.raises(UsageError, match="did you mean"):
        build_network("torchvision/resnet81", 3)
    with pytest.raises(UsageError, match="without its weights"):
        build_network("onnx/x", 3)
