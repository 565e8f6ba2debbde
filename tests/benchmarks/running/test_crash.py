"""Which errors are failures of model or attack."""

from __future__ import annotations

import pytest

from robustkit.benchmarks.running.crash import is_crash, sentence_of
from robustkit.errors import AttackError, UsageError


@pytest.mark.parametrize(("error", "crash"), [(UsageError("no"), False), (AttackError("no"), True), (ValueError("no"), True)])
def test_a_value_that_cannot_be_used_is_no_crash(error: Exception, crash: bool):
    assert is_crash(error) == crash


def test_a_crash_is_its_kind_and_first_line():
    assert sentence_of(RuntimeError("one\ntwo")) == "RuntimeError: one"
    assert sentence_of(KeyError()) == "KeyError: no message"
