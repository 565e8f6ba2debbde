"""Devices by name, and full memory."""

import pytest
import torch

from robustkit import UsageError
from robustkit.device import is_out_of_memory, resolve_device


def test_auto_is_the_gpu_where_there_is_one():
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert resolve_device("cpu:0") == resolve_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize("device", ["tpu9", "", "mps:9", "xpu:9", "meta", "cuda:99", "hpu", "opengl", None, -3])
def test_a_device_that_is_not_there_is_one_sentence(device):
    with pytest.raises(UsageError, match=r"device .* use auto or cpu|device .* write auto, cpu"):
        resolve_device(device)


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (torch.OutOfMemoryError("CUDA"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (MemoryError("out of memory"), False),
    ],
)
def test_full_memory_is_told_from_other_errors(error, full):
    assert is_out_of_memory(error) is full
