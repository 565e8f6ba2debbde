import pytest
from hypothesis import given
from hypothesis import strategies as st

from robustkit.errors import UsageError
from robustkit.training.options import TrainingOptions


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"epochs": 0}, "epochs=0 must be at least 1"),
        ({"batch_size": 0}, "batch_size=0 must be at least 1"),
        ({"robust_limit": 0}, "robust_limit=0 must be at least 1"),
        ({"seed": -1}, "seed=-1"),
        ({"lr": 0.0}, "lr=0.0 must be above 0"),
        ({"lr": float("nan")}, "lr=nan must be above 0"),
        ({"weight_decay": -0.1}, "weight_decay=-0.1 must be at least 0"),
        ({"ema": 1.0}, "ema=1.0 must be a decay between 0 and 1, such as 0.998"),
        ({"optimizer": "adam"}, "did you mean 'adamw'"),
        ({"schedule": "cosin"}, "did you mean 'cosine'"),
        ({"precision": "bf16"}, "'bf16' is unknown: "),
        ({"augment": ("flip", "flop")}, "augmentation 'flop' is unknown: did you mean 'flip'"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(wrong, says):
    with pytest.raises(UsageError, match=says):
        TrainingOptions(**wrong)


@given(lr=st.floats(0, exclude_min=True, allow_infinity=False))
def test_the_rate_is_the_one_given_or_the_optimizers_usual_one(lr):
    assert TrainingOptions(lr=lr).peak_lr == lr
    assert TrainingOptions(optimizer="adamw").peak_lr == 1e-3
    assert TrainingOptions(optimizer="sgd").peak_lr == 0.1
