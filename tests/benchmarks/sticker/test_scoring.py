"""RP2's rule on small tables counted by hand, and what must not change a score."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robustkit.benchmarks.sticker.scoring import CLEAN, STICKER, Condition, Frame, Score, Trial, compare, score
from robustkit.errors import NothingEvaluatedError, UsageError

STOP, LIMIT, YIELD = 14, 12, 17
GREY = "control:grey"


def frame(
    subject: str, prediction: int, distance_cm: float = 300, angle_deg: float = 0, repeat: int = 1, **given: object
) -> Frame:
    condition = {"distance_cm": distance_cm, "angle_deg": angle_deg, "repeat": repeat}
    return Frame(
        **{"file": f"{subject}_{repeat}.jpg", "subject": subject, "prediction": prediction, "label": STOP, **condition, **given}
    )


def shots(distance_cm: float, clean: int, sticker: int, grey: int, repeat: int = 1, target: int | None = LIMIT) -> list[Frame]:
    """A clean photo, one of the sticker and one of the control under one condition."""
    seen = ((CLEAN, clean), (STICKER, sticker), (GREY, grey))
    return [
        frame(subject, each, distance_cm, repeat=repeat, target=target, size_px=3000 / distance_cm) for subject, each in seen
    ]


@pytest.fixture
def photos() -> list[Frame]:
    """Six conditions; of the last the clean photo is misclassified."""
    return [
        *shots(100, STOP, LIMIT, STOP),
        *shots(100, STOP, LIMIT, STOP, repeat=2),
        *shots(200, STOP, YIELD, STOP),
        *shots(200, STOP, LIMIT, YIELD, repeat=2),
        *shots(200, STOP, STOP, STOP, repeat=3),
        *shots(300, YIELD, LIMIT, LIMIT),
    ]


def test_a_frame_counts_only_if_its_clean_partner_is_correct(photos: list[Frame]) -> None:
    found = score(photos)
    assert (found.frames, found.counted, found.misclassified, found.unpaired) == (6, 5, 1, 0)
    assert (found.clean.value, found.clean.n) == (5 / 6, 6)
    assert (found.untargeted.sticker.value, found.untargeted.sticker.n) == (4 / 5, 5)
    assert found.targeted is not None
    assert found.targeted.sticker.value == 3 / 5


def test_success_stands_beside_that_of_the_best_control(photos: list[Frame]) -> None:
    black = [frame("control:black", STOP, 100), frame("control:black", STOP, 200)]
    found = score([*photos, *(replace(each, target=LIMIT) for each in black)])
    assert {name: control.value for name, control in found.untargeted.controls.items()} == {"black": 0, "grey": 1 / 5}
    beyond = found.untargeted.beyond
    assert beyond is not None
    assert (beyond.control, beyond.sticker.value, beyond.best.value) == ("grey", 4 / 5, 1 / 5)
    assert beyond.difference.value == pytest.approx(3 / 5)
    assert beyond.p == 0.25  # three discordant pairs, all for the sticker
    assert not beyond.proven


def test_more_successes_are_proven_by_the_interval_and_the_exact_test() -> None:
    trials = [Trial(subject, k, subject == STICKER) for k in range(6) for subject in (STICKER, GREY)]
    few, enough = compare(trials[:10]).beyond, compare(trials).beyond
    assert few is not None
    assert enough is not None
    assert (few.difference.low > 0, few.p > 0.05, few.proven) == (True, True, False)
    assert (enough.difference.low > 0, enough.p < 0.05, enough.proven) == (True, True, True)


def test_without_a_control_nothing_is_beyond(photos: list[Frame]) -> None:
    assert score([each for each in photos if each.subject != GREY]).untargeted.beyond is None


def test_cells_are_distances_and_angles(photos: list[Frame]) -> None:
    near, middle, far = score(photos).cells
    assert (near.distance_cm, near.angle_deg, near.frames) == (100, 0, 2)
    assert (middle.frames, middle.untargeted.sticker.n, middle.untargeted.sticker.value) == (3, 3, 2 / 3)
    assert (far.frames, far.untargeted.sticker.n) == (1, 0)
    assert middle.targeted is not None
    assert middle.targeted.sticker.value == 1 / 3
    assert middle.untargeted.controls["grey"].value == 1 / 3


def test_sizes_are_those_of_the_clean_sign(photos: list[Frame]) -> None:
    small, large = score(photos).sizes
    assert (small.low_px, small.high_px, small.untargeted.sticker.n) == (0, 16, 3)
    assert (large.low_px, large.high_px, large.untargeted.sticker.n) == (24, 32, 2)


def test_untargeted_photos_have_no_targeted_success() -> None:
    assert score(shots(100, STOP, LIMIT, STOP, target=None)).targeted is None


def test_photos_without_a_partner_are_counted_apart(photos: list[Frame]) -> None:
    found = score([*photos, frame(STICKER, LIMIT, 900, target=LIMIT)])
    assert (found.frames, found.counted, found.unpaired) == (7, 5, 1)


def test_frames_of_videos_are_ignored(photos: list[Frame]) -> None:
    assert score([*photos, frame(STICKER, STOP, 100, run="1", target=LIMIT)]) == score(photos)


def test_no_counted_frame_is_no_score() -> None:
    with pytest.raises(
        NothingEvaluatedError, match="none of the 1 photos of the sticker counts: the clean partner of 1 is misc"
    ):
        score(shots(100, YIELD, LIMIT, STOP))


def test_a_target_is_another_class() -> None:
    with pytest.raises(UsageError, match=r"the target of sticker_1.jpg is its true class 14"):
        score(shots(100, STOP, LIMIT, STOP, target=STOP))


def test_a_target_is_given_for_all_photos(photos: list[Frame]) -> None:
    with pytest.raises(UsageError, match="has a target but"):
        score([*photos, frame(STICKER, LIMIT, 900)])


def test_two_photos_of_the_same_are_named(photos: list[Frame]) -> None:
    with pytest.raises(UsageError, match=r"sticker_1.jpg and twin.jpg show the same subject"):
        score([*photos, replace(photos[1], file="twin.jpg")])


def test_an_unknown_subject_is_named(photos: list[Frame]) -> None:
    with pytest.raises(UsageError, match=r"subject 'stickr' of stickr_1.jpg is unknown"):
        score([*photos, frame("stickr", STOP)])


def test_a_given_control_is_compared_with() -> None:
    trials = [Trial(STICKER, 1, True), Trial("control:a", 1, True), Trial("control:b", 1, False)]
    best, given_ = compare(trials), compare(trials, "b")
    assert best.beyond is not None
    assert given_.beyond is not None
    assert (best.beyond.control, given_.beyond.control) == ("a", "b")


classes = st.sampled_from([STOP, LIMIT, YIELD])
conditions = st.builds(
    Condition,
    st.sampled_from([None, 100.0, 200.0]),
    st.sampled_from([0.0, 15.0]),
    st.sampled_from(["day", "dusk"]),
    st.integers(1, 2),
)
some = st.lists(
    st.builds(
        Frame,
        file=st.just("x.jpg"),
        subject=st.sampled_from([CLEAN, STICKER, GREY, "control:white"]),
        prediction=classes,
        label=st.just(STOP),
        target=st.just(LIMIT),
        size_px=st.sampled_from([None, 10.0, 40.0]),
    ),
    max_size=40,
)


@st.composite
def scored(draw: st.DrawFn) -> list[Frame]:
    """Photos of which at least one counts."""
    drawn = [replace(each, **draw(conditions)._asdict()) for each in draw(some)]
    base = shots(900, STOP, draw(classes), draw(classes))
    return base + list({(each.subject, each.condition): each for each in drawn}.values())


@given(scored(), st.randoms(use_true_random=False))
def test_the_order_of_frames_does_not_matter(frames: list[Frame], random: object) -> None:
    mixed = list(frames)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert score(mixed) == score(frames)


@given(scored(), classes, classes)
def test_frames_whose_partner_is_wrong_change_only_how_many_there_are(frames: list[Frame], sticker: int, grey: int) -> None:
    before, after = score(frames), score([*frames, *shots(1000, YIELD, sticker, grey)])
    assert (after.untargeted, after.targeted, after.sizes) == (before.untargeted, before.targeted, before.sizes)
    assert after.counted == before.counted
    assert (after.frames, after.misclassified) == (before.frames + 1, before.misclassified + 1)


@given(scored())
def test_estimates_are_inside_their_intervals_and_parts_add_up(frames: list[Frame]) -> None:
    found = score(frames)
    for part in [found, *found.cells, *found.sizes]:
        assert part.targeted is not None
        assert part.targeted.sticker.value <= part.untargeted.sticker.value
        for success in (part.untargeted, part.targeted):
            for each in [success.sticker, *success.controls.values()]:
                assert each.low <= each.value <= each.high
            if success.beyond:
                assert success.beyond.difference.low <= success.beyond.difference.value <= success.beyond.difference.high
    assert sum(cell.frames for cell in found.cells) == found.frames
    assert (
        sum(cell.untargeted.sticker.n for cell in found.cells)
        == found.counted
        == found.frames - found.misclassified - found.unpaired
    )


@given(scored())
def test_a_score_survives_json(frames: list[Frame]) -> None:
    assert Score.model_validate_json(score(frames).model_dump_json()) == score(frames)
