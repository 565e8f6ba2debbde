"""Digests of Python objects: their values, the code of their classes, and everything that code uses.

Objects with equal digests behave alike as far as values and code can tell. Digests are the same in every process: they do not
depend on addresses, the order of sets, or positions in files.
"""

from __future__ import annotations

import enum
import fractions
import functools
import hashlib
import importlib.metadata
import pathlib
import sys
import sysconfig
import types
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from robustkit import __version__

#: Maximum nesting of objects; deeper objects are represented by their class.
_DEPTH = 4

_PLAIN = (
    bool, int, float, complex, str, bytes, type(None), type(...), range, slice, enum.Enum, fractions.Fraction,
    pathlib.PurePath, torch.dtype, torch.device, torch.layout, torch.memory_format,
)  # fmt: skip
_WRAPPERS = (staticmethod, classmethod, functools.cached_property, functools._lru_cache_wrapper)

#: Attributes that PyTorch adds to every module; `module_parts` reads the relevant ones by name.
_OF_MODULES = frozenset(vars(nn.Module())) | {"_compiled_call_impl"}
_HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


class Identity:
    """Digests of objects, and of the code they use.

    The digest of a function or class covers its own code; `reached` covers what that code uses in turn.
    """

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}
        self._alive: list[object] = []  # keeps objects alive so that their ids stay unique
        self._used: deque[Any] = deque()

    def of(self, value: Any, depth: int = 0) -> bytes:
        """The digest of any object."""
        if isinstance(value, _PLAIN):
            return _hash(type(value).__qualname__, repr(value))
        if isinstance(value, tuple | frozenset | set | Tensor | np.ndarray | np.generic | types.CodeType):
            return self._of_value(value, depth)
        if id(value) not in self._known:
            self._known[id(value)] = b"a part of itself"
            self._alive.append(value)
            self._known[id(value)] = self._of_object(value, depth)
        return self._known[id(value)]

    def reached(self) -> bytes:
        """The digest of all functions, classes and values used by the code seen so far, except those of installed packages."""
        parts = []
        while self._used:
            parts.append(self.of(self._used.popleft()))
        return _hash(*parts)

    def _of_value(self, value: Any, depth: int) -> bytes:
        match value:
            case Tensor():
                return tensor_digest(value)
            case np.ndarray() | np.generic():
                held = value.tolist() if value.dtype.hasobject else np.ascontiguousarray(value).tobytes()
                return _hash("array", str(value.dtype), str(value.shape), held if isinstance(held, bytes) else repr(held))
            case types.CodeType():
                constants = [self.of(constant, depth) for constant in value.co_consts]
                # Calls by keyword depend on parameter names; the ends of try blocks are not in the byte code.
                counts = value.co_posonlyargcount, value.co_argcount, value.co_kwonlyargcount, value.co_flags
                called = repr((*counts, value.co_varnames))
                return _hash("code", value.co_code, value.co_exceptiontable, called, *value.co_names, *constants)
            case tuple():
                return _hash(type(value).__qualname__, *(self.of(item, depth) for item in value))
        return _hash("set", *sorted(self.of(item, depth) for item in value))

    def _of_object(self, value: Any, depth: int) -> bytes:
        match value:
            case type():
                return self._of_class(value, depth)
            case types.FunctionType():
                return self._of_function(value, depth)
            case types.MethodType():
                # The instance of a bound method is digested where it is stored.
                return _hash("method", self.of(value.__func__, depth), self.of(type(value.__self__), depth))
            case functools.partial():
                return _hash("partial", *(self.of(part, depth) for part in (value.func, value.args, value.keywords)))
            case functools._lru_cache_wrapper():
                return self.of(value.__wrapped__, depth)
            case list():
                return _hash("list", *(self.of(item, depth) for item in value))
            case Mapping():
                return _hash("mapping", *(self.of(item, depth) for pair in value.items() for item in pair))
            case nn.Module():
                parts = module_parts(value, self, depth)
                return _hash("module", self.of(parts, depth), self.of(dict(value.state_dict()), depth))
            case torch.jit.ScriptFunction():
                return _hash("script", str(value.code))
            case types.BuiltinFunctionType() | types.ModuleType():
                return _hash("named", value.__name__)
        return self._of_instance(value, depth)

    def _of_instance(self, value: Any, depth: int) -> bytes:
        kind = type(value)
        if depth >= _DEPTH or (_is_standard(kind) and kind is not types.SimpleNamespace):
            return _hash("instance of", kind.__module__, kind.__qualname__)
        attributes = getattr(value, "__dict__", {})
        inside = [part for name, item in attributes.items() for part in (name, self.of(item, depth + 1))]
        return _hash("instance", self.of(kind, depth), *inside)

    def _of_class(self, kind: type, depth: int) -> bytes:
        parts: list[str | bytes] = [kind.__module__, kind.__qualname__, version_of(kind.__module__)]
        for base in kind.__mro__:
            if base is nn.Module or _is_standard(base):
                continue
            parts.append(base.__qualname__)
            for name, member in sorted(vars(base).items()):
                functions = _functions(member)
                if functions:
                    parts += [name, type(member).__qualname__, *(self.of(function, depth) for function in functions)]
                elif not name.startswith("__") and depth < _DEPTH:
                    parts += [name, self.of(member, depth + 1)]
        return _hash("class", *parts)

    def _of_function(self, function: types.FunctionType, depth: int) -> bytes:
        held = [function.__defaults__, function.__kwdefaults__]
        for cell in function.__closure__ or ():
            try:
                held.append(cell.cell_contents)
            except ValueError:  # the cell is still empty
                held.append(None)
        if not _is_installed(function.__code__.co_filename):
            self._used += _uses(function.__code__, function.__globals__)
        named = [function.__module__ or "", function.__qualname__]
        return _hash("function", *named, self.of(function.__code__, depth), *(self.of(value, depth) for value in held))


def module_parts(module: nn.Module, identity: Identity, depth: int = 0) -> dict[str, bytes]:
    """A digest for each part of a network except its state dict: classes, hooks, plain attributes, non-persistent buffers."""
    parts: dict[str, bytes] = {}
    for path, inner in module.named_modules():
        if isinstance(inner, torch.jit.ScriptModule):
            parts[f"{path} code"] = identity.of(_script(inner), depth)
            continue
        parts[f"{path} class"] = identity.of(type(inner), depth)
        if type(inner).__module__.startswith("torch._dynamo"):
            continue  # a compiled network is represented by the one inside it
        for name in _HOOKS:
            parts |= {f"{path} {name} {i}": identity.of(hook, depth) for i, hook in enumerate(getattr(inner, name).values())}
        for name, value in vars(inner).items():
            if name not in _OF_MODULES and not (name == "_graph" and isinstance(inner, torch.fx.GraphModule)):
                parts[f"{path}.{name}"] = identity.of(value, depth)
        for name in sorted(inner._non_persistent_buffers_set):
            parts[f"{path}.{name}"] = identity.of(inner._buffers.get(name), depth)
    return parts


def tensor_digest(tensor: Tensor) -> bytes:
    """The digest of a tensor's type, shape and values."""
    described = [str(tensor.dtype), str(tuple(tensor.shape)), str(tensor.layout)]
    if torch.nn.parameter.is_lazy(tensor) or tensor.device.type == "meta":
        return _hash("tensor", "without values", str(tensor.dtype))
    plain = tensor.detach().cpu()
    if plain.is_quantized:
        return _hash("tensor", *described, str(plain.qscheme()), repr(plain.dequantize().tolist()))
    if plain.layout != torch.strided:
        plain = plain.to_dense()
    if not plain.numel():
        return _hash("tensor", *described)
    return _hash("tensor", *described, plain.contiguous().reshape(-1).view(torch.uint8).numpy().data)


@functools.cache
def version_of(module: str) -> str:
    """Distribution and version of a module, such as ``timm 1.0.9``; only the name if it is not installed."""
    root = module.partition(".")[0]
    if root == "robustkit":
        return f"robustkit {__version__}"
    if root in sys.stdlib_module_names:
        return f"python {sys.version.split()[0]}"
    try:
        return f"{root} {importlib.metadata.version(root)}"
    except importlib.metadata.PackageNotFoundError:
        owners = sorted(set(importlib.metadata.packages_distributions().get(root, ())))
        return " ".join([root, *(f"{owner} {importlib.metadata.version(owner)}" for owner in owners)])


def _hash(*parts: str | bytes | memoryview) -> bytes:
    """One digest of several parts; parts are length-prefixed, so that other splits give other digests."""
    digest = hashlib.sha256()
    for part in parts:
        held = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(held).to_bytes(8, "little"))
        digest.update(held)
    return digest.digest()


def _functions(member: Any) -> list[types.FunctionType]:
    """The functions in a member of a class; none if it is not code."""
    if isinstance(member, property):
        return [part for part in (member.fget, member.fset) if isinstance(part, types.FunctionType)]
    if isinstance(member, _WRAPPERS):
        member = getattr(member, "__wrapped__", None) or getattr(member, "func", None)
    return [member] if isinstance(member, types.FunctionType) else []


def _uses(code: types.CodeType, scope: dict[str, Any]) -> list[Any]:
    """The functions, classes and values that code uses from its module and from imported modules that are not installed."""
    found = []
    for name in code.co_names:
        value = scope.get(name)
        if not isinstance(value, types.ModuleType):
            found += [value] if name in scope else []
        elif not _is_installed(getattr(value, "__file__", None) or ""):
            found += [vars(value)[other] for other in code.co_names if other in vars(value)]
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found += _uses(constant, scope)
    return [value for value in found if not isinstance(value, types.ModuleType)]


def _script(module: torch.jit.ScriptModule) -> tuple[Any, ...]:
    try:
        code, constants = module.code_with_constants
    except RuntimeError:  # it has no forward method
        return ()
    return str(code), dict(sorted(constants.const_mapping.items()))


def _is_standard(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in sys.stdlib_module_names


@functools.cache
def _is_installed(file: str) -> bool:
    """Whether a file belongs to Python or an installed package, whose code is represented by its version."""
    parts = pathlib.PurePath(file).parts
    standard = pathlib.PurePath(sysconfig.get_path("stdlib"))
    return (
        not parts
        or file.startswith("<frozen")
        or bool({"site-packages", "dist-packages"} & set(parts))
        or (pathlib.PurePath(file).is_relative_to(standard))
    )
