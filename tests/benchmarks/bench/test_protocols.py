"""Our protocols are held to bars against official AutoAttack."""

from __future__ import annotations

from pathlib import Path

import pytest

from robustkit.benchmarks.bench.contender import Ground
from robustkit.benchmarks.bench.official_autoattack import NAME
from robustkit.benchmarks.bench.protocols import against_official, points, protocols
from robustkit.benchmarks.bench.result import Entry
from robustkit.benchmarks.bench.timing import Rounds
from robustkit.data.load import as_data
from robustkit.errors import AttackError


def entry(name: str, robust: float, *runs: float) -> Entry:
    return Entry(name=name, kind="protocol", robust_accuracy=robust, runs=list(runs))


def test_a_run_beside_a_checkout(ground: Ground, official: Path) -> None:
    data = as_data((ground.x[:10], ground.y[:10]))
    bench = protocols(ground.model, data, ground.threat, Rounds(1), autoattack=official)
    same, faster, above, share = bench.bars
    assert (bench.case, same.value, above.value) == ("protocols", 0, 0)
    assert same.met
    assert above.met
    by_name = {entry.name: entry.runs for entry in bench.entries}
    assert faster.value == pytest.approx(by_name[NAME][0] / by_name["suite:autoattack"][0])
    assert share.value == pytest.approx(by_name["suite:standard"][0] / by_name[NAME][0])


@pytest.mark.parametrize(
    ("autoattack", "standard", "met"),
    [
        ((0.5, 1.0), (0.5, 0.2), [True, True, True, True]),
        ((0.502, 1.0), (0.501, 0.2), [True, True, True, True]),  # at the limits
        ((0.497, 1.0), (0.3, 0.2), [False, True, True, True]),  # a lower number than the official one is another number too
        ((0.5, 1.1), (0.502, 0.3), [True, False, False, False]),
    ],
)
def test_the_same_number_twice_as_fast_and_no_higher_in_a_tenth(
    autoattack: tuple[float, float], standard: tuple[float, float], met: list[bool]
) -> None:
    bars = against_official(entry("ours", *autoattack), entry("standard", *standard), entry(NAME, 0.5, 2.0))
    assert [bar.met for bar in bars] == met


def test_points_leave_out_what_rounding_adds() -> None:
    assert points(entry("a", 0.3), entry("b", 0.1)) == 20
    assert points(entry("a", 0.1), entry("b", 0.3)) == -20


def test_what_stopped_official_autoattack_is_said(ground: Ground, official: Path) -> None:
    code = official / "autoattack" / "__init__.py"
    code.write_text(code.read_text().replace('print("chatter")', "raise ValueError('two classes')"))
    data = as_data((ground.x[:4], ground.y[:4]))
    with pytest.raises(AttackError, match="official AutoAttack fails: ValueError: two classes"):
        protocols(ground.model, data, ground.threat, Rounds(1), autoattack=official)
