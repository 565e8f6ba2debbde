import torch


def test_contrast_draws_towards_grey_or_away(mean_attack):
    x = torch.full((1, 1, 2, 2), 0.8)
    assert bool(mean_attack("contrast", 0.7, x, 1, "contrast:0.5")[0].success)  # 0.65
    assert bool(mean_attack("contrast", 0.9, x, 0, "contrast:0.5")[0].success)  # 0.95
    assert not bool(mean_attack("contrast", 0.6, x, 1, "contrast:0.5")[0].success)


def test_mid_grey_has_no_contrast(mean_attack):
    x = torch.full((1, 1, 2, 2), 0.5)
    result, _ = mean_attack("contrast", 0.51, x, 0, "contrast:0.9")
    assert torch.equal(result.x_adv, x)
    assert not bool(result.success)
