"""Conformance checks of kinds of threats, on their own examples."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from robustkit.conformance.attack import Finding
from robustkit.errors import UsageError, what_happened
from robustkit.threats import RenderedThreat, Threat

_BOUNDS = (0.0, 1.0)


def check_kind(kind: str, chosen: type[Threat]) -> list[Finding]:
    """The findings of all checks of a kind of threat.

    Parameters
    ----------
    kind
        The name that it is registered under, with which its text form starts.
    chosen
        The class.

    Returns
    -------
    Failed checks; empty if the threat satisfies the contract. A kind without an example is a finding too.
    """
    try:
        threat = Threat.parse(chosen.example(kind))
    except UsageError as error:
        return [Finding("example", kind, str(error))]
    except (Exception, SystemExit) as error:
        return [Finding("example", kind, what_happened(error))]
    x = _images(threat)
    found = []
    for check in CHECKS:
        before = x.clone()
        try:
            message = check(threat, x)
        except (Exception, SystemExit) as error:
            message = what_happened(error)
        if message is None and not torch.equal(x, before):
            message, x = "the caller's images changed", before
        if message is not None:
            found.append(Finding(check.__name__.removeprefix("check_"), threat.id, message))
    return found


def check_text(threat: Threat, x: Tensor) -> str | None:
    """Check that parsing the text form gives the same threat."""
    read = Threat.parse(threat.id)
    return None if read == threat else f"its text {threat.id!r} is parsed as another threat: {read!r}"


def check_membership(threat: Threat, x: Tensor) -> str | None:
    """Check that the threat contains clean images, but no images outside the bounds or not finite."""
    threat.check((x.shape[1], x.shape[2], x.shape[3]), _BOUNDS)
    if not bool(threat.contains(x, x.clone(), _BOUNDS).all()):
        return "it does not contain a clean image"
    for what, value in (("below the bounds", -0.5), ("above the bounds", 1.5), ("that is NaN", torch.nan)):
        x_adv = x.clone()
        x_adv[:, 0, 0, 0] = value
        if bool(threat.contains(x, x_adv, _BOUNDS).any()):
            return f"it contains an image with a value {what}"
    distance = threat.distance(x, x.clone())
    if distance.shape != (len(x),) or not bool(distance.isfinite().all()):
        return f"distance has shape {tuple(distance.shape)}, or is not finite: expected one number per sample"
    return None


def check_rendering(threat: Threat, x: Tensor) -> str | None:
    """Check that images rendered within limits are inside the bounds and the threat, and independent of other samples."""
    if not isinstance(threat, RenderedThreat):
        return None
    low, high = threat.limits(x)
    if low.ndim != 1 or low.shape != high.shape or not bool((low <= high).all()):
        return f"limits have shapes {tuple(low.shape)} and {tuple(high.shape)}: expected (P,) for both, lower limits first"
    share = torch.rand((len(x), len(low)), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    share[0], share[1] = 0, 1
    parameters = low + share * (high - low)
    x_adv = threat.transform(x, parameters, _BOUNDS)
    if x_adv.shape != x.shape:
        return f"transform changes the shape of images from {tuple(x.shape)} to {tuple(x_adv.shape)}"
    inside = threat.contains(x, x_adv, _BOUNDS, parameters) & ((x_adv >= 0) & (x_adv <= 1)).flatten(1).all(1)
    if not bool(inside.all()):
        return f"{int((~inside).sum())} of {len(x)} images rendered within its limits are outside the bounds or the threat"
    alone = torch.cat([threat.transform(x[i : i + 1], parameters[i : i + 1], _BOUNDS) for i in range(len(x))])
    return None if torch.allclose(alone, x_adv, atol=1e-9) else "the rendered images depend on the other samples"


def _images(threat: Threat) -> Tensor:
    """Random images, including a black and a white one."""
    shape = threat.example_shape or (3, 6, 5)
    x = torch.rand((8, *shape), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x[1], x[2] = 0, 1
    return x


CHECKS: tuple[Callable[[Threat, Tensor], str | None], ...] = (check_text, check_membership, check_rendering)
