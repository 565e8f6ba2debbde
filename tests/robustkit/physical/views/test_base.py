"""The contract of a view, and what every built-in view keeps of it."""

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from robustkit.errors import UsageError
from robustkit.physical import views
from robustkit.physical.views import (
    JPEG,
    Defocus,
    Exposure,
    JPEGCodec,
    MotionBlur,
    Occlusion,
    Relight,
    SensorNoise,
    ShadowEdge,
    Temperature,
    ToneCurve,
    View,
)
from robustkit.physical.views.base import check_range, pixel_centres
from robustkit.rng import SampleRandom
from tests.far import Far, far_device, waits

ALL = [getattr(views, name) for name in views.__all__]
ALL = [made for made in ALL if isinstance(made, type) and issubclass(made, View) and made is not View]

NEUTRAL = [
    Exposure(stops=(0, 0)),
    Temperature(kelvin=(6504, 6504)),
    ShadowEdge(light=(1, 1)),
    Defocus(radius_px=(0, 0)),
    Defocus(radius_px=(0, 3)),
    MotionBlur(length_px=(0, 0)),
    SensorNoise(shot=(0, 0), read=(0, 0)),
    ToneCurve(gamma=(1, 1), contrast=(0, 0)),
    Occlusion(shapes=(0, 0)),
    Relight(gain=(1, 1), offset=(0, 0)),
]

every_view = pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)


@pytest.mark.parametrize("view", NEUTRAL, ids=str)
def test_neutral_parameters_leave_images_as_they_are(view, photos, random):
    parameters = view.draw(torch.arange(4), random)
    if isinstance(view, Defocus):
        parameters = {"radius_px": torch.zeros(4)}
    assert float((view(photos, parameters) - photos).abs().max()) <= 1e-6


@every_view
def test_what_is_drawn_depends_on_the_sample_the_step_and_the_seed(kind, random):
    view, ids = kind(), torch.tensor([5, 3, 2**40])
    drawn = view.draw(ids, random, 7)
    for name, values in view.draw(ids[1:2], random, torch.tensor([7])).items():
        assert torch.equal(values, drawn[name][1:2])
    changed = [view.draw(ids, random, 8), view.draw(ids, SampleRandom(1, "test"), 7), view.draw(ids + 100, random, 7)]
    for other in changed:
        assert any(not torch.equal(other[name], drawn[name]) for name in drawn)
    assert all(values.dtype in (torch.float32, torch.int64) for values in drawn.values())


@every_view
def test_an_image_does_not_depend_on_its_neighbours(kind, photos, random):
    view, ids = kind(), torch.arange(4)
    together = view(photos, view.draw(ids, random))
    alone = [view(photos[i : i + 1], view.draw(ids[i : i + 1], random)) for i in range(4)]
    assert torch.allclose(together, torch.cat(alone), atol=1e-6)
    assert together.shape == photos.shape


@every_view
def test_gradients_are_finite_and_reach_every_pixel(kind, random):
    view = kind()
    # Black and white too, where roots and powers have no slope; few pixels of noise are clipped.
    x = torch.linspace(0, 1, 4 * 3 * 16 * 16).reshape(16 * 16, 12).T.reshape(4, 3, 16, 16).clone().requires_grad_()
    (view(x, view.draw(torch.arange(4), random)) * torch.rand(x.shape)).sum().backward()
    assert bool(x.grad.isfinite().all())
    assert float((x.grad != 0).float().mean()) > 0.9


@pytest.mark.parametrize("view", [made() for made in ALL if made not in (JPEG, JPEGCodec)], ids=lambda view: view.name)
def test_gradients_are_those_of_finite_differences(view, random):
    x = 0.2 + 0.6 * torch.rand(2, 3, 5, 6, dtype=torch.float64)
    parameters = {
        name: values.double() if values.is_floating_point() else values
        for name, values in view.draw(torch.arange(2), random).items()
    }
    assert torch.autograd.gradcheck(lambda x: view(x, parameters), x.requires_grad_())


@every_view
def test_nothing_waits_for_the_device(kind, photos, random):
    view = kind()
    with far_device() as device:
        x, ids = photos.to(device, non_blocking=True), torch.arange(4).to(device, non_blocking=True)
        result = view(x, view.draw(ids, random))
        assert isinstance(result, Far)
        assert bool(waits) == (kind is JPEGCodec)
        here = view(photos, view.draw(torch.arange(4), random))
        assert torch.allclose(result.here, here, atol=1e-6)


@every_view
def test_a_range_that_is_none_is_an_error_that_names_it(kind):
    for field in dataclasses.fields(kind):
        for wrong in ((2, 1), (0, float("inf")), (-1e9, 1e9), (1,), "ab", None, 0.5, ("0", "1")):
            with pytest.raises(UsageError, match=rf"^{field.name}=.* is not a range: give \(lowest, highest\) from"):
                kind(**{field.name: wrong})
        kind(**{field.name: list(getattr(kind(), field.name))})


@given(st.floats(-10, 10), st.floats(-10, 10))
def test_a_range_is_ascending_and_within_its_limits(low, high):
    if -5 <= low <= high <= 5:
        check_range("it", (low, high), -5, 5)
    else:
        with pytest.raises(UsageError, match="from -5 to 5"):
            check_range("it", (low, high), -5, 5)


def test_pixels_are_placed_from_the_centre_in_shorter_sides():
    x, y = pixel_centres(torch.zeros(1, 1, 2, 4))
    assert x.tolist() == [-0.75, -0.25, 0.25, 0.75]
    assert y.tolist() == [[-0.25], [0.25]]
