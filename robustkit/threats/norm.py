"""The threat of perturbations inside a norm ball around the clean image."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from robustkit.contracts.threat import Threat, read_settings, read_size
from robustkit.errors import UsageError
from robustkit.projections import PROJECTIONS, Bounds, per_sample
from robustkit.rng import SampleRandom

Norm = Literal["linf", "l2", "l1", "l0"]


def norm_of(delta: Tensor, norm: Norm) -> Tensor:
    """The norm of each sample of ``(B, ...)``, shape ``(B,)``. ``l0`` counts elements, not pixels."""
    flat = delta.flatten(1)
    match norm:
        case "linf":
            return flat.abs().amax(1)
        case "l2":
            return flat.square().sum(1).sqrt()
        case "l1":
            return flat.abs().sum(1)
        case "l0":
            return (flat != 0).sum(1).to(delta.dtype)


def in_box(x_adv: Tensor, bounds: Bounds) -> Tensor:
    """Whether all elements of each image are within bounds, which NaN is not. Bool ``(B,)``."""
    flat = x_adv.flatten(1)
    return (flat.amin(1) >= bounds[0]) & (flat.amax(1) <= bounds[1])


@dataclass(frozen=True, kw_only=True)
class NormThreat(Threat):
    """All images within `eps` of the clean one in `norm`, inside the bounds.

    Parameters
    ----------
    norm
        ``linf``, ``l2``, ``l1`` or ``l0`` (number of changed elements).
    eps
        The radius, in the unit of the model's bounds.
    eps_text
        The radius as the user wrote it, such as ``8/255``.
    """

    norm: Norm
    eps: float
    eps_text: str = ""

    kind: ClassVar[str] = "norm"
    examples: ClassVar[tuple[str, ...]] = ("linf:0.04", "l2:0.3", "l1:1", "l0:3")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.eps > 0 and math.isfinite(self.eps)):
            raise UsageError(f"eps={self.eps} must be a finite number above 0")
        if not self.eps_text:
            object.__setattr__(self, "eps_text", f"{self.eps:g}")

    @classmethod
    def from_text(cls, kind: str, size: str, settings: dict[str, str]) -> NormThreat:
        options: dict[str, Any] = read_settings(settings)
        return cls(norm=kind, eps=read_size(size, f"{kind}:{size}"), eps_text=size, **options)  # type: ignore[arg-type]

    @property
    def budget(self) -> str:
        return f"{self.norm}:{self.eps_text}"

    def with_eps(self, eps: float) -> NormThreat:
        """The same threat with another radius."""
        return replace(self, eps=eps, eps_text=f"{eps:g}")

    def check(self, shape: tuple[int, int, int], bounds: Bounds) -> None:
        span, n = bounds[1] - bounds[0], math.prod(shape)
        most = {"linf": span, "l2": span * math.sqrt(n), "l1": span * n, "l0": float(n)}[self.norm]
        if self.eps > most * (1 + 1e-9):  # tolerance for rounded text of the maximum distance
            hint = f"; did you mean {self.norm}:{self.eps_text}/255?" if self.norm == "linf" and span == 1 else ""
            raise UsageError(
                f"eps {self.eps_text} of threat {self.id!r} is above {most:g}, the largest {self.norm} distance between two "
                f"images of shape {shape} in [{bounds[0]:g}, {bounds[1]:g}]{hint}"
            )
        # With bounds such as (0, 255), a budget meant for (0, 1) would forbid almost any change.
        if self.norm != "l0" and span >= 100 and self.eps < span / 255 * (0.1 if self.norm == "linf" else 1):
            raise UsageError(
                f"eps {self.eps_text} of threat {self.id!r} is in the unit of the bounds [{bounds[0]:g}, {bounds[1]:g}], where one "
                f"step of 255 is {span / 255:g}: write {self.norm}:{self.eps * span:g} for that share of the range, or use "
                "bounds=(0, 1) and scale inside the model"
            )
        if self.norm == "l0" and self.eps != int(self.eps):
            raise UsageError(f"eps {self.eps_text} of threat {self.id!r} must be a whole number of elements")

    def distance(self, x: Tensor, x_adv: Tensor) -> Tensor:
        return norm_of(x_adv - x, self.norm)

    def contains(self, x: Tensor, x_adv: Tensor, bounds: Bounds, witness: Tensor | None = None) -> Tensor:
        return in_box(x_adv, bounds) & self.within_eps(x, self.distance(x, x_adv), bounds)

    def within_eps(self, x: Tensor, distance: Tensor, bounds: Bounds) -> Tensor:
        """Whether a distance ``(B,)`` is at most eps, up to the rounding of images like `x`. Bool ``(B,)``."""
        return distance <= self.eps + self.slack(x, bounds)

    def slack(self, x: Tensor, bounds: Bounds) -> float:
        """The maximum amount that rounding in the images' dtype can add to a distance of exactly `eps`."""
        n = math.prod(x.shape[1:])
        ulp = torch.finfo(x.dtype).eps * max(abs(bounds[0]), abs(bounds[1]))
        elements = {"linf": 1.0, "l2": math.sqrt(n), "l1": float(n), "l0": 0.0}[self.norm]
        return 2 * ulp * elements + 8 * torch.finfo(x.dtype).eps * self.eps * (self.norm != "l0")

    def project(self, x: Tensor, x_adv: Tensor, bounds: Bounds, eps: Tensor | float | None = None) -> Tensor:
        """The nearest admissible point to `x_adv`, optionally for another radius `eps` (scalar or ``(B,)``)."""
        return PROJECTIONS[self.norm](x, x_adv, self.eps if eps is None else eps, bounds)

    def random_start(
        self, x: Tensor, sample_ids: Tensor, attempt: Tensor | int, random: SampleRandom, bounds: Bounds
    ) -> Tensor:
        """A uniform draw from the ball around each sample, projected onto ball and box."""
        shape = tuple(x.shape[1:])
        n = math.prod(shape)

        def uniform(shape: tuple[int, ...], stream: str) -> Tensor:
            return random.uniform(sample_ids, shape, attempt=attempt, stream=stream, dtype=x.dtype)

        match self.norm:
            case "linf":
                delta = self.eps * (2 * uniform(shape, "start") - 1)
            case "l2":
                direction = random.normal(sample_ids, shape, attempt=attempt, stream="start", dtype=x.dtype)
                radius = self.eps * uniform((), "radius") ** (1 / n)
                delta = direction * per_sample(radius / norm_of(direction, "l2").clamp_min(1e-12), x)
            case "l1":
                # n + 1 exponentials, normalised by their sum, are uniform on the simplex that bounds the magnitudes.
                draws = -torch.log1p(-uniform((n + 1,), "start"))
                magnitude = self.eps * draws[:, :n] / draws.sum(1, keepdim=True)
                sign = torch.where(uniform((n,), "sign") < 0.5, -1.0, 1.0).to(x.dtype)
                delta = (sign * magnitude).reshape(x.shape)
            case "l0":
                chosen = uniform((n,), "where").argsort(dim=1).argsort(dim=1) < self.eps
                value = bounds[0] + (bounds[1] - bounds[0]) * uniform((n,), "start")
                return torch.where(chosen.reshape(x.shape), value.reshape(x.shape), x)
        return self.project(x, x + delta, bounds)
