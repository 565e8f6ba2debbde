import numpy as np
import pytest
import torch

from robustkit.build import attack
from robustkit.errors import UsageError
from robustkit.rng import SampleRandom, check_seed, derive_key, philox
from robustkit.threats import Threat

ONES = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ONES,) * 4, (ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_known_answers(counter, key, words):
    out = philox(tuple(torch.tensor([c]) for c in counter), key)
    assert tuple(int(word) for word in out) == words


def test_draws_do_not_depend_on_neighbours_or_order():
    random = SampleRandom(7, "pgd")
    ids = torch.tensor([5, 2, 9, 2**40 + 1])
    whole = random.normal(ids, (3, 5), attempt=1, step=2, dtype=torch.float64)
    for i in range(4):
        assert torch.equal(random.normal(ids[i : i + 1], (3, 5), attempt=1, step=2, dtype=torch.float64)[0], whole[i])


def test_seed_purpose_stream_attempt_and_step_all_count():
    ids = torch.arange(2)
    draws = [
        SampleRandom(0, "a").bits(ids, (8,)),
        SampleRandom(1, "a").bits(ids, (8,)),
        SampleRandom(0, "b").bits(ids, (8,)),
        SampleRandom(0, "a").bits(ids, (8,), stream="s"),
        SampleRandom(0, "a").bits(ids, (8,), attempt=1),
        SampleRandom(0, "a").bits(ids, (8,), step=1),
        SampleRandom(0, "a").bits(ids + 2, (8,)),
        SampleRandom(0, "a").bits(ids + 2**32, (8,)),
    ]
    assert len({tuple(draw.flatten().tolist()) for draw in draws}) == len(draws)
    assert derive_key(0, "a") != derive_key(0, "b")


def test_per_sample_attempts_equal_scalar_ones():
    random, ids = SampleRandom(0, "a"), torch.tensor([3, 4])
    mixed = random.bits(ids, (6,), attempt=torch.tensor([0, 5]))
    assert torch.equal(mixed[1], random.bits(ids, (6,), attempt=5)[1])


def test_distributions():
    random, ids = SampleRandom(0, "a"), torch.arange(50)
    uniform = random.uniform(ids, (2000,), dtype=torch.float64).flatten()
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert abs(float(uniform.mean()) - 0.5) < 0.005
    normal = random.normal(ids, (2000,), dtype=torch.float64).flatten()
    assert abs(float(normal.mean())) < 0.015
    assert abs(float(normal.std()) - 1) < 0.01
    counts = np.bincount(random.integers(ids, (2000,), 7).flatten().numpy(), minlength=7)
    assert counts.min() > 0.95 * 100_000 / 7
    assert counts.sum() == 100_000


def test_global_state_is_untouched():
    before = torch.get_rng_state()
    SampleRandom(0, "a").normal(torch.arange(3), (4,))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("seed", [-1, 2**64, 10**400, 0.5, "1", None])
def test_a_seed_is_a_whole_number_of_64_bits(seed):
    with pytest.raises(UsageError, match="seed="):
        check_seed(seed)


@pytest.mark.parametrize("seed", [0, 2**63, 2**64 - 1])
def test_every_seed_of_64_bits_will_do(seed, linear_model, linear_data):
    check_seed(seed)
    result = attack("noise", steps=1)(linear_model, *linear_data, Threat.parse("linf:0.1"), seed=seed)
    assert len(result.success) == 20
    with pytest.raises(UsageError, match="seed="):
        attack("noise", steps=1)(linear_model, *linear_data, Threat.parse("linf:0.1"), seed=seed + 2**64)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_never_draws_one(dtype):
    draws = SampleRandom(0, "t").uniform(torch.arange(2000), (100,), dtype=dtype)
    assert 0.99 < float(draws.max()) < 1
    assert bool((draws >= 0).all())
