from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.build import attack
from robustkit.conformance.attack import Network, same, snapshot
from robustkit.contracts.attack import AttackInfo
from robustkit.contracts.result import Status
from robustkit.engine.findings import best_of_each
from robustkit.engine.stepping import State
from robustkit.iterative import IterativeAttack
from robustkit.threats import Threat

SHAPE = (3, 8, 8)
THREAT = Threat.parse("linf:0.06")


def images(n=40):
    x = torch.rand((n, *SHAPE), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    x[0], x[1] = 0, 1
    return x


def model(net=None, batch_size=None):
    return Model(net or Network(SHAPE, 10), device="cpu", batch_size=batch_size)


def labels(x):
    return model().logits(x).argmax(1)


@pytest.mark.parametrize("name", ["pgd:steps=5,restarts=2", "apgd-t:steps=6,target_classes=2"])
def test_batch_sizes_1_7_256_find_the_same_bit_for_bit(name):
    x = images()
    y = labels(x)
    results = [attack(name)(model(batch_size=size), x, y, THREAT) for size in (1, 7, 256)]
    assert 0 < int(results[0].success.sum()) < 40
    for other in results[1:]:
        assert torch.equal(results[0].x_adv, other.x_adv)
        assert torch.equal(results[0].status, other.status)
        assert torch.equal(results[0].forwards, other.forwards)
        assert torch.equal(results[0].first_success_step, other.first_success_step)


@pytest.mark.parametrize("name", ["pgd", "apgd-t"])
def test_fixed_steps_find_what_early_exit_finds(name):
    x = images(20)
    y = labels(x)
    y[3] = (y[3] + 1) % 10
    early = attack(name, steps=5)(model(), x, y, THREAT)
    fixed = attack(name, steps=5, early_exit=False)(model(), x, y, THREAT)
    assert torch.equal(early.x_adv, fixed.x_adv)
    assert torch.equal(early.status, fixed.status)
    assert early.status[3] == Status.MISCLASSIFIED
    assert int(early.forwards.sum()) < int(fixed.forwards.sum())


def test_a_result_depends_on_sample_id_not_on_position():
    x = images(10)
    y = labels(x)
    whole = attack("pgd", steps=3)(model(), x, y, THREAT)
    part = attack("pgd", steps=3)(model(), x[4:6], y[4:6], THREAT, sample_ids=torch.tensor([4, 5]))
    assert torch.equal(part.x_adv, whole.x_adv[4:6])
    other = attack("pgd", steps=3)(model(), x, y, THREAT, seed=1)
    assert not torch.equal(other.x_adv, whole.x_adv)


@pytest.mark.parametrize("fails_at", [None, 1, 2, 4])
def test_the_caller_finds_everything_as_it_was(fails_at):
    net = Network(SHAPE, 10)
    net.fails_at = fails_at
    calls = []
    net.last.register_forward_hook(lambda *_: calls.append(1))
    x = images(12)
    y = labels(x)
    copy, before = x.clone(), snapshot(net)
    if fails_at is None:
        attack("pgd", steps=4)(model(net), x, y, THREAT)
    else:
        with pytest.raises(RuntimeError, match="the network crashed"):
            attack("pgd", steps=4)(model(net), x, y, THREAT)
    for (what, old), (_, new) in zip(before, snapshot(net), strict=True):
        assert same(old, new), what
    assert torch.equal(x, copy)
    assert not x.requires_grad
    assert net.training
    assert not net.norm.training


def test_a_random_network_neither_moves_the_random_state_nor_depends_on_it():
    net = nn.Sequential(nn.Flatten(), nn.Linear(192, 4)).double()

    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, x):
            return self.net(x + 0.001 * torch.rand_like(x))

    x = images(8)
    y = net(x).argmax(1)
    results = []
    for _ in range(2):
        torch.rand(5)
        before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
        results.append(attack("pgd", steps=3)(model(Noisy()), x, y, THREAT).x_adv)
        assert torch.equal(before[0], torch.get_rng_state())
        assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002
    assert torch.equal(*results)


class Greedy(Network):
    """Runs out of memory above `most` images."""

    most = 3

    def forward(self, x):
        if len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory (a test)")
        return super().forward(x)


def test_out_of_memory_halves_the_batch_and_changes_nothing():
    x = images(20)
    y = labels(x)
    roomy = attack("pgd", steps=3)(model(batch_size=20), x, y, THREAT)
    tight = attack("pgd", steps=3)(model(Greedy(SHAPE, 10), batch_size=20), x, y, THREAT)
    assert torch.equal(roomy.x_adv, tight.x_adv)
    assert torch.equal(roomy.forwards, tight.forwards)


def test_nan_is_an_error_never_robust():
    class Broken(Network):
        def forward(self, x):
            logits = super().forward(x)
            dark = x.flatten(1).amax(1) < 0.5
            return torch.where(dark[:, None], torch.nan, logits)

    x = images(6)
    y = labels(x)
    result = attack("pgd", steps=3)(model(Broken(SHAPE, 10)), x, y, THREAT)
    assert result.status[0] == Status.ERROR
    assert not result.robust[0]
    assert not bool((result.status[1:] == Status.ERROR).any())


def test_nan_half_way_is_an_error():
    class Breaks(nn.Module):
        def forward(self, x):
            score = x.flatten(1).sum(1) - 96
            return torch.where(score.abs() > 0.2, torch.stack([-score, score], 1).T, torch.nan).T

    x = torch.full((1, *SHAPE), 0.52, dtype=torch.float64)
    result = attack("bim", steps=10)(model(Breaks()), x, torch.tensor([1]), Threat.parse("linf:0.03"))
    assert result.status.tolist() in ([Status.ERROR], [Status.FOUND])
    assert not bool(result.robust.any())


def test_samples_that_are_never_successfully_attacked_cost_what_cost_says():
    net = Network(SHAPE, 10)
    x = images(9)
    y = labels(x)
    tiny = Threat.parse("l1:0.000001")
    for name in ("fgsm", "pgd:steps=3,restarts=2", "apgd-ce:steps=7", "apgd-t:steps=4,target_classes=3"):
        built = attack(name)
        if "l1" not in built.info.threats:
            continue
        net.forwards = net.backwards = 0
        result = built(model(net, batch_size=4), x, y, tiny)
        assert bool(result.robust.all())
        assert (net.forwards, net.backwards) == tuple(9 * passes for passes in built.cost(tiny, 10))
        assert {*result.forwards.tolist()} == {built.cost(tiny, 10)[0]}


def test_the_first_success_is_the_query_that_found_it(linear_model, linear_data):
    x, y = linear_data
    result = attack("bim", steps=10, step_size=0.0201)(linear_model, x, y, Threat.parse("linf:0.2"))
    found = result.first_success_step[result.success]
    assert found.tolist() == sorted(found.tolist())
    assert found[0] == 1
    assert (result.first_success_step[~result.success] == -1).all()


@pytest.mark.parametrize("name", ["fgsm", "bim", "pgd", "mi-fgsm", "apgd-ce", "apgd-dlr", "apgd-t"])
def test_linear_model_success_is_exactly_where_the_closed_form_says(name, linear_model, linear_data):
    x, y = linear_data
    result = attack(name)(linear_model, x, y, Threat.parse("linf:0.105"))
    assert result.success.tolist() == [True] * 10 + [False] * 10
    assert torch.allclose(result.x_adv[10:], x[10:] - 0.105, atol=1e-6)


def test_labels_and_targets_outside_the_classes():
    x = images(4)
    with pytest.raises(UsageError, match="10 classes"):
        attack("pgd", steps=1)(model(), x, torch.full((4,), 10), THREAT)
    targets = torch.full((4,), 12)
    with pytest.raises(UsageError, match="targets span"):
        attack("pgd", steps=1)(model(), x, labels(x), Threat.parse("linf:0.02,targeted"), targets=targets)


def test_no_images_is_no_crash():
    result = attack("pgd", steps=2)(model(), images(4)[:0], torch.zeros(0, dtype=torch.int64), THREAT)
    assert len(result.x_adv) == 0


def test_half_precision_images_are_attacked_in_single():
    x = images(6).half()
    result = attack("pgd", steps=2)(model(), x, labels(x.double()), THREAT)
    assert result.x_adv.dtype == torch.float32
    assert bool(THREAT.contains(x.float(), result.x_adv, (0, 1)).all())


def test_other_bounds():
    net = Network((1, 6, 6), 3)
    x = torch.rand((6, 1, 6, 6), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    scaled = Model(net, bounds=(-1, 1), mean=[-1.0], std=[2.0], spec=InputSpec(channels=1), device="cpu")
    plain = Model(net, spec=InputSpec(channels=1), device="cpu")
    y = plain.logits(x).argmax(1)
    one = attack("pgd", steps=4)(plain, x, y, Threat.parse("linf:0.05"))
    two = attack("pgd", steps=4)(scaled, 2 * x - 1, y, Threat.parse("linf:0.1"))
    assert torch.equal(one.success, two.success)
    assert torch.allclose(one.x_adv, (two.x_adv + 1) / 2)


def test_averaging_draws_of_a_deterministic_model_changes_nothing():
    x = images(12)
    y = labels(x)
    once, thrice = (attack("pgd", steps=4, eot=eot)(model(), x, y, THREAT) for eot in (1, 3))
    assert torch.equal(once.success, thrice.success)
    assert torch.equal(3 * (once.forwards + 1), thrice.forwards)  # a hit is confirmed, a last proposal asked about


class Broken(nn.Module):
    """A linear model whose gradient is not a number in the pixels that are 0."""

    def forward(self, x):
        seen = x.sqrt() ** 2
        lead = seen.flatten(1).sum(1)
        return torch.stack([lead, 10 - lead, -lead], 1)


@pytest.mark.parametrize(
    ("name", "passes"), [("pgd:steps=4,random_start=false", 4), ("fab:steps=4", 8), ("deepfool:steps=4", 4)]
)
@pytest.mark.parametrize("eot", [1, 3])
def test_a_gradient_that_is_not_finite_is_counted_and_what_is_finite_of_it_followed(name, passes, eot):
    x = torch.full((4, 1, 3, 4), 0.7)
    x[1:, :, 0] = 0
    x[1:, :, 1:] = 0.9
    subject = Model(Broken(), spec=InputSpec(channels=1), device="cpu")
    result = attack(name, eot=eot)(subject, x, torch.zeros(4, dtype=torch.long), Threat.parse("linf:0.01"))
    assert not result.success.any()
    assert result.backwards.tolist() == [passes * eot] * 4
    assert result.zero_gradients[0] == 0
    assert (2 * result.zero_gradients[1:] >= result.backwards[1:]).all()
    assert torch.allclose(result.x_adv[1, :, 1:], torch.tensor(0.89))


@dataclass(frozen=True, kw_only=True)
class Marked(IterativeAttack[State]):
    """Attempt k asks about images brighter by k / 100, plus 0.001 a step."""

    steps: int = 3
    tries: int = 4
    needs_gradient: ClassVar[bool] = False
    info: ClassVar[AttackInfo] = AttackInfo(
        name="marked",
        threats=("linf",),
        knowledge="decision",
        targeted=False,
        cost="tries * (steps + 1) + 1 forwards",
        paper="",
    )

    def attempts(self, threat, num_classes):
        return self.tries

    def at(self, batch, step):
        return State(x_adv=batch.x + (0.01 * batch.attempt + 0.001 * step)[:, None, None, None])

    def start(self, batch):
        return self.at(batch, torch.zeros_like(batch.attempt))

    def step(self, batch, state, response):
        return self.at(batch, response.step + 1)


class Threshold(nn.Module):
    def __init__(self, beyond):
        super().__init__()
        self.beyond = beyond

    def forward(self, x):
        over = x[:, 0, 0, 0] - 0.5 - self.beyond
        return torch.stack([-over, over], 1)


def marked(beyond, threat="linf:0.05", batch_size=None, **parameters):
    net = Model(Threshold(beyond), spec=InputSpec(channels=1), device="cpu", batch_size=batch_size)
    x = torch.full((5, 1, 2, 2), 0.5, dtype=torch.float64)
    return Marked(**parameters)(net, x, torch.zeros(5, dtype=torch.int64), Threat.parse(threat))


def test_attempts_after_the_first_run_side_by_side():
    found = marked(0.0105)  # attempt 1 at its second step; attempts 2 and 3 at their first
    assert found.success.all()
    assert torch.allclose(found.distance, torch.full_like(found.distance, 0.02))
    # The clean pass, attempt 0 with its last proposal, one query of the three others, the verification.
    assert found.forwards.tolist() == [1 + 4 + 3 + 1] * 5
    assert found.first_success_step.tolist() == [4] * 5
    alone = marked(0.0105, batch_size=1)
    assert torch.equal(alone.x_adv, found.x_adv)
    assert torch.equal(alone.forwards, found.forwards)


def test_attempts_take_turns_under_a_budget_and_for_measuring():
    in_turn = marked(0.0105, "linf:0.05,queries=17")
    assert torch.allclose(in_turn.distance, torch.full_like(in_turn.distance, 0.011))
    assert in_turn.forwards.tolist() == [1 + 4 + 2 + 1] * 5
    measured = marked(0.0105, early_exit=False)
    assert torch.equal(measured.x_adv, in_turn.x_adv)
    assert measured.forwards.tolist() == [17] * 5
    assert marked(0.2).forwards.tolist() == [17] * 5


def test_the_first_of_the_greatest():
    row, key = torch.tensor([3, 1, 3, 1, 3]), torch.tensor([0.0, 2.0, 5.0, 2.0, 5.0])
    assert best_of_each(row, key).tolist() == [2, 1, 2, 1, 2]
    assert best_of_each(row[:0], key[:0]).tolist() == []


@dataclass(frozen=True, kw_only=True)
class OneShot(IterativeAttack[State]):
    """The darkest image within the budget, which needs no step."""

    steps: int = 1
    needs_gradient: ClassVar[bool] = False
    info: ClassVar[AttackInfo] = AttackInfo(
        name="one-shot", threats=("linf",), knowledge="decision", targeted=True, cost="2 forwards", paper=""
    )

    def attempt_steps(self, threat):
        return 0

    def start(self, batch):
        return State(x_adv=batch.threat.project(batch.x, torch.zeros_like(batch.x), batch.bounds))

    def step(self, batch, state, response):
        raise AssertionError("no step was asked for")


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("draws", [1, 3])
def test_an_attack_without_steps_costs_the_clean_pass_and_the_verification(early, draws):
    x = images(20)
    y = labels(x)
    y[3] = (y[3] + 1) % 10
    subject = model(batch_size=6).with_draws(draws)
    wide = Threat.parse("linf:0.5")
    result = OneShot(early_exit=early)(subject, x, y, wide)
    expected = wide.project(x, torch.zeros_like(x), (0.0, 1.0))
    expected[3] = x[3]
    assert torch.equal(result.x_adv, expected)
    assert subject.forwards == int(result.forwards.sum())
    if draws == 1 and early:
        assert result.forwards.tolist() == [1 if i == 3 else 2 for i in range(20)]
    assert 0 < int(result.success.sum()) < 19
    assert torch.equal(result.success, (model().logits(expected).argmax(1) != y) & (torch.arange(20) != 3))
