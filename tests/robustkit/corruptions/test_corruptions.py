"""What every corruption keeps."""

from itertools import pairwise

import pytest
import torch

from robustkit import UsageError
from robustkit.corruptions import CORRUPTIONS, corrupt
from robustkit.rng import SampleRandom

RANDOM = SampleRandom(7, "test")


def test_there_are_nineteen():
    assert len(CORRUPTIONS) == 19


@pytest.mark.parametrize("kind", CORRUPTIONS)
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 64, 70), (2, 9, 6)])
def test_images_stay_images(kind, shape):
    x = torch.rand(3, *shape, generator=torch.Generator().manual_seed(0))
    x[1], x[2] = 0, 1
    before, state = x.clone(), torch.get_rng_state()
    ids = torch.tensor([5, 2**33, 9])
    for severity in (1, 3, 5):
        whole = corrupt(kind, x, severity, RANDOM, ids)
        assert whole.shape == x.shape
        assert whole.dtype == x.dtype
        assert bool(whole.isfinite().all())
        assert float(whole.min()) >= 0
        assert float(whole.max()) <= 1
        one = corrupt(kind, x[1:2], severity, RANDOM, ids[1:2])
        assert torch.equal(one, whole[1:2]), "the neighbours matter"
    assert torch.equal(x, before)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_every_severity_changes_the_image(kind):
    x = torch.rand(1, 3, 64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    made = [corrupt(kind, x, severity, RANDOM, torch.tensor([1])) for severity in (1, 2, 3, 4, 5)]
    assert all(not torch.equal(x, image) for image in made)
    assert all(not torch.equal(a, b) for a, b in pairwise(made))


@pytest.mark.parametrize(
    "kind", ["gaussian_noise", "glass_blur", "motion_blur", "snow", "frost", "fog", "spatter", "elastic_transform"]
)
def test_chance_depends_on_seed_sample_and_number(kind):
    x = torch.rand(1, 3, 28, 28, generator=torch.Generator().manual_seed(0)).expand(4, -1, -1, -1)
    ids, numbers = torch.tensor([0, 0, 1, 0]), torch.tensor([0, 0, 0, 1])
    made = corrupt(kind, x, 5, RANDOM, ids, numbers)
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])
    assert not torch.equal(made[0], made[3])
    assert not torch.equal(made[0], corrupt(kind, x, 5, SampleRandom(8, "test"), ids, numbers)[0])


def test_nonsense_is_refused_in_a_sentence():
    x, ids = torch.rand(1, 3, 8, 8), torch.tensor([0])
    with pytest.raises(UsageError, match="did you mean 'snow'"):
        corrupt("snwo", x, 3, RANDOM, ids)
    with pytest.raises(UsageError, match="severity=6 is not one of 1 to 5"):
        corrupt("snow", x, 6, RANDOM, ids)
