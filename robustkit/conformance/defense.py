"""Conformance checks of preprocessors and recipes, on a small network."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from robustkit.conformance.attack import Finding
from robustkit.contracts.preprocessor import DefenseInfo, Preprocessor
from robustkit.contracts.recipe import Recipe, TrainingBatch
from robustkit.errors import UsageError, what_happened
from robustkit.global_state import own_random_state
from robustkit.projections import Bounds
from robustkit.registry import plugins
from robustkit.threats import Threat
from robustkit.torch_model import TorchModel

_CLASSES = 4


def check_defense(defense: object) -> list[Finding]:
    """The findings of all checks of a preprocessor or recipe.

    Returns
    -------
    Failed checks; empty if the defense satisfies the contract.
    """
    name = type(defense).__name__
    if not isinstance(defense, Preprocessor | Recipe):
        return [Finding("kind", name, "it is neither a Preprocessor nor a Recipe: derive it from one of them")]
    wanted = "preprocessor" if isinstance(defense, Preprocessor) else "training"
    if not isinstance(getattr(defense, "info", None), DefenseInfo) or defense.info.kind != wanted:
        return [Finding("info", name, f"it has no info: add a DefenseInfo with kind={wanted!r}")]
    if isinstance(defense, Preprocessor):
        if defense.info.gradient is None:
            return [
                Finding(
                    "info", name, "its info has no gradient: set 'exact', or 'straight-through' if apply is not differentiable"
                )
            ]
        checks = {f"images in {bounds}": partial(_images_stay, defense, bounds) for bounds in ((0.0, 1.0), (-2.0, 3.0))}
        checks["gradient"] = partial(_gradient_flows, defense)
    else:
        checks = {"loss": partial(_loss_trains, defense)}
    found = []
    for what, check in checks.items():
        try:
            with own_random_state(torch.device("cpu"), 0):
                message = check()
        except (Exception, SystemExit) as error:
            message = what_happened(error)
        if message is not None:
            found.append(Finding(what, name, message))
    return found


def _images() -> Tensor:
    """Random images in [0, 1], including a black and a white one."""
    x = torch.rand((8, 3, 12, 12), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x[1], x[2] = 0, 1
    return x


def _images_stay(defense: Preprocessor, bounds: Bounds) -> str | None:
    """Check that the transform keeps shape and bounds and, unless it is random, treats each image separately."""
    low, high = bounds
    x = low + (high - low) * _images()
    made = defense(x, bounds)
    if made.shape != x.shape:
        return f"images of shape {tuple(x.shape)} become {tuple(made.shape)}: expected the same shape"
    if not bool(((made >= low - 1e-6) & (made <= high + 1e-6)).all()):
        return f"values from {float(made.min()):.6g} to {float(made.max()):.6g} are outside the bounds, or not finite"
    if torch.equal(defense(x, bounds), made):
        alone = torch.cat([defense(image[None], bounds) for image in x])
        if not torch.allclose(alone, made, atol=1e-6):
            return "the transform of an image depends on the other images of the batch"
    return None


def _gradient_flows(defense: Preprocessor) -> str | None:
    """Check that the gradient through the transform is finite and not 0 for images between black and white."""
    x = (0.25 + 0.5 * _images()).requires_grad_()
    out = defense(x, (0.0, 1.0))
    if not out.requires_grad:
        return f"gradient={defense.info.gradient!r} is stated, but there is none: use 'straight-through', or make apply differentiable"
    (grad,) = torch.autograd.grad((out * torch.linspace(1, 2, out[0].numel()).reshape(out[0].shape)).sum(), x)
    if not bool(grad.isfinite().all()) or not bool((grad != 0).flatten(1).any(1).all()):
        return (
            f"gradient={defense.info.gradient!r} is stated, but it vanishes or is not finite: use 'straight-through', or fix it"
        )
    return None


def _loss_trains(recipe: Recipe) -> str | None:
    """Check that the loss is a finite, deterministic scalar with gradients for all parameters, and does not change the batch."""
    threat = _threat_of(recipe)
    network = _chain()
    batch = TrainingBatch(
        x=_images(), y=torch.arange(8) % _CLASSES, sample_ids=torch.arange(8), forward=network, model=TorchModel(network, device="cpu"),
        threat=threat, num_classes=_CLASSES, seed=0,
    )  # fmt: skip
    loss = recipe.loss(batch)
    if loss.ndim != 0 or not bool(loss.isfinite()):
        return f"the loss is {loss.detach()}: expected a finite scalar"
    loss.backward()  # type: ignore[no-untyped-call]
    lacking = [key for key, value in network.named_parameters() if value.requires_grad and value.grad is None]
    if lacking:
        return (
            f"no gradient reaches the parameter {lacking[0]}: compute the loss from batch.forward, which is the training pass"
        )
    if not torch.equal(batch.x, _images()) or not torch.equal(batch.y, torch.arange(8) % _CLASSES):
        return "the images or labels of the batch changed"
    if not torch.equal(recipe.loss(batch).detach(), loss.detach()):
        return "the same batch gives another loss the second time: draw from SampleRandom(batch.seed, ...)"
    return None


def _chain() -> nn.Sequential:
    """A chain of layers, the kind of network that every recipe supports."""
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 12 * 12, _CLASSES))
    numbers = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_(0, parameter[0].numel() ** -0.5, generator=numbers)
    return net.double()


def _threat_of(recipe: Recipe) -> Threat | None:
    """An example threat that the recipe accepts; None if it needs no threat."""
    refused: UsageError | None = None
    for text in (None, *_examples()):
        threat = None if text is None else Threat.parse(text)
        try:
            recipe.check(threat)
        except UsageError as error:
            refused = error
        else:
            return threat
    raise UsageError(f"no case exercises it: it rejects the examples of all threats, the last with: {refused}")


def _examples() -> list[str]:
    """The examples of all kinds of threats, linf first because most recipes accept it."""
    kinds = sorted(plugins("threats"), key=lambda kind: (kind != "linf", kind))
    return [text for kind in kinds for text in plugins("threats")[kind].load().examples if text.startswith(f"{kind}:")]
