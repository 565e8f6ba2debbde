"""Ten samples of two classes, one misclassified and one without an answer, under two attacks."""

import numpy as np
import pytest

from robustkit.benchmarks.judging.evidence import MISSING
from robustkit.benchmarks.judging.summarize import (
    CURVE_POINTS,
    PICTURES,
    attack_part,
    beside,
    class_table,
    curve_points,
    error_ids,
    escalation_note,
    gallery,
    looks_for_the_nearest,
    minimal,
    name_of,
    passes,
    picture,
    remarks,
    summarize_threat,
)
from robustkit.benchmarks.planning.manifest import PlannedPoint, PlannedThreat
from robustkit.benchmarks.statistics import estimate
from robustkit.benchmarks.summary import Flag, PassesPart

#: Sample 8 is misclassified, sample 9 has no answer; samples from 5 on are of class 1.
LABELS = np.arange(10) // 5


@pytest.fixture
def clean(rows):
    statuses = ["failed"] * 8 + ["misclassified", "error"]
    return rows(range(10), label=LABELS, prediction=[0] * 5 + [1] * 3 + [0, -1], status=statuses)


@pytest.fixture
def attacked(rows):
    """Records of an attack on some samples, of which some fell and to some of which there was no answer."""

    def make(ids, fell=(), silent=(), **columns):
        status = ["found" if i in fell else "error" if i in silent else "failed" for i in ids]
        labels = LABELS[list(ids)]
        prediction = np.where(np.isin(ids, list(fell)), 1 - labels, labels)
        plain = {
            "label": labels,
            "prediction": prediction,
            "clean_margin": 1,
            "verified": np.isin(ids, list(fell)),
            "status": status,
        }
        return rows(ids, **plain | columns)

    return make


def cells(planned, *names, **changed):
    return tuple(planned(name=name * 12, attack=name, **changed) for name in names)


def test_each_sample_counts_by_its_worst_attack(planned, clean, attacked):
    first, second = cells(planned, "a", "b")
    found = {
        first.name: attacked(range(8), fell=[0, 1], silent=[7]),
        second.name: attacked(range(8), fell=[1, 2], silent=[3]),
    }
    plan = PlannedThreat(id="linf:0.1", kind="linf", main=(first, second))
    part = summarize_threat(plan, clean, found, np.array([]), ("cat", "dog"), [])
    # 0, 1, 2 fell; 3 and 7 have no answer from one of the attacks, 9 from the model; 8 was never right.
    assert part.robust_accuracy == estimate(3, 10)
    assert part.errors == 3
    assert [attack.decided for attack in part.attacks] == [2, 1]
    assert part.passes == PassesPart(verdict=sum(each.forwards + each.backwards for each in part.attacks))
    assert [attack.robust_accuracy.value for attack in part.attacks] == [0.5, 0.5]  # each alone
    assert [(row.name, row.clean.value, row.robust.value) for row in part.classes] == [("cat", 1, 0.2), ("dog", 0.6, 0.4)]
    assert (part.curve, part.minimal, part.non_adaptive, part.trusted) == ([], [], None, True)


def test_survivors_of_the_attacks_before_count_together(planned, clean, attacked):
    first, second = cells(planned, "a"), cells(planned, "b", on="survivors", before=("a" * 12,))
    found = {"a" * 12: attacked(range(8), fell=[0, 1]), "b" * 12: attacked(range(2, 8), fell=[2])}
    plan = PlannedThreat(id="linf:0.1", kind="linf", main=first + second)
    part = summarize_threat(plan, clean, found, np.array([]), (), [])
    assert [attack.robust_accuracy.value for attack in part.attacks] == [0.6, 0.5]
    assert part.attacks[1].success_rate == estimate(1, 6)


def test_a_weakening_flag_takes_the_trust_away(planned, clean, attacked):
    plan = PlannedThreat(id="linf:0.1", kind="linf", main=cells(planned, "a"))
    for weakens in (True, False):
        flag = Flag(id="data", weakens=weakens, sentence="Odd.")
        part = summarize_threat(plan, clean, {"a" * 12: attacked(range(8), fell=range(8))}, np.array([]), (), [flag])
        assert part.flags == [flag]
        assert part.trusted is not weakens


def test_the_non_adaptive_number_stands_beside(planned, clean, attacked):
    (beside_it,) = cells(planned, "b", part="non-adaptive", spec="pgd:steps=9")
    plan = PlannedThreat(id="linf:0.1", kind="linf", main=cells(planned, "a"), non_adaptive=beside_it)
    found = {"a" * 12: attacked(range(8), fell=range(8)), "b" * 12: attacked(range(8), fell=[0], silent=[1])}
    part = summarize_threat(plan, clean, found, np.array([]), (), [])
    assert part.robust_accuracy.value == 0
    assert part.non_adaptive.robust_accuracy == estimate(6, 10)
    assert part.non_adaptive.sentence.startswith("pgd:steps=9 attacks the undefended model")
    assert [flag.id for flag in part.flags] == ["unanswered"]


def test_flags_of_the_plan(planned, rows):
    few = cells(planned, "a", remark="Few classes.") + cells(planned, "b", remark="Few classes.") + cells(planned, "c")
    plan = PlannedThreat(id="linf:0.1", kind="linf", main=few, reasons=("zero-gradients", "randomised"))
    assert [flag.sentence for flag in remarks(plan)] == ["Few classes."]
    (note,) = escalation_note(plan)
    assert "(zero-gradients, randomised)" in note.sentence
    assert not note.weakens
    silent = rows([0, 1], status="error")
    assert beside(plan, {cell.name: silent for cell in few}) == []  # the verdict's own say so themselves
    assert escalation_note(PlannedThreat(id="t", kind="linf", main=few)) == []


@pytest.mark.parametrize(("message", "status"), [("", "complete"), ("boom", "crashed"), (MISSING, "incomplete")])
def test_the_row_of_one_attack(planned, attacked, message, status):
    found = attacked(range(8), fell=[0, 1, 2], silent=[7], distance=[0.1, 0.2, 0.4] + [9] * 5, forwards=5, backwards=4)
    found.seconds, found.message = 1.23456, message
    part = attack_part(planned(), found, robust=4, decided=3, n=10)
    assert (part.evaluated, part.errors, part.decided, part.status) == (8, 1, 3, status)
    assert (part.forwards, part.backwards, part.seconds) == (40, 32, 1.235)
    assert part.median_distance == pytest.approx(0.2)
    assert (part.success_rate, part.robust_accuracy) == (estimate(3, 8), estimate(4, 10))
    assert attack_part(planned(), attacked([0]), 1, 0, 10).median_distance is None


def test_the_curve_counts_its_own_samples_that_were_answered(planned, clean, attacked):
    strong, control = cells(planned, "b", "c", part="curve")
    point = PlannedPoint(eps=0.2, eps_text="0.2", strong=strong, control=control)
    plan = PlannedThreat(id="linf:0.3", kind="linf", main=cells(planned, "a"), curve=(point,))
    found = {strong.name: attacked([0, 2, 4, 6], fell=[0], silent=[2]), control.name: attacked([0, 2, 4, 6])}
    start, far = curve_points(plan, clean, found, np.array([0, 2, 4, 6, 8, 9]))
    assert (start.eps, start.attack, start.control) == (0, estimate(4, 5), estimate(4, 5))  # 8 is wrong, 9 without an answer
    assert (far.eps, far.attack, far.control) == (0.2, estimate(2, 4), estimate(4, 5))
    assert curve_points(PlannedThreat(id="t", kind="linf", main=()), clean, found, np.array([0])) == []


def test_what_succeeds_at_one_eps_succeeds_at_every_larger_one(planned, clean, attacked):
    verdict, near, far = cells(planned, "a", "b", "c")
    curve = (
        PlannedPoint(eps=0.05, eps_text="0.05", strong=near, control=None),
        PlannedPoint(eps=0.1, eps_text="0.1", strong=None, control=None),
        PlannedPoint(eps=0.2, eps_text="0.2", strong=far, control=None),
    )
    plan = PlannedThreat(id="linf:0.1", kind="linf", main=(verdict,), curve=curve)
    found = {
        verdict.name: attacked([0, 1, 2, 3], fell=[0, 1]),
        near.name: attacked([0, 1], fell=[1]),
        far.name: attacked([2, 3], fell=[3]),
    }
    points = curve_points(plan, clean, found, np.arange(4))
    assert [point.attack for point in points] == [estimate(left, 4) for left in (4, 3, 2, 1)]
    assert [point.control for point in points] == [estimate(4, 4)] * 4


def test_a_nearer_image_counts_from_its_distance_on(planned, clean, attacked):
    verdict, nearer = cells(planned, "a", "b")
    points = [PlannedPoint(eps=eps, eps_text=str(eps), strong=None, control=None) for eps in (0.025, 0.05, 0.1)]
    plan = PlannedThreat(id="linf:0.1", kind="linf", main=(verdict,), curve=tuple(points), nearer=nearer)
    found = {
        verdict.name: attacked([0, 1, 2, 3, 4], fell=[0, 1, 2, 3]),
        nearer.name: attacked([0, 1, 2, 3], fell=[0, 1, 2], silent=[3], nearest_distance=[0.02500001, 0.05, 0.1, np.nan]),
    }
    counted = curve_points(plan, clean, found, np.arange(5))
    # Sample 3 has no answer below the audited eps.
    assert [point.attack for point in counted] == [estimate(5, 5), estimate(3, 4), estimate(2, 4), estimate(1, 5)]
    assert passes(plan, found).curve == int(found[nearer.name]["forwards"].sum() + found[nearer.name]["backwards"].sum())


def test_minimal_perturbations_are_a_curve_for_every_eps(planned, clean, attacked):
    found = attacked(range(8), silent=[7], nearest_distance=[0.1, 0.2, 0.3, 0.4, np.inf, 0.2, np.inf, np.nan])
    part = minimal(planned(), found, clean)
    assert (part.n, part.found) == (8, 5)  # without the samples that have no answer
    assert part.median == pytest.approx(0.3)
    eps, left = zip(*part.curve, strict=True)
    assert eps == pytest.approx([0, 0.1, 0.2, 0.2, 0.3, 0.4])
    assert left == pytest.approx([7 / 8, 6 / 8, 4 / 8, 4 / 8, 3 / 8, 2 / 8])


def test_a_curve_is_thinned_to_what_a_picture_shows(planned, rows):
    ids = range(3 * CURVE_POINTS)
    part = minimal(planned(), rows(ids, nearest_distance=np.arange(1, len(ids) + 1)), rows(ids))
    assert len(part.curve) == CURVE_POINTS + 1
    assert part.curve[0] == (0, 1)
    assert part.curve[-1] == (len(ids), 0)


def test_half_without_an_adversarial_image_have_no_median(planned, rows):
    part = minimal(planned(), rows([0, 1, 2], nearest_distance=[0.1, np.inf, np.inf]), rows([0, 1, 2]))
    assert (part.median, part.found) == (None, 1)
    nothing = minimal(planned(), rows([]), rows([]))
    assert (nothing.n, nothing.median, nothing.curve) == (0, None, [(0, 0)])


def test_who_looks_for_the_nearest(planned, rows):
    beyond, none = rows([0, 1], nearest_distance=[0.5, np.inf]), rows([0, 1])
    assert looks_for_the_nearest(planned("ddn", "l2:1"), none)
    assert not looks_for_the_nearest(planned("ddn:stop_at_eps=true", "l2:1"), none)
    assert not looks_for_the_nearest(planned("ddn", "l2:1", on="survivors"), none)
    assert not looks_for_the_nearest(planned("ddn", "l2:1", within=0.5), none)
    assert looks_for_the_nearest(planned(), beyond)  # another library's attack shows it
    assert not looks_for_the_nearest(planned(), none)


def test_samples_without_an_answer(rows):
    assert error_ids(rows([3, 5, 7], status=["error", "failed", "error"])) == {3, 7}


def test_a_class_is_most_often_taken_for(planned, rows):
    clean = rows(range(4), label=[0, 0, 0, 2], prediction=[0, 0, 1, 2], status=["failed", "failed", "misclassified", "failed"])
    found = rows([0, 1], label=0, prediction=[2, 2], verified=True, status="found")
    first, second = class_table(clean, np.zeros(4, dtype=bool), [(planned(), found)], ("cat", "dog"))
    assert (first.name, first.n, first.most_common_error) == ("cat", 3, "2")  # which has no name
    assert (second.name, second.n, second.most_common_error) == ("2", 1, "")
    assert first.clean == estimate(2, 3)


def test_a_class_without_a_name_has_its_number():
    assert [name_of(label, ("cat",)) for label in (0, 1, -1)] == ["cat", "1", "-1"]


def test_the_gallery_has_the_worst_the_borderline_and_some_between(planned, rows):
    fell = np.arange(20) < 14
    found = rows(
        range(20),
        verified=fell,
        status=np.where(fell, "found", "failed"),
        prediction=fell,
        margin=np.where(fell, -1, 1) * np.arange(20),
    )
    chosen = gallery([(planned(), found)])
    by = {why: [each.sample_id for each in chosen if each.why == why] for why in ("worst", "borderline", "random")}
    assert by["worst"] == [13, 12, 11, 10]
    assert by["borderline"] == [14, 15, 16, 17]
    assert len(by["random"]) == PICTURES
    assert set(by["random"]) <= set(range(10))


def test_what_another_attack_turned_is_not_borderline_and_controls_come_last(planned, rows):
    first, second = rows([0, 1], margin=0.1), rows([0], verified=True, status="found", margin=-1)
    chosen = gallery([(planned(), first), (planned(), second)])
    assert [(each.sample_id, each.why) for each in chosen] == [(0, "worst"), (1, "borderline")]
    control = planned("noise", role="control")
    assert gallery([(control, second)])[0].attack == "noise"
    assert [each.attack for each in gallery([(control, second), (planned(), first)])] == ["pgd", "pgd"]


def test_a_picture_says_what_the_row_says(planned, rows):
    found = rows(
        [7], label=2, clean_prediction=2, clean_confidence=0.75, prediction=1, confidence=0.5, verified=True, distance=0.25
    )
    shown = picture(planned(), found, 0, "worst")
    assert shown.model_dump(exclude={"cell", "attack"}) == {
        "sample_id": 7, "why": "worst", "label": 2, "clean_prediction": 2, "clean_confidence": 0.75,
        "prediction": 1, "confidence": 0.5, "success": True, "distance": 0.25,
    }  # fmt: skip


def test_passes_are_summed_by_purpose(planned, attacked):
    main, control, strong, blunt, other = cells(planned, "a", "b", "c", "d", "e")
    control = control.model_copy(update={"role": "control"})
    point = PlannedPoint(eps=0.2, eps_text="0.2", strong=strong, control=blunt)
    plan = PlannedThreat(id="linf:0.1", kind="linf", main=(control, main), curve=(point,), non_adaptive=other)
    found = {
        cell.name: attacked(range(2), forwards=[number, number], backwards=[0, 1])
        for number, cell in enumerate([main, control, strong, blunt, other], 1)
    }
    assert passes(plan, found) == PassesPart(verdict=3, control=5, curve=16, non_adaptive=11)
