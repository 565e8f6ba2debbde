"""The process's own switches and generators are as before, whatever happens in between."""

import contextlib
import random

import numpy as np
import pytest
import torch

from robustkit.errors import UsageError
from robustkit.global_state import full_precision, own_random_state

CPU = torch.device("cpu")


def drawn():
    """A number from each global generator."""
    return random.random(), float(np.random.rand()), float(torch.rand(()))  # noqa: NPY002


def test_draws_inside_depend_on_the_seed_alone_and_leave_no_trace():
    with own_random_state(CPU, 5):
        first = drawn()
    random.seed(3), np.random.seed(3), torch.manual_seed(3)  # noqa: NPY002
    outside = drawn()
    random.seed(3), np.random.seed(3), torch.manual_seed(3)  # noqa: NPY002
    with own_random_state(CPU, 5):
        assert drawn() == first
        drawn()
    assert drawn() == outside


def test_without_a_seed_draws_begin_at_the_callers_state():
    random.seed(3), np.random.seed(3), torch.manual_seed(3)  # noqa: NPY002
    with own_random_state(CPU, None):
        first = drawn()
    assert drawn() == first


def test_the_state_comes_back_after_an_error():
    state = torch.get_rng_state()
    with contextlib.suppress(RuntimeError), own_random_state(CPU, 1):
        drawn()
        raise RuntimeError
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("seed", [2**64 - 1, 2**32])
def test_any_seed_of_64_bits_is_taken(seed):
    with own_random_state(CPU, seed):
        first = drawn()
    with own_random_state(CPU, seed - 1):
        assert drawn() != first


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_other_seeds_are_refused(seed):
    with pytest.raises(UsageError, match=f"seed={seed}"), own_random_state(CPU, seed):
        pass


@pytest.fixture(params=[True, False])
def tf32(request):
    """The caller's choice about TF32, which both switches are set to."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    kept = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = request.param
    yield request.param
    matmul.allow_tf32, cudnn.allow_tf32 = kept


def test_full_precision_whatever_the_caller_has_switched_on(tf32):
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with contextlib.suppress(RuntimeError), full_precision(CPU):
            assert (matmul.allow_tf32, cudnn.allow_tf32) == (False, False)
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
            raise RuntimeError
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
    assert (matmul.allow_tf32, cudnn.allow_tf32) == (tf32, tf32)
