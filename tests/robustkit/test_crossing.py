"""Nothing waits on its way to the device, and on its way back the host waits while the device works."""

import torch

from robustkit.crossing import Readback, constant, sent
from tests.far import Far, far_device, stalls, waits


def test_what_is_sent_costs_no_wait():
    with far_device() as device:
        there = sent(torch.arange(3), torch.device(device))
        numbers = constant([[1.0, 2.0]], there, torch.float64)
        assert isinstance(there, Far)
        assert isinstance(numbers, Far)
        assert numbers.dtype == torch.float64
        assert not waits
        assert there.tolist() == [0, 1, 2]
        assert numbers.tolist() == [[1.0, 2.0]]


def test_the_device_works_while_the_host_waits_for_what_it_reads_back():
    with far_device() as device:
        x = torch.arange(3, device=device)
        back = Readback(x > 1)
        x.mul_(2)
        assert not waits
        assert back.wait().tolist() == [False, False, True]
        assert (sum(waits.values()), sum(stalls.values())) == (1, 0)
        assert Readback(x).wait().tolist() == [0, 2, 4]
        assert (sum(waits.values()), sum(stalls.values())) == (2, 1)


def test_a_device_without_streams_is_waited_for_when_the_values_are_wanted(monkeypatch):
    monkeypatch.delattr(type(torch.far), "current_stream")
    with far_device() as device:
        x = torch.arange(3, device=device)
        back = Readback(x + 1)
        assert not waits
        assert back.wait().tolist() == [1, 2, 3]
        assert sum(waits.values()) == 1


def test_on_the_cpu_both_ways_are_none():
    x = torch.arange(3)
    assert sent(x, x.device) is x
    assert Readback(x).wait() is x
    assert torch.equal(constant(2.5, x, torch.float32), torch.tensor(2.5))
