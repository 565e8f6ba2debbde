"""Labelled images: limits, batches, broken images, sizes, identity."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, Dataset

from robustkit import Model
from robustkit.data import Data, as_data, load_data
from robustkit.data.tensors import TensorSource
from robustkit.errors import UsageError
from robustkit.spec import InputSpec

GREY = InputSpec(channels=1, size=(28, 28))


def labelled(labels):
    return Data(TensorSource(torch.zeros(len(labels), 1, 2, 2)), np.asarray(labels), name="test")


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(1, 70), st.integers(0, 3))
@settings(deadline=None, max_examples=60)
def test_limit_keeps_each_class_share_and_the_order(labels, n, seed):
    data = labelled(labels)
    limited = data.limit(n, seed)
    assert len(limited) == min(n, len(labels))
    assert (np.diff(limited.ids) > 0).all()
    assert (limited.labels == np.asarray(labels)[limited.ids]).all()
    for label in set(labels):
        share = labels.count(label) * min(n, len(labels)) / len(labels)
        assert abs((limited.labels == label).sum() - share) < 1
    assert (data.limit(n, seed).ids == limited.ids).all()


def test_another_seed_limits_to_other_samples_and_the_global_state_is_untouched():
    data = labelled([0, 1] * 100)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert (data.limit(20, 0).ids != data.limit(20, 1).ids).any()
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_a_limit_below_one_is_refused():
    with pytest.raises(UsageError, match="limit=0"):
        labelled([0]).limit(0)


def test_batches_cover_all_samples_once_whatever_their_size():
    data = load_data("builtin/fashion", limit=23)
    whole = next(data.batches(GREY, 100))
    parts = list(data.batches(GREY, 7))
    assert [len(part.y) for part in parts] == [7, 7, 7, 2]
    for field in range(3):
        assert torch.equal(torch.cat([tuple(part)[field] for part in parts]), tuple(whole)[field])
    assert whole.x.dtype == torch.float32
    assert whole.y.dtype == whole.ids.dtype == torch.int64
    assert 0 <= whole.x.min() <= whole.x.max() <= 1


def test_subset_keeps_ids_of_the_full_set():
    data = load_data("builtin/fashion").subset([10, 4, 7]).subset([2, 0])
    assert data.ids.tolist() == [7, 10]
    assert data.labels.tolist() == load_data("builtin/fashion").labels[[7, 10]].tolist()


def test_the_fingerprint_knows_samples_and_labels():
    data = load_data("builtin/fashion")
    same = load_data("builtin/fashion")
    assert data.fingerprint() == same.fingerprint()
    others = [data.subset(range(999)), data.limit(50), Data(data.source, data.labels[::-1].copy(), name="x")]
    assert len({data.fingerprint(), *(other.fingerprint() for other in others)}) == 4


def test_torch_dataset_yields_what_batches_yield():
    data = load_data("builtin/fashion", limit=5)
    x, y = next(iter(DataLoader(data.torch_dataset(GREY), batch_size=5)))
    whole = next(data.batches(GREY, 5))
    assert torch.equal(x, whole.x)
    assert torch.equal(y, whole.y)


def test_images_that_differ_in_size_need_a_size():
    class Uneven(Dataset):
        targets = (0, 1)

        def __len__(self):
            return 2

        def __getitem__(self, index):
            return torch.rand(3, 4 + index, 4), index

    with pytest.raises(UsageError, match="differ in size"):
        list(as_data(Uneven()).batches(InputSpec(), 2))


def test_one_channel_images_say_so_themselves():
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 2), torch.nn.Flatten(), torch.nn.Linear(2, 3))
    model = Model(net, device="cpu")
    assert as_data((torch.rand(4, 1, 2, 2), [0, 1, 2, 1])).matched(model).labels.tolist() == [0, 1, 2, 1]
