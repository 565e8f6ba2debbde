"""Conformance checks for the attacks of all bridges."""

from __future__ import annotations

import pytest
import torch

from robustkit.conformance.attack import Finding, cases, check_caller_untouched, check_passes, check_result, check_seed


@pytest.fixture
def findings():
    """Run the conformance checks that apply to attacks of other libraries.

    These exclude independence of the batch, and a best effort if the library returns the clean image.
    """

    def check(attack, classes=(3,)):
        found = []
        for case in cases(attack, classes, (torch.float32, torch.float64)):
            checks = (check_result, check_caller_untouched, check_seed, check_passes)
            for one in checks if case.dtype == torch.float64 else (check_result,):
                message = one(case)
                if message is not None and "returned the clean image" not in message:
                    found.append(str(Finding(one.__name__, str(case), message)))
        return found

    return check
