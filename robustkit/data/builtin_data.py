"""The data shipped with robustkit.

``builtin/fashion``: the first 1,000 test images of Fashion-MNIST. ``builtin/signs``: 1,000 pictures of traffic signs that robustkit
draws itself, in colour.
"""

from __future__ import annotations

from pathlib import Path

from robustkit.data.base import Data
from robustkit.data.files import brief
from robustkit.data.npz import load_npz
from robustkit.errors import UsageError, did_you_mean

FOLDER = Path(__file__).parent / "builtin"


def builtin_names() -> list[str]:
    """The names of the shipped data sets."""
    return sorted(path.stem for path in FOLDER.glob("*.npz"))


def load_builtin(name: str) -> Data:
    """A shipped data set.

    Raises
    ------
    UsageError
        If there is none with this name.
    """
    if name not in builtin_names():
        raise UsageError(f"data 'builtin/{brief(name)}' is unknown: {did_you_mean(brief(name), builtin_names())}")
    data = load_npz(str(FOLDER / f"{name}.npz"))
    data.name = f"builtin/{name}"
    return data
