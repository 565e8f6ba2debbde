"""Cells stand in run.json with all that due samples, flags and tables depend on, and only in an order that can run."""

import pytest
from pydantic import ValidationError

from robustkit import Threat
from robustkit.benchmarks.planning.cell import Cell
from robustkit.benchmarks.planning.manifest import PlannedCell, PlannedPoint, PlannedThreat, planned_cell, planned_threat
from robustkit.benchmarks.planning.plan import plan
from robustkit.benchmarks.planning.suite import ad_hoc_suite, load_suite
from robustkit.build import attack


@pytest.mark.parametrize(
    ("spec", "threat", "expected"),
    [
        ("pgd", "linf:0.1", {"knowledge": "white-box", "control": False, "universal": False, "minimum_norm": False}),
        ("noise", "linf:0.1", {"knowledge": "decision", "control": True}),
        ("uap", "linf:0.1", {"universal": True}),
        ("ddn", "l2:1", {"minimum_norm": True, "seeks_nearest": True}),
        ("ddn:stop_at_eps=true", "l2:1", {"minimum_norm": True, "seeks_nearest": False}),
        ("square", "linf:0.1", {"knowledge": "score"}),
    ],
)
def test_a_cell_says_what_its_attack_is(planned, spec, threat, expected):
    found = planned(spec, threat)
    assert {name: getattr(found, name) for name in expected} == expected
    assert (found.attack, found.spec) == (spec.partition(":")[0], spec)


def test_verification_takes_the_draws_of_the_model_or_of_the_attack():
    cell = Cell("pgd:eot=5", attack("pgd:eot=5"), Threat.parse("linf:0.1"), "attack", "all", "main", "")
    assert [planned_cell(cell, draws).draws for draws in (1, 9)] == [5, 9]


def test_an_attack_remarks_on_few_classes_only():
    cell = Cell("apgd-t", attack("apgd-t"), Threat.parse("linf:0.1"), "attack", "all", "main", "")
    assert "needs 4 classes and the model has 3" in planned_cell(cell, 1, 3).remark
    assert planned_cell(cell, 1, 10).remark is planned_cell(cell, 1).remark is None


def test_the_digest_covers_everything_but_the_remark(planned):
    cell = planned()
    assert planned(remark="few classes").digest == cell.digest
    for change in ({"role": "control"}, {"draws": 3}, {"within": 0.5}, {"on": "survivors"}, {"spec": "pgd:steps=41"}):
        assert planned(**change).digest != cell.digest


@pytest.mark.parametrize("name", ["../../x", "pgd", "pgd/0123456789ab", "pgd-0123456789AB", "pgd-0123456789ab.."])
def test_a_name_leads_nowhere_else(planned, name):
    with pytest.raises(ValidationError):
        PlannedCell.model_validate(planned().model_dump() | {"name": name})


def test_cells_come_after_those_they_need(planned):
    first, second = planned(name="a" * 12), planned(name="b" * 12, before=("a" * 12,))
    assert PlannedThreat(id="t", kind="linf", main=(first, second)).cells == [first, second]
    for main in ((second, first), (second,), (first, first)):
        with pytest.raises(ValidationError, match="out of order"):
            PlannedThreat(id="t", kind="linf", main=main)
    point = PlannedPoint(eps=0.1, eps_text="0.1", strong=second, control=planned(name="c" * 12))
    whole = PlannedThreat(id="t", kind="linf", main=(first,), curve=(point,), non_adaptive=planned(name="d" * 12))
    assert [cell.name[0] for cell in whole.cells] == ["a", "b", "c", "d"]
    nearer = whole.model_copy(update={"nearer": planned(name="e" * 12)})
    assert [cell.name[0] for cell in nearer.cells] == ["a", "e", "b", "c", "d"]


def test_a_plan_stands_in_run_json_as_it_will_run():
    (made,) = plan(load_suite("standard"), [Threat.parse("linf:0.1")], "", span=1, defended=True)
    found = planned_threat(made, 1, 10, corruption_error=True)
    assert [cell.name for cell in found.cells] == [cell.name for cell in made.cells]
    assert [point.eps for point in found.curve] == [threat.eps for threat, _, _ in made.curve]
    assert found.escalates
    assert found.kinds == ()
    assert PlannedThreat.model_validate_json(found.model_dump_json()) == found


def test_a_mean_corruption_error_is_counted_over_the_threats_kinds():
    threat = Threat.parse("corruption:3")
    (made,) = plan(ad_hoc_suite(["corruption"]), [threat], "", span=1, defended=False)
    assert planned_threat(made, 1, 10, corruption_error=True).kinds == threat.kinds
    assert planned_threat(made, 1, 10, corruption_error=False).kinds == ()
    assert not planned_threat(made, 1, 10, corruption_error=False).escalates
