import pytest

from robustkit import UsageError
from robustkit.benchmarks.running.corruption_error import corruption_errors, mean_corruption_error
from robustkit.data import as_data


def test_means_by_hand():
    wrong = {("fog", 1): 1, ("fog", 5): 3, ("snow", 1): 4, ("snow", 5): 8}
    part = mean_corruption_error(wrong, 10, 1, {"fog": 0.4, "snow": 0.5})
    assert [one.kind for one in part.corruptions] == ["fog", "snow"]
    assert [one.error for one in part.corruptions] == pytest.approx([0.2, 0.6])
    assert [one.normalised for one in part.corruptions] == pytest.approx([0.5, 1.2])
    assert part.mean == pytest.approx(0.4)
    assert part.normalised_mean == pytest.approx(0.85)
    assert part.clean.value == pytest.approx(0.1)
    assert part.severities == [1, 5]
    assert mean_corruption_error(wrong, 10, 1).normalised_mean is None


def test_gaps_are_refused():
    with pytest.raises(UsageError, match="fog has no count at severity 2"):
        mean_corruption_error({("fog", 1): 1, ("snow", 1): 1, ("snow", 2): 1}, 10, 1)
    with pytest.raises(UsageError, match="no error above 0 for snow"):
        mean_corruption_error({("fog", 1): 1, ("snow", 1): 1}, 10, 1, {"fog": 0.4, "snow": 0.0})


def test_every_image_is_judged_under_every_corruption(light):
    model, data = light[0], as_data(light[1])
    part = corruption_errors(model, data, severities=(1, 5), kinds=("brightness", "contrast"))
    # Brighter by 0.05 changes no answer; by 0.3 it turns all five, which makes the last one right.
    assert [[e.value for e in one.errors] for one in part.corruptions] == [[0.2, 0.8], [0.2, 0.2]]
    assert part.n == 5
    assert part.clean.value == pytest.approx(0.2)
    assert corruption_errors(model, data, severities=(1, 5), kinds=("brightness", "contrast"), batch_size=4) == part


def test_chance_is_each_samples_own(light):
    model, data = light[0], as_data(light[1])
    kinds = ("snow", "frost", "gaussian_noise")
    whole = corruption_errors(model, data, kinds=kinds)
    assert corruption_errors(model, data, kinds=kinds, batch_size=1) == whole
    assert whole.severities == [1, 2, 3, 4, 5]


def test_nonsense_is_refused_in_a_sentence(light):
    model, data = light[0], as_data(light[1])
    with pytest.raises(UsageError, match="did you mean 'fog'"):
        corruption_errors(model, data, kinds=("fgo",))
    with pytest.raises(UsageError, match="severity 7"):
        corruption_errors(model, data, severities=(7,))
    with pytest.raises(UsageError, match="the baseline has no error above 0 for snow"):
        corruption_errors(model, data, kinds=("snow",), baseline={"fog": 0.5})
