import pytest
import torch

from robustkit import InputSpec, Model
from robustkit.build import attack
from robustkit.errors import UsageError
from robustkit.registry import bridges, find
from robustkit.threats import Threat

LIBRARY = bridges("attacks")["art"].load()


@pytest.mark.parametrize(
    "spec",
    [
        "art/ProjectedGradientDescent:max_iter=3,num_random_init=1",
        "art/DeepFool:max_iter=5",
        "art/BoundaryAttack:max_iter=3,num_trial=3,sample_size=3,init_size=20",
        "art/SimBA:max_iter=10,attack=px",
    ],
)
def test_keeps_the_contract(spec, findings):
    assert findings(attack(spec)) == []


def test_two_classes_are_no_special_case(findings):
    assert findings(attack("art/ProjectedGradientDescent:max_iter=3"), classes=(2,)) == []


def test_success_on_a_linear_model_is_exactly_the_closed_form(linear_model, linear_data):
    result = attack("art/ProjectedGradientDescent:max_iter=10")(linear_model, *linear_data, Threat.parse("linf:0.105"))
    assert result.success.tolist() == [True] * 10 + [False] * 10
    assert (result.backwards == 10).all()


def test_the_minimal_distance_of_a_linear_model(linear_model, linear_data):
    result = attack("art/DeepFool")(linear_model, *linear_data, Threat.parse("l2:0.21"))
    closed = 2 * torch.arange(1, 21) / 100
    assert torch.allclose(result.nearest_distance, closed, atol=2e-3)
    assert result.success.sum() == 10


def test_targets_are_reached(findings):
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 4))
    model = Model(net, spec=InputSpec(3), device="cpu")
    x = torch.rand(6, 3, 2, 2)
    y = model.logits(x).argmax(1)
    threat = Threat.parse("linf:1,targeted")
    result = attack("art/BasicIterativeMethod:max_iter=40")(model, x, y, threat, targets=(y + 1) % 4)
    assert result.success.any()
    assert (model.logits(result.x_adv).argmax(1) == (y + 1) % 4)[result.success].all()


def test_only_what_can_attack_an_image_classifier_is_listed():
    names = LIBRARY.names()
    assert {"ProjectedGradientDescent", "AutoAttack", "CarliniL2Method", "HopSkipJump", "BoundaryAttack"} <= set(names)
    assert not {"ImperceptibleASR", "DPatch", "AdversarialPatch", "LowProFool", "HighConfidenceLowUncertainty"} & set(names)


@pytest.mark.parametrize("name", LIBRARY.names())
def test_every_class_is_a_plugin(name):
    plugin = find("attacks", f"art/{name}").load()
    assert plugin.info.name == f"art/{name}"
    assert plugin.info.threats
    assert attack(f"art/{name}").library.startswith("adversarial-robustness-toolbox ")


def test_errors_are_one_sentence(linear_model, linear_data):
    threat = Threat.parse("linf:0.1")
    with pytest.raises(UsageError, match=r"did you mean .*'art/ProjectedGradientDescent'"):
        attack("art/ProjectedGradientDecent")
    with pytest.raises(UsageError, match="no parameter 'steps'"):
        attack("art/ProjectedGradientDescent:steps=3")
    with pytest.raises(UsageError, match="takes 'eps' from the threat"):
        attack("art/ProjectedGradientDescent:eps=0.1")
    with pytest.raises(UsageError, match="max_iter='many' is wrong"):
        attack("art/ProjectedGradientDescent:max_iter=many")
    with pytest.raises(UsageError, match="attack 'art/ProjectedGradientDescent': "):
        attack("art/ProjectedGradientDescent:max_iter=-1")(linear_model, *linear_data, threat)
    with pytest.raises(UsageError, match="does not support linf threats"):
        attack("art/DeepFool")(linear_model, *linear_data, threat)
    with pytest.raises(UsageError, match="needs white-box knowledge"):
        attack("art/FastGradientMethod")(linear_model, *linear_data, Threat.parse("linf:0.1,knowledge=decision"))
    with pytest.raises(UsageError, match="needs a targeted threat"):
        attack("art/TargetedUniversalPerturbation")(linear_model, *linear_data, threat)
