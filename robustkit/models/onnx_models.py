"""``onnx:model.onnx``: a network run by onnxruntime on the CPU, with scores but no gradients."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from robustkit.contracts.model import Model
from robustkit.errors import UsageError, first_line
from robustkit.models.entries import shown
from robustkit.models.network import Network, note
from robustkit.spec import InputSpec

_FLOATS = {"tensor(float16)": np.float16, "tensor(float)": np.float32, "tensor(double)": np.float64}
#: Image sizes to try on a network without a fixed size, to inspect its output.
_SIDES = (32, 224)


@dataclass(frozen=True)
class OnnxNetwork:
    """A network run by onnxruntime, from preprocessed images ``(B, C, H, W)`` to the first output of the file.

    Parameters
    ----------
    run
        The session's `run` method.
    digest
        SHA-256 of the file.
    name, dtype
        Of its only input.
    channels_last
        Whether the input has the shape ``(B, H, W, C)``.
    fixed_batch
        Number of images per pass; None if any number is accepted.
    probabilities
        Whether the output is one probability per class, whose logarithm is returned.
    """

    run: Callable[[None, dict[str, Any]], Sequence[Any]]
    digest: bytes
    name: str
    dtype: Any
    channels_last: bool
    fixed_batch: int | None
    probabilities: bool = False

    def __call__(self, x: Tensor) -> Tensor:
        """The outputs for images; logarithms of probabilities are logits."""
        images = x.detach().cpu().numpy().astype(self.dtype)
        if self.channels_last:
            images = images.transpose(0, 2, 3, 1)
        size = self.fixed_batch or max(len(images), 1)
        rows = [self._pass(images[start : start + size], size) for start in range(0, len(images), size)]
        output = torch.from_numpy(np.concatenate(rows)).float().to(x.device)
        return output.clamp_min(torch.finfo(output.dtype).tiny).log() if self.probabilities else output

    def _pass(self, images: Any, size: int) -> Any:
        short = size - len(images) if self.fixed_batch else 0
        whole = np.concatenate([images, np.repeat(images[-1:], short, axis=0)]) if short else images
        return np.asarray(self.run(None, {self.name: whole})[0])[: len(images)]


class OnnxModel(Model):
    """An ONNX file as a model whose network is an `OnnxNetwork`: scores, but no gradients."""

    net: OnnxNetwork


def load_onnx(path: Path) -> Network:
    """The network of an ONNX file, with the image size of its input.

    Raises
    ------
    UsageError
        If onnxruntime is not installed, or the file is not a network whose only input is images.
    """
    runtime = _runtime()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"ONNX file {shown(str(path))} cannot be read: {error.strerror}") from None
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # its warnings would disturb the progress output
    try:
        # From memory, because a file with external weights could refer to any file on the machine.
        session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has many error classes
        if "xternal data" in str(error) or "model_path must not be empty" in str(error):
            raise UsageError(
                f"{shown(str(path))} has its weights in another file, which is not read: save the model as a single ONNX file"
            ) from None
        raise UsageError(f"{shown(str(path))} cannot be run by onnxruntime: {first_line(error)}") from None
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise UsageError(
            f"{shown(str(path))} has {len(inputs)} inputs ({', '.join(shown(each.name) for each in inputs[:4])}): export a network "
            "whose only input is a batch of images"
        )
    first = session.get_outputs()[0]
    if first.type not in _FLOATS:
        raise UsageError(
            f"the first output {shown(first.name)} of {shown(str(path))} is a {first.type}: export the floating-point scores of the "
            "classes, not the class"
        )
    given = inputs[0]
    shape = [side if isinstance(side, int) and side > 0 else None for side in given.shape]
    if len(shape) != 4 or given.type not in _FLOATS:
        raise UsageError(
            f"input {shown(given.name)} of {shown(str(path))} is a {given.type} of shape {given.shape}: export a network that takes "
            "floating-point images (batch, channels, height, width)"
        )
    last = shape[3] in (1, 3) and shape[1] not in (1, 3)
    batch, channels, height, width = (shape[0], shape[3], shape[1], shape[2]) if last else shape
    if channels is not None and channels not in (1, 3):
        raise UsageError(
            f"input {shown(given.name)} of {shown(str(path))} has {channels} channels: robustkit supports images with 1 or 3"
        )
    net = OnnxNetwork(session.run, hashlib.sha256(content).digest(), given.name, _FLOATS[given.type], last, batch)
    size = None if height is None or width is None else (height, width)
    spec = InputSpec(channels or 3, size)
    if _gives_probabilities(net, spec):
        net = replace(net, probabilities=True)
        note(f"{shown(str(path))} returns probabilities: using their logarithms as logits")
    return Network(net, spec, knowledge="score", kind=OnnxModel)


def _runtime() -> Any:
    try:
        runtime = importlib.import_module("onnxruntime")
        runtime.InferenceSession  # noqa: B018  # a folder of that name is a package without it
        return runtime
    except (ImportError, AttributeError):
        raise UsageError("onnx: models need the package onnxruntime: pip install 'robustkit[onnx]'") from None


def _gives_probabilities(net: OnnxNetwork, spec: InputSpec) -> bool:
    """Whether the outputs for noise are rows of numbers in [0, 1] with sum 1."""
    generator = torch.Generator().manual_seed(0)
    for height, width in [spec.size] if spec.size else [(side, side) for side in _SIDES]:
        try:
            answer = net(torch.rand(4, spec.channels, height, width, generator=generator)).flatten(1)
        except Exception:  # the network does not take this size
            continue
        sums = answer.sum(1)
        return answer.shape[1] > 1 and bool(((answer >= 0) & (answer <= 1)).all()) and bool(((sums - 1).abs() < 1e-3).all())
    return False
