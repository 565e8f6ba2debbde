"""The schema (1) of a sticker's summary.json, which the terminal, the report and the exit code all read."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from robustkit.benchmarks.sticker.gap import SimulationGap
from robustkit.benchmarks.sticker.scoring import ByRule, Score, Success
from robustkit.benchmarks.sticker.video import VideoScore
from robustkit.errors import ExitCode


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelPart(_Part):
    """The model that the sticker was made for."""

    name: str
    fingerprint: str


class StickerPart(_Part):
    """The sticker in real units. `area` is its share of the sign's area."""

    sign: str
    width_cm: float
    height_cm: float
    texel_mm: float
    area: float
    smallest_mm: float


class Checkpoint(_Part):
    """The loss on the optimised renderings at a step, and the success on held-out ones."""

    step: int
    loss: float
    success: float


class Colour(_Part):
    """A colour asked for, what the print model makes of it, their CIEDE2000, and its share of the sticker. sRGB in [0, 1]."""

    asked: tuple[float, float, float]
    printed: tuple[float, float, float]
    delta_e: float
    share: float


class AreaScore(ByRule):
    """The success of the same sticker trimmed to a smaller share of the sign's area, and of its controls."""

    area: float


class Variant(ByRule):
    """The success of a sticker optimised as long without one part of the method."""

    name: str


class StickerSummary(_Part):
    """A run of the sticker workflow.

    Parameters
    ----------
    true, target
        Names of classes; `target` is None for an untargeted sticker.
    predicted
        The score of renderings that the optimisation did not see.
    photographed, gap
        The score of photographs, and how far it is from the prediction; None before there are any.
    filmed
        The score of videos of drives.
    """

    schema_version: Literal[1] = 1
    run: str
    created: str
    robustkit: str
    model: ModelPart
    sticker: StickerPart
    true: str
    target: str | None
    classes: list[str]
    seed: int
    steps: int
    predicted: Score
    photographed: Score | None = None
    gap: SimulationGap | None = None
    filmed: VideoScore | None = None
    photos: str = ""
    convergence: list[Checkpoint] = []
    areas: list[AreaScore] = []
    ablation: list[Variant] = []
    colours: list[Colour] = []
    warnings: list[str] = []
    repeat: dict[str, Any] = {}

    @property
    def measured(self) -> Score:
        """The score that counts: of photographs if there are any."""
        return self.photographed or self.predicted

    @property
    def headline(self) -> Success:
        """The success by the rule that was asked for: targeted if there is a target."""
        return main(self.measured)

    @property
    def exit_code(self) -> ExitCode:
        """0 if the sticker is proven to be better than its best control, else 4: its success is then no evidence."""
        beyond = self.headline.beyond
        return ExitCode.PASSED if beyond is not None and beyond.proven else ExitCode.UNTRUSTED


def main(score: ByRule) -> Success:
    """The targeted success, or the untargeted one without a target."""
    return score.targeted or score.untargeted
