"""Suites as data."""

from pathlib import Path

import pytest

from robustkit.benchmarks.planning.suite import built_in_suites, load_suite
from robustkit.build import attack
from robustkit.errors import UsageError
from robustkit.threats import Threat


def test_every_shipped_suite_names_attacks_that_exist() -> None:
    assert {"quick", "standard", "physical"} <= set(built_in_suites())
    for name in built_in_suites():
        suite = load_suite(name)
        for stage in suite.stages:
            attack(stage.attack)
        if suite.curve:
            attack(suite.curve.attack)
            attack(suite.curve.control)
            attack(suite.curve.nearer or "shrink")


def test_an_unknown_suite_is_answered_with_the_closest() -> None:
    with pytest.raises(UsageError, match="did you mean 'standard'"):
        load_suite("standart")


def test_a_suite_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('summary = "s"\nthreats = ["l2"]\n[[stage]]\nattack = "pgd"\n')
    suite = load_suite(str(path))
    assert suite.name == "mine"
    with pytest.raises(UsageError, match="supports l2 threats"):
        suite.check(Threat.parse("linf:0.1"))
    path.write_text('summary = "s"\nthreats = ["l2"]\nstages = 3\n')
    with pytest.raises(UsageError, match=r"mine\.toml"):
        load_suite(str(path))
    path.write_text("=")
    with pytest.raises(UsageError, match="not valid TOML"):
        load_suite(str(path))


@pytest.mark.parametrize("name", ["a" * 5000, "a" * 5000 + ".toml", "\x00.toml", "\ud800.toml", ""])
def test_names_that_no_file_has(name: str) -> None:
    with pytest.raises(UsageError, match="is unknown"):
        load_suite(name)


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000, "\xff"])
def test_files_that_no_parser_ends(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match="not valid TOML"):
        load_suite(str(path))


@pytest.mark.parametrize(
    ("threat", "advice"), [("recolor:0.06", "use --suite parametric, or name"), ("l0:5", "use --suite minimum-norm, or name")]
)
def test_a_threat_that_it_does_not_support_names_the_suites_that_do(threat: str, advice: str) -> None:
    with pytest.raises(UsageError, match=advice):
        load_suite("quick").check(Threat.parse(threat))


@pytest.mark.parametrize(
    ("threat", "name"),
    [
        ("linf:0.1", None),
        ("shadow:0.5", "natural"),
        ("patch:5%", "physical"),
        ("flow:1", "parametric"),
        ("l0:5", "minimum-norm"),
    ],
)
def test_standard_leaves_other_kinds_of_threats_to_the_suites_that_support_them(threat: str, name: str | None) -> None:
    other = load_suite("standard").other(Threat.parse(threat))
    assert (other and other.name) == name
    assert load_suite("quick").other(Threat.parse(threat)) is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("probe = 0.1", "give within too"),
        ("bands = [0.3]", "give when"),
        ('unless = ["flat"]', "give when too"),
        ('bands = [0.3]\nwithin = 0.5\nwhen = ["any"]', "omit within"),
        ('bands = [0.5, 0.3]\nwhen = ["any"]', "ascend"),
        ('when = ["suspicious"]', "Input should be"),
    ],
)
def test_settings_of_a_stage_that_do_not_fit_together(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'summary = "s"\nthreats = ["l2"]\n[[stage]]\nattack = "pgd"\n{line}\n')
    with pytest.raises(UsageError, match=message):
        load_suite(str(path))
