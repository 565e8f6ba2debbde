"""The threat of common corruptions (noise, blur, weather, compression) of a given severity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from robustkit.contracts.threat import Threat, read_settings
from robustkit.corruptions import CORRUPTIONS, SEVERITIES, check_kinds, corrupt
from robustkit.crossing import sent
from robustkit.errors import UsageError, brief
from robustkit.projections import Bounds
from robustkit.rng import SampleRandom
from robustkit.threats.norm import in_box
from robustkit.threats.witness import checked_witness, is_clean, shows

#: The purpose of the random numbers of an admissible corruption.
DRAWS = "corruption"


@dataclass(frozen=True, kw_only=True)
class CorruptionThreat(Threat):
    """All images obtained from the clean one by a common corruption of one severity, with any random numbers.

    Membership needs a witness that states corruption and random numbers (`witness`). The distance is the severity.

    Parameters
    ----------
    severity
        1 to 5.
    kinds
        The allowed corruptions among the 19 of `robustkit.corruptions`.

    Raises
    ------
    UsageError
        If the severity is not one of 1 to 5, or a corruption is unknown or named twice.

    References
    ----------
    Hendrycks and Dietterich, Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, arXiv 1903.12261.
    """

    severity: int
    kinds: tuple[str, ...] = tuple(CORRUPTIONS)

    kind: ClassVar[str] = "corruption"
    examples: ClassVar[tuple[str, ...]] = ("corruption:3,kinds=impulse_noise+glass_blur+snow+fog+saturate+elastic_transform",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.severity not in SEVERITIES:
            raise UsageError(
                f"severity {self.severity} of a corruption threat is not one of 1 to 5: write one like corruption:3"
            )
        check_kinds(self.kinds)

    @classmethod
    def from_text(cls, kind: str, size: str, settings: dict[str, str]) -> CorruptionThreat:
        options: dict[str, Any] = read_settings(settings, ("kinds",))
        if "kinds" in options:
            options["kinds"] = tuple(part.strip() for part in options["kinds"].split("+"))
        if not (size.isdecimal() and len(size) < 9):
            raise UsageError(
                f"severity {brief(size)} of threat {brief(f'{kind}:{size}')} is not one of 1 to 5: write one like corruption:3"
            )
        return cls(severity=int(size), **options)

    @property
    def budget(self) -> str:
        return f"corruption:{self.severity}" + ("" if self.kinds == tuple(CORRUPTIONS) else f",kinds={'+'.join(self.kinds)}")

    def check(self, shape: tuple[int, int, int], bounds: Bounds) -> None:
        return

    def transform(
        self, x: Tensor, which: Tensor, bounds: Bounds, random: SampleRandom, sample_ids: Tensor, number: Tensor
    ) -> Tensor:
        """The images, each with its own corruption.

        Parameters
        ----------
        x
            ``(B, C, H, W)`` in `bounds`.
        which
            ``(B,)``: indices into `kinds`. On the host they cause no device synchronisation.
        random, sample_ids, number
            These determine the random numbers, as for `corrupt`.
        """
        low, span = bounds[0], bounds[1] - bounds[0]
        unit = ((x - low) / span).clamp(0, 1)
        corrupted = unit.clone()
        # One synchronisation is cheaper than computing all 19 corruptions of every image.
        wanted = which.cpu().tolist()
        for index in sorted(set(wanted)):
            rows = sent(torch.tensor([row for row, one in enumerate(wanted) if one == index]), x.device)
            corrupted[rows] = corrupt(self.kinds[index], unit[rows], self.severity, random, sample_ids[rows], number[rows])
        return (low + span * corrupted).clamp(*bounds)

    @staticmethod
    def witness(which: Tensor, number: Tensor, sample_ids: Tensor, seed: int) -> Tensor:
        """The witness, int64 ``(B, 4)``, of images that `transform` renders with the random numbers of `DRAWS`."""
        word = torch.full_like(which, seed - 2**64 if seed >= 2**63 else seed)  # the unsigned seed as a signed 64-bit integer
        return torch.stack([which, number, sample_ids, word], dim=1)

    def plausible(self, x: Tensor, x_adv: Tensor, bounds: Bounds) -> Tensor:
        return in_box(x_adv, bounds)

    def contains(self, x: Tensor, x_adv: Tensor, bounds: Bounds, witness: Tensor | None = None) -> Tensor:
        found = is_clean(x, x_adv, bounds)
        if witness is None:
            return found
        which, number, sample_ids, seeds = checked_witness(witness, x, 4).long().unbind(1)
        for seed in sorted(set(seeds.cpu().tolist())):
            rows = ((seeds == seed) & (which >= 0) & (which < len(self.kinds)) & ~found).nonzero().squeeze(1)
            random = SampleRandom(seed % 2**64, DRAWS)
            rendered = self.transform(x[rows], which[rows], bounds, random, sample_ids[rows], number[rows])
            found[rows] = shows(x_adv[rows], rendered, bounds)
        return found

    def distance(self, x: Tensor, x_adv: Tensor) -> Tensor:
        return torch.full_like(x[:, 0, 0, 0], self.severity)
