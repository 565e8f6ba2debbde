import torch

from robustkit import Threat
from robustkit.data import as_data
from robustkit.training.validate import validate


def test_clean_accuracy_is_over_all_images_and_robust_accuracy_over_the_limit(linear_model, linear_data):
    x, y = linear_data
    y = y.clone()
    y[-5:] = 0  # so that five images are misclassified
    data = as_data((x, y))
    assert validate(linear_model, data, None, 20, seed=0) == {"clean": 0.75}
    found = validate(linear_model, data, Threat.parse("linf:0.105"), 20, seed=0)
    assert found == {"clean": 0.75, "robust": 0.25}  # 0.11 to 0.15 stand
    limited = data.limit(8)
    stands = int(((limited.labels == 1) & (limited.ids >= 10)).sum())
    assert validate(linear_model, data, Threat.parse("linf:0.105"), 8, seed=0)["robust"] == stands / 8


def test_a_targeted_threat_aims_at_the_likeliest_wrong_class(linear_model, linear_data):
    found = validate(linear_model, as_data(linear_data), Threat.parse("linf:0.105,targeted"), 20, seed=0)
    assert found == {"clean": 1, "robust": 0.5}


def test_what_it_finds_does_not_depend_on_how_often_it_is_asked(linear_model, linear_data):
    state = torch.random.get_rng_state()
    threat = Threat.parse("l2:0.21")
    first, second = (validate(linear_model, as_data(linear_data), threat, 20, seed=3) for _ in range(2))
    assert first == second
    assert first["robust"] == 0.5
    assert torch.equal(torch.random.get_rng_state(), state)
