"""Replacement of a network's classifier head, and freezing of its other parts."""

from __future__ import annotations

import torch
from torch import nn

from robustkit.errors import UsageError
from robustkit.global_state import own_random_state


def find_head(net: nn.Module) -> str:
    """The dotted name of the classifier: by the names that timm and torchvision use, else the last linear layer.

    Raises
    ------
    UsageError
        If the network has no linear layer.
    """
    names: dict[str, nn.Module] = {name: module for name, module in net.named_modules() if isinstance(module, nn.Linear)}
    if not names:
        raise UsageError(f"{type(net).__name__} has no linear layer to replace: finetune a network that ends with one")
    for name in ("get_classifier", "fc", "classifier", "head", "heads"):
        part = getattr(net, name, None)
        if name == "get_classifier" and callable(part):
            part = part()
        if isinstance(part, nn.Module):
            inside = [key for key, linear in names.items() if any(linear is module for module in part.modules())]
            if inside:
                return inside[-1]
    return list(names)[-1]


def replace_head(net: nn.Module, num_classes: int, seed: int) -> None:
    """Replace the classifier by a new linear layer with `num_classes` outputs. The global random state is not changed."""
    name = find_head(net)
    old = net.get_submodule(name)
    assert isinstance(old, nn.Linear)
    with own_random_state(torch.device("cpu"), seed):
        new = nn.Linear(old.in_features, num_classes, bias=old.bias is not None)
    parent, _, last = name.rpartition(".")
    setattr(net.get_submodule(parent), last, new.to(old.weight.device, old.weight.dtype))


def frozen_modules(net: nn.Module, part: str) -> list[nn.Module]:
    """The modules to freeze: for ``backbone`` all but the classifier and its parents; else those inside module `part`.

    They are kept in evaluation mode, so that their running statistics do not change.

    Raises
    ------
    UsageError
        If there is no module with this name.
    """
    modules = dict(net.named_modules())
    if part == "backbone":
        head = find_head(net)
        return [module for name, module in modules.items() if name and not f"{head}.".startswith(f"{name}.")]
    if part not in modules or not part:
        children = ", ".join(name for name, _ in net.named_children())
        raise UsageError(f"--freeze {part!r} is not a part of {type(net).__name__}: write backbone, or one of {children}")
    return list(modules[part].modules())


def freeze(net: nn.Module, parts: tuple[str, ...]) -> list[nn.Module]:
    """Freeze the named parts and return their modules. ``backbone`` also freezes parameters outside of submodules."""
    modules = [module for part in parts for module in frozen_modules(net, part)]
    for module in modules:
        for parameter in module.parameters():
            parameter.requires_grad_(False)
    if "backbone" in parts:
        head = find_head(net)
        for name, parameter in net.named_parameters():
            parameter.requires_grad_(name.startswith(f"{head}."))
    if not any(parameter.requires_grad for parameter in net.parameters()):
        raise UsageError(f"--freeze {' '.join(parts)} leaves nothing to train")
    return modules
