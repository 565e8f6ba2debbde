"""Search for a preprocessing error: evaluate the network on the same images with other preprocessing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from scipy import stats
from torch import Tensor

from robustkit.benchmarks.statistics import CHANCE_LEVEL, chance_agreement
from robustkit.benchmarks.summary import Cause
from robustkit.contracts.model import Model
from robustkit.data.base import Data
from robustkit.global_state import full_precision
from robustkit.outputs import output_logits
from robustkit.watch import at_work

#: Number of images to try.
IMAGES = 64

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CAFFE = (103.939, 116.779, 123.68)  # blue, green, red

Change = Callable[[Tensor], Tensor]


def better_input(model: Model, data: Data, skip_broken: bool = False) -> Cause | None:
    """The preprocessing that gives significantly more correct predictions than the model's own, if there is one.

    It is only a hint and is not applied.
    """
    few = data.limit(IMAGES) if len(data) else data
    samples = next(iter(few.batches(model.spec, IMAGES, skip_broken=skip_broken)), None)
    if samples is None or model.net is None:
        return None
    x, y = samples.x.to(model.device), samples.y.numpy()
    found: list[tuple[int, float, str]] = []
    with model.frozen(seed=0), torch.no_grad(), full_precision(model.device):
        ours = int((model.logits(x).argmax(1).cpu().numpy() == y).sum())
        tried = list(changes(model, x.shape[1]))
        for name, change in tried:
            try:
                (logits,) = model.in_chunks(lambda part, change=change: (answer(model, part, change),), x)  # type: ignore[misc]
            except Exception:
                continue
            prediction = logits.argmax(1).cpu().numpy()
            found.append((int((prediction == y).sum()), chance_agreement(y, prediction, logits.shape[1]), name))
    correct, chance, name = max(found, key=lambda each: each[0], default=(0, 1.0, ""))  # of equals the first
    if correct <= ours or len(tried) * float(stats.binom.sf(correct - 1, len(y), chance)) > CHANCE_LEVEL:
        return None
    return Cause(
        correct / len(y),
        f"On {len(y)} of the images, {name} gives {correct} correct predictions instead of {ours}: use that preprocessing "
        "(--mean, --std, --bounds, or a python: network that applies it, such as net(x.flip(1)) for BGR).",
    )


def answer(model: Model, x: Tensor, change: Change) -> Tensor:
    """The network's logits for images with other preprocessing."""
    with at_work:
        return output_logits(model.net(change(x)), len(x))


def changes(model: Model, channels: int) -> Iterator[tuple[str, Change]]:
    """Alternative preprocessings, each a description and a function of images in the model's bounds."""
    low, high = model.bounds

    def unit(x: Tensor) -> Tensor:
        seen = model.preprocess(x)
        if model.mean is not None and model.std is not None:
            seen = seen * channelwise(model.std, seen) + channelwise(model.mean, seen)
        return (seen - low) / (high - low)

    def normalised(mean: tuple[float, ...], std: tuple[float, ...]) -> Change:
        return lambda x: (unit(x) - channelwise(mean, x)) / channelwise(std, x)

    if model.mean is not None or model.bounds != (0.0, 1.0):
        yield "pixel values from 0 to 1 without normalisation", unit
    if channels == 3:
        yield "channel order BGR", lambda x: model.preprocess(x).flip(1)
        yield "normalisation with ImageNet's mean and std", normalised(*IMAGENET)
        yield "channel order BGR from 0 to 255 minus ImageNet's mean", lambda x: 255 * unit(x).flip(1) - channelwise(CAFFE, x)
    yield "normalisation with mean 0.5 and std 0.5", normalised((0.5,) * channels, (0.5,) * channels)
    yield "pixel values from 0 to 255", lambda x: 255 * unit(x)
    if channels == 1:
        yield "normalisation with MNIST's mean 0.1307 and std 0.3081", normalised((0.1307,), (0.3081,))
        yield "inversion of black and white", lambda x: model.preprocess(low + high - x)


def channelwise(values: tuple[float, ...], like: Tensor) -> Tensor:
    """One value per channel, shaped to broadcast over images."""
    return torch.tensor(values, dtype=like.dtype, device=like.device).reshape(1, -1, 1, 1)
