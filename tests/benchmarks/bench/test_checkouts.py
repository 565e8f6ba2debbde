"""Attacks from a path: imported without a trace, judged on what they return, and one sentence where there is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from robustkit import InputSpec, Model, Threat
from robustkit.benchmarks.bench.checkouts import judged, load
from robustkit.benchmarks.bench.contender import Ground
from robustkit.benchmarks.bench.contest import contest
from robustkit.benchmarks.bench.official_autoattack import NAME
from robustkit.benchmarks.bench.timing import Rounds
from robustkit.data.load import as_data
from robustkit.errors import UsageError


def test_a_returned_image_counts_at_its_own_distance(ground: Ground) -> None:
    x = ground.x
    answer = judged(ground, x - 0.155, 1, 2)
    assert answer.robust.sum() == 10
    assert answer.distance.isfinite().sum() == 15
    assert answer.distance[0] == pytest.approx(0.155, abs=1e-6)
    assert judged(ground, x + 10, 1, 2).distance.isinf().all()


def test_a_path_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--autoattack .* does not contain package 'autoattack'"):
        load(tmp_path, "autoattack", "--autoattack")
    (tmp_path / "autoattack").mkdir()
    (tmp_path / "autoattack" / "__init__.py").write_text("import no_such_module")
    with pytest.raises(UsageError, match="cannot be imported: No module named 'no_such_module'"):
        load(tmp_path, "autoattack", "--autoattack")


class Halved(torch.nn.Module):
    """A network on images in [0, 2]."""

    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x / 2)  # type: ignore[no-any-return]


def test_images_are_in_the_unit_of_the_checkout(
    linear_model: Model, linear_data: tuple[Tensor, Tensor], official: Path
) -> None:
    wide = Model(Halved(linear_model.net), spec=linear_model.spec, bounds=(0, 2), device="cpu")
    x, y = linear_data
    threat = Threat.parse("linf:0.21")
    bench = contest(wide, as_data((2 * x, y)), threat, Rounds(1), attacks=["suite:standard"], autoattack=official)
    assert [entry.robust_accuracy for entry in bench.entries if entry.name == NAME] == [0.5]


def test_weights_collect_gradients_as_their_owner_has_them(official: Path) -> None:
    code = official / "autoattack" / "__init__.py"
    source = code.read_text().replace('print("chatter")', "self.model(x).sum().backward()")
    code.write_text(source.replace("x_adv = (x", "assert all(p.grad is not None for p in self.model.parameters()); x_adv = (x"))
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 4)).eval()
    net[1].bias.grad = torch.ones(4)
    x = torch.rand(6, 1, 2, 2)
    model = Model(net, spec=InputSpec(channels=1), device="cpu")
    y = model.logits(x).argmax(1)
    bench = contest(
        model, as_data((x, y)), Threat.parse("linf:0.105"), Rounds(1), attacks=["suite:standard"], autoattack=official
    )
    assert [entry.reason for entry in bench.skipped] == []
    assert torch.equal(net[1].bias.grad, torch.ones(4))
    assert net[1].weight.grad is None
