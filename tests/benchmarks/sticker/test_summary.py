"""The summary of a sticker's run."""

from __future__ import annotations

from robustkit.benchmarks.sticker.folder import StickerFolder
from robustkit.benchmarks.sticker.scoring import Frame, score
from robustkit.benchmarks.sticker.summary import StickerSummary, main
from robustkit.errors import ExitCode


def test_a_summary_survives_its_file(run: StickerFolder) -> None:
    summary = run.summary()
    assert StickerSummary.model_validate_json(summary.model_dump_json()) == summary


def test_a_sticker_no_better_than_its_control_is_no_evidence(run: StickerFolder) -> None:
    frames = [
        Frame(file=f"{subject}{k}", subject=subject, prediction=int(subject != "clean"), label=0,
              target=None if subject == "clean" else 1, repeat=k)
        for k in range(1, 9)
        for subject in ("clean", "sticker", "control:grey")
    ]  # fmt: skip
    summary = run.summary()
    assert summary.exit_code == ExitCode.PASSED
    alike = score(frames)
    assert main(alike).sticker.value == 1
    assert summary.model_copy(update={"predicted": alike}).exit_code == ExitCode.UNTRUSTED
    assert summary.model_copy(update={"photographed": alike}).exit_code == ExitCode.UNTRUSTED


def test_the_headline_is_targeted_if_there_is_a_target(run: StickerFolder) -> None:
    summary = run.summary()
    assert summary.headline == summary.predicted.targeted
    untargeted = summary.predicted.model_copy(update={"targeted": None})
    assert main(untargeted) == summary.predicted.untargeted
