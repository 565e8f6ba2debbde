"""What candidates find on a member."""

import numpy as np

from robustkit.benchmarks.zoo import measure as measuring
from robustkit.benchmarks.zoo.members import members
from robustkit.build import attack
from robustkit.threats import Threat


def test_every_candidate_exists_and_is_given_once():
    assert len(set(measuring.CANDIDATES)) == len(measuring.CANDIDATES)
    for spec in measuring.CANDIDATES:
        attack(spec)


def test_candidates_that_support_the_norm_are_measured_on_correct_images(zoo, monkeypatch):
    monkeypatch.setattr(measuring, "CANDIDATES", ("pgd:steps=3", "ddn:steps=3,stop_at_eps=true"))
    (member,) = members("choose")
    found = measuring.measure(zoo, member, Threat.parse("linf:1"), 20, lambda line: None)
    assert list(found) == ["pgd:steps=3"]
    success, left, passes = found["pgd:steps=3"]
    assert len(success) <= 20
    assert np.array_equal(success > 0, left < 0)
    assert (passes >= 2).all()
