"""The contract holds for models that are no torch network: what they give runs, what they do not is one sentence."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, Threat, TorchModel, UsageError, attack, defend
from robustkit.acceleration import accelerate
from robustkit.contracts.answer import ask
from robustkit.contracts.model import SETTINGS, Passes
from robustkit.contracts.samples import Samples
from robustkit.training.fit import harden
from tests.kinds import WEIGHTS, Coin, Decisions, Scores, images

THREAT = Threat.parse("linf:0.1")


def same_classes(x, model):
    found = (x.flatten(1).double() - 0.5) @ torch.from_numpy(model.weights)
    return found.argmax(1)


@pytest.mark.parametrize(
    ("kind", "runs"), [(Scores, "square:steps=200"), (Scores, "hopskipjump:steps=400"), (Decisions, "hopskipjump:steps=400")]
)
def test_an_attack_that_the_knowledge_admits_runs(kind, runs):
    model, x = kind(), images()
    before, y = x.clone(), model.logits(x).argmax(1)
    asked = model.forwards
    result = attack(runs)(model, x, y, THREAT)
    assert int(result.success.sum()) >= 8
    assert torch.equal(same_classes(result.x_adv, model) != y, result.success)
    assert model.forwards - asked == int(result.forwards.sum())
    assert torch.equal(x, before)


@pytest.mark.parametrize(("kind", "name", "gives"), [(Scores, "pgd", "score"), (Decisions, "square", "decision")])
def test_one_that_it_does_not_admit_is_refused(kind, name, gives):
    x = images(2)
    with pytest.raises(UsageError, match=f"attack '{name}' needs .* knowledge, but {kind.__name__} gives {gives} only"):
        attack(name)(kind(), x, torch.zeros(2, dtype=torch.int64), THREAT)


@pytest.mark.parametrize("kind", [Scores, Decisions])
def test_asking_for_a_gradient_is_one_sentence(kind):
    with pytest.raises(
        UsageError, match=r"^no gradient flows .* of .* \(it gives .* knowledge only\): use attacks without gradients"
    ):
        kind().gradient(images(2), lambda logits: logits[:, 0])


def test_a_kind_that_claims_gradients_it_has_not_is_found_out():
    with pytest.raises(UsageError, match="no gradient flows"):
        Coin(spec=InputSpec(channels=1), device="cpu").gradient(images(2), lambda logits: logits[:, 0])


def test_a_kind_that_answers_nothing_says_what_to_implement():
    class Nothing(Model):
        pass

    with pytest.raises(UsageError, match="Nothing has neither a network nor its own outputs"):
        Nothing(device="cpu").logits(images(1))


def test_what_needs_a_torch_network_says_so(tmp_path):
    with pytest.raises(UsageError, match="a faster search needs a torch network, but Scores is a Scores"):
        accelerate(Scores())
    with pytest.raises(UsageError, match="training needs a torch network, but linear is a Scores"):
        harden(Scores(name="linear"), (images(), [0, 1, 2] * 4), out=tmp_path / "run", threat=THREAT)


def test_input_transforms_stand_in_front_of_any_kind():
    model, x = Scores(draws=3), images()
    shield = defend(defend(model, "bit-depth", bits=1), "bit-depth", bits=2)
    assert torch.equal(shield.logits(x), model.logits(x.round()))
    assert (shield.knowledge, shield.draws, shield.undefended is model) == ("score", 3, True)
    assert (shield.with_draws(7).draws, shield.with_draws(7).undefended.draws, shield.undefended.draws) == (7, 7, 3)
    assert shield.fingerprint() != model.fingerprint()


def test_draws_of_any_kind_are_seeded_and_a_majority_counts():
    model = Coin(spec=InputSpec(channels=1), device="cpu", draws=101)
    x = images(20)
    samples = Samples(x, torch.zeros(20, dtype=torch.int64), torch.arange(20))
    np.random.seed(5)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    with model.frozen(seed=3):
        first = ask(model, x, samples)
    with model.frozen(seed=3):
        again = ask(model, x, samples)
    assert torch.equal(first.margin, again.margin)
    assert int(first.success.sum()) <= 3
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    assert model.forwards == 2 * 101 * 20


def test_a_fingerprint_covers_attributes_and_preprocessing():
    one = Scores().fingerprint()
    assert Scores(name="another", batch_size=3).fingerprint() == one
    other = WEIGHTS.copy()
    other[0, 0] += 1e-3
    changed = [Scores(other), Scores(mean=[0.1], std=[1.0]), Scores(bounds=(0, 2)), Decisions()]
    assert len({one, *(model.fingerprint() for model in changed)}) == 5


def test_the_content_is_what_a_kind_adds():
    model = Scores()
    assert set(model.content()) == {"net", "weights"}
    assert set(vars(model)) == {*SETTINGS, "net", "weights"}


def test_a_torch_network_makes_a_torch_model_and_everything_else_is_refused():
    model = Model(nn.Flatten(), device="cpu")
    assert type(model) is TorchModel
    assert type(copy.copy(model)) is type(model.with_draws(2)) is TorchModel
    for other in (None, 3, lambda x: x):
        with pytest.raises(UsageError, match=r"a model wraps a torch.nn.Module, not a "):
            Model(other)


def test_draws_share_counters_and_another_network_has_its_own():
    model = TorchModel(nn.Flatten(), spec=InputSpec(channels=1), device="cpu")
    model.with_draws(5).logits(images(4))
    assert (model.forwards, model.backwards) == (4, 0)
    with model.uncounted():
        model.gradient(images(4), lambda logits: logits[:, 0])
    assert model._passes == Passes(4, 0)
    other = model.with_net(nn.Identity())
    assert (other.forwards, other.draws, type(model.net)) == (0, 1, nn.Flatten)
