"""Optimizers and learning rates."""

from __future__ import annotations

import pytest

from robustkit.errors import UsageError
from robustkit.training.optimization import build_optimizer
from robustkit.training.options import TrainingOptions


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_a_network_without_parameters_cannot_be_trained(optimizer: str):
    with pytest.raises(UsageError, match="no parameters to train"):
        build_optimizer(iter(()), TrainingOptions(optimizer=optimizer))
