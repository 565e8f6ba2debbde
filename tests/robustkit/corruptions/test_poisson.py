import numpy as np
import torch
from scipy import stats

from robustkit.corruptions.poisson import poisson_quantile


def test_quantiles_are_exact_for_every_uniform_number_and_rate():
    edge = (np.arange(200) + 0.5) * 2.0**-24
    u = np.concatenate([edge, np.linspace(edge[-1], 1 - edge[-1], 601)[1:-1], 1 - edge[::-1]])
    rates = np.concatenate([[0, 1e-9, 1e-3], np.linspace(0.01, 3, 40), np.geomspace(3, 500, 60)])
    expected = stats.poisson.ppf(u[:, None], rates)
    found = poisson_quantile(torch.from_numpy(u)[:, None], torch.from_numpy(rates)).numpy()
    # Where the distribution function meets u to the last digit, either neighbour is right.
    off = found != expected
    assert off.mean() < 1e-4
    assert (np.abs(stats.poisson.cdf(np.minimum(found, expected), rates) - u[:, None])[off] < 1e-12).all()
