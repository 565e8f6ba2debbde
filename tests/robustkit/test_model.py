import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.errors import AttackError
from robustkit.model import output_logits


def tiny(**kwargs):
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5), nn.Flatten(), nn.Linear(2 * 4, 3))
    return Model(net, device="cpu", **kwargs)


def test_normalisation_and_resizing_are_the_models_own():
    seen = []

    class Look(nn.Module):
        def forward(self, x):
            seen.append(x)
            return x.flatten(1)[:, :2]

    model = Model(Look(), mean=[0.5], std=[0.25], spec=InputSpec(channels=1, size=(4, 4)), device="cpu")
    model(torch.ones(2, 1, 8, 6))
    assert seen[0].shape == (2, 1, 4, 4)
    assert torch.allclose(seen[0], torch.full((2, 1, 4, 4), 2.0))


def test_modes_flags_buffers_and_gradients_are_put_back():
    model = tiny()
    net = model.net
    net[1].eval()
    net[4].bias.requires_grad_(False)
    modes = [m.training for m in net.modules()]
    buffers = {k: v.clone() for k, v in net.named_buffers()}
    with model.frozen():
        assert not any(m.training for m in net.modules())
        assert not any(p.requires_grad for p in net.parameters())
        net.train()
        net(torch.rand(4, 3, 4, 4))
        net[1].num_batches_tracked = net[1].num_batches_tracked + 5
    assert [m.training for m in net.modules()] == modes
    assert [p.requires_grad for p in net.parameters()] == [True] * 5 + [False]
    assert all(torch.equal(buffers[k], v) for k, v in net.named_buffers())
    assert all(p.grad is None for p in net.parameters())


def test_the_random_state_is_put_back_also_after_an_error():
    model = tiny()
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002

    def crash():
        with model.frozen(3):
            torch.rand(3), np.random.rand(), random.random()  # noqa: NPY002
            raise KeyError

    with pytest.raises(KeyError):
        crash()
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002
    assert before[2] == random.getstate()


def test_gradients_and_counts():
    model = tiny(batch_size=2)
    x = torch.rand(5, 3, 4, 4)
    model.logits(x)
    assert (model.forwards, model.backwards) == (5, 0)
    logits, losses, grad = model.gradient(x, lambda z: z[:, 0])
    assert (model.forwards, model.backwards) == (10, 5)
    assert torch.equal(logits[:, 0], losses)
    assert grad.shape == x.shape
    assert not x.requires_grad


def test_a_model_without_a_gradient_says_so():
    class Stuck(nn.Module):
        def forward(self, x):
            return x.detach().flatten(1)[:, :2]

    with pytest.raises(UsageError, match="no gradient flows"):
        Model(Stuck(), device="cpu").gradient(torch.rand(1, 3, 4, 4), lambda z: z[:, 0])


def test_outputs_of_every_kind():
    logits = torch.rand(2, 3)
    for output in (logits, (logits, 1), [logits], {"logits": logits}, SimpleNamespace(logits=logits)):
        assert output_logits(output, 2) is logits
    for wrong in ("text", torch.rand(2), torch.rand(3, 3), torch.rand(2, 1), torch.rand(2, 3, 1)):
        with pytest.raises(UsageError, match="expected logits"):
            output_logits(wrong, 2)


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (torch.rand(3, 4, 4), "expected \\(batch"),
        (torch.zeros(1, 3, 4, 4, dtype=torch.uint8), "divide bytes by 255"),
        (255 * torch.ones(1, 3, 4, 4), "divide by 255"),
        (-torch.ones(1, 3, 4, 4), "already normalised"),
        (1.5 * torch.ones(1, 3, 4, 4), "clip them"),
        (torch.full((1, 3, 4, 4), torch.nan), "NaN"),
    ],
)
def test_images_that_cannot_be_meant(x, says):
    with pytest.raises(UsageError, match=says):
        tiny().check_images(x)


def test_one_image_too_large_for_memory():
    class Full(nn.Module):
        def forward(self, x):
            raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(AttackError, match="one image does not fit"):
        Model(Full(), device="cpu").logits(torch.rand(4, 3, 4, 4))


@pytest.mark.parametrize(
    "wrong", [{"bounds": (1, 0)}, {"mean": [0.5]}, {"mean": [0.5], "std": [0.0]}, {"batch_size": 0}, {"device": "tpu9"}]
)
def test_wrong_settings(wrong):
    with pytest.raises(UsageError):
        Model(nn.Identity(), **{"device": "cpu", **wrong})
