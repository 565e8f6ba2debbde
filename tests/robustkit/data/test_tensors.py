"""Images the caller already has are passed on as they are, and known by their values."""

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset
from torchvision.transforms.functional import to_pil_image

from robustkit.data import as_data
from robustkit.data.base import BrokenImageError
from robustkit.data.tensors import DatasetSource, TensorSource, dataset_labels, from_dataset, from_tensors
from robustkit.errors import UsageError
from robustkit.spec import InputSpec


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


def test_a_dataset_that_lists_its_labels_is_not_read_for_them():
    class Listed(Dataset):
        targets = (1, 0)

        def __len__(self):
            return 2

        def __getitem__(self, index):
            raise AssertionError("read")

    assert as_data(Listed()).labels.tolist() == [1, 0]


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


def test_the_fingerprint_of_tensors_covers_the_values_in_use_and_their_type():
    x = torch.rand(3, 1, 2, 2)
    other = x.clone()
    other[1, 0, 0, 0] += 1e-3
    everything, outer = np.arange(3), np.array([0, 2])
    one, two = TensorSource(x), TensorSource(other)
    assert one.fingerprint(everything) != two.fingerprint(everything)
    assert one.fingerprint(outer) == two.fingerprint(outer) == TensorSource(x[:, :, :, :]).fingerprint(outer)
    assert one.fingerprint(everything) != TensorSource(x.double()).fingerprint(everything)
    assert one.fingerprint(everything) != TensorSource(x.reshape(3, 1, 4, 1)).fingerprint(everything)


def test_a_pair_of_other_shapes_is_refused():
    with pytest.raises(UsageError, match="labels have shape"):
        from_tensors(torch.rand(2, 3, 4, 4), torch.zeros(3, dtype=torch.long))
    with pytest.raises(UsageError, match="labels have shape"):
        from_tensors(torch.rand(2, 3, 4, 4), torch.zeros(2))
    with pytest.raises(UsageError, match=r"images have shape \(2, 4, 4\)"):
        from_tensors(torch.rand(2, 4, 4), torch.zeros(2, dtype=torch.long))


def test_what_has_no_order_is_no_dataset():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(())

    with pytest.raises(UsageError, match="Stream has no length and order: give a map-style dataset"):
        from_dataset(Stream())


class Items(Dataset):
    """Items as given, with whatever attributes a test adds."""

    def __init__(self, *items, **attributes):
        self.items = items
        vars(self).update(attributes)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


IMAGE = torch.rand(1, 2, 2)


@pytest.mark.parametrize(
    ("dataset", "labels"),
    [
        (Items((IMAGE, 3), (IMAGE, 1)), [3, 1]),
        (Items((IMAGE, torch.tensor(2)), (IMAGE, np.int32(1))), [2, 1]),
        (Items((IMAGE, True), (IMAGE, False)), [1, 0]),
        (Items((IMAGE, 2.0), (IMAGE, 1.0)), [2, 1]),
        (Items(None, None, targets=[1, 0]), [1, 0]),
        (Items(None, None, labels=torch.tensor([0, 1])), [0, 1]),
        (Items(None, None, _labels=np.array([0, 1])), [0, 1]),
        (Items(None, None, samples=[("a.png", 1), ("b.png", 0)]), [1, 0]),
        (Items((IMAGE, 5), (IMAGE, 6), targets=[1, 0], target_transform=lambda y: y + 5), [5, 6]),
        (Items((IMAGE, 5), (IMAGE, 6), targets=[1, 0, 2]), [5, 6]),  # of another length: they are something else
        (Subset(Items(None, None, None, targets=[4, 5, 6]), [2, 0]), [6, 4]),
        (TensorDataset(torch.rand(2, 1, 2, 2), torch.tensor([7, 8])), [7, 8]),
        (Items(), []),
    ],
)
def test_labels_are_found_wherever_a_dataset_has_them(dataset, labels):
    assert dataset_labels(dataset).tolist() == labels


@pytest.mark.parametrize(
    ("dataset", "says"),
    [
        (Items((IMAGE, [1, 0])), "their second part has several values"),
        (Items((IMAGE, 0.5)), "expected 1 integers"),
        (Items((IMAGE, float("nan"))), "expected 1 integers"),
        (Items((IMAGE, "cat")), "expected 1 integers"),
        (Items(IMAGE), "cannot be read"),
        (Items(3), "cannot be read"),
    ],
)
def test_labels_that_are_none_are_one_sentence(dataset, says):
    with pytest.raises(UsageError, match=says):
        dataset_labels(dataset)


def test_an_item_that_fails_is_a_broken_image_and_one_of_another_kind_a_mistake():
    class Fails(Items):
        def __getitem__(self, index):
            raise OSError("no such file")

    source = DatasetSource(Fails(None, None))
    with pytest.raises(BrokenImageError, match=r"sample 1 of Fails cannot be read \(no such file"):
        source.image(1)
    assert source.fingerprint(np.arange(2)) != source.fingerprint(np.arange(1))
    with pytest.raises(UsageError, match="with a tensor or PIL image, not a str"):
        DatasetSource(Items(("x.png", 1))).image(0)


def test_tensors_are_given_to_the_model_as_they_are():
    x = torch.randn(4, 3, 5, 6, dtype=torch.float64) * 300
    samples = next(as_data((x, torch.tensor([0, 1, 2, 3]))).batches(InputSpec(3, (2, 2)), 4))
    assert torch.equal(samples.x, x)
    assert samples.x.dtype == torch.float64
