"""A suite goes further where the evidence is doubtful, and only there."""

import pytest
import torch
from torch import nn

from robustkit import Model
from robustkit.benchmarks.audit import audit
from robustkit.spec import InputSpec

SUITE = """
summary = "A climb, and a black-box search where it does not help."
threats = ["linf", "l2"]

[[stage]]
attack = "pgd:steps=5"

[[stage]]
attack = "ddn:steps=5"
threats = ["l2"]

[[stage]]
attack = "pgd:steps=7"
on = "survivors"
within = 0.5

[[stage]]
attack = "square:steps=200"
on = "survivors"
when = ["any"]

[[stage]]
attack = "apgd-ce:steps=2,eot=3"
on = "survivors"
when = ["randomised"]
"""


class Linear(nn.Module):
    """Two classes by the sum of sixteen pixels; `rounded` leaves no gradient."""

    def __init__(self, rounded: bool) -> None:
        super().__init__()
        self.rounded = rounded

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seen = torch.round(x * 64) / 64 if self.rounded else x
        lead = (seen.flatten(1) - 0.5).sum(1)
        return torch.stack([lead, -lead], 1)


def run(tmp_path, rounded, threat="linf:0.2"):
    path = tmp_path / "own.toml"
    path.write_text(SUITE)
    model = Model(Linear(rounded), spec=InputSpec(channels=1), device="cpu")
    x = 0.5 + torch.linspace(-0.3, 0.3, 12).reshape(-1, 1, 1, 1).expand(-1, 1, 4, 4).contiguous()
    y = (x.flatten(1).mean(1) < 0.5).long()
    return audit(model, (x, y), threats=[threat], suite=str(path), out=tmp_path / f"run-{rounded}").report.threats[0]


def test_masked_gradients_call_for_the_black_box(tmp_path):
    threat = run(tmp_path, rounded=True)
    assert [attack.spec for attack in threat.attacks] == ["pgd:steps=5", "pgd:steps=7", "square:steps=200"]
    assert threat.attacks[-1].decided > 0
    assert {"zero-gradients", "black-box-beats-gradient", "escalated"} <= {flag.id for flag in threat.flags}
    assert not threat.trusted


def test_good_evidence_does_not(tmp_path):
    threat = run(tmp_path, rounded=False)
    assert [attack.spec for attack in threat.attacks] == ["pgd:steps=5", "pgd:steps=7"]
    assert not threat.flags
    assert threat.robust_accuracy.value == pytest.approx(4 / 12)


def test_only_what_came_close_is_searched_on(tmp_path):
    close, stood = run(tmp_path, rounded=False).attacks[1], run(tmp_path, rounded=False).attacks[0]
    assert stood.evaluated == 12
    # The best image leaves (d - 0.2) / d of the margin: 1/3 at a distance of 0.3, 0.18 at 0.245.
    assert close.evaluated == 4


def test_a_stage_for_another_threat_stays_out(tmp_path):
    assert "ddn:steps=5" in [attack.spec for attack in run(tmp_path, rounded=False, threat="l2:0.5").attacks]


BANDS = """
summary = "A climb, and a search from the nearest samples to the farthest where it is doubted."
threats = ["linf"]

[[stage]]
attack = "pgd:steps=5"

[[stage]]
attack = "square:steps=50"
on = "survivors"
bands = [0.2, 0.5]
when = ["flat"]
"""


@pytest.mark.parametrize(
    ("distances", "evaluated"),
    [
        ([0.21, 0.3, 0.45], [3, 1]),  # the best images leave 0.05, 0.33 and 0.56 of the margin
        ([0.3, 0.31, 0.45], [3, 0, 2]),
        ([0.45, 0.46, 0.47], [3, 0, 0, 3]),
    ],
)
def test_a_remedy_skips_empty_bands_and_ends_after_one_without_success(distances, evaluated, tmp_path):
    path = tmp_path / "bands.toml"
    path.write_text(BANDS)
    flat = nn.Sequential(Linear(rounded=False), nn.Linear(2, 2, bias=False))
    flat[1].weight.data = 1e-3 * torch.eye(2)
    x = (0.5 - torch.tensor(distances)).reshape(-1, 1, 1, 1).expand(-1, 1, 4, 4).contiguous()
    model = Model(flat, spec=InputSpec(channels=1), device="cpu")
    found = audit(model, (x, torch.ones(3, dtype=torch.long)), threats=["linf:0.2"], suite=str(path), out=tmp_path / "run")
    assert [attack.evaluated for attack in found.report.threats[0].attacks] == evaluated
