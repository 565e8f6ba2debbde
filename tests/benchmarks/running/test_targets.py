"""The class each sample is to be turned into."""

from __future__ import annotations

import torch

from robustkit.benchmarks.running.targets import with_targets
from robustkit.contracts.samples import Samples
from robustkit.threats import Threat

SAMPLES = Samples(torch.zeros(200, 1, 1, 1), torch.arange(200) % 5, torch.arange(200))


def test_an_untargeted_threat_has_none():
    assert with_targets(SAMPLES, Threat.parse("linf:0.1"), 5, 0).targets is None


def test_targets_are_other_classes_and_depend_on_the_sample_alone():
    threat = Threat.parse("linf:0.1,targeted")
    found = with_targets(SAMPLES, threat, 5, 0).targets
    assert not (found == SAMPLES.y).any()
    assert set(found.tolist()) == set(range(5))
    some = torch.tensor([7, 150])
    assert torch.equal(with_targets(SAMPLES.rows(some), threat, 5, 0).targets, found[some])


def test_a_sticker_has_one_class_and_the_next_for_samples_of_that_class():
    found = with_targets(SAMPLES, Threat.parse("patch:10%,targeted"), 5, 0).targets
    one = int(found.mode().values)
    assert torch.equal(found, torch.where(SAMPLES.y == one, (one + 1) % 5, one))


def test_no_samples_have_no_targets():
    none = SAMPLES.rows(torch.arange(0))
    assert with_targets(none, Threat.parse("linf:0.1,targeted"), 5, 0) is none
