import torch

from robustkit.colour import srgb_to_linear
from robustkit.physical.views import Exposure


def test_a_stop_doubles_the_light(photos):
    photos = photos.clamp_min(0.01)
    brighter = Exposure()(photos, {"stops": torch.tensor([1.0, 1.0, -1.0, 2.0])})
    share = srgb_to_linear(brighter) / srgb_to_linear(photos)
    expected = torch.tensor([2.0, 2.0, 0.5, 4.0])[:, None, None, None].expand_as(share)
    assert torch.allclose(share, expected, rtol=1e-4)
    assert float(brighter.max()) > 1  # nothing is clipped, so that a shadow brings it back
    assert torch.allclose(Exposure()(brighter, {"stops": torch.tensor([-1.0, -1.0, 1.0, -2.0])}), photos, atol=1e-5)


def test_stops_are_drawn_over_the_whole_range(random):
    stops = Exposure(stops=(-1, 3)).draw(torch.arange(2000), random)["stops"]
    assert -1 <= float(stops.min()) < -0.99
    assert 2.99 < float(stops.max()) < 3
    assert abs(float(stops.mean()) - 1) < 0.1
