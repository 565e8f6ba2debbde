"""A pretend accelerator, for tests: its tensors live in CPU memory, say that they are elsewhere, and cannot be mixed with others.

What would fail on a GPU for want of a `.to(device)` fails here too, and each time the host would wait for the device is counted:
when it reads a value, when it copies one without saying ``non_blocking``, and at an event. What it copies with
``non_blocking`` is wrong until an event after the copy was waited for. It stands on torch's Python backends for private
devices, which are experimental.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

NAME = "far"

#: Operators whose result the host needs before it can go on.
_READS = (
    "aten::_local_scalar_dense",
    "aten::allclose",
    "aten::bincount",
    "aten::equal",
    "aten::lift_fresh",  # a tensor made of numbers, which the host copies there
    "aten::masked_select",
    "aten::nonzero",
    "aten::repeat_interleave",
    "aten::_unique2",
    "aten::unique_dim",
)

#: How often the host would have waited since the last `clear`, by file and line.
waits: Counter[str] = Counter()

#: Those among them that leave the device with nothing to do: the host waited for all that it had launched.
stalls: Counter[str] = Counter()

#: How many images went there, by file and line.
uploads: Counter[str] = Counter()

_launched = 0
_in_flight: list[tuple[torch.Tensor, torch.Tensor]] = []


class Far(torch.Tensor):
    """A tensor on the pretend device, a wrapper around `here`."""

    here: torch.Tensor

    @staticmethod
    def __new__(cls, here: torch.Tensor) -> Far:
        wrapper = torch.Tensor._make_wrapper_subclass(
            cls, here.shape, strides=here.stride(), dtype=here.dtype, device=f"{NAME}:0"
        )
        wrapper.here = here
        return wrapper  # type: ignore[return-value]

    @classmethod
    def __torch_dispatch__(cls, operator: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(operator, args, kwargs or {})

    def tolist(self) -> Any:
        _wait(idle=True)
        return self.here.tolist()

    def __repr__(self) -> str:  # type: ignore[override]
        return f"Far({self.here})"


class _Everywhere(TorchDispatchMode):
    """Sees operators without tensors too, such as `torch.zeros(device="far")`."""

    def __torch_dispatch__(self, operator: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(operator, args, kwargs or {})


def _compute(operator: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    global _launched
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    name = operator._schema.name
    is_copy = "copy" in name
    away = any(isinstance(tensor, Far) for tensor in tensors)
    if away and not is_copy and any(tensor.ndim and not isinstance(tensor, Far) for tensor in tensors):
        raise RuntimeError(f"{name} mixes tensors of {NAME} and cpu at {_line()}")
    goes_to = kwargs.get("device")
    arrives = away if goes_to is None else torch.device(goes_to).type == NAME
    later = bool(kwargs.get("non_blocking"))
    if name == "aten::copy_":
        arrives, away = (isinstance(tensor, Far) for tensor in args[:2])
        later = len(args) > 2 and args[2]
    crosses = is_copy and bool(tensors) and arrives != away
    if crosses and arrives and tensors[-1].ndim == 4:
        uploads[_line()] += len(tensors[-1])
    if (crosses and not later) or (away and (name in _READS or _picks(name, args))):
        _wait(idle=True)
    if goes_to is not None:
        kwargs = {**kwargs, "device": "cpu"}
    result = operator(*tree_map(_unwrapped, args), **tree_map(_unwrapped, kwargs))
    if not arrives:
        return _sent(result) if crosses and later else result
    _launched += operator._schema.is_mutable or not _is_view(result, tensors)
    return tree_map(lambda leaf: Far(leaf) if isinstance(leaf, torch.Tensor) else leaf, result)


def _picks(name: str, args: Any) -> bool:
    """Whether an operator takes elements by a mask, which the host has to count first."""
    masks = args[1] if name.startswith("aten::index") and len(args) > 1 and isinstance(args[1], (list, tuple)) else ()
    return any(isinstance(mask, torch.Tensor) and mask.dtype in (torch.bool, torch.uint8) for mask in masks)


def _is_view(result: Any, tensors: list[torch.Tensor]) -> bool:
    held = {_unwrapped(tensor).untyped_storage().data_ptr() for tensor in tensors}
    return isinstance(result, torch.Tensor) and result.untyped_storage().data_ptr() in held


def _sent(values: torch.Tensor) -> torch.Tensor:
    """A copy whose values arrive when the host waits for an event, and are wrong before."""
    arriving = torch.full_like(values, torch.nan) if values.is_floating_point() else values.logical_not().to(values.dtype)
    _in_flight.append((arriving, values))
    return arriving


def _wait(*, idle: bool) -> None:
    where = _line()
    waits[where] += 1
    if idle:
        stalls[where] += 1


class _Event:
    """All that was launched before it."""

    def __init__(self) -> None:
        self.launched, self.sent = _launched, list(_in_flight)
        _in_flight.clear()

    def synchronize(self) -> None:
        _wait(idle=_launched == self.launched)
        for arriving, values in self.sent:
            arriving.copy_(values)


class _Stream:
    def record_event(self) -> _Event:
        return _Event()


def _unwrapped(leaf: Any) -> Any:
    return leaf.here if isinstance(leaf, Far) else leaf


def _line() -> str:
    frames = [f for f in traceback.extract_stack() if "/torch/" not in f.filename and f.filename != __file__]
    return f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}"


class _Module(backend_registration._DummyBackendModule):  # type: ignore[misc]
    """What `torch.far` has to answer."""

    def current_device(self) -> int:
        return 0

    def current_stream(self, device: Any = None) -> _Stream:
        return _Stream()

    def manual_seed_all(self, seed: int) -> None:
        return

    def get_rng_state(self, device: Any = None) -> torch.Tensor:
        return torch.zeros(1, dtype=torch.uint8)

    def set_rng_state(self, state: torch.Tensor, device: Any = None) -> None:
        return

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]


@contextmanager
def far_device() -> Iterator[str]:
    """Inside, ``far`` is a device; its name is returned, and no wait is counted yet."""
    waits.clear()
    stalls.clear()
    uploads.clear()
    with _Everywhere():
        yield NAME


def _copy(source: torch.Tensor, target: torch.Tensor, non_blocking: bool = False) -> torch.Tensor:
    _unwrapped(target).copy_(_unwrapped(source))
    return target


# At import, while tests are collected: autograd counts the devices that there are in its first backward pass.
backend_registration._setup_privateuseone_for_python_backend(NAME, _Module())
_library = torch.library.Library("aten", "IMPL")
_library.impl("empty.memory_format", lambda size, dtype=None, **_: Far(torch.empty(size, dtype=dtype)), "PrivateUse1")
_library.impl(
    "empty_strided", lambda size, stride, dtype=None, **_: Far(torch.empty_strided(size, stride, dtype=dtype)), "PrivateUse1"
)
_library.impl("_copy_from", _copy, "PrivateUse1")
