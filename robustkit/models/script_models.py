"""``script:model.pt``: a TorchScript program, which is code in a restricted language."""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from pathlib import Path

import torch

from robustkit.contracts.model import Model
from robustkit.errors import UnsafeFileError, UsageError, first_line
from robustkit.models.entries import shown
from robustkit.models.network import Network, plain_network

#: Image sizes to try on a program without a fixed size.
_SIDES = (32, 224)
#: Functions that can read or write files; all other functions of the language only compute.
_FILES = re.compile(r"\b(?:torch|ops\.aten)\.(from_file|save|load)\s*\(")
_CALLS = re.compile(r"\bops\.(\w+)\.")
_LIBRARIES = frozenset({"aten", "prim", "prims", "quantized", "torchvision", "mkldnn_prepacked", "prepacked"})
#: Maximum size of a program's text in bytes.
_LONGEST = 2**27


def load_script(path: Path) -> Network:
    """The network of a TorchScript file, on the CPU.

    Raises
    ------
    UsageError
        If the file is not a TorchScript program.
    UnsafeFileError
        If the program would read or write files, or call operators of other libraries.
    """
    _refuse_unsafe(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # the format is deprecated, but still in use
            net = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
    except Exception as error:  # the reader has many error classes
        raise UsageError(f"{shown(str(path))} cannot be loaded as TorchScript: {first_line(error)}") from None
    return plain_network(net)


def gives_gradients(model: Model) -> bool:
    """Whether a gradient reaches an image of the first size that the model takes; true if it takes none of the sizes tried."""
    for height, width in [model.spec.size] if model.spec.size else [(side, side) for side in _SIDES]:
        grey = torch.full((1, model.spec.channels, height, width), sum(model.bounds) / 2, device=model.device)
        try:
            with model.frozen(seed=0):
                model.logits(grey)
        except Exception:  # the model does not take this size
            continue
        try:
            with model.frozen(seed=0):
                model.gradient(grey, lambda logits: logits.sum(1))
        except (UsageError, RuntimeError):
            return False
        return True
    return True


def _refuse_unsafe(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            programs = [entry for entry in archive.infolist() if "/code/" in entry.filename and entry.filename.endswith(".py")]
            if sum(entry.file_size for entry in programs) > _LONGEST:
                raise UsageError(
                    f"the program in {shown(str(path))} has more than {_LONGEST // 2**20} MiB of text: export a smaller one"
                )
            text = "\n".join(archive.read(entry).decode("utf-8", "replace") for entry in programs)
    except OSError as error:
        raise UsageError(f"TorchScript file {shown(str(path))} cannot be read: {error.strerror}") from None
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError):
        raise UsageError(f"{shown(str(path))} is not a TorchScript file: save it with torch.jit.save, or use file:") from None
    if not programs:
        raise UsageError(
            f"{shown(str(path))} contains weights and no program: use file:{shown(str(path))} and --arch package.module:factory"
        )
    foreign = sorted(set(_CALLS.findall(text)) - _LIBRARIES)
    reads = _FILES.search(text)
    if foreign or reads:
        what = f"operators of {', '.join(map(shown, foreign[:3]))}" if foreign else f"{reads[1] if reads else ''}()"
        raise UnsafeFileError(f"the program in {shown(str(path))} calls {what}, which may access files: it was not loaded")
