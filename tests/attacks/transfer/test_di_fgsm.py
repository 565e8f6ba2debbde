import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from robustkit import UsageError
from robustkit.attacks.transfer.di_fgsm import resize_and_pad
from robustkit.build import attack
from robustkit.contracts.classification import CLASSIFICATION
from robustkit.contracts.samples import Samples
from robustkit.engine.stepping import Batch
from robustkit.rng import SampleRandom
from robustkit.threats import Threat


def column(value):
    return torch.tensor([value], dtype=torch.float64)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(6, 20), st.integers(6, 20), st.floats(0.3, 1), *[st.floats(0, 1, exclude_max=True, width=32) for _ in range(3)]
)
def test_the_copy_is_the_resized_image_at_a_whole_pixel_and_the_rest_is_empty(height, width, rate, scale, top, left):
    x = torch.rand((1, 2, height, width), generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 0.5 + 0.5
    got = resize_and_pad(x, rate, column(scale), column(top), column(left), 0.0)
    sides = []
    for length in (height, width):
        least = int(rate * length)
        sides.append(max(1, int(least + scale * (length - least))))
    first, second = int(top * (height - sides[0] + 1)), int(left * (width - sides[1] + 1))
    expected = torch.zeros_like(x)
    small = torch.nn.functional.interpolate(x, size=sides, mode="bilinear", align_corners=False)
    expected[:, :, first : first + sides[0], second : second + sides[1]] = small
    assert torch.allclose(got, expected, atol=1e-9)


def batch_of(x):
    ids = torch.arange(len(x))
    return Batch(
        samples=Samples(x, ids, ids),
        criterion=CLASSIFICATION,
        attempt=torch.zeros_like(ids),
        clean_logits=None,
        threat=Threat.parse("linf:0.1"),
        bounds=(0.0, 1.0),
        random=SampleRandom(0, "di-fgsm"),
    )


@pytest.mark.parametrize("prob", [0.0, 0.3, 1.0])
def test_the_expected_share_is_transformed_and_each_step_draws_anew(prob):
    x = torch.rand(400, 1, 12, 12)
    batch, built = batch_of(x), attack("di-fgsm", prob=prob)
    state = built.start(batch)
    seen = built.view(batch, state, x)
    changed = (seen != x).flatten(1).any(1).float().mean()
    assert abs(float(changed) - prob) < 0.08
    state.step = state.step + 1
    assert torch.equal(built.view(batch, state, x), seen) == (prob == 0)


def test_the_gradient_flows_back_through_the_transform():
    x = torch.rand(4, 1, 12, 12, requires_grad=True)
    batch, built = batch_of(x.detach()), attack("di-fgsm", prob=1.0)
    (grad,) = torch.autograd.grad(built.view(batch, built.start(batch), x).sum(), x)
    assert bool((grad.flatten(1).abs().sum(1) > 0).all())


@pytest.mark.parametrize("wrong", [{"prob": 1.5}, {"resize_rate": 0.0}])
def test_wrong_parameters(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        attack("di-fgsm", **wrong)
