import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, Threat, UsageError
from robustkit.build import attack
from robustkit.contracts.classification import CLASSIFICATION
from robustkit.contracts.samples import Samples
from robustkit.engine.stepping import Batch
from robustkit.rng import SampleRandom


def test_a_batch_names_the_parts_of_its_samples():
    samples = Samples(torch.rand(2, 1, 1, 1), torch.tensor([0, 1]), torch.tensor([5, 6]), torch.tensor([1, 0]))
    batch = Batch(
        samples=samples,
        attempt=torch.zeros(2),
        clean_logits=None,
        criterion=CLASSIFICATION,
        threat=Threat.parse("linf:0.1"),
        bounds=(0, 1),
        random=SampleRandom(0, "x"),
    )
    assert batch.x is samples.x
    assert (batch.y.tolist(), batch.targets.tolist(), batch.sample_ids.tolist()) == ([0, 1], [1, 0], [5, 6])


@pytest.mark.parametrize(("name", "says"), [("steps", "steps=0 must be at least 1"), ("eot", "eot=0 must be at least 1")])
def test_parameters_below_one(name, says):
    with pytest.raises(UsageError, match=says):
        attack("pgd", **{name: 0})


@pytest.mark.parametrize(("draws", "eot", "asked"), [(1, 1, 1), (5, 1, 5), (5, 9, 9), (5, 3, 5)])
def test_a_model_is_asked_with_its_own_draws_or_with_those_of_the_attack_if_they_are_more(draws, eot, asked):
    model = Model(nn.Flatten(), spec=InputSpec(channels=1), device="cpu", draws=draws)
    x = torch.tensor([0.0, 1.0]).reshape(1, 1, 1, 2)
    search = attack("pgd", steps=2, eot=eot)
    threat = Threat.parse("linf:0.1")
    result = search(model, x, torch.ones(1, dtype=torch.long), threat)
    # The clean pass, two steps and the verification; of several draws the last proposal too.
    assert result.forwards.tolist() == [4 if asked == 1 else 5 * asked]
    assert result.backwards.tolist() == [2 * asked]
    assert model.forwards == int(result.forwards)
    assert model.backwards == int(result.backwards)
    assert result.forwards.item() <= search.cost(threat, 2, draws)[0] == search.cost(threat, 2, asked)[0]


def test_a_survivor_costs_what_cost_says():
    threat = Threat.parse("linf:0.1")
    assert attack("pgd", steps=7, restarts=3).cost(threat, 10) == (3 * 8 + 1, 21)
    assert attack("fmn", steps=7).cost(threat, 10) == (7 + 3, 7)
    assert attack("pgd", steps=7, eot=4).cost(threat, 10) == (4 * (2 * 8 + 2), 28)


def test_a_budget_of_queries_below_the_least_is_refused():
    with pytest.raises(UsageError, match="queries=2 of threat"):
        attack("pgd").check_queries(Threat.parse("linf:0.1,queries=2"), draws=1)


def test_a_budget_of_queries_counts_the_draws_of_the_model():
    pgd, threat = attack("pgd", eot=2), Threat.parse("linf:0.1,queries=20")
    pgd.check_queries(threat, draws=5)
    with pytest.raises(UsageError, match=r"queries=20 of threat .* is below the minimum of 24"):
        pgd.check_queries(threat, draws=6)
