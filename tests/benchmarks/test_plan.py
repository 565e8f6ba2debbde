"""Which cells a run consists of."""

from __future__ import annotations

import pytest

from robustkit.benchmarks.plan import plan
from robustkit.benchmarks.suite import ad_hoc_suite, load_suite
from robustkit.errors import UsageError
from robustkit.threats import Threat

SCORE = Threat.parse("linf:0.1,knowledge=score")


def test_a_suite_that_needs_more_than_the_threat_grants_names_the_one_that_does_not():
    with pytest.raises(UsageError, match=r"'standard' needs white-box knowledge .*--suite black-box"):
        plan(load_suite("standard"), [SCORE], "", span=1, defended=False)
    (one,) = plan(load_suite("black-box"), [SCORE], "", span=1, defended=False)
    assert {cell.attack.knowledge for cell in one.main} == {"score", "decision"}


def test_a_named_attack_that_needs_more_is_refused_by_its_name():
    with pytest.raises(UsageError, match="attack 'pgd' needs white-box knowledge"):
        plan(ad_hoc_suite(["square", "pgd"]), [SCORE], "", span=1, defended=False)
