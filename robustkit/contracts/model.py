"""The contract of a model under test: images within bounds in, outputs out, and its knowledge level for attackers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from robustkit.arrays import as_tensor
from robustkit.chunks import chunk_size, in_chunks
from robustkit.construction import check_draws, check_settings
from robustkit.contracts.classification import CLASSIFICATION
from robustkit.contracts.criterion import Criterion
from robustkit.contracts.threat import Knowledge
from robustkit.device import resolve_device
from robustkit.differentiation import LossFunction, differentiate
from robustkit.errors import AttackError, UsageError, first_line
from robustkit.fingerprint import fingerprint
from robustkit.global_state import full_precision, own_random_state
from robustkit.images import check_images
from robustkit.outputs import mapped
from robustkit.preprocessing import preprocess
from robustkit.projections import Bounds
from robustkit.spec import InputSpec
from robustkit.watch import at_work


@dataclass
class Passes:
    """Number of images in forward passes and of gradients in backward passes."""

    forwards: int = 0
    backwards: int = 0


class Model:
    """A model under attack: maps images ``(B, C, H, W)`` in `bounds` to outputs, such as a classifier's logits ``(B, K)``.

    ``Model(net, ...)`` returns a `TorchModel`, as ``Path(...)`` returns a ``PosixPath``. Other kinds of models derive
    from this class, implement `outputs` and set `knowledge`; every attack that this knowledge admits then runs on them. This
    class handles counting, batching, draws and the random state.

    Parameters
    ----------
    net
        The network that takes preprocessed images; None if the subclass implements `outputs` without one.
    bounds
        Minimum and maximum pixel value.
    mean, std
        One value per channel: images are normalised with them before `net`.
    spec
        How files become images. If it has a fixed size, images of other sizes are resized before `net`, differentiably.
    name
        Its name in reports.
    classes
        Class names in the order of the outputs.
    device
        ``auto``, ``cpu``, ``cuda`` or a torch device: where the images and attacks are.
    batch_size
        Maximum number of images per pass; None chooses by image size and device.
    draws
        Passes per query of a randomised model, at least 1: the answer is the majority of that many independent draws.
    knowledge
        What an attacker can get from it: ``white-box`` (gradients), ``score`` (logits only) or ``decision`` (the class only, as
        one-hot rows). Attacks that need more are refused.
    criterion
        The meaning of the outputs and what counts as success: classification by default.

    Raises
    ------
    UsageError
        If a setting is invalid, or settings contradict each other.
    """

    #: The class of ``Model(net, ...)``, set by that class because a contract does not import its implementations.
    of_network: ClassVar[type[Model]]

    def __new__(cls, *given: Any, **settings: Any) -> Self:
        return super().__new__(Model.of_network if cls is Model else cls)  # type: ignore[return-value]

    def __init__(
        self,
        net: Any = None,
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
        check_settings(bounds, mean, std, batch_size, knowledge)
        check_draws(draws)
        self.net = net
        self.device = resolve_device(device)
        self.bounds = (float(bounds[0]), float(bounds[1]))
        self.mean = None if mean is None else tuple(float(v) for v in mean)
        self.std = None if std is None else tuple(float(v) for v in std)
        self.spec = replace(spec or InputSpec(channels=len(mean) if mean is not None else 3), bounds=self.bounds)
        self.name = name or type(self if net is None else net).__name__
        self.classes = None if classes is None else tuple(classes)
        self.batch_size = batch_size
        self.draws = draws
        self.knowledge = knowledge
        self.criterion = criterion
        self.twin: Model | None = None
        self._passes = Passes()
        self._frozen = 0
        self._fits = 2**31
        self._num_classes: int | None = None

    # Subclasses may override the following.

    def outputs(self, x: Tensor) -> Any:
        """The outputs for images ``(B, C, H, W)`` in bounds: logits ``(B, K)`` of a classifier. It may modify `x`, which is a copy.

        One draw of a randomised model. Differentiable if the model gives gradients.
        """
        if self.net is None:
            raise UsageError(f"{type(self).__name__} has neither a network nor its own outputs(x): implement outputs(x)")
        return self.net(self.preprocess(x))

    def held(self) -> AbstractContextManager[None]:
        """A context in which the model does not change while it is queried; restores its state exactly."""
        return nullcontext()

    def to_device(self, device: str | torch.device) -> None:
        """Move the model to another device."""
        self.device = resolve_device(device)

    @property
    def dtype(self) -> torch.dtype:
        """The floating-point type of its computations."""
        return torch.float32

    @property
    def parameters(self) -> int:
        """The number of parameters, 0 if unknown."""
        return 0

    @property
    def undefended(self) -> Model:
        """The model without its input transforms."""
        return self

    # Common to all models.

    def with_net(self, net: Any) -> Self:
        """This model with another network, and its own pass counters."""
        copied = copy.copy(self)
        copied.net, copied.twin, copied._passes = net, None, Passes()
        return copied

    def with_draws(self, draws: int) -> Self:
        """This model with at least this many draws per query: itself, or a copy that shares network and counters."""
        check_draws(draws)
        if draws <= self.draws:
            return self
        copied = copy.copy(self)
        copied.draws = draws
        copied.twin = None if self.twin is None else self.twin.with_draws(draws)
        return copied

    @property
    def quick(self) -> Model:
        """The faster copy that a search may query instead; this model itself verifies successes."""
        return self if self.twin is None else self.twin

    @property
    def forwards(self) -> int:
        """Number of images in forward passes so far."""
        return self._passes.forwards

    @property
    def backwards(self) -> int:
        """Number of image gradients computed so far."""
        return self._passes.backwards

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """A context in which passes are not counted."""
        before = replace(self._passes)
        try:
            yield
        finally:
            self._passes.forwards, self._passes.backwards = before.forwards, before.backwards

    def preprocess(self, x: Tensor) -> Tensor:
        """The network's input for images in bounds: resized, normalised, in its floating-point type. Differentiable.

        Shares no memory with `x`, so that the network may modify it.
        """
        return preprocess(x.to(self.dtype), self.spec, self.mean, self.std)

    def __call__(self, x: Tensor) -> Any:
        """The outputs for images ``(B, C, H, W)``: logits ``(B, K)`` of a classifier, in the images' type (at least float32).

        Outside `frozen`, the model is frozen for this call.

        Raises
        ------
        UsageError
            If the outputs have a form that the criterion does not accept, such as not one row of logits per image.
        """
        x = self._images(x)
        with nullcontext() if self._frozen else self.frozen():
            self._passes.forwards += len(x)
            asked = self._handed(x)
            if asked.requires_grad:
                asked.register_hook(self._count_backward)  # type: ignore[no-untyped-call]
            with at_work:
                returned = self.outputs(asked)
            dtype = torch.promote_types(x.dtype, torch.float32)
            # A copy, because some networks reuse the memory of their outputs.
            return mapped(
                lambda values: values.to(x.device, dtype if values.is_floating_point() else values.dtype, copy=True),
                self.criterion.outputs(returned, len(x)),
            )

    def _images(self, x: Tensor) -> Tensor:
        images = as_tensor(x, "images")
        return images if images is x else images.to(self.device)

    def _handed(self, x: Tensor) -> Tensor:
        """The copy of the images passed to `outputs`, so that changes and hooks on it do not affect the caller's."""
        return x.clone()

    def _count_backward(self, grad: Tensor | None) -> None:
        self._passes.backwards += 0 if grad is None else len(grad)

    def logits(self, x: Tensor) -> Tensor:
        """The logits without gradients, in chunks that fit in memory, in full precision. ``(N, C, H, W)`` to ``(N, K)``.

        One pass, whatever `draws` is. Inside `frozen` each call of a randomised model is a fresh draw; elsewhere the random
        state is restored after every call. `robustkit.contracts.answer.ask` takes the majority of several draws.
        """
        x = self._images(x)
        with torch.no_grad(), full_precision(self.device), nullcontext() if self._frozen else self.frozen():
            return self.in_chunks(lambda part: (self(part),), x)[0]

    def gradient(
        self, x: Tensor, loss: LossFunction, view: Callable[[Tensor], Tensor] | None = None
    ) -> tuple[Any, Tensor, Tensor]:
        """The outputs, losses ``(B,)`` and the gradient of each image's loss, from one forward and one backward pass.

        `loss` maps the outputs to one loss per sample, or to several, ``(B, J)``, whose gradients ``(B, J, C, H, W)`` cost J
        backward passes. Gradients are computed with respect to the images only.

        Parameters
        ----------
        view
            A differentiable function of the images; the model is evaluated on its result.

        Raises
        ------
        UsageError
            If the model gives no gradients, or no gradient reaches the images.
        """
        if self.knowledge != "white-box":
            raise self._no_gradient(f"it gives {self.knowledge} knowledge only")
        x = self._images(x)
        with at_work:
            return differentiate(lambda leaf: self(leaf if view is None else view(leaf)), loss, x, self._no_gradient)

    def _no_gradient(self, cause: str) -> UsageError:
        return UsageError(
            f"no gradient flows from the logits of {self.name} to its input ({cause}): use attacks without gradients, with "
            "knowledge=score or knowledge=decision, such as --suite black-box --threat linf:8/255,knowledge=score"
        )

    def in_chunks(
        self, function: Callable[[Tensor], tuple[Tensor, ...]], rows: Tensor, like: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """The joined results of `function` on chunks that fit in memory; running out of memory halves the chunk size for good.

        Parameters
        ----------
        function
            Maps a chunk of rows to tensors with as many rows.
        rows
            Images, or a tensor with one row per image, such as indices.
        like
            Images of the shape used in a pass, if `rows` are not images.

        Raises
        ------
        AttackError
            If a single image does not fit in memory.
        """

        def shrink(most: int) -> None:
            self._fits = most

        return in_chunks(function, rows, lambda: self.chunk_size(rows if like is None else like), shrink)

    def chunk_size(self, x: Tensor) -> int:
        """The maximum number of images of this shape per pass."""
        return min(self._fits, chunk_size(x, self.device) if self.batch_size is None else self.batch_size)

    @contextmanager
    def frozen(self, seed: int | None = None) -> Iterator[None]:
        """A context in which the model does not change and has its own random state; everything is restored exactly.

        Parameters
        ----------
        seed
            Seed of the random state inside, for models that draw at inference, also if the model is already frozen; the
            outer state is restored afterwards. None keeps the current state.
        """
        if self._frozen:
            self._frozen += 1
            try:
                with nullcontext() if seed is None else own_random_state(self.device, seed):
                    yield
            finally:
                self._frozen -= 1
            return
        with own_random_state(self.device, seed), self.held():
            self._frozen = 1
            try:
                yield
            finally:
                self._frozen = 0

    def num_classes(self, x: Tensor | None = None) -> int:
        """The number of classes, found by one uncounted pass.

        Parameters
        ----------
        x
            The image ``(1, C, H, W)`` to use; None for a blank one of the model's channels and size (default 224).

        Raises
        ------
        UsageError
            If the model cannot take such an image, or its number of classes differs from the number of class names.
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
            except Exception as error:  # networks reject a size with any kind of error
                raise cannot_take(self, x, error) from error
            if self.classes is not None and len(self.classes) != found:
                raise UsageError(f"{self.name} names {len(self.classes)} classes, but its network has {found} outputs")
            self._num_classes = found
        return self._num_classes

    def content(self) -> dict[str, Any]:
        """Everything but the preprocessing that determines the outputs, by name: the network and attributes of subclasses."""
        return {name: value for name, value in vars(self).items() if name not in SETTINGS}

    def fingerprint(self) -> str:
        """A hexadecimal digest of all that can change an output: weights, buffers, code, attributes, outputs for probe images."""
        return fingerprint(self)

    def check_images(self, x: Tensor, y: Tensor | None = None, num_classes: int | None = None) -> None:
        """Raise `UsageError` if images or labels are invalid: wrong rank or type, outside bounds, unknown classes."""
        check_images(x, self.bounds, y, num_classes)


#: Attributes of every model that `content` leaves out.
SETTINGS = frozenset(
    {
        "bounds", "mean", "std", "spec", "name", "classes", "device", "batch_size", "draws", "knowledge", "criterion", "twin",
        "_passes", "_frozen", "_fits", "_num_classes",
    }
)  # fmt: skip


def cannot_take(model: Model, x: Tensor, error: Exception) -> UsageError:
    """The error for a model that fails on images, with the first line of the original error."""
    last = x.ndim == 4 and x.shape[3] in (1, 3) and x.shape[1] not in (1, 3)
    remedy = (
        "they look like (height, width, channels): put the channels first"
        if last
        else "if it expects other images, set --channels and --size, or Model(net, spec=InputSpec(channels=..., size=...))"
    )
    return UsageError(
        f"{model.name} cannot take images of shape {tuple(x.shape[1:])} ({type(error).__name__}: {first_line(error)}): {remedy}"
    )
