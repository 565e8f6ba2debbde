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

#: Sides of the images that a program of no fixed size is asked about.
_SIDES = (32, 224)
#: What a program can call to read or write files; all else that the language has is arithmetic.
_FILES = re.compile(r"\b(?:torch|ops\.aten)\.(from_file|save|load)\s*\(")
_CALLS = re.compile(r"\bops\.(\w+)\.")
_LIBRARIES = frozenset({"aten", "prim", "prims", "quantized", "torchvision", "mkldnn_prepacked", "prepacked"})
#: The most text of a program that is looked through, in bytes.
_LONGEST = 2**27


def load_script(path: Path) -> Network:
    """The network of a TorchScript file, on the CPU. Whether it gives gradients is found by asking for one.

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
            warnings.simplefilter("ignore", FutureWarning)  # the format is deprecated, and still what users have
            net = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
    except Exception as error:  # the reader has many errors
        raise UsageError(f"{shown(str(path))} cannot be loaded as TorchScript: {first_line(error)}") from None
    return plain_network(net)


def gives_gradients(model: Model) -> bool:
    """Whether a gradient reaches the image, of the first size that the model takes; true if it takes none of those tried."""
    for height, width in [model.spec.size] if model.spec.size else [(side, side) for side in _SIDES]:
        grey = torch.full((1, model.spec.channels, height, width), sum(model.bounds) / 2, device=model.device)
        try:
            with model.frozen(seed=0):
                model.logits(grey)
        except Exception:  # not a size that it takes
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
                    f"the program in {shown(str(path))} is above {_LONGEST // 2**20} MiB of text: export a smaller one"
                )
            text = "\n".join(archive.read(entry).decode("utf-8", "replace") for entry in programs)
    except OSError as error:
        raise UsageError(f"TorchScript file {shown(str(path))} cannot be read: {error.strerror}") from None
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError):
        raise UsageError(
            f"{shown(str(path))} is no TorchScript file, as torch.jit.save writes: save it so, or use file:"
        ) from None
    if not programs:
        raise UsageError(
            f"{shown(str(path))} holds weights and no program: write file:{shown(str(path))} and --arch package.module:factory"
        )
    foreign = sorted(set(_CALLS.findall(text)) - _LIBRARIES)
    reads = _FILES.search(text)
    if foreign or reads:
        what = f"operators of {', '.join(map(shown, foreign[:3]))}" if foreign else f"{reads[1] if reads else ''}()"
        raise UnsafeFileError(f"the program in {shown(str(path))} calls {what}, which may reach files: it was not loaded")
