"""The fingerprint of a model, which covers everything that can change an output."""

from __future__ import annotations

import hashlib
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from robustkit.identity import Identity, module_parts
from robustkit.rng import SampleRandom

if TYPE_CHECKING:
    from robustkit.contracts.model import Model

#: Sizes to try for the probe images if the model states none.
_SIDES = (32, 224)
_PROBES = 2
_DIRECTIONS = 4


def fingerprint(model: Model) -> str:
    """A hexadecimal digest of preprocessing, weights, buffers, attributes, hooks, code, and outputs for probe images.

    It ignores state that a pass changes (a counter, the last features), and outputs that differ between two
    passes with the same seed. Passes on the probe images are not counted.
    """
    first, before = _probe(model), _parts(model, Identity())
    again, identity = _probe(model), Identity()
    after = _parts(model, identity)
    lasting = {name: part for name, part in after.items() if before.get(name) == part}
    kinds = type(model), type(model.undefended)
    settings = (model.bounds, model.mean, model.std, repr(model.spec), kinds, getattr(model, "defenses", ()))
    state = {name: dict(part.state_dict()) for name, part in model.undefended.content().items() if isinstance(part, nn.Module)}
    answers = first if first == again else ()
    described = identity.of((settings, state, lasting, answers))
    return hashlib.sha256(described + identity.reached()).hexdigest()


def _parts(model: Model, identity: Identity) -> dict[str, bytes]:
    """A digest for each part of the model, except the state dicts of its networks."""
    found: dict[str, bytes] = {}
    for name, part in model.undefended.content().items():
        inside = module_parts(part, identity) if isinstance(part, nn.Module) else {"": identity.of(part)}
        found |= {f"{name} {path}": digest for path, digest in inside.items()}
    return found


def _probe(model: Model) -> tuple[float, ...]:
    """Outputs for the probe images, so coarse that rounding of other kernels has no effect; empty if no probe image fits."""
    sizes = [model.spec.size] if model.spec.size is not None else [(side, side) for side in _SIDES]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        # One image at a time on one thread, so that neither batch size nor machine load has an effect.
        with _uncompiled(), model.uncounted():
            for height, width in sizes:
                shape = (model.spec.channels, height, width)
                draws = SampleRandom(0, "fingerprint").uniform(torch.arange(_PROBES), shape)
                images = (model.bounds[0] + draws * (model.bounds[1] - model.bounds[0])).to(model.device)
                try:
                    with model.frozen(seed=0):
                        return tuple(value for image in images for value in _coarse(model.logits(image[None])[0]))
                except Exception:  # the model does not take this size
                    continue
    finally:
        torch.set_num_threads(threads)
    return ()


def _coarse(logits: Tensor) -> list[float]:
    """A few numbers that depend on every logit, to three digits."""
    values = logits.double().cpu()
    if not bool(values.isfinite().all()):
        return [float(values.isfinite().sum())]
    directions = SampleRandom(0, "directions").normal(torch.arange(_DIRECTIONS), (len(values),), dtype=torch.float64)
    scale = float(values.norm()) or 1.0
    projected = directions @ (values / scale)
    return [float(f"{scale:.2e}"), *(round(float(value), 3) + 0.0 for value in projected)]


def _uncompiled() -> AbstractContextManager[object]:
    """A context without compilation, whose rounding depends on the batch; imports nothing if compilation is not in use."""
    if "torch._dynamo" not in sys.modules or not hasattr(torch.compiler, "set_stance"):
        return nullcontext()
    stance: AbstractContextManager[object] = torch.compiler.set_stance("force_eager")
    return stance
