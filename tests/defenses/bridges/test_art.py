import pytest
import torch

from robustkit import InputSpec, Model
from robustkit.build import attack, defend, preprocessor
from robustkit.errors import UsageError
from robustkit.registry import bridges
from robustkit.threats import Threat

NAMES = bridges("defenses")["art"].load().names()
NEEDED = {"Cutout": "length=2", "CutoutPyTorch": "length=2"}


def build(name):
    return preprocessor(f"art/{name}:{NEEDED.get(name, '')}")


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-2.0, 3.0)])
@pytest.mark.parametrize("name", NAMES)
def test_images_in_bounds_to_images_in_bounds(name, bounds):
    low, high = bounds
    x = low + (high - low) * torch.rand(3, 3, 8, 6, dtype=torch.float64)
    before = x.clone()
    try:
        done = build(name).apply(x, bounds)
    except UsageError as error:
        pytest.skip(str(error))
    assert done.shape == x.shape
    assert done.dtype == x.dtype
    assert done.min() >= low
    assert done.max() <= high
    assert torch.equal(x, before)


def test_levels_are_those_of_the_bit_depth():
    x = torch.linspace(0, 1, 64).reshape(1, 1, 8, 8)
    assert len(preprocessor("art/FeatureSqueezing:bit_depth=2").apply(x, (0, 1)).unique()) == 4


def test_gradients_are_those_of_the_identity():
    x = torch.rand(2, 3, 8, 8, requires_grad=True)
    preprocessor("art/FeatureSqueezing:bit_depth=2")(x, (0, 1)).sum().backward()
    assert torch.equal(x.grad, torch.ones_like(x))


def test_gradients_go_through_pytorch_classes():
    torch.manual_seed(0)
    x = torch.rand(2, 3, 8, 8, requires_grad=True)
    done = preprocessor("art/CutoutPyTorch:length=20")(x, (0, 1))
    done.sum().backward()
    assert (x.grad == 0).any()


def test_a_defended_model_is_attacked_whole():
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 64, 4))
    model = defend(Model(net, spec=InputSpec(3), device="cpu"), "art/FeatureSqueezing:bit_depth=3")
    x = torch.rand(4, 3, 8, 8)
    y = model.logits(x).argmax(1)
    assert attack("pgd:steps=5")(model, x, y, Threat.parse("linf:0.3")).success.all()


def test_errors_are_one_sentence():
    with pytest.raises(UsageError, match="did you mean 'art/FeatureSqueezing'"):
        preprocessor("art/FeatureSqueezin")
    with pytest.raises(UsageError, match="no parameter 'depth'"):
        preprocessor("art/FeatureSqueezing:depth=3")
    with pytest.raises(UsageError, match="needs length="):
        preprocessor("art/Cutout")
    with pytest.raises(UsageError, match="takes 'clip_values' from"):
        preprocessor("art/FeatureSqueezing:clip_values=3")
    with pytest.raises(UsageError, match="defense 'art/FeatureSqueezing': "):
        preprocessor("art/FeatureSqueezing:bit_depth=99").apply(torch.rand(1, 3, 4, 4), (0, 1))
