"""report and gate: recompute the verdict of a finished run from its records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from robustkit.cli import results
from robustkit.cli.options import Mark, Options
from robustkit.cli.parameters import takes
from robustkit.errors import UsageError

if TYPE_CHECKING:
    from robustkit.benchmarks.summary import Summary


class RunOptions(Options):
    """The run folder."""

    run: Annotated[Path, Mark.POSITIONAL, Mark.PATH] = Field(strict=False, description="The folder of an audit")


class ThresholdOptions(Options):
    """The required robust accuracy."""

    min_robust: float | None = Field(None, ge=0, le=1, description="Required robust accuracy under every threat, such as 0.5")


class GateOptions(RunOptions, ThresholdOptions):
    """The options of a gate."""


@takes(RunOptions, configured=False)
def report(options: RunOptions) -> int:
    """Recompute the verdict of a finished run from its records, with the last threshold, and rewrite its report."""
    from robustkit.benchmarks.verdict import judge_run

    return show(judge_run(options.run, None, results.note), options.run)


@takes(GateOptions)
def gate(options: GateOptions) -> int:
    """Judge a finished run by a threshold, from its records and stored images, and exit with the verdict's code."""
    from robustkit.benchmarks.verdict import judge_run

    if options.min_robust is None:
        raise UsageError("a gate needs a threshold: give --min-robust, such as 0.5")
    return show(judge_run(options.run, options.min_robust, results.note), options.run)


def show(summary: Summary, folder: Path) -> int:
    """Print the verdict and return its exit code."""
    from robustkit.benchmarks.report.text import terminal

    results.console().print(terminal(summary, folder / "report.html"))
    return summary.exit_code
