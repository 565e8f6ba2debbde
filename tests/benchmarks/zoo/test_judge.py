"""The table and the limits, from made-up judgements, and one real judgement."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from robustkit.benchmarks.bench.contender import Answer
from robustkit.benchmarks.zoo import judge as judging
from robustkit.benchmarks.zoo.judge import Judged, bars, judge, table
from robustkit.benchmarks.zoo.masks import NoisyInput
from robustkit.benchmarks.zoo.members import Member, members
from robustkit.errors import AttackError
from robustkit.threats import Threat

ROW = {
    "member": "a", "threat": "linf:0.1", "masked": False, "clean": 0.9, "standard": 0.5, "seconds": 2.0,
    "passes": 99.6, "official": 0.5, "official_seconds": 30.0, "flags": (), "remedies": (),
}  # fmt: skip


def row(**changed):
    return Judged.model_validate(ROW | changed)


def test_a_row_of_the_table():
    assert table([row()]).splitlines()[-1] == "| a | linf:0.1 | 90.0 | 50.0 | 50.0 | 100 | 2.0 | 15.0 |  |"
    alone = row(official=None, official_seconds=None, flags=("saturated",), remedies=("saturated", "no-progress"))
    assert table([alone]).splitlines()[-1].endswith("| 90.0 |  | 50.0 | 100 | 2.0 |  | saturated, (no-progress) |")


def test_the_worst_network_counts():
    found = {bar.name: bar for bar in bars([row(), row(standard=0.502, official_seconds=20.0), row(threat="l2:1")])}
    assert found["most above official AutoAttack (points)"].value == 0.2
    assert not found["most above official AutoAttack (points)"].met
    assert found["times faster in linf, slowest robust network"].value == 10
    assert found["times faster in l2, slowest robust network"].met
    assert found["members with the wrong flags"].met


def test_flags_must_fit_and_remedies_must_be_cheap():
    rows = [row(flags=("saturated",)), row(masked=True), row(masked=True, flags=("randomised",), remedies=("x",), seconds=20)]
    found = {bar.name: bar for bar in bars(rows)}
    assert found["members with the wrong flags"].value == 2
    assert not found["share of its time with remedies, largest"].met
    assert "times faster in l2, slowest robust network" not in found
    assert "times faster in linf, slowest robust network" not in {bar.name for bar in bars([row(official=0.05)])}
    assert [bar.name for bar in bars([row(official=None)])] == ["members with the wrong flags"]


def test_a_member_is_judged_by_the_suite_alone_without_a_checkout(zoo):
    (member,) = members("choose")
    found = judge(zoo, member, Threat.parse("linf:0.3"), 20, None)
    assert (found.member, found.masked, found.official) == ("tiny", False, None)
    assert found.standard <= found.clean
    assert found.passes > 0


@pytest.fixture
def official(monkeypatch):
    """Stands for official AutoAttack, with an answer that a test chooses."""

    def answering(answer):
        peer = SimpleNamespace(run=lambda: lambda: answer)
        monkeypatch.setattr(judging, "official_autoattack", lambda ground, path, against: peer)
        return Path("checkout")

    return answering


def test_the_share_that_official_autoattack_leaves_stands_beside_it(zoo, official):
    (member,) = members("choose")
    path = official(Answer(torch.arange(10) < 3, torch.zeros(10), 0, 0))
    found = judge(zoo, member, Threat.parse("linf:0.3"), 10, path)
    assert found.official == pytest.approx(0.3)
    assert found.official_seconds is not None


def test_a_failure_of_official_autoattack_is_one_of_the_judgement(zoo, official):
    (member,) = members("choose")
    with pytest.raises(AttackError, match="official AutoAttack on tiny: out of luck"):
        judge(zoo, member, Threat.parse("linf:0.3"), 10, official("out of luck"))


def test_official_autoattack_does_not_run_on_a_randomised_network(zoo, official):
    noisy = Member(name="tiny-noisy", half="report", data="mnist", mask=NoisyInput, of="tiny", draws=3)
    found = judge(zoo, noisy, Threat.parse("linf:0.3"), 3, official("out of luck"))
    assert (found.masked, found.official) == (True, None)
    assert "randomised" in found.flags
