"""What a model takes."""

from robustkit import InputSpec, Model
from tests.conftest import Linear


def test_a_model_puts_its_own_bounds_and_channels_into_its_spec():
    assert Model(Linear(), bounds=(-1, 1), spec=InputSpec(channels=1, bounds=(0, 5)), device="cpu").spec == InputSpec(
        channels=1, bounds=(-1.0, 1.0)
    )
    assert Model(Linear(), mean=[0.5], std=[0.5], device="cpu").spec.channels == 1
    assert Model(Linear(), device="cpu").spec == InputSpec()
