"""Data by name, or from whatever a caller has."""

import pytest
import torch
from torch.utils.data import DataLoader, Subset, TensorDataset

from robustkit.data import as_data, load_data
from robustkit.data.load import SOURCES
from robustkit.data.reading import Reading
from robustkit.errors import UsageError
from robustkit.spec import InputSpec


def test_unknown_names_are_answered_with_close_ones_and_with_all_there_are():
    with pytest.raises(UsageError, match="did you mean 'folder'") as caught:
        load_data("foldr:x")
    assert all(example in str(caught.value) for example, _ in SOURCES.values())
    with pytest.raises(UsageError) as caught:
        load_data("x" * 5000)
    assert len(str(caught.value)) < 700


LOADERS = {
    "builtin/": "builtin_data.load_builtin",
    "folder:": "folder.load_folder",
    "npz:": "npz.load_npz",
    "csv:": "csv_data.load_csv",
    "parquet:": "parquet_data.load_parquet",
    "webdataset:": "webdataset.load_webdataset",
    "torchvision/": "torchvision_data.load_torchvision",
    "hf/": "hf_data.load_hf",
}


@pytest.mark.parametrize("prefix", SOURCES)
def test_every_prefix_hands_the_rest_to_its_loader(prefix, monkeypatch):
    handed, data = [], as_data((torch.rand(2, 1, 2, 2), [0, 1]))
    monkeypatch.setattr(f"robustkit.data.{LOADERS[prefix]}", lambda *given: (handed.extend(given), data)[1])
    assert load_data(f"{prefix}a/b:c", follow_links=True, class_order="name") is data
    assert data.class_order == "name"
    assert handed[0] == "a/b:c"
    assert handed[1:] in ([], [Reading(follow_links=True)])


def test_choices_are_checked_before_anything_is_read():
    with pytest.raises(UsageError, match="class_order='size' is unknown: write number or name"):
        load_data("folder:nowhere", class_order="size")
    with pytest.raises(UsageError, match="seed=-1"):
        load_data("folder:nowhere", seed=-1)


def test_a_limit_is_that_of_the_data():
    whole = load_data("builtin/fashion")
    assert (load_data("builtin/fashion", limit=20, seed=3).ids == whole.limit(20, 3).ids).all()
    assert len(load_data("builtin/fashion", limit=10**9)) == len(whole)


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


class Indexed:
    """A sequence of pairs that derives from nothing."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        return torch.full((1, 2, 2), index / 10), index


def test_whatever_is_indexed_and_has_a_length_is_a_dataset():
    data = as_data(Indexed(3))
    assert data.labels.tolist() == [0, 1, 2]
    assert next(data.batches(InputSpec(1), 3)).x[2].unique().tolist() == pytest.approx([0.2])


@pytest.mark.parametrize(("given", "kind"), [(3, "int"), (None, "NoneType"), ({1, 2}, "set"), ((1, 2), "tuple")])
def test_what_is_no_data_is_refused(given, kind):
    with pytest.raises(UsageError, match=f"data is a {kind}: give a name, a pair"):
        as_data(given)
