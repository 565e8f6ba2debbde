"""Attacks from a path: imported without a trace, judged on what they return, and one sentence where there is nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from robustkit import InputSpec, Model, Threat, build
from robustkit.benchmarks.bench.adversarial_library import library_peers
from robustkit.benchmarks.bench.checkouts import judged, load
from robustkit.benchmarks.bench.contender import Ground, attack_contender
from robustkit.benchmarks.bench.contest import contest
from robustkit.benchmarks.bench.official_autoattack import NAME
from robustkit.benchmarks.bench.protocols import protocols
from robustkit.benchmarks.bench.result import Bench
from robustkit.benchmarks.bench.timing import Rounds
from robustkit.data.load import as_data
from robustkit.errors import AttackError, UsageError

THREAT = Threat.parse("linf:0.105")

AUTOATTACK = """
import torch

class AutoAttack:
    def __init__(self, model, norm, eps, seed, version, verbose, device):
        assert (norm, version) == ("Linf", "standard")
        self.model, self.eps = model, eps

    def run_standard_evaluation(self, x, y, bs):
        print("chatter")
        x_adv = (x - self.eps).clamp(0, 1)
        fooled = self.model(x_adv).argmax(1) != y
        return torch.where(fooled[:, None, None, None], x_adv, x)
"""

FMN = """
import visdom

def fmn(model, inputs, labels, norm, steps=10, α_init=1.0, γ_init=0.05):
    assert (norm, steps) == (float("inf"), 7)
    for _ in range(steps):
        model(inputs)
    return inputs - 0.15
"""


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    path = list(sys.path)
    yield
    assert sys.path == path
    assert "visdom" not in sys.modules or hasattr(sys.modules["visdom"], "__file__")
    for name in [name for name in sys.modules if name.partition(".")[0] in ("autoattack", "adv_lib")]:
        del sys.modules[name]


@pytest.fixture
def official(tmp_path: Path) -> Path:
    (tmp_path / "autoattack").mkdir()
    (tmp_path / "autoattack" / "__init__.py").write_text(AUTOATTACK)
    return tmp_path


@pytest.fixture
def library(tmp_path: Path) -> Path:
    (tmp_path / "adv_lib" / "attacks").mkdir(parents=True)
    (tmp_path / "adv_lib" / "__init__.py").write_text("")
    (tmp_path / "adv_lib" / "attacks" / "__init__.py").write_text(FMN)
    return tmp_path


def run(model: Model, data: tuple[Tensor, Tensor], **options: object) -> Bench:
    return contest(model, as_data(data), THREAT, Rounds(1), **options)  # type: ignore[arg-type]


def test_official_autoattack_joins_a_suite(
    linear_model: Model, linear_data: tuple[Tensor, Tensor], official: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = run(linear_model, linear_data, attacks=["suite:standard"], autoattack=official)
    suite, theirs = bench.entries
    assert (theirs.name, theirs.kind, theirs.against) == (NAME, "peer", "suite:standard")
    assert (suite.robust_accuracy, theirs.robust_accuracy) == (0.5, 0.5)
    assert (theirs.forwards, theirs.backwards) == (1, 0)
    assert capsys.readouterr() == ("", "chatter\n")


def test_official_autoattack_joins_nothing_else(
    linear_model: Model, linear_data: tuple[Tensor, Tensor], official: Path
) -> None:
    with pytest.raises(UsageError, match="runs beside suite:autoattack or suite:standard: name one with --attacks"):
        run(linear_model, linear_data, attacks=["fgsm"], autoattack=official)


def test_library_functions_join_the_attacks_of_their_name(
    linear_model: Model, linear_data: tuple[Tensor, Tensor], library: Path
) -> None:
    bench = run(linear_model, linear_data, attacks=["fmn:steps=7"], adversarial_library=library)
    theirs = next(entry for entry in bench.entries if entry.name.startswith("adv_lib/fmn"))
    assert theirs.forwards == 8  # the clean pass, which tells it what to attack, and its own
    assert theirs.distance == pytest.approx(0.15)  # as far as it goes for the images it beats, more than half of them
    assert theirs.robust_accuracy == 0.5  # projected onto the ball of 0.105


def test_a_returned_image_counts_at_its_own_distance(linear_model: Model, linear_data: tuple[Tensor, Tensor]) -> None:
    x, y = linear_data
    ground = Ground(linear_model, as_data(linear_data), x, y, THREAT, 0)
    answer = judged(ground, x - 0.155, 1, 2)
    assert answer.robust.sum() == 10
    assert answer.distance.isfinite().sum() == 15
    assert answer.distance[0] == pytest.approx(0.155, abs=1e-6)
    assert judged(ground, x + 10, 1, 2).distance.isinf().all()


def test_a_path_that_is_no_checkout_is_refused(linear_model: Model, linear_data: tuple[Tensor, Tensor], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--autoattack .* holds no package 'autoattack'"):
        run(linear_model, linear_data, attacks=["suite:standard"], autoattack=tmp_path)
    with pytest.raises(UsageError, match=r"--adversarial-library .* holds no package 'adv_lib.attacks'"):
        run(linear_model, linear_data, attacks=["fmn"], adversarial_library=tmp_path)
    (tmp_path / "autoattack").mkdir()
    (tmp_path / "autoattack" / "__init__.py").write_text("import no_such_module")
    with pytest.raises(UsageError, match="cannot be imported: No module named 'no_such_module'"):
        load(tmp_path, "autoattack", "--autoattack")
    (tmp_path / "autoattack" / "__init__.py").write_text("")
    with pytest.raises(UsageError, match="has no class AutoAttack"):
        run(linear_model, linear_data, attacks=["suite:standard"], autoattack=tmp_path)


def test_an_attack_the_library_lacks_in_a_norm_has_no_peer(
    linear_model: Model, linear_data: tuple[Tensor, Tensor], library: Path
) -> None:
    ground = Ground(linear_model, as_data(linear_data), *linear_data, Threat.parse("linf:0.1"), 0)
    attack = build.attack("noise")
    assert library_peers(ground, library, attack_contender(ground, "noise", attack), attack) == ([], [])


def test_protocols_are_held_to_their_bars(linear_model: Model, linear_data: tuple[Tensor, Tensor], official: Path) -> None:
    x, y = linear_data
    bench = protocols(linear_model, as_data((x[:10], y[:10])), THREAT, Rounds(1), autoattack=official)
    same, faster, above, share = bench.bars
    assert (bench.case, same.value, above.value) == ("protocols", 0, 0)
    assert same.met
    assert above.met
    by_name = {entry.name: entry.runs for entry in bench.entries}
    assert faster.value == pytest.approx(by_name[NAME][0] / by_name["suite:autoattack"][0])
    assert share.value == pytest.approx(by_name["suite:standard"][0] / by_name[NAME][0])


def test_protocols_say_what_stopped_official_autoattack(
    linear_model: Model, linear_data: tuple[Tensor, Tensor], official: Path
) -> None:
    (official / "autoattack" / "__init__.py").write_text(
        AUTOATTACK.replace('print("chatter")', "raise ValueError('two classes')")
    )
    x, y = linear_data
    with pytest.raises(AttackError, match="official AutoAttack fails: ValueError: two classes"):
        protocols(linear_model, as_data((x[:10], y[:10])), THREAT, Rounds(1), autoattack=official)


def test_images_are_in_the_unit_of_the_checkout(
    linear_model: Model, linear_data: tuple[Tensor, Tensor], official: Path
) -> None:
    wide = Model(Halved(linear_model.net), spec=linear_model.spec, bounds=(0, 2), device="cpu")
    x, y = linear_data
    threat = Threat.parse("linf:0.21")
    bench = contest(wide, as_data((2 * x, y)), threat, Rounds(1), attacks=["suite:standard"], autoattack=official)
    assert [entry.robust_accuracy for entry in bench.entries if entry.name == NAME] == [0.5]


class Halved(torch.nn.Module):
    """A network on images in [0, 2]."""

    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x / 2)  # type: ignore[no-any-return]


def test_weights_collect_gradients_as_their_owner_has_them(official: Path) -> None:
    source = AUTOATTACK.replace('print("chatter")', "self.model(x).sum().backward()")
    (official / "autoattack" / "__init__.py").write_text(
        source.replace("x_adv = (x", "assert all(p.grad is not None for p in self.model.parameters()); x_adv = (x")
    )
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 4)).eval()
    net[1].bias.grad = torch.ones(4)
    x = torch.rand(6, 1, 2, 2)
    model = Model(net, spec=InputSpec(channels=1), device="cpu")
    y = model.logits(x).argmax(1)
    bench = run(model, (x, y), attacks=["suite:standard"], autoattack=official)
    assert [entry.reason for entry in bench.skipped] == []
    assert torch.equal(net[1].bias.grad, torch.ones(4))
    assert net[1].weight.grad is None
