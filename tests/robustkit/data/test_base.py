"""Labelled images: limits, batches, broken images, sizes, identity."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset
from torchvision.transforms.functional import to_pil_image

from robustkit.data import Data, as_data, load_data
from robustkit.data.tensors import TensorSource
from robustkit.errors import UsageError
from robustkit.model import Model
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
        assert torch.equal(torch.cat([part[field] for part in parts]), whole[field])
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


class Pictures(Dataset):
    """Three items, of which a test changes one; `random` adds noise, as an augmentation does."""

    targets = (0, 1, 0)

    def __init__(self, kind, middle=0.5, random=False):
        self.kind, self.middle, self.random = kind, middle, random

    def __len__(self):
        return 3

    def __getitem__(self, index):
        image = torch.full((1, 4, 4), self.middle if index == 1 else 0.1) + (torch.rand(1, 4, 4) if self.random else 0)
        return (image if self.kind == "tensor" else to_pil_image(image)), self.targets[index]


@pytest.mark.parametrize("kind", ["tensor", "picture"])
def test_the_fingerprint_of_a_dataset_covers_every_sample_in_use(kind):
    before, after = as_data(Pictures(kind)), as_data(Pictures(kind, middle=0.6))
    assert before.fingerprint() == as_data(Pictures(kind)).fingerprint() != after.fingerprint()
    assert before.subset([0, 2]).fingerprint() == after.subset([0, 2]).fingerprint()


def test_random_transforms_do_not_change_the_fingerprint():
    state = torch.random.get_rng_state()
    assert as_data(Pictures("tensor", random=True)).fingerprint() == as_data(Pictures("tensor", random=True)).fingerprint()
    assert torch.equal(state, torch.random.get_rng_state())


def test_torch_dataset_yields_what_batches_yield():
    data = load_data("builtin/fashion", limit=5)
    x, y = next(iter(DataLoader(data.torch_dataset(GREY), batch_size=5)))
    whole = next(data.batches(GREY, 5))
    assert torch.equal(x, whole.x)
    assert torch.equal(y, whole.y)


def test_tensors_are_passed_on_as_they_are():
    x = torch.randn(4, 3, 5, 6, dtype=torch.float64) * 300
    samples = next(as_data((x, torch.tensor([0, 1, 2, 3]))).batches(InputSpec(3, (2, 2)), 4))
    assert torch.equal(samples.x, x)
    assert samples.x.dtype == torch.float64


def test_a_dataset_a_loader_and_a_pair_are_the_same_data():
    x, y = torch.rand(6, 3, 4, 4), torch.arange(6)
    dataset = TensorDataset(x, y)
    for given_as in ((x, y), [x, y], dataset, DataLoader(dataset, batch_size=4, shuffle=True)):
        data = as_data(given_as)
        samples = next(data.batches(InputSpec(), 10))
        assert torch.equal(samples.x, x)
        assert torch.equal(samples.y, y)
    part = as_data(Subset(dataset, [4, 1]))
    assert part.labels.tolist() == [4, 1]
    assert as_data(part) is part


def test_a_dataset_that_lists_its_labels_is_not_read_for_them():
    class Listed(Dataset):
        targets = (1, 0)

        def __len__(self):
            return 2

        def __getitem__(self, index):
            raise AssertionError("read")

    assert as_data(Listed()).labels.tolist() == [1, 0]


def test_what_is_no_data_is_refused():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(())

    with pytest.raises(UsageError, match="map-style"):
        as_data(Stream())
    with pytest.raises(UsageError, match="data is a int"):
        as_data(3)
    with pytest.raises(UsageError, match="labels have shape"):
        as_data((torch.rand(2, 3, 4, 4), torch.zeros(3, dtype=torch.long)))
    with pytest.raises(UsageError, match="labels have shape"):
        as_data((torch.rand(2, 3, 4, 4), torch.zeros(2)))
    with pytest.raises(UsageError, match="images have shape"):
        as_data((torch.rand(2, 4, 4), torch.zeros(2, dtype=torch.long)))


def test_images_that_differ_in_size_need_a_size():
    class Uneven(Dataset):
        targets = (0, 1)

        def __len__(self):
            return 2

        def __getitem__(self, index):
            return torch.rand(3, 4 + index, 4), index

    with pytest.raises(UsageError, match="differ in size"):
        list(as_data(Uneven()).batches(InputSpec(), 2))


def test_unknown_names_are_answered_with_close_ones():
    with pytest.raises(UsageError, match="did you mean 'folder'"):
        load_data("foldr:x")
    with pytest.raises(UsageError, match="did you mean 'fashion'"):
        load_data("builtin/fashon")


def test_arrays_and_lists_are_a_pair_too():
    x, y = torch.rand(4, 1, 2, 2), torch.tensor([0, 1, 2, 1])
    for pair in ((x.numpy(), y.numpy()), (x.tolist(), y.tolist()), [x, y.numpy().astype("uint8")]):
        samples = next(as_data(pair).batches(InputSpec(1, (2, 2)), 4))
        assert torch.equal(samples.x, x)
        assert torch.equal(samples.y, y)
    with pytest.raises(UsageError, match="labels are a list"):
        as_data((x, ["cat", "dog", "cat", "dog"]))
    with pytest.raises(UsageError, match="labels have shape"):
        as_data((x.numpy(), y.numpy() + 0.5))


@pytest.mark.parametrize("change", [torch.Tensor.to_sparse, lambda values: values.to("meta")], ids=["sparse", "meta"])
def test_tensors_without_dense_values_are_one_sentence(change):
    x, y = torch.rand(4, 1, 2, 2), torch.tensor([0, 1, 2, 1])
    with pytest.raises(UsageError, match=r"^images are a"):
        as_data((change(x), y))
    with pytest.raises(UsageError, match=r"^labels are a"):
        as_data((x, change(y)))
    images = [(change(image), int(label)) for image, label in zip(x, y, strict=True)]
    with pytest.raises(UsageError, match="sample 0 of list: the image is a"):
        next(as_data(images).batches(InputSpec(1), 2))


def test_one_channel_images_say_so_themselves():
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 2), torch.nn.Flatten(), torch.nn.Linear(2, 3))
    model = Model(net, device="cpu")
    assert as_data((torch.rand(4, 1, 2, 2), [0, 1, 2, 1])).matched(model).labels.tolist() == [0, 1, 2, 1]
