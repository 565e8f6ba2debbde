"""torchvision's datasets from files that are there."""

import gzip
import pickle

import numpy as np
import pytest
import torch

from robustkit.data import load_data, torchvision_data
from robustkit.errors import UsageError
from robustkit.spec import InputSpec

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)


def idx(array):
    """The format of MNIST's files."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape)
    return head + array.tobytes()


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("ROBUSTKIT_DATA", str(tmp_path / "root"))
    monkeypatch.setattr(torchvision_data, "DEBIAN_FASHION", tmp_path / "debian")
    return tmp_path / "root"


def test_debian_s_fashion_mnist_is_unpacked_and_read(root, tmp_path):
    (tmp_path / "debian").mkdir()
    for part, count in (("t10k", 2), ("train", 3)):
        for kind, array in (("images-idx3", IMAGES[:count]), ("labels-idx1", np.arange(count, dtype=np.uint8))):
            with gzip.open(tmp_path / f"debian/{part}-{kind}-ubyte.gz", "wb") as file:
                file.write(idx(array))
    data = load_data("torchvision/FashionMNIST")
    assert data.name == "torchvision/FashionMNIST:test"
    assert data.classes[0] == "T-shirt/top"
    samples = next(data.batches(InputSpec(channels=1), 10))
    assert torch.equal(samples.x[:, 0], torch.from_numpy(IMAGES[:2]).float() / 255)
    train = load_data("torchvision/FashionMNIST:train")
    assert train.labels.tolist() == [0, 1, 2]
    assert train.fingerprint() != data.fingerprint()
    assert not list((root / "FashionMNIST/raw").glob("tmp*"))


def test_a_dataset_with_lists_of_targets(root, monkeypatch):
    from torchvision.datasets import CIFAR10

    folder = root / CIFAR10.base_folder
    folder.mkdir(parents=True)
    batch = {"data": np.zeros((2, 3072), np.uint8), "labels": [7, 1]}
    (folder / "test_batch").write_bytes(pickle.dumps(batch))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    monkeypatch.setattr(CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)
    data = load_data("torchvision/CIFAR10")
    assert data.labels.tolist() == [7, 1]
    assert data.classes == tuple("abcdefghij")
    assert next(data.batches(InputSpec(), 2)).x.shape == (2, 3, 32, 32)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("CIFAR10", "get them once with torchvision.datasets.CIFAR10"),
        ("GTSRB", "get them once with"),
        ("SVHN", "get them once with"),
        ("ImageNet", "are not in"),
        ("FashionMNIST", "dataset-fashion-mnist"),
        ("FashonMNIST", "did you mean 'FashionMNIST'"),
        ("VisionDataset", "create the Dataset"),
        ("Kinetics", "create the Dataset"),
        ("UCF101", "create the Dataset"),
        ("PhotoTour", "create the Dataset"),
        ("FakeData", "create the Dataset"),
        ("EMNIST", "no split 'test'"),
        ("x" * 5000, "is unknown"),
        ("\0", "is unknown"),
        ("MNIST:val", "write train or test"),
        ("SVHN:nope", "no split 'nope'"),
    ],
)
def test_what_is_not_there_gets_one_sentence(root, name, says):
    with pytest.raises(UsageError, match=says):
        load_data(f"torchvision/{name}")


def test_no_class_of_torchvision_raises_anything_else(root):
    from torchvision import datasets

    for name in datasets.__all__:
        with pytest.raises(UsageError):
            load_data(f"torchvision/{name}")


def test_targets_that_are_not_classes_are_refused(root, monkeypatch):
    from torchvision import datasets

    class Boxes(datasets.VisionDataset):
        def __init__(self, root, split="train"):
            super().__init__(root)

        def __len__(self):
            return 2

        def __getitem__(self, index):
            return None, [{"box": 1}]

    monkeypatch.setattr(datasets, "Kitti", Boxes)
    with pytest.raises(UsageError, match="not pairs of an image and a class"):
        load_data("torchvision/Kitti")
