"""Which cells a run consists of."""

from __future__ import annotations

from pathlib import Path

import pytest

from robustkit.benchmarks.planning.plan import plan
from robustkit.benchmarks.planning.suite import ad_hoc_suite, load_suite, read_suite
from robustkit.errors import UsageError
from robustkit.threats import Threat

SCORE = Threat.parse("linf:0.1,knowledge=score")


def test_a_suite_that_needs_more_than_the_threat_grants_names_the_one_that_does_not():
    with pytest.raises(
        UsageError, match=r"'autoattack' needs white-box knowledge .*grants score knowledge only.*--suite black-box"
    ):
        plan(load_suite("autoattack"), [SCORE], "", span=1, defended=False)
    with pytest.raises(UsageError, match=r"'autoattack' needs white-box knowledge .*the model gives score knowledge only"):
        plan(load_suite("autoattack"), [Threat.parse("linf:0.1")], "", span=1, defended=False, knowledge="score")
    (one,) = plan(load_suite("black-box"), [SCORE], "", span=1, defended=False)
    assert {cell.attack.knowledge for cell in one.main} == {"score", "decision"}
    assert one.instead is None


@pytest.mark.parametrize(
    ("threat", "gives", "runs"),
    [
        ("linf:0.1,knowledge=score", "white-box", {"score", "decision"}),
        ("l2:0.1", "score", {"score", "decision"}),
        ("linf:0.1,knowledge=decision", "score", {"decision"}),
        ("linf:0.1,knowledge=score", "decision", {"decision"}),
    ],
)
def test_standard_without_gradients_runs_the_black_box_stages_that_are_admitted(threat, gives, runs):
    (one,) = plan(load_suite("standard"), [Threat.parse(threat)], "", span=1, defended=False, knowledge=gives)
    assert {cell.attack.knowledge for cell in one.main} == runs
    assert one.instead is not None
    assert one.instead.name == "black-box"
    assert not one.curve
    assert not one.escalation


def test_standard_without_gradients_has_nothing_for_a_norm_that_black_box_lacks():
    with pytest.raises(
        UsageError,
        match=r"'standard' has no attack without gradients for 'l1:12' \(only for linf, l2\), and the model gives score",
    ):
        plan(load_suite("standard"), [Threat.parse("l1:12")], "", span=1, defended=False, knowledge="score")


def test_standard_plans_the_stages_of_another_suite_for_a_threat_that_it_does_not_support():
    threats = [Threat.parse("linf:0.1"), Threat.parse("shadow:0.5")]
    norm, shadow = plan(load_suite("standard"), threats, "", span=1, defended=False)
    assert norm.instead is None
    assert shadow.instead is not None
    assert shadow.instead.name == "natural"
    assert [(cell.role, cell.attack.name) for cell in shadow.main] == [("control", "random-parameters"), ("attack", "shadow")]
    control, swarm = (cell.attack for cell in shadow.main)
    assert control.cost(threats[1], 10) == swarm.cost(threats[1], 10)


def test_a_named_attack_that_needs_more_is_refused_by_its_name():
    with pytest.raises(UsageError, match="attack 'pgd' needs white-box knowledge"):
        plan(ad_hoc_suite(["square", "pgd"]), [SCORE], "", span=1, defended=False)


def test_the_curve_asks_only_what_does_not_follow_from_another_eps():
    suite = load_suite("standard")
    suite = suite.model_copy(update={"curve": suite.curve.model_copy(update={"nearer": None})})
    (one,) = plan(suite, [Threat.parse("linf:0.1")], "", span=1, defended=False)
    verdict = tuple(cell.name for cell in one.main)
    noise = tuple(cell.name for cell in one.main if cell.role == "control")
    near, *_, far = one.curve
    assert one.nearer is None
    for at, names, within in ((1, verdict, None), (2, noise, 0.7)):
        assert (near[at].among, near[at].before, near[at].within) == (names, (), None)
        below = tuple(each[at].name for each in one.curve[:3])
        assert one.curve[3][at] is None
        assert (far[at].among, far[at].before, far[at].within) == ((), (*names, *below, one.curve[4][at].name), within)
    added = one.extended(one.escalation[0][0])
    assert set(added.curve[0][1].among) == {cell.name for cell in added.main} > set(verdict)


BANDS = """
summary = "A remedy"
threats = ["linf"]

[[stage]]
attack = "pgd"

[[stage]]
attack = "square"
on = "survivors"
bands = [0.3, 0.7]
when = ["zero-gradients", "no-progress"]

[[stage]]
attack = "fmn"
on = "survivors"
when = ["any"]
unless = ["dead-gradients"]
"""


def test_a_remedy_runs_for_its_signs_only_and_from_the_nearest_samples_to_the_farthest():
    suite = read_suite(BANDS.encode(), Path("bands.toml"))
    (one,) = plan(suite, [Threat.parse("linf:0.1")], "", span=1, defended=False)
    assert [[(cell.beyond, cell.within) for cell in bands] for bands in one.escalation] == [
        [(None, 0.3), (0.3, 0.7), (0.7, None)],
        [(None, None)],
    ]
    assert [bands[0].spec for bands in one.escalated(["no-progress"]).escalation] == ["square", "fmn"]
    assert [bands[0].spec for bands in one.escalated(["saturated"]).escalation] == ["fmn"]
    assert [bands[0].spec for bands in one.escalated(["dead-gradients", "no-progress"]).escalation] == ["square"]
    near, middle, _ = one.escalation[0]
    added = one.extended(near)
    both = added.extended(middle)
    assert both.main[-1].before == (one.main[0].name, added.main[-1].name)
    assert len({cell.name for cell in both.main}) == 3


def test_one_cell_answers_all_smaller_eps_from_the_verdicts_images():
    (one,) = plan(load_suite("standard"), [Threat.parse("linf:0.1")], "", span=1, defended=False)
    assert one.nearer.attack.shares == (0.25, 0.5, 0.75)
    assert (one.nearer.threat, one.nearer.part) == (one.threat, "curve")
    assert one.nearer.among == tuple(cell.name for cell in one.main)
    assert [strong is None for _, strong, _ in one.curve] == [True] * 4 + [False] * 2
    assert one.curve[5][1].before == (*one.nearer.among, one.curve[4][1].name)
    assert one.beside[0] == one.nearer
    assert set(one.extended(one.escalation[0][0]).nearer.among) > set(one.nearer.among)
    (budget,) = plan(load_suite("standard"), [Threat.parse("linf:0.1,queries=1000")], "", span=1, defended=False)
    assert budget.nearer is None
    assert all(strong is not None for threat, strong, _ in budget.curve if threat.eps != 0.1)


def test_an_attack_that_starts_from_no_images_cannot_shrink_them():
    suite = load_suite("standard")
    suite = suite.model_copy(update={"curve": suite.curve.model_copy(update={"nearer": "pgd"})})
    with pytest.raises(
        UsageError, match="nearer = 'pgd' of the suite's curve does not start from adversarial images: use shrink"
    ):
        plan(suite, [Threat.parse("linf:0.1")], "", span=1, defended=False)


def test_another_suite_is_advised_only_where_it_helps():
    for threat, advice in (("linf:0.1", "--suite black-box, or name attacks"), ("flow:1", "only: name attacks with --attack")):
        suite = "parametric" if threat == "flow:1" else "autoattack"
        with pytest.raises(UsageError, match=advice):
            plan(load_suite(suite), [Threat.parse(threat)], "", span=1, defended=False, knowledge="score")
