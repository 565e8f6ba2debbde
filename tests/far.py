"""A pretend accelerator, for tests: its tensors live in CPU memory, say that they are elsewhere, and cannot be mixed with others.

What would fail on a GPU for want of a `.to(device)` fails here too, and each time the host would wait for the device is counted. It
stands on torch's Python backends for private devices, which are experimental; a few C++ paths (``tolist``) cannot be followed.
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
_READS = ("aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select", "aten::_unique2")

#: How often the host would have waited since the last `clear`, by file and line.
waits: Counter[str] = Counter()


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

    def __repr__(self) -> str:  # type: ignore[override]
        return f"Far({self.here})"


class _Everywhere(TorchDispatchMode):
    """Sees operators without tensors too, such as `torch.zeros(device="far")`."""

    def __torch_dispatch__(self, operator: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(operator, args, kwargs or {})


def _compute(operator: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    away = any(isinstance(tensor, Far) for tensor in tensors)
    name = operator._schema.name
    if away and name in _READS:
        waits[_line()] += 1
    if away and "copy" not in name and any(tensor.ndim and not isinstance(tensor, Far) for tensor in tensors):
        raise RuntimeError(f"{name} mixes tensors of {NAME} and cpu at {_line()}")
    goes_to = kwargs.get("device")
    if goes_to is not None:
        kwargs = {**kwargs, "device": "cpu"}
        away = torch.device(goes_to).type == NAME
    result = operator(*tree_map(_unwrapped, args), **tree_map(_unwrapped, kwargs))
    return tree_map(lambda leaf: Far(leaf) if isinstance(leaf, torch.Tensor) else leaf, result) if away else result


def _unwrapped(leaf: Any) -> Any:
    return leaf.here if isinstance(leaf, Far) else leaf


def _line() -> str:
    frames = [f for f in traceback.extract_stack() if "/torch/" not in f.filename and f.filename != __file__]
    return f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}"


class _Module(backend_registration._DummyBackendModule):  # type: ignore[misc]
    """What `torch.far` has to answer."""

    def current_device(self) -> int:
        return 0

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
    """Inside, ``far`` is a device; its name is returned and `waits` is empty."""
    waits.clear()
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
