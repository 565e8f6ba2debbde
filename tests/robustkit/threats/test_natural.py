import torch

from robustkit import Threat
from robustkit.threats import NaturalThreat


def test_limits_are_the_ranges_whatever_the_images_type():
    threat = Threat.parse("spatial:30,translate=10%")
    assert isinstance(threat, NaturalThreat)
    for dtype in (torch.float16, torch.float32, torch.float64):
        low, high = threat.limits(torch.zeros(2, 1, 3, 3, dtype=dtype))
        assert low.dtype == high.dtype == torch.float64
        assert list(zip(low.tolist(), high.tolist(), strict=True)) == [tuple(map(float, each)) for each in threat.ranges]
