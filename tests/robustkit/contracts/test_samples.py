import torch

from robustkit.contracts.samples import Samples

X = torch.rand(4, 1, 2, 2)


def test_rows_take_everything_along() -> None:
    samples = Samples(X, torch.arange(4), torch.arange(4) + 10, torch.arange(4) + 20, torch.ones(4, 2, 2).bool())
    some = samples.rows(torch.tensor([2, 0]))
    assert torch.equal(some.x, X[[2, 0]])
    assert (some.y.tolist(), some.ids.tolist(), some.targets.tolist()) == ([2, 0], [12, 10], [22, 20])
    assert some.region is not None
    assert some.region.shape == (2, 2, 2)
    assert len(some) == 2


def test_what_is_true_may_be_a_list() -> None:
    boxes = [{"boxes": torch.full((k, 4), float(k))} for k in range(4)]
    samples = Samples(X, boxes, torch.arange(4))
    assert [len(each["boxes"]) for each in samples.rows(torch.tensor([3, 1])).y] == [3, 1]
    moved = samples.to("meta")
    assert moved.x.is_meta
    assert all(each["boxes"].is_meta for each in moved.y)
    assert not samples.x.is_meta


def test_it_unpacks_into_images_labels_and_ids() -> None:
    x, y, ids = Samples(X, torch.arange(4), torch.arange(4) + 10)
    assert torch.equal(x, X)
    assert (y.tolist(), ids.tolist()) == ([0, 1, 2, 3], [10, 11, 12, 13])


def test_untargeted_forgets_the_targets_alone() -> None:
    samples = Samples(X, torch.arange(4), torch.arange(4), torch.arange(4) + 1)
    assert samples.untargeted.targets is None
    assert torch.equal(samples.untargeted.y, samples.y)
    assert samples.targets is not None
