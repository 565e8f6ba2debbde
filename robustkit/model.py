"""The model under test: images within bounds in, logits out, untouched afterwards."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from robustkit.arrays import as_tensor
from robustkit.construction import check_draws, check_network, check_settings
from robustkit.contracts.classification import CLASSIFICATION
from robustkit.contracts.criterion import Criterion
from robustkit.crossing import constant
from robustkit.device import is_out_of_memory, resolve_device
from robustkit.errors import AttackError, UsageError, first_line
from robustkit.freezing import held_still
from robustkit.global_state import full_precision, own_random_state
from robustkit.images import check_images
from robustkit.outputs import mapped
from robustkit.projections import Bounds, clip
from robustkit.spec import InputSpec
from robustkit.threats.base import Knowledge
from robustkit.watch import at_work

LossFunction = Callable[[Any], Tensor]

#: What torch says in its own errors of a function that it cannot differentiate.
NOT_DIFFERENTIABLE = ("derivative for", "modified by an inplace operation", "does not require grad", "Inference tensors")


@dataclass
class Passes:
    """How many images went forward and how many gradients came back."""

    forwards: int = 0
    backwards: int = 0


class Model:
    """A network under test: images ``(B, C, H, W)`` in `bounds` to outputs, of a classifier logits ``(B, K)``.

    It owns normalisation and resizing, adapts what the network returns, and counts the passes of every image through it.
    A network may write on its input, which is a copy. One that answers with one logit z an image has the two classes ``(0, z)``.
    The network's mode, parameters, buffers, hooks and the global random state are as before after every call.

    Parameters
    ----------
    net
        The network. It is moved to `device`; nothing else about it is changed.
    bounds
        The least and the greatest pixel value.
    mean, std
        A value a channel, subtracted from and divided into images before the network.
    spec
        How files become images; a model with a fixed size resizes tensors of another size itself, differentiably.
    name
        What reports call it.
    classes
        Class names in the order of the logits.
    device
        ``auto``, ``cpu``, ``cuda`` or a torch device.
    batch_size
        The most images in one pass; None chooses by image size and device.
    draws
        Passes that each question about a randomised model takes, at least 1: an answer counts if most of that many fresh,
        independent draws give it.
    knowledge
        What it gives an attacker: ``white-box`` gradients, ``score`` (logits alone) or ``decision`` (the class alone). Attacks
        that need more are refused.
    criterion
        What the outputs are and what counts as success: by default classification.

    Raises
    ------
    UsageError
        If the bounds are empty, the mean and std do not fit each other, or lazy layers of the network have no values yet.
    """

    def __init__(
        self,
        net: nn.Module,
        *,
        bounds: Bounds = (0.0, 1.0),
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        spec: InputSpec | None = None,
        name: str | None = None,
        classes: Sequence[str] | None = None,
        device: str | torch.device = "auto",
        batch_size: int | None = None,
        draws: int = 1,
        knowledge: Knowledge = "white-box",
        criterion: Criterion = CLASSIFICATION,
    ) -> None:
        check_network(net)
        check_settings(bounds, mean, std, batch_size, knowledge)
        check_draws(draws)
        self.device = resolve_device(device)
        self.net = net.to(self.device)
        self.bounds = (float(bounds[0]), float(bounds[1]))
        self.mean = None if mean is None else tuple(float(v) for v in mean)
        self.std = None if std is None else tuple(float(v) for v in std)
        self.spec = replace(spec or InputSpec(channels=len(mean) if mean is not None else 3), bounds=self.bounds)
        self.name = name or type(net).__name__
        self.classes = None if classes is None else tuple(classes)
        self.batch_size = batch_size
        self.draws = draws
        self.knowledge = knowledge
        self.criterion = criterion
        self._passes = Passes()
        self.twin: Model | None = None
        self._frozen = 0
        self._fits = 2**31
        self._num_classes: int | None = None

    def with_draws(self, draws: int) -> Model:
        """This model, asked with at least so many draws: itself if it is already, else a copy that shares the network."""
        check_draws(draws)
        if draws <= self.draws:
            return self
        copied = copy.copy(self)  # whose passes are counted as this model's
        copied.draws = draws
        copied.twin = None if self.twin is None else self.twin.with_draws(draws)
        return copied

    @property
    def forwards(self) -> int:
        """Images that went through the network, each as often as it did."""
        return self._passes.forwards

    @property
    def backwards(self) -> int:
        """Images whose gradient came back through the network."""
        return self._passes.backwards

    @property
    def quick(self) -> Model:
        """What a search may ask in this model's place, for speed; what it finds is confirmed by this model itself."""
        return self if self.twin is None else self.twin

    @property
    def dtype(self) -> torch.dtype:
        """The network's floating type; float32 if it has no parameters."""
        return next((p.dtype for p in self.net.parameters() if p.is_floating_point()), torch.float32)

    def preprocess(self, x: Tensor) -> Tensor:
        """What the network sees of images in bounds: resized, normalised, in its own floating type. Differentiable.

        It shares no memory with `x`, so that a network may write on it.
        """
        x = x.to(self.dtype)
        size = self.spec.size
        if size is not None and x.shape[-2:] != size:
            mode = self.spec.interpolation
            smooth = mode in ("bilinear", "bicubic")
            x = nn.functional.interpolate(x, size=size, mode=mode, antialias=smooth, align_corners=False if smooth else None)
            x = clip(x, self.bounds)  # bicubic overshoots
        if self.mean is not None and self.std is not None:
            shape = (1, -1, 1, 1)
            mean = constant(self.mean, x).reshape(shape)
            std = constant(self.std, x).reshape(shape)
            return (x - mean) / std
        return x.clone()

    def __call__(self, x: Tensor) -> Any:
        """Outputs for images ``(B, C, H, W)``: logits ``(B, K)`` of a classifier, in the images' floating type (at least float32).

        Inside `frozen` the network is in evaluation mode; elsewhere it is put there for this call.

        Raises
        ------
        UsageError
            If the network returns what the criterion does not expect, such as no row of logits an image.
        """
        x = self._images(x)
        with nullcontext() if self._frozen else self.frozen():
            self._passes.forwards += len(x)
            prepared = self.preprocess(x)
            if prepared.requires_grad:
                prepared.register_hook(self._count_backward)  # type: ignore[no-untyped-call]
            with at_work:
                returned = self.net(prepared)
            dtype = torch.promote_types(x.dtype, torch.float32)
            # A copy, for some networks write every answer into the same memory.
            return mapped(
                lambda values: values.to(dtype, copy=True) if values.is_floating_point() else values.clone(),
                self.criterion.outputs(returned, len(x)),
            )

    def _images(self, x: Tensor) -> Tensor:
        images = as_tensor(x, "images")
        return images if images is x else images.to(self.device)

    def _count_backward(self, grad: Tensor | None) -> None:
        self._passes.backwards += 0 if grad is None else len(grad)

    def logits(self, x: Tensor) -> Tensor:
        """Logits without gradients, in chunks that fit in memory, in full precision. ``(N, C, H, W)`` to ``(N, K)``.

        One pass, whatever `draws` is. Inside `frozen` each call of a randomised model is a fresh draw; elsewhere the random
        state is put back after every call. `robustkit.contracts.answer.ask` takes the majority of several draws.
        """
        x = self._images(x)
        with torch.no_grad(), full_precision(self.device), nullcontext() if self._frozen else self.frozen():
            return self.in_chunks(lambda part: (self(part),), x)[0]

    def gradient(
        self, x: Tensor, loss: LossFunction, view: Callable[[Tensor], Tensor] | None = None
    ) -> tuple[Any, Tensor, Tensor]:
        """One forward and one backward pass: outputs, losses ``(B,)`` and the gradient of each image's own loss.

        `loss` takes the outputs to a loss a sample, or to several, ``(B, J)``: their gradients ``(B, J, C, H, W)`` cost J backward
        passes over the one forward pass. The gradient is taken with respect to the images alone.

        Parameters
        ----------
        view
            What the network is asked about instead of the images themselves, as a differentiable function of them.

        Raises
        ------
        UsageError
            If no gradient reaches the images.
        """
        x = self._images(x)
        with torch.enable_grad(), at_work:
            leaf = x.detach().requires_grad_()

            def ask() -> tuple[Any, Tensor]:
                outputs = self(leaf if view is None else view(leaf))
                return outputs, loss(outputs)

            try:
                outputs, losses = ask()
                if not losses.requires_grad:
                    raise self._no_gradient("it runs under no_grad, detaches, or is not differentiable")
                if losses.ndim == 1:
                    grad = self._derivative(losses.sum(), leaf)
                else:
                    grad = torch.stack(self._derivatives(losses.sum(0), leaf, lambda: ask()[1].sum(0)), dim=1)
            except RuntimeError as error:
                if not any(sign in str(error) for sign in NOT_DIFFERENTIABLE):
                    raise
                raise self._no_gradient(first_line(error)) from error
        return mapped(Tensor.detach, outputs), losses.detach(), grad

    def _derivative(self, value: Tensor, leaf: Tensor, retain: bool = False) -> Tensor:
        (grad,) = torch.autograd.grad(value, leaf, retain_graph=retain, allow_unused=True)
        if grad is None:
            raise self._no_gradient("what it computes with does not come from its input differentiably")
        return grad

    def _derivatives(self, columns: Tensor, leaf: Tensor, again: Callable[[], Tensor]) -> list[Tensor]:
        """The gradient of each of several values of one forward pass."""
        last = len(columns) - 1
        try:
            return [self._derivative(column, leaf, retain=j < last) for j, column in enumerate(columns)]
        except RuntimeError as error:
            if "donated buffers" not in str(error):
                raise
        # A compiled network gives its buffers away in its first backward pass: it is asked anew for each value.
        return [self._derivative(again()[j], leaf) for j in range(len(columns))]

    def _no_gradient(self, cause: str) -> UsageError:
        return UsageError(
            f"no gradient flows from the logits of {self.name} to its input ({cause}): use attacks that need none, with "
            "knowledge=score or knowledge=decision, such as --suite black-box --threat linf:8/255,knowledge=score"
        )

    def in_chunks(
        self, function: Callable[[Tensor], tuple[Tensor, ...]], rows: Tensor, like: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """Apply `function` to parts that fit in memory and join what it returns; out of memory halves the part for good.

        Parameters
        ----------
        function
            Takes some of the rows to tensors with as many rows.
        rows
            Images, or what stands for them, one row each.
        like
            Images of the size that one pass will take, if `rows` are none.

        Raises
        ------
        AttackError
            If a single image does not fit in memory.
        """
        parts: list[tuple[Tensor, ...]] = []
        start = 0
        while start < len(rows) or not parts:
            chunk = self.chunk_size(rows if like is None else like)
            try:
                parts.append(function(rows[start : start + chunk]))
                start += chunk
                continue
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                if chunk == 1:
                    raise AttackError("one image does not fit in memory: use a smaller model or image size") from error
            # Outside the handler, so that the traceback no longer holds the failed pass's tensors.
            self._fits = max(1, min(chunk, len(rows) - start) // 2)
            if rows.is_cuda:
                torch.cuda.empty_cache()
        return parts[0] if len(parts) == 1 else tuple(torch.cat(column) for column in zip(*parts, strict=True))

    def chunk_size(self, x: Tensor) -> int:
        """The most images of this shape in one pass."""
        if self.batch_size is not None:
            return min(self.batch_size, self._fits)
        pixels = x[0].numel() if len(x) else 1
        most, budget = (128, 2**22) if self.device.type == "cpu" else (1024, 2**25)
        return min(self._fits, max(8, min(most, budget // pixels)))

    @contextmanager
    def frozen(self, seed: int | None = None) -> Iterator[None]:
        """Evaluation mode, no parameter gradients and a random state of its own; everything is put back exactly.

        Parameters
        ----------
        seed
            Seeds the random state inside, for models that draw at inference, also where the model is frozen already; the
            state outside goes on afterwards where it was. None keeps the current one.
        """
        if self._frozen:
            self._frozen += 1
            try:
                with nullcontext() if seed is None else own_random_state(self.device, seed):
                    yield
            finally:
                self._frozen -= 1
            return
        with own_random_state(self.device, seed), held_still(self.net):
            self._frozen = 1
            try:
                yield
            finally:
                self._frozen = 0

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """Passes inside are not counted."""
        before = replace(self._passes)
        try:
            yield
        finally:
            self._passes.forwards, self._passes.backwards = before.forwards, before.backwards

    def num_classes(self, x: Tensor | None = None) -> int:
        """How many classes the network answers with, found by one pass that is not counted.

        Parameters
        ----------
        x
            An image to ask with, ``(1, C, H, W)``; None takes a blank one of the model's own channels and size, else 224.

        Raises
        ------
        UsageError
            If the network cannot take such an image, or has not as many classes as names were given.
        """
        if self._num_classes is None:
            if x is None:
                height, width = self.spec.size or (224, 224)
                x = torch.zeros(1, self.spec.channels, height, width) + self.bounds[0]
            try:
                with self.uncounted():
                    found = self.logits(x[:1].to(self.device)).shape[1]
            except (UsageError, AttackError):
                raise
            except Exception as error:  # networks refuse a size by any kind of error
                raise cannot_take(self, x, error) from error
            if self.classes is not None and len(self.classes) != found:
                raise UsageError(f"{self.name} names {len(self.classes)} classes, but its network has {found} outputs")
            self._num_classes = found
        return self._num_classes

    def fingerprint(self) -> str:
        """Hexadecimal digest of all that can change an answer: weights, buffers, code, attributes, and answers to probe images."""
        from robustkit.fingerprint import fingerprint

        return fingerprint(self)

    def check_images(self, x: Tensor, y: Tensor | None = None, num_classes: int | None = None) -> None:
        """Raise `UsageError` if images or labels cannot be meant: wrong rank or type, outside bounds, unknown classes."""
        check_images(x, self.bounds, y, num_classes)


def cannot_take(model: Model, x: Tensor, error: Exception) -> UsageError:
    """One sentence for a network that fails on images, with the network's own first line."""
    last = x.ndim == 4 and x.shape[3] in (1, 3) and x.shape[1] not in (1, 3)
    remedy = (
        "they look like (height, width, channels): put the channels first"
        if last
        else "if its images are others, say so: --channels and --size, or Model(net, spec=InputSpec(channels=..., size=...))"
    )
    return UsageError(
        f"{model.name} cannot take images of shape {tuple(x.shape[1:])} ({type(error).__name__}: {first_line(error)}): {remedy}"
    )
