"""Selection of a network's weights in a checkpoint: the entry and the prefix of their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from robustkit.errors import UsageError

#: Components that compilation and sharding add to the names of wrapped modules.
_WRAPPERS = {"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
_DEPTH = 4
_SHOWN = 6


@dataclass(frozen=True)
class Entry:
    """Weights inside a checkpoint.

    Parameters
    ----------
    key
        Its ``--weights-key``: the path of names to it, joined by dots; ``.`` is the checkpoint itself.
    tensors
        The weights by the network's names.
    aside
        Names of other tensors in the same place, with other prefixes.
    """

    key: str
    tensors: Mapping[str, Tensor]
    aside: tuple[str, ...]


def choose(checkpoint: Mapping[Any, Any], wanted: Mapping[str, Tensor], key: str | None) -> Entry:
    """The one entry of a checkpoint that fits a network.

    Parameters
    ----------
    checkpoint
        The contents of a weights file.
    wanted
        The network's own weights; only names and shapes are used.
    key
        The entry's key, if given by the user.

    Raises
    ------
    UsageError
        If no entry fits, or several do and none was given. The message continues the file's name.
    """
    own = _without_wrappers(wanted)
    entries = list(_entries(checkpoint, own))
    if key is not None:
        named = [entry for entry in entries if entry.key == (key.rstrip(".") or ".")]
        if not named:
            known = ", ".join(shown(entry.key) for entry in entries[:_SHOWN]) or "none"
            raise UsageError(f"has no entry {shown(key)} with weights of this network; those that have: {known}")
        entries = named
    fitting = [entry for entry in entries if not misfits(entry.tensors, own)]
    if len(fitting) > 1 and not all(_same(fitting[0], other) for other in fitting[1:]):
        choices = " or ".join(f"--weights-key {shown(entry.key)}" for entry in fitting[:_SHOWN])
        raise UsageError(f"contains several weights that fit this network: choose {choices}")
    if fitting:
        entry = fitting[0]
        if key is None and len(entry.aside) > len(entry.tensors):
            raise UsageError(
                f"fits this network only in {shown(entry.key)}, a small part of its contents: "
                f"if that is intended, use --weights-key {shown(entry.key)}"
            )
        tensors = {name: entry.tensors[plain] for plain, name in _names(wanted).items() if plain in entry.tensors}
        return Entry(entry.key, tensors, entry.aside)
    best = max(entries, key=lambda entry: len(entry.tensors.keys() & own.keys()), default=None)
    if best is None or len(best.tensors.keys() & own.keys()) <= len(own) / 2:
        raise UsageError(f"does not contain the network's weights ({_listed(wanted)}): it contains {describe(checkpoint)}")
    where = "" if best.key == "." else f"in {shown(best.key)}, "
    raise UsageError(f"does not fit the network: {where}it {'; it '.join(misfits(best.tensors, own))}")


def misfits(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> list[str]:
    """The reasons why weights do not fit a network, as phrases that follow "it"; empty if they fit.

    Counters of batch norms may be missing, and so may names of shared weights that are present under another name.
    """
    held = {_address(wanted[key]) for key in wanted.keys() & tensors.keys()} - {0}
    missing = sorted(
        key
        for key in wanted.keys() - tensors.keys()
        if not key.endswith("num_batches_tracked") and _address(wanted[key]) not in held
    )
    differ = [key for key in sorted(wanted.keys() & tensors.keys()) if not _same_shape(wanted[key], tensors[key])]
    shapes = [f"{shown(key)} ({_shape(tensors[key])} for {_shape(wanted[key])})" for key in differ]
    return [
        f"{what} {', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}"
        for what, names in (
            ("lacks", [shown(key) for key in missing]),
            ("additionally has", [shown(key) for key in sorted(tensors.keys() - wanted.keys())]),
            ("has other shapes for", shapes),
        )
        if names
    ]


def describe(checkpoint: Mapping[Any, Any]) -> str:
    """A description of a file's top-level contents: names, shapes and types."""
    parts = [f"{shown(key)} ({_kind(value)})" for key, value in islice(checkpoint.items(), _SHOWN)]
    return (", ".join(parts) or "nothing") + (f" and {len(checkpoint) - _SHOWN} more" if len(checkpoint) > _SHOWN else "")


def shown(key: object) -> str:
    """A name from a file, made printable and shortened."""
    text = key if isinstance(key, str) else repr(key)
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _entries(checkpoint: Mapping[Any, Any], wanted: Mapping[str, Tensor]) -> Iterator[Entry]:
    for path, mapping in _mappings(checkpoint, ()):
        tensors = {key: value for key, value in mapping.items() if isinstance(key, str) and isinstance(value, Tensor)}
        names = _without_wrappers(tensors)
        prefixes = dict.fromkeys(
            name[: len(name) - len(probe)]
            for probe in _probes(wanted)
            for name in names
            if name == probe or name.endswith(f".{probe}")
        )
        for prefix in prefixes:
            inside = {name.removeprefix(prefix): tensor for name, tensor in names.items() if name.startswith(prefix)}
            aside = tuple(name for name in names if not name.startswith(prefix))
            yield Entry(".".join([*path, *prefix.rstrip(".").split(".")] if prefix else path) or ".", inside, aside)


def _mappings(value: Mapping[Any, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Mapping[Any, Any]]]:
    yield path, value
    if len(path) < _DEPTH:
        for key, inner in value.items():
            if isinstance(key, str) and isinstance(inner, Mapping):
                yield from _mappings(inner, (*path, key))


def _probes(wanted: Mapping[str, Tensor]) -> list[str]:
    """A few of the network's names, enough to find a prefix even if some are missing."""
    names = sorted(wanted, key=len, reverse=True)
    return names[:: max(1, len(names) // 8)]


def _names(names: Iterable[str]) -> dict[str, str]:
    """The original names by their plain names, without the prefixes of data parallelism, compilation and sharding."""
    given = list(names)
    plain = [".".join(part for part in name.split(".") if part not in _WRAPPERS) for name in given]
    while plain and all(name.startswith("module.") or name == "n_averaged" for name in plain) and plain != ["n_averaged"]:
        plain = [name.removeprefix("module.") for name in plain if name != "n_averaged"]
        given = [name for name in given if name.rpartition(".")[2] != "n_averaged"]
    return dict(zip(plain, given, strict=True)) if len(set(plain)) == len(given) else {name: name for name in names}


def _without_wrappers(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {plain: tensors[name] for plain, name in _names(tensors).items()}


def _same(one: Entry, other: Entry) -> bool:
    try:
        return all(torch.equal(one.tensors[key], other.tensors[key]) for key in one.tensors.keys() | other.tensors.keys())
    except (KeyError, RuntimeError, NotImplementedError):
        return False


def _same_shape(wanted: Tensor, given: Tensor) -> bool:
    return bool(is_lazy(wanted)) or (not given.is_nested and wanted.shape == given.shape)


def _address(tensor: Tensor) -> int:
    return 0 if is_lazy(tensor) or not tensor.numel() else tensor.data_ptr()


def _shape(tensor: Tensor) -> str:
    return "many shapes" if tensor.is_nested else "x".join(map(str, tensor.shape)) or "one number"


def _kind(value: object) -> str:
    if isinstance(value, Tensor):
        return _shape(value)
    if not isinstance(value, Mapping):
        return type(value).__name__
    tensors = [f"{shown(key)} {_shape(inner)}" for key, inner in value.items() if isinstance(inner, Tensor)]
    return f"{len(tensors)} tensors, such as {tensors[0]}" if tensors else f"{len(value)} entries"


def _listed(wanted: Mapping[str, Tensor]) -> str:
    names = list(wanted)
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
