"""Signs in the records, from made-up ones."""

from types import SimpleNamespace

import numpy as np

from robustkit.benchmarks.judging.flags import black_box_ahead, descent_beats_ascent, no_progress, saturated, unsettled
from robustkit.build import attack
from robustkit.iterative import MinimumNormAttack
from robustkit.universal import UniversalAttack


class Rows(dict):
    def __len__(self):
        return len(self["sample_id"])

    def where(self, mask):
        return Rows({name: column[mask] for name, column in self.items()})


def cell(spec, given, successes, target=-1, margin=1.0, confidence=0.9):
    ids = np.asarray(given)
    one = np.ones(len(ids))
    rows = Rows(
        sample_id=ids,
        verified=np.isin(ids, successes),
        margin=margin * one,
        clean_margin=one,
        confidence=confidence * one,
        target=target * one,
    )
    built = attack(spec)
    planned = SimpleNamespace(
        attack=built.name,
        spec=spec,
        within=None,
        role="control" if built.info.control else "attack",
        knowledge=built.info.knowledge,
        universal=isinstance(built, UniversalAttack),
        minimum_norm=isinstance(built, MinimumNormAttack),
    )
    return planned, rows


def test_the_last_attack_from_outside_counts():
    climb = cell("apgd-ce", range(200), range(100))
    first = cell("fmn", range(100, 200), range(100, 120))
    settled = cell("ddn", range(120, 200), range(120, 128))
    assert descent_beats_ascent([climb, first, settled], 200) == []
    unsettled = cell("ddn", range(120, 200), range(120, 129))
    (flag,) = descent_beats_ascent([climb, first, unsettled], 200)
    assert "succeeded on 9 of its 80 samples" in flag.sentence


def test_what_a_climb_finds_too_is_no_doubt():
    climb = cell("apgd-ce", range(100), range(50))
    both = cell("fmn", range(100), range(50))
    assert descent_beats_ascent([climb, both], 100) == []
    assert descent_beats_ascent([both], 100) == []
    assert descent_beats_ascent([climb], 100) == []


def test_a_margin_that_stays_as_it_was_is_a_sign_but_not_under_what_was_made_from_other_images():
    (flag,) = no_progress([cell("apgd-ce", range(20), range(15))], 20)
    assert "On 5 of 20 samples" in flag.sentence
    assert no_progress([cell("patch", range(20), range(15)), cell("uap", range(20), range(15))], 20) == []


def test_a_targeted_attack_need_not_lower_the_labels_margin():
    assert no_progress([cell("apgd-ce", range(20), range(15), target=3)], 20) == []


def test_a_gradient_that_is_no_better_than_noise_is_no_progress():
    climb, noise = cell("apgd-ce", range(20), [], margin=0.5), cell("noise", range(20), [], margin=0.4)
    (flag,) = no_progress([noise, climb], 20)
    assert "On 20 of 20 samples" in flag.sentence
    assert no_progress([cell("noise", range(20), [], margin=0.6), climb], 20) == []
    assert no_progress([cell("noise", [0], [], margin=0.4), climb], 20) == []


def test_a_black_box_that_comes_closer_than_every_gradient_attack_is_a_sign():
    climb = cell("apgd-ce", range(20), [], margin=0.5)
    better = cell("fmn", range(16), [], margin=0.2)
    (flag,) = black_box_ahead([climb, cell("square", range(20), [], margin=0.4)])
    assert "On 20 of 20 samples" in flag.sentence
    (flag,) = black_box_ahead([climb, better, cell("square", range(20), [], margin=0.4)])
    assert "On 4 of 20 samples" in flag.sentence
    assert not flag.weakens
    assert black_box_ahead([climb, cell("square", range(20), [], margin=0.5)]) == []
    assert black_box_ahead([climb, cell("square", [3], [], margin=0.4)]) == []
    assert black_box_ahead([climb, cell("square", range(20), range(19), margin=0.4)]) == []


def test_a_softmax_that_stays_one_under_every_gradient_attack_is_saturated():
    stuck = cell("apgd-ce", range(20), range(10), confidence=1.0)
    (flag,) = saturated([stuck], 20)
    assert "On 10 of 20 samples" in flag.sentence
    assert saturated([stuck, cell("fmn", range(10, 20), [], confidence=0.99)], 20) == []
    assert saturated([cell("square", range(20), [], confidence=1.0)], 20) == []


def test_a_verdict_that_the_last_close_searches_still_lower_is_not_settled():
    climb, pma = cell("apgd-ce", range(20), range(5)), cell("pma:restarts=10", range(15, 20), [17])
    assert unsettled([climb, pma]) == []  # it was not a search among the closest samples
    pma[0].within = 0.05
    (flag,) = unsettled([climb, pma])
    assert "pma:restarts=10, still succeeded on 1 sample:" in flag.sentence
    hybrid = cell("hybrid-square", range(18, 20), [])
    hybrid[0].within = 0.03
    assert unsettled([climb, pma, hybrid])
    assert unsettled([climb, cell("square", range(20), [17]), pma, hybrid]) == []
    pma[1]["verified"] = np.zeros(5, dtype=bool)
    assert unsettled([climb, pma, hybrid]) == []
