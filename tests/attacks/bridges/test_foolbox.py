import pytest
import torch

from robustkit import InputSpec, Model
from robustkit.build import attack
from robustkit.errors import UsageError
from robustkit.registry import bridges, find
from robustkit.threats import Threat

pytest.importorskip("foolbox")
LIBRARY = bridges("attacks")["foolbox"].load()


@pytest.mark.parametrize(
    "spec",
    [
        "foolbox/PGD:steps=3",
        "foolbox/L1ProjectedGradientDescentAttack:steps=3",
        "foolbox/L2CarliniWagnerAttack:steps=20,binary_search_steps=3",
        "foolbox/BoundaryAttack:steps=10",
    ],
)
def test_keeps_the_contract(spec, findings):
    assert findings(attack(spec)) == []


def test_a_short_name_is_the_class_itself():
    assert type(attack("foolbox/PGD")) is type(attack("foolbox/LinfProjectedGradientDescentAttack"))


def test_the_minimal_distance_of_a_linear_model(linear_model, linear_data):
    result = attack("foolbox/L2DeepFoolAttack")(linear_model, *linear_data, Threat.parse("l2:0.21"))
    assert torch.allclose(result.nearest_distance, 2 * torch.arange(1, 21) / 100, rtol=0.05)
    assert result.success[:9].all()
    assert not result.success[10:].any()


class NeverThree(torch.nn.Module):
    """Three classes, of which the last is never predicted, so no image is a starting point for it."""

    def forward(self, x):
        score = x.flatten(1).sum(1) - x[0].numel() / 2
        return torch.stack([-score, score, score.abs() * 0 - 10], dim=1)


def test_an_image_without_a_starting_point_spares_the_others():
    model = Model(NeverThree(), spec=InputSpec(1), device="cpu")
    x, y = torch.full((2, 1, 2, 2), 0.6), torch.tensor([1, 1])
    spec = "foolbox/HopSkipJumpAttack:steps=1,initial_gradient_eval_steps=5"
    result = attack(spec)(model, x, y, Threat.parse("l2:1,targeted"), targets=torch.tensor([0, 2]))
    assert result.success.tolist() == [True, False]
    assert torch.equal(result.x_adv[1], x[1])


@pytest.mark.parametrize("name", LIBRARY.names())
def test_every_class_is_a_plugin(name):
    plugin = find("attacks", f"foolbox/{name}").load()
    assert plugin.info.threats
    norm = next((norm for norm in ("linf", "l2", "l1", "l0") if name.lower().startswith(norm)), None)
    assert norm is None or plugin.info.threats == (norm,)


def test_errors_are_one_sentence(linear_model, linear_data):
    with pytest.raises(UsageError, match="needs steps="):
        attack("foolbox/VirtualAdversarialAttack")
    with pytest.raises(UsageError, match="takes 'epsilon' from the threat"):
        attack("foolbox/PGD:epsilon=0.1")
    with pytest.raises(UsageError, match="does not support l2 threats"):
        attack("foolbox/PGD")(linear_model, *linear_data, Threat.parse("l2:1"))
    with pytest.raises(UsageError, match="has no targeted mode"):
        attack("foolbox/FGSM")(linear_model, *linear_data, Threat.parse("linf:0.1,targeted"), targets=1 - linear_data[1])
    with pytest.raises(UsageError, match="needs a targeted threat"):
        attack("foolbox/GenAttack")(linear_model, *linear_data, Threat.parse("linf:0.1"))
