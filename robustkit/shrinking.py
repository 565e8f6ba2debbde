"""The contract of an attack that makes known adversarial images nearer, so that an answer at one eps gives those at smaller ones."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from torch import Tensor

from robustkit.contracts.attack import Attack
from robustkit.contracts.model import Model
from robustkit.contracts.result import AttackResult
from robustkit.contracts.rows import Rows
from robustkit.contracts.samples import Samples
from robustkit.threats import NormThreat


@dataclass(frozen=True, kw_only=True)
class Known(Rows):
    """Verified adversarial images, one per sample, and what was seen when they were found.

    Parameters
    ----------
    x_adv
        ``(N, C, H, W)`` inside the threat.
    margin
        ``(N,)``: the attacker's margin there, at least 0.
    clean_margin
        ``(N,)``: the attacker's margin on the clean image, at most 0.
    """

    x_adv: Tensor
    margin: Tensor
    clean_margin: Tensor


@dataclass(frozen=True, kw_only=True)
class ShrinkingAttack(Attack):
    """An attack that looks for adversarial images inside smaller balls than the known ones.

    Parameters
    ----------
    shares
        The radii of the smaller balls, as shares of eps.
    """

    shares: tuple[float, ...] = (0.25, 0.5, 0.75)

    @abstractmethod
    def shrink(self, model: Model, samples: Samples, threat: NormThreat, known: Known, seed: int) -> AttackResult:
        """An adversarial image for each sample, in the smallest ball in which one was found; the known one, not verified
        again, if that is the whole ball. The samples are prepared as for `Attack.run`.

        The result's passes are those of this search alone; its logits are NaN for the known images.
        """
