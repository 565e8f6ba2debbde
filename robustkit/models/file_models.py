"""``file:weights.safetensors`` with an architecture: a file of weights that is read without running any code."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from robustkit.errors import UnsafeFileError, UsageError
from robustkit.models.network import one_line

_NESTED = ("state_dict", "model_state_dict", "model", "net", "module")


def load_into(net: nn.Module, path: str) -> None:
    """Put a file's weights into a network.

    Parameters
    ----------
    net
        Changed in place.
    path
        A ``.safetensors`` file, or a ``.pth``, ``.pt``, ``.ckpt`` or ``.bin`` that torch reads with ``weights_only``.

    Raises
    ------
    UsageError
        If the file cannot be read, or its weights do not fit the network.
    UnsafeFileError
        If reading it would run code.
    """
    state = _without_wrapper(read_weights(Path(path).expanduser()))
    wanted = net.state_dict()
    missing, unexpected = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    differ = [key for key in sorted(wanted.keys() & state.keys()) if wanted[key].shape != state[key].shape]
    problems = [
        f"{what} {', '.join(keys[:3])}{f' and {len(keys) - 3} more' if len(keys) > 3 else ''}"
        for what, keys in (("lacks", missing), ("has besides", unexpected), ("has other shapes for", differ))
        if keys
    ]
    if problems:
        raise UsageError(f"{path} does not fit the architecture {type(net).__name__}: it {'; it '.join(problems)}")
    net.load_state_dict(state)


def read_weights(path: Path) -> dict[str, Any]:
    """What a file of weights holds, by name."""
    if not path.is_file():
        raise UsageError(f"weights {str(path)!r} do not exist: give file:PATH of a .safetensors, .pth or .pt file")
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return dict(load_file(path))
        except (SafetensorError, OSError, ValueError) as error:
            raise UsageError(f"{path} is not a readable safetensors file: {one_line(error)}") from error
    if path.suffix == ".pt2" or _is_program(path):
        raise UsageError(f"{path} is a compiled program (TorchScript or torch.export), not weights: save net.state_dict()")
    if path.suffix not in (".pth", ".pt", ".ckpt", ".bin"):
        raise UsageError(f"weights {str(path)!r} are of no known kind: give a .safetensors, .pth or .pt file")
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "Weights only load failed" in str(error) and _names_a_global(str(error)):
            raise UnsafeFileError(
                f"{path} was refused, since reading it could run code ({_names_a_global(str(error))}): save "
                "net.state_dict(), best as safetensors, and give the network with --arch"
            ) from error
        raise UsageError(f"{path} is not a readable file of weights: {one_line(error)}") from error
    except Exception as error:
        raise UsageError(f"{path} is not a readable file of weights: {one_line(error)}") from error
    if not isinstance(loaded, Mapping):
        raise UsageError(f"{path} holds a {type(loaded).__name__}, not weights by name: save net.state_dict()")
    return dict(loaded)


def _is_program(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith(("constants.pkl", "/archive_format")) or "/code/" in name for name in archive.namelist())


def _names_a_global(text: str) -> str:
    """The line of torch's message that says what the pickle asked for; empty if it is about something else."""
    signs = ("Unsupported global", "Unsupported class", "Unsupported operand", "not an allowed global", "blocklist", "GLOBAL")
    for line in text.splitlines():
        if any(sign in line for sign in signs):
            return line.strip().removeprefix("WeightsUnpickler error: ").split(". Please")[0].split(" was not")[0]
    return ""


def _without_wrapper(state: dict[str, Any]) -> dict[str, Tensor]:
    """The weights inside a checkpoint, without the prefixes that data parallelism and compilation add."""
    for key in _NESTED:
        inner = state.get(key)
        if isinstance(inner, Mapping) and inner and all(isinstance(value, Tensor) for value in inner.values()):
            state = dict(inner)
            break
    for prefix in ("module.", "_orig_mod."):
        if state and all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): value for key, value in state.items()}
    return {key: value for key, value in state.items() if isinstance(value, Tensor)}
