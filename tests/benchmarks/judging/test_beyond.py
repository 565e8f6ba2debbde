"""Success beyond the best control, from made-up records."""

import pytest

from robustkit.benchmarks.judging.beyond import beyond_part, no_better_than_control, pairs, uncontrolled
from robustkit.benchmarks.judging.flags import diagnose
from robustkit.benchmarks.statistics import mcnemar, paired_difference
from robustkit.contracts.result import Status


@pytest.fixture
def cell(planned, rows):
    """A cell under a patch and its records: ``cell("patch", n, hits)``."""

    def make(spec, n, hits, **changed):
        role = "control" if spec.startswith("patch-control") else "attack"
        ids = range(n) if isinstance(n, int) else n
        found = rows(ids, verified=[i in hits for i in ids])
        return planned(spec, "patch:10%", role=role, name=f"{spec}-0123456789ab", **changed), found

    return make


def test_pairs_are_counted_on_the_same_samples_beside_the_best_control(cell):
    grey = cell("patch-control:fill=grey", 100, range(10))
    white = cell("patch-control:fill=white", 100, range(20, 50))
    attack = cell("patch-pgd", 100, range(30, 90))
    (found,) = pairs([grey, white, attack])
    assert found.control.spec == "patch-control:fill=white"
    assert (found.both, found.attack_only, found.control_only, found.neither) == (20, 40, 10, 30)
    part = beyond_part([grey, white, attack])
    assert (part.attack, part.control) == ("patch-pgd", "patch-control:fill=white")
    assert (part.success.value, part.control_success.value) == (0.6, 0.3)
    assert part.beyond == paired_difference(20, 40, 10, 30)
    assert part.p_value == mcnemar(40, 10) < 0.001


def test_samples_without_a_valid_result_of_both_do_not_count(cell):
    control, attack = cell("patch-control", range(5, 15), range(5, 8)), cell("patch", 10, range(10))
    status = [Status.ERROR.name.lower() if i < 7 else "failed" for i in range(10)]
    attack[1].columns["status"][:] = status
    (found,) = pairs([control, attack])
    assert (found.both, found.attack_only, found.control_only, found.neither) == (1, 2, 0, 0)


def test_an_attack_on_survivors_has_no_control(cell):
    control, late = cell("patch-control", 10, range(3)), cell("sparse-rs-patch", range(3, 10), range(3, 10), on="survivors")
    assert pairs([control, late]) == []
    assert beyond_part([control, late]) is None


def test_without_a_control_there_is_nothing_to_compare_and_a_note_says_so(cell):
    attack = cell("patch", 10, range(10))
    assert (pairs([attack]), beyond_part([attack]), no_better_than_control([attack])) == ([], None, [])
    (flag,) = uncontrolled([attack], "patch")
    assert (flag.id, flag.weakens) == ("no-control", False)
    assert "--suite physical" in flag.sentence
    assert uncontrolled([attack], "linf") == []
    assert uncontrolled([attack, cell("patch-control", 10, ())], "patch") == []


@pytest.mark.parametrize(
    ("hits", "weak"),
    [
        (4, True),  # as many as the control
        (3, True),
        (9, True),  # five more: p = 0.0625
        (10, False),  # six more: p = 0.03125
        (100, False),
    ],
)
def test_an_attack_must_be_significantly_better_than_the_best_control(cell, hits, weak):
    cells = [cell("patch-control:fill=white", 100, range(4)), cell("patch-pgd", 100, range(hits))]
    flags = no_better_than_control(cells)
    assert [flag.id for flag in flags] == ["no-better-than-control"] * weak
    assert all(flag.weakens and f"patch-pgd on {hits}" in flag.sentence for flag in flags)
    assert ("no-better-than-control" in [flag.id for flag in diagnose(cells, 100)]) == weak


def test_one_attack_that_is_better_is_enough(cell):
    control, weak = cell("patch-control", 100, range(4)), cell("patch", 100, range(4))
    assert [flag.id for flag in no_better_than_control([control, weak])] == ["no-better-than-control"]
    assert no_better_than_control([control, weak, cell("patch-pgd", 100, range(60))]) == []


def test_where_the_control_succeeds_on_almost_all_nothing_can_be_told(cell):
    cells = [cell("patch-control", 100, range(95)), cell("patch-pgd", 100, range(100))]
    (flag,) = no_better_than_control(cells)
    assert (flag.id, flag.weakens) == ("control-suffices", False)
    assert "succeeded on 95 of 100" in flag.sentence
    assert no_better_than_control([cell("patch-control", 0, ()), cell("patch-pgd", 0, ())]) == []
