import random

import numpy as np
import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, Threat, UsageError, attack
from robustkit.acceleration import accelerate
from robustkit.build import defend
from robustkit.errors import AttackError


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


def test_a_seed_counts_inside_a_frozen_model_too():
    model = tiny()
    with model.frozen(3):
        first, second = torch.rand(1), torch.rand(1)
    with model.frozen(3):
        assert torch.equal(torch.rand(1), first)
        with model.frozen(4):
            inner = torch.rand(1)
            with model.frozen():
                torch.rand(5)
        assert torch.equal(torch.rand(1), second)  # goes on where it was
    with model.frozen(4):
        assert torch.equal(torch.rand(1), inner)


def test_draws_belong_to_the_model():
    model = tiny(draws=3)
    assert model.with_draws(2) is model
    more = model.with_draws(5)
    assert (more.draws, model.draws, more.net is model.net) == (5, 3, True)
    assert defend(model, "jpeg").draws == 3
    assert accelerate(more).draws == 5


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


class DeadEnd(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, grad):
        return None


class Classifier(nn.Module):
    """Applies `change` to the images before a linear layer."""

    def __init__(self, change):
        super().__init__()
        self.change, self.head = change, nn.Linear(12, 3)

    def forward(self, x):
        return self.head(self.change(x).flatten(1))


def purified(x):
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        return leaf - torch.autograd.grad((leaf**2).sum(), leaf)[0] / 10


def quantised():
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 3))
    return torch.ao.quantization.quantize_dynamic(net, {nn.Linear}, dtype=torch.qint8)


@pytest.mark.filterwarnings("ignore:.*quantiz.*")
@pytest.mark.parametrize(
    "build",
    [
        lambda: Classifier(torch.detach),
        lambda: Classifier(DeadEnd.apply),
        lambda: Classifier(purified),
        lambda: Classifier(torch.inference_mode()(lambda x: x + 1)),
        lambda: Classifier(lambda x: x.mul_(x)),
        quantised,
    ],
)
def test_a_network_without_a_gradient_says_so_and_can_be_asked(build):
    model = Model(build(), device="cpu")
    x, threat = torch.rand(2, 3, 2, 2), "linf:8/255,knowledge=score"
    with pytest.raises(UsageError, match=f"no gradient flows .* {threat}"):
        model.gradient(x, lambda z: z[:, 0])
    with pytest.raises(UsageError, match=f"no gradient flows .* {threat}"):
        model.gradient(x, lambda z: z[:, :2])
    result = attack("square", steps=2)(model, x, model.logits(x).argmax(1), Threat.parse(threat))
    assert bool((result.forwards > 1).all())


def blanked(x):
    x[:, :, :1] = 0
    return x


@pytest.mark.parametrize("settings", [{}, {"mean": [0.5] * 3, "std": [0.2] * 3}, {"spec": InputSpec(size=(2, 2))}])
@pytest.mark.parametrize(
    "change", [blanked, lambda x: x.clamp_(0.2, 0.8), lambda x: x.pow_(2), lambda x: x.sub_(0.5).div_(0.2), torch.relu_]
)
def test_a_network_may_write_on_its_input(change, settings):
    torch.manual_seed(0)
    model = Model(Classifier(lambda x: change(x.clone())), device="cpu", **settings)
    writing = Model(Classifier(change), device="cpu", **settings)
    writing.net.head = model.net.head
    x = torch.rand(3, 3, 2, 2)
    before, y, threat = x.clone(), model.logits(x).argmax(1), Threat.parse("linf:0.3")
    assert torch.equal(writing(x), model(x))
    assert torch.equal(writing.logits(x), model.logits(x))
    for ours, theirs in zip(model.gradient(x, lambda z: z[:, 0]), writing.gradient(x, lambda z: z[:, 0]), strict=True):
        assert torch.equal(ours, theirs)
    assert writing.backwards == 3
    ours, theirs = (attack("pgd", steps=3)(each, x, y, threat) for each in (model, writing))
    assert torch.equal(ours.x_adv, theirs.x_adv)
    assert torch.equal(x, before)


def test_answers_written_into_one_memory_stay_as_they_were():
    class Static(nn.Module):
        def __init__(self):
            super().__init__()
            self.answer = torch.zeros(2, 2)

        def forward(self, x):
            return self.answer.copy_(x.flatten(1)[:, :2])

    model = Model(Static(), device="cpu", batch_size=2)
    x = torch.rand(6, 3, 2, 2)
    assert torch.equal(model.logits(x), x.flatten(1)[:, :2])


def test_classes_are_counted_with_the_image_given_and_any_refusal_is_one_sentence():
    grey = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 4, 5))
    assert Model(grey, device="cpu").num_classes(torch.rand(1, 1, 4, 4)) == 5

    class Picky(nn.Module):
        def forward(self, x):
            raise AssertionError(f"input height {x.shape[2]} does not match 224")

    with pytest.raises(UsageError, match=r"cannot take images of shape .3, 8, 8. .AssertionError: input height 8"):
        Model(Picky(), device="cpu").num_classes(torch.rand(1, 3, 8, 8))
    with pytest.raises(UsageError, match="put the channels first"):
        Model(Picky(), device="cpu").num_classes(torch.rand(1, 8, 8, 3))


def test_arrays_and_lists_are_taken_as_images_and_labels():
    model = tiny()
    x = torch.rand(2, 3, 4, 4)
    assert torch.equal(model(x.numpy()), model(x))
    assert torch.equal(model.logits(x.tolist()), model.logits(x))
    assert torch.equal(model.gradient(x.numpy(), lambda z: z[:, 0])[2], model.gradient(x, lambda z: z[:, 0])[2])
    y = model.logits(x).argmax(1)
    threat = Threat.parse("linf:0.1,targeted")
    tensors = attack("pgd", steps=2)(model, x, y, threat, targets=(y + 1) % 3, sample_ids=torch.tensor([3, 4]))
    others = attack("pgd", steps=2)(model, x.numpy(), y.tolist(), threat, targets=((y + 1) % 3).numpy(), sample_ids=[3, 4])
    assert torch.equal(tensors.x_adv, others.x_adv)


@pytest.mark.parametrize("change", [torch.Tensor.to_sparse, lambda values: values.to("meta")], ids=["sparse", "meta"])
def test_images_without_dense_values_are_one_sentence(change):
    model, x = tiny(), change(torch.rand(2, 3, 4, 4))
    for ask in (model, model.logits, lambda images: model.gradient(images, lambda z: z[:, 0])):
        with pytest.raises(UsageError, match=r"images are a .* tensor: give a dense tensor"):
            ask(x)


def test_one_image_too_large_for_memory():
    class Full(nn.Module):
        def forward(self, x):
            raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(AttackError, match="one image does not fit"):
        Model(Full(), device="cpu").logits(torch.rand(4, 3, 4, 4))


def test_a_model_knows_what_it_gives():
    assert tiny().knowledge == "white-box"
    scores = tiny(knowledge="score")
    x, y = torch.rand(2, 3, 4, 4), torch.zeros(2, dtype=torch.int64)
    with pytest.raises(UsageError, match=r"'pgd' needs white-box knowledge, but Sequential gives score only"):
        attack("pgd")(scores, x, y, Threat.parse("linf:0.1"))
    with pytest.raises(UsageError, match="knowledge 'gradients' is unknown for a model: use one of white-box, score"):
        tiny(knowledge="gradients")
    assert defend(scores, "median").knowledge == "score"
