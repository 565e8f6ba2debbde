"""A model whose answer about an image depends on its neighbours is noticed at every batch size."""

import pytest
import torch
from torch import nn

from robustkit import Model, UsageError
from robustkit.benchmarks.planning.neighbours import depends_on_batch
from robustkit.errors import AttackError


def norm(**settings):
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, **settings), nn.Flatten(), nn.Linear(16, 3))


class Forced(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = norm()

    def forward(self, x):
        self.net[1].train()
        return self.net(x)


class Whitened(nn.Module):
    def forward(self, x):
        return (x - x.mean(0, keepdim=True)).flatten(1)[:, :3]


@pytest.mark.parametrize("batch_size", [None, 1, 3])
@pytest.mark.parametrize("images", [1, 16])
@pytest.mark.parametrize(("build", "name"), [(lambda: norm(track_running_stats=False), "1"), (Forced, "net.1")])
def test_batch_statistics_are_named(build, name, images, batch_size):
    flag = depends_on_batch(Model(build(), device="cpu", batch_size=batch_size), torch.rand(images, 3, 4, 4))
    assert flag is not None
    assert flag.weakens
    assert f"batch norm {name} uses the statistics of the batch" in flag.sentence


def test_whatever_mixes_the_batch_is_noticed_and_one_at_a_time_has_nothing_to_mix():
    x = torch.rand(16, 3, 4, 4)
    flag = depends_on_batch(Model(Whitened(), device="cpu"), x)
    assert flag is not None
    assert flag.weakens
    assert "--batch-size 1" in flag.sentence
    flag = depends_on_batch(Model(Whitened(), device="cpu", batch_size=1), x)
    assert flag is not None
    assert not flag.weakens


def test_a_network_of_its_own_statistics_is_not():
    assert depends_on_batch(Model(norm(), device="cpu"), torch.rand(16, 3, 4, 4)) is None
    assert depends_on_batch(Model(norm(), device="cpu", batch_size=1), torch.rand(1, 3, 4, 4)) is None


def test_a_batch_too_large_for_memory_leaves_the_modules_to_look_at():
    class Small(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            if len(x) > 1:
                raise torch.OutOfMemoryError("out of memory")
            return self.inner(x)

    x = torch.rand(4, 3, 4, 4)
    assert depends_on_batch(Model(Small(norm()), device="cpu"), x) is None
    assert depends_on_batch(Model(Small(norm(track_running_stats=False)), device="cpu"), x) is not None


def test_a_network_that_needs_a_batch_is_one_sentence():
    net = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(12, track_running_stats=False), nn.Linear(12, 2))
    with pytest.raises(UsageError, match="fails on a single image"):
        depends_on_batch(Model(net, device="cpu"), torch.rand(4, 3, 2, 2))


def test_a_network_that_fails_whatever_the_batch_is_not_said_to_need_one():
    class Exhausted(nn.Module):
        def forward(self, x):
            raise StopIteration("no more")

    with pytest.raises(AttackError, match=r"Exhausted fails on images that it processed before \(StopIteration: no more\)"):
        depends_on_batch(Model(Exhausted(), device="cpu"), torch.rand(4, 3, 2, 2))


def test_a_batch_size_beyond_all_memory_is_not_filled():
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    assert depends_on_batch(Model(net, device="cpu", batch_size=10**20), torch.rand(4, 3, 2, 2)) is None


def test_an_answer_that_changes_with_the_size_of_the_batch_is_noticed_at_the_size_in_use():
    class Crowded(nn.Module):
        def forward(self, x):
            return x.flatten(1)[:, :3] * (2 if len(x) > 30 else 1)

    x = torch.rand(16, 3, 4, 4)
    assert depends_on_batch(Model(Crowded(), device="cpu"), x) is not None
    assert depends_on_batch(Model(Crowded(), device="cpu", batch_size=16), x) is None
