"""The contract of a model under test: images within bounds in, outputs out, and a word on what it gives an attacker."""

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
    """How many images went forward and how many gradients came back."""

    forwards: int = 0
    backwards: int = 0


class Model:
    """Images ``(B, C, H, W)`` in `bounds` to outputs, of a classifier logits ``(B, K)``: what attacks ask and audits judge.

    ``Model(net, ...)`` of a torch network is a `TorchModel`, as ``Path(...)`` is a ``PosixPath``. Another kind of model derives
    from this class, implements `outputs` and says its `knowledge`; every attack that this admits then runs on it. Counting,
    batching, draws and the random state belong to this class.

    Parameters
    ----------
    net
        What answers about preprocessed images; None of a kind that implements `outputs` without one.
    bounds
        The least and the greatest pixel value.
    mean, std
        A value a channel, subtracted from and divided into images before `net`.
    spec
        How files become images; images of another size than a fixed one are resized before `net`, differentiably.
    name
        What reports call it.
    classes
        Class names in the order of the outputs.
    device
        ``auto``, ``cpu``, ``cuda`` or a torch device: where images are, and what attacks make of them.
    batch_size
        The most images in one pass; None chooses by image size and device.
    draws
        Passes that each question about a randomised model takes, at least 1: an answer counts if most of that many fresh,
        independent draws give it.
    knowledge
        What it gives an attacker: ``white-box`` gradients, ``score`` (logits alone) or ``decision`` (the class alone, as one-hot
        rows). Attacks that need more are refused.
    criterion
        What the outputs are and what counts as success: by default classification.

    Raises
    ------
    UsageError
        If a setting is invalid, or settings do not fit each other.
    """

    #: The class of ``Model(net, ...)``; it names itself here, for a contract does not import what keeps it.
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

    # What a kind of model may do in its own way.

    def outputs(self, x: Tensor) -> Any:
        """What it answers about images ``(B, C, H, W)`` in bounds, a copy that may be written on: of a classifier logits ``(B, K)``.

        Of a randomised model one draw. A kind that gives gradients answers differentiably.
        """
        if self.net is None:
            raise NotImplementedError(
                f"{type(self).__name__} has neither a network nor outputs of its own: implement outputs(x)"
            )
        return self.net(self.preprocess(x))

    def held(self) -> AbstractContextManager[None]:
        """What keeps it as it is while it is asked, and puts it back exactly afterwards."""
        return nullcontext()

    def to_device(self, device: str | torch.device) -> None:
        """Take images on another device from now on."""
        self.device = resolve_device(device)

    @property
    def dtype(self) -> torch.dtype:
        """The floating type that it computes in."""
        return torch.float32

    @property
    def parameters(self) -> int:
        """How many parameters it has, as far as that is known."""
        return 0

    @property
    def undefended(self) -> Model:
        """The model behind its input transforms."""
        return self

    # What all kinds have in common.

    def with_net(self, net: Any) -> Self:
        """This model with another network, whose passes are counted apart."""
        copied = copy.copy(self)
        copied.net, copied.twin, copied._passes = net, None, Passes()
        return copied

    def with_draws(self, draws: int) -> Self:
        """This model, asked with at least so many draws: itself if it is already, else a copy that shares network and counters."""
        check_draws(draws)
        if draws <= self.draws:
            return self
        copied = copy.copy(self)
        copied.draws = draws
        copied.twin = None if self.twin is None else self.twin.with_draws(draws)
        return copied

    @property
    def quick(self) -> Model:
        """What a search may ask in this model's place, for speed; what it finds is confirmed by this model itself."""
        return self if self.twin is None else self.twin

    @property
    def forwards(self) -> int:
        """Images that it was asked about, each as often as it was."""
        return self._passes.forwards

    @property
    def backwards(self) -> int:
        """Images whose gradient came back through it."""
        return self._passes.backwards

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """Passes inside are not counted."""
        before = replace(self._passes)
        try:
            yield
        finally:
            self._passes.forwards, self._passes.backwards = before.forwards, before.backwards

    def preprocess(self, x: Tensor) -> Tensor:
        """What the network sees of images in bounds: resized, normalised, in its own floating type. Differentiable.

        It shares no memory with `x`, so that a network may write on it.
        """
        return preprocess(x.to(self.dtype), self.spec, self.mean, self.std)

    def __call__(self, x: Tensor) -> Any:
        """Outputs for images ``(B, C, H, W)``: logits ``(B, K)`` of a classifier, in the images' floating type (at least float32).

        Inside `frozen` the model is held as it is; elsewhere it is for this call.

        Raises
        ------
        UsageError
            If it answers what the criterion does not expect, such as no row of logits an image.
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
            # A copy, for some networks write every answer into the same memory.
            return mapped(
                lambda values: values.to(x.device, dtype if values.is_floating_point() else values.dtype, copy=True),
                self.criterion.outputs(returned, len(x)),
            )

    def _images(self, x: Tensor) -> Tensor:
        images = as_tensor(x, "images")
        return images if images is x else images.to(self.device)

    def _handed(self, x: Tensor) -> Tensor:
        """The images as `outputs` gets them: what it does to them, and what hangs on them, does not reach the caller's."""
        return x.clone()

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
            What the model is asked about instead of the images themselves, as a differentiable function of them.

        Raises
        ------
        UsageError
            If it gives no gradients, or none reaches the images.
        """
        if self.knowledge != "white-box":
            raise self._no_gradient(f"it gives {self.knowledge} knowledge only")
        x = self._images(x)
        with at_work:
            return differentiate(lambda leaf: self(leaf if view is None else view(leaf)), loss, x, self._no_gradient)

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

        def shrink(most: int) -> None:
            self._fits = most

        return in_chunks(function, rows, lambda: self.chunk_size(rows if like is None else like), shrink)

    def chunk_size(self, x: Tensor) -> int:
        """The most images of this shape in one pass."""
        return min(self._fits, chunk_size(x, self.device) if self.batch_size is None else self.batch_size)

    @contextmanager
    def frozen(self, seed: int | None = None) -> Iterator[None]:
        """The model as it is asked: held as it is, with a random state of its own; everything is put back exactly.

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
        with own_random_state(self.device, seed), self.held():
            self._frozen = 1
            try:
                yield
            finally:
                self._frozen = 0

    def num_classes(self, x: Tensor | None = None) -> int:
        """How many classes it answers with, found by one pass that is not counted.

        Parameters
        ----------
        x
            An image to ask with, ``(1, C, H, W)``; None takes a blank one of the model's own channels and size, else 224.

        Raises
        ------
        UsageError
            If it cannot take such an image, or has not as many classes as names were given.
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

    def content(self) -> dict[str, Any]:
        """What answers, by name, beside the preprocessing: the network, and every attribute that a kind of model adds."""
        return {name: value for name, value in vars(self).items() if name not in SETTINGS}

    def fingerprint(self) -> str:
        """Hexadecimal digest of all that can change an answer: weights, buffers, code, attributes, and answers to probe images."""
        return fingerprint(self)

    def check_images(self, x: Tensor, y: Tensor | None = None, num_classes: int | None = None) -> None:
        """Raise `UsageError` if images or labels cannot be meant: wrong rank or type, outside bounds, unknown classes."""
        check_images(x, self.bounds, y, num_classes)


#: What every model keeps beside what answers.
SETTINGS = frozenset(
    {
        "bounds", "mean", "std", "spec", "name", "classes", "device", "batch_size", "draws", "knowledge", "criterion", "twin",
        "_passes", "_frozen", "_fits", "_num_classes",
    }
)  # fmt: skip


def cannot_take(model: Model, x: Tensor, error: Exception) -> UsageError:
    """One sentence for a model that fails on images, with the first line of its own error."""
    last = x.ndim == 4 and x.shape[3] in (1, 3) and x.shape[1] not in (1, 3)
    remedy = (
        "they look like (height, width, channels): put the channels first"
        if last
        else "if its images are others, say so: --channels and --size, or Model(net, spec=InputSpec(channels=..., size=...))"
    )
    return UsageError(
        f"{model.name} cannot take images of shape {tuple(x.shape[1:])} ({type(error).__name__}: {first_line(error)}): {remedy}"
    )
