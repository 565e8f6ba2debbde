import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from robustkit import InputSpec, Model, Threat, UsageError
from robustkit.build import attack
from robustkit.contracts.attack import Attack, AttackInfo
from robustkit.errors import AttackError
from robustkit.losses import adversarial_margin, is_adversarial

ATTACKS = ["noise:steps=2", "fgsm", "bim:steps=2", "pgd:steps=3", "mi-fgsm:steps=2", "apgd-ce:steps=6", "apgd-t:steps=5"]


class Sums(nn.Module):
    """Logits from the sums of a random image-wide mask a class: any shape of image will do."""

    def __init__(self, shape, classes):
        super().__init__()
        numbers = torch.Generator().manual_seed(1)
        self.w = nn.Parameter(torch.randn((classes, *shape), generator=numbers))

    def forward(self, x):
        return (x[:, None] * self.w).flatten(2).sum(2).tanh() * 3


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(ATTACKS),
    st.sampled_from(["linf", "l2", "l1", "l0"]),
    st.sampled_from([torch.float16, torch.float32, torch.float64]),
    st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
    st.integers(2, 5),
    st.floats(0.01, 1),
    st.sampled_from([(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)]),
)
def test_every_adversarial_image_is_inside_box_and_ball(name, norm, dtype, shape, classes, share, bounds):
    built = attack(name)
    if norm not in built.info.threats:
        return
    n, span = shape[0] * shape[1] * shape[2], bounds[1] - bounds[0]
    eps = {"linf": share * span, "l2": share * span * n**0.5, "l1": share * span * n, "l0": float(max(1, int(share * n)))}[norm]
    threat = Threat.parse(f"{norm}:{eps:.12f}")
    x = torch.rand((3, *shape), generator=torch.Generator().manual_seed(n))
    x[0], x[1] = x[0].round(), (2 * x[1] - 0.5).clamp(0, 1)
    x = (bounds[0] + span * x).to(dtype).clamp(*bounds)
    model = Model(Sums(shape, classes), bounds=bounds, spec=InputSpec(channels=shape[0]), device="cpu")
    result = built(model, x, model.logits(x).argmax(1), threat)
    assert bool(threat.contains(x.to(result.x_adv.dtype), result.x_adv, bounds).all())
    assert result.x_adv.min() >= bounds[0]
    assert result.x_adv.max() <= bounds[1]


def test_what_counts_as_adversarial():
    logits, y = torch.tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]]), torch.tensor([0, 0])
    assert is_adversarial(logits, y, None).tolist() == [False, True]
    assert is_adversarial(logits, y, torch.tensor([1, 1])).tolist() == [False, False]
    assert adversarial_margin(logits, y, None).tolist() == [-1, 2]
    assert adversarial_margin(logits, y, torch.tensor([1, 2])).tolist() == [-1, 1]


@pytest.mark.parametrize(
    ("threat", "options", "says"),
    [
        ("l0:1", {}, "does not support l0"),
        ("linf:0.1,targeted", {}, "give targets="),
        ("linf:0.1", {"targets": torch.zeros(20, dtype=torch.int64)}, "untargeted"),
        ("linf:0.1,targeted", {"targets": torch.ones(20, dtype=torch.int64)}, "different from its label"),
        ("linf:0.1,targeted", {"targets": torch.full((20,), 0.5)}, "one integer class per sample"),
        ("linf:0.1", {"sample_ids": torch.arange(3)}, "sample_ids"),
        ("linf:0.1", {"sample_ids": torch.arange(20) + 0.5}, "sample_ids have .* one integer for each"),
        ("linf:8", {}, "8/255"),
    ],
)
def test_calls_that_cannot_be_meant(threat, options, says, linear_model, linear_data):
    with pytest.raises(UsageError, match=says):
        attack("pgd")(linear_model, *linear_data, Threat.parse(threat), **options)


@pytest.mark.parametrize("change", [torch.Tensor.to_sparse, lambda values: values.to("meta")], ids=["sparse", "meta"])
@pytest.mark.parametrize("what", ["images", "labels", "targets", "sample_ids"])
def test_tensors_without_dense_values_are_one_sentence(what, change, linear_model, linear_data):
    x, y = linear_data
    given = {"images": x, "labels": y, "targets": (y + 1) % 2, "sample_ids": torch.arange(len(x))}
    given[what] = change(given[what])
    threat = Threat.parse("linf:0.1,targeted")
    with pytest.raises(UsageError, match=rf"^{what} are a (sparse_coo|meta) tensor: give a dense tensor"):
        attack("pgd")(linear_model, given.pop("images"), given.pop("labels"), threat, **given)


def test_a_run_without_a_result_is_named():
    class Forgetful(Attack):
        info = AttackInfo(name="forgetful", threats=("linf",), knowledge="decision", targeted=False, cost="", paper="")

        def run(self, model, samples, threat, seed):
            return None

    model = Model(Sums((1, 2, 2), 2), spec=InputSpec(channels=1), device="cpu")
    with pytest.raises(AttackError, match="run of attack 'forgetful' returned a NoneType: expected an AttackResult"):
        Forgetful()(model, torch.zeros(1, 1, 2, 2), torch.zeros(1, dtype=torch.int64), Threat.parse("linf:0.1"))
