import pytest
import torch


def test_a_change_as_large_as_the_threat_is_enough_and_a_smaller_one_is_not(mean_attack):
    x = torch.full((1, 1, 2, 2), 0.5)
    assert bool(mean_attack("brightness", 0.21, x, 1, "brightness:0.3")[0].success)
    assert not bool(mean_attack("brightness", 0.21, x, 1, "brightness:0.28")[0].success)
    result, _ = mean_attack("brightness", 0.79, x, 0, "brightness:0.3")
    assert bool(result.success)
    assert float(result.distance) == pytest.approx(0.3)
    assert int(result.first_success_step) == 1


def test_the_amount_is_a_fraction_of_the_bounds_and_clipped_pixels_stay_at_the_bound(mean_attack):
    x = torch.tensor([0.9, 0.1])[:, None, None, None].expand(2, 1, 1, 1).contiguous()
    result, seen = mean_attack("brightness", 0.95, x, 0, "brightness:0.3", steps=1)
    assert result.success.tolist() == [True, False]
    assert float(result.x_adv[0]) == 1
    assert max(seen) == 1
