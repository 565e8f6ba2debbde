"""robustkit: measure how an image model behaves under attack, how far the result can be trusted, and what to do about it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from robustkit.benchmarks.audit import audit
    from robustkit.build import attack, defend
    from robustkit.contracts.attack import Attack
    from robustkit.contracts.model import Model
    from robustkit.contracts.result import AttackResult
    from robustkit.data import Data, load_data
    from robustkit.errors import RobustkitError, UsageError
    from robustkit.models.load import load_model
    from robustkit.spec import InputSpec
    from robustkit.threats import Threat
    from robustkit.torch_model import TorchModel

_HOME = {
    "Attack": "robustkit.contracts.attack",
    "AttackResult": "robustkit.contracts.result",
    "Data": "robustkit.data",
    "InputSpec": "robustkit.spec",
    "Model": "robustkit.torch_model",
    "RobustkitError": "robustkit.errors",
    "Threat": "robustkit.threats",
    "TorchModel": "robustkit.torch_model",
    "UsageError": "robustkit.errors",
    "attack": "robustkit.build",
    "audit": "robustkit.benchmarks.audit",
    "defend": "robustkit.build",
    "load_data": "robustkit.data",
    "load_model": "robustkit.models.load",
}

__all__ = [
    "Attack",
    "AttackResult",
    "Data",
    "InputSpec",
    "Model",
    "RobustkitError",
    "Threat",
    "TorchModel",
    "UsageError",
    "__version__",
    "attack",
    "audit",
    "defend",
    "load_data",
    "load_model",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that the command line starts without torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'robustkit' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value
