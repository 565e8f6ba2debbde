"""``hf/owner/name``: image classifiers of the Hugging Face hub, its cache, or a local folder."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from robustkit.errors import RobustkitError, UnsafeFileError, UsageError, first_line
from robustkit.models.entries import shown
from robustkit.models.network import Network
from robustkit.spec import InputSpec

_INTERPOLATION = {0: "nearest", 2: "bilinear", 3: "bicubic"}


def load_hf(name: str, *, allow_remote_code: bool = False) -> Network:
    """An image classifier of the transformers library with safetensors weights and the preprocessing of its image processor.

    Parameters
    ----------
    name
        ``owner/name`` on the hub, or a folder written by ``save_pretrained``.
    allow_remote_code
        Run Python code that comes with the model; if false, such a model is refused.

    Raises
    ------
    UsageError
        If the library is not installed, the model cannot be loaded, or some of its weights are missing.
    UnsafeFileError
        If it would run its own code.
    """
    transformers = _library()
    try:
        net, loading = transformers.AutoModelForImageClassification.from_pretrained(
            name, use_safetensors=True, trust_remote_code=allow_remote_code, output_loading_info=True
        )
        processor = transformers.AutoImageProcessor.from_pretrained(name, trust_remote_code=allow_remote_code)
    except Exception as error:
        raise _refusal(name, error) from error
    lost = sorted(
        {*loading["missing_keys"], *(key[0] if isinstance(key, tuple) else key for key in loading["mismatched_keys"])}
    )
    if lost:
        raise UsageError(
            f"model 'hf/{shown(name)}' has no weights for {', '.join(map(shown, lost[:3]))}{' …' if len(lost) > 3 else ''}, which "
            "would be random: it is not a trained classifier, so fine-tune it first"
        )
    try:
        size, mean, std = _measured(processor)
        channels = int(getattr(net.config, "num_channels", 3))
        names = net.config.id2label
        classes = [str(names[index]) for index in range(len(names))] if set(names) == set(range(len(names))) else None
        spec = InputSpec(channels, size, _resize(processor, size), _interpolation(processor))
    except Exception as error:
        raise UsageError(
            f"the configuration of model 'hf/{shown(name)}' is damaged, or is not for images ({first_line(error)})"
        ) from error
    return Network(net, spec, mean[:channels], std[:channels], classes)


def fresh_hf(name: str, num_classes: int, *, local: bool = False) -> nn.Module:
    """An image classifier with new weights from a configuration on the hub or in a folder; its own code is not run.

    Parameters
    ----------
    name
        ``owner/name`` on the hub, or a folder.
    num_classes
        Number of outputs.
    local
        Use only folders and the hub's cache, without network access.

    Raises
    ------
    UsageError
        If the library is not installed, or there is no such configuration.
    UnsafeFileError
        If it would run code, or `local` is set and it is not available locally.
    """
    transformers = _library()
    try:
        config = transformers.AutoConfig.from_pretrained(
            name, num_labels=num_classes, trust_remote_code=False, local_files_only=local
        )
        net: nn.Module = transformers.AutoModelForImageClassification.from_config(config, trust_remote_code=False)
    except Exception as error:
        if local and isinstance(error, OSError) and not Path(name).is_dir():
            raise UnsafeFileError(
                f"the card was refused, because its network ('hf/{shown(name)}') is on the hub and not in the local cache: if you "
                "trust it, use --allow-remote-code, or download it first"
            ) from error
        raise _refusal(name, error) from error
    return net


def _library() -> Any:
    try:
        return importlib.import_module("transformers")  # only partly typed
    except ImportError:
        raise UsageError("model 'hf/…' needs the transformers library: pip install 'robustkit[hf]'") from None


def _refusal(name: str, error: Exception) -> RobustkitError:
    if "trust_remote_code" in str(error):
        return UnsafeFileError(
            f"model 'hf/{shown(name)}' was refused, because it comes with its own code: if you trust it, use --allow-remote-code"
        )
    return UsageError(
        f"model 'hf/{shown(name)}' cannot be loaded ({first_line(error)[:300]}): it must be an image classifier with safetensors "
        "weights on the hub, in its cache (HF_HOME) or in a local folder"
    )


def _measured(processor: Any) -> tuple[tuple[int, int], list[float], list[float]]:
    """The size, mean and std, measured by processing a black and a white image.

    Whatever the processor's options, it maps a pixel value v in [0, 1] to (v - mean) / std.
    """
    shades = [Image.fromarray(np.full((256, 256, 3), shade, np.uint8)) for shade in (0, 255)]
    black, white = (torch.as_tensor(processor(shade, return_tensors="pt")["pixel_values"]).double()[0] for shade in shades)
    low, high = black.mean(dim=(1, 2)), white.mean(dim=(1, 2))
    std = 1 / (high - low)
    if not bool(std.isfinite().all() and (std > 0).all()):
        raise ValueError("its image processor maps black and white to the same value")
    height, width = black.shape[-2:]
    return (height, width), [round(v, 6) for v in (-low * std).tolist()], [round(v, 6) for v in std.tolist()]


def _resize(processor: Any, size: tuple[int, int]) -> int | None:
    """The size of the shorter side before the centre crop; None if the image is resized directly to `size`."""
    if hasattr(processor, "data_config"):
        from robustkit.models.timm_models import timm_spec

        return timm_spec(processor.data_config).resize
    given = getattr(processor, "size", None) or {}
    edge = given.get("shortest_edge")
    crop_pct = getattr(processor, "crop_pct", None)
    if edge is not None and crop_pct is not None:
        return int(edge / crop_pct) if edge < 384 else None
    if edge is not None:
        return int(edge)
    if getattr(processor, "do_center_crop", False) and given.get("height", 0) > size[0]:
        return int(given["height"])
    return None


def _interpolation(processor: Any) -> str:
    if hasattr(processor, "data_config"):
        from robustkit.models.timm_models import timm_spec

        return timm_spec(processor.data_config).interpolation
    return _INTERPOLATION.get(int(getattr(processor, "resample", None) or 0), "bilinear")
