"""Runs counted by hand, and what must not change their score."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robustkit.benchmarks.sticker.scoring import CLEAN, STICKER, Frame
from robustkit.benchmarks.sticker.video import VideoScore, score_runs
from robustkit.errors import NothingEvaluatedError, UsageError

STOP, LIMIT = 14, 12
GREY = "control:grey"


def video(subject: str, run: str, outcomes: str, target: int | None = None) -> list[Frame]:
    """A run whose frames are classified correctly (``-``) or as the target (``x``)."""
    seen = [STOP if outcome == "-" else LIMIT for outcome in outcomes]
    return [
        Frame(
            file=f"{subject}_{run}_{number}",
            subject=subject,
            run=run,
            number=number,
            prediction=each,
            label=STOP,
            target=target,
        )
        for number, each in enumerate(seen)
    ]


@pytest.fixture
def drives() -> list[Frame]:
    """Three pairs of runs; the clean sign of the last is misclassified in half of the frames."""
    return [
        *(video(CLEAN, "1", "x-----") + video(STICKER, "1", "-xx-xx") + video(GREY, "1", "------")),
        *(video(CLEAN, "2", "------") + video(STICKER, "2", "xxx---") + video(GREY, "2", "x-----")),
        *(video(CLEAN, "3", "xxx---") + video(STICKER, "3", "xxxxxx") + video(GREY, "3", "xxxxxx")),
    ]


def test_a_run_counts_if_most_frames_of_its_clean_partner_are_correct(drives: list[Frame]) -> None:
    found = score_runs(drives)
    assert (found.runs, found.counted, found.misclassified, found.unpaired) == (3, 2, 1, 0)
    assert found.clean.value == pytest.approx((5 / 6 + 1 + 1 / 2) / 3)


def test_share_longest_sequence_and_votes_of_each_run(drives: list[Frame]) -> None:
    runs = [run for run in score_runs(drives, window=3).untargeted.runs if run.subject == STICKER]
    assert [(run.share, run.longest, run.voted) for run in runs] == [(4 / 6, 2, 1.0), (3 / 6, 3, 2 / 4)]


def test_runs_are_the_samples(drives: list[Frame]) -> None:
    found = score_runs(drives, window=3).untargeted
    assert (found.majority.sticker.value, found.majority.sticker.n) == (1 / 2, 2)
    assert (found.vote.sticker.value, found.vote.sticker.n) == (1.0, 2)
    assert (found.share["sticker"].value, found.share["sticker"].n) == (pytest.approx(7 / 12), 2)
    assert found.share["grey"].value == pytest.approx(1 / 12)
    assert found.vote.beyond is not None
    assert (found.vote.beyond.best.value, found.vote.beyond.difference.n) == (0, 2)


def test_a_run_shorter_than_the_window_is_one_vote() -> None:
    (run,) = score_runs(video(CLEAN, "1", "---") + video(STICKER, "1", "xx-"), window=10).untargeted.runs
    assert run.voted == 1


def test_untargeted_runs_have_no_targeted_score(drives: list[Frame]) -> None:
    assert score_runs(drives).targeted is None
    targeted = score_runs(video(CLEAN, "1", "---") + video(STICKER, "1", "xx-", LIMIT)).targeted
    assert targeted is not None
    assert targeted.majority.sticker.value == 1


def test_no_counted_run_is_no_score() -> None:
    with pytest.raises(
        NothingEvaluatedError, match=r"none of the 1 runs with the sticker counts: the clean partner of 0 .* 1 have none"
    ):
        score_runs(video(STICKER, "1", "xx-"))


def test_two_frames_of_the_same_number_are_named(drives: list[Frame]) -> None:
    with pytest.raises(UsageError, match="show the same subject under the same condition: give one of them another number"):
        score_runs([*drives, drives[0]])


def test_a_window_has_frames(drives: list[Frame]) -> None:
    with pytest.raises(UsageError, match="window=0 must be"):
        score_runs(drives, window=0)


outcomes = st.text("-x", min_size=1, max_size=12)


@given(
    st.lists(outcomes, min_size=1, max_size=4),
    st.lists(outcomes, max_size=4),
    st.integers(1, 8),
    st.randoms(use_true_random=False),
)
def test_order_does_not_matter_and_estimates_are_inside(
    stickers: list[str], greys: list[str], window: int, random: object
) -> None:
    frames = [
        frame
        for subject, runs in ((CLEAN, ["-"] * 4), (STICKER, stickers), (GREY, greys))
        for number, run in enumerate(runs)
        for frame in video(subject, str(number), run)
    ]
    mixed = list(frames)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    found = score_runs(frames, window)
    assert score_runs(mixed, window) == found
    assert VideoScore.model_validate_json(found.model_dump_json()) == found
    for each in [*found.untargeted.share.values(), found.untargeted.majority.sticker, found.untargeted.vote.sticker]:
        assert each.low <= each.value <= each.high
        assert each.n <= 4
    for run in found.untargeted.runs:
        assert run.longest <= round(run.share * run.frames)
        assert (run.voted > 0) >= (run.share > 0.5) or run.frames > window
