"""The commands of the zoo."""

import pytest

from robustkit.benchmarks.zoo import measure
from robustkit.benchmarks.zoo.__main__ import main
from robustkit.errors import ExitCode


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(measure, "CANDIDATES", ("pgd:steps=2",))


def test_a_finished_zoo_is_judged_and_what_is_on_disk_is_not_repeated(zoo, capsys):
    assert main(["make", "-o", str(zoo)]) == 0
    arguments = ["judge", "tiny", "-o", str(zoo), "--norm", "linf", "--limit", "10"]
    main(arguments)
    first = capsys.readouterr()
    assert "| tiny | linf:0.3 |" in first.out
    assert "judging tiny under linf:0.3 (1 of 1)" in first.err
    main(arguments)
    assert "judging" not in capsys.readouterr().err


def test_the_front_covers_ordinary_members(zoo, capsys):
    assert main(["front", "-o", str(zoo), "--norm", "linf", "--limit", "10"]) == 0
    assert "| `pgd:steps=2` |" in capsys.readouterr().out
    assert [path.stem for path in (zoo / "measured").iterdir()] == ["tiny-linf"]


@pytest.mark.parametrize("arguments", [["front", "tiny-scaled"], ["judge", "tiny", "--half", "report"]])
def test_no_member_is_no_pass(zoo, capsys, arguments):
    assert main([*arguments, "-o", str(zoo)]) == ExitCode.NOTHING_EVALUATED
    assert capsys.readouterr().err == f"error: no member is left for {arguments[0]}: give other names, or another --half\n"


def test_a_wrong_name_is_one_sentence(capsys):
    assert main(["judge", "unlisted"]) == 2
    assert capsys.readouterr().err.startswith("error: member 'unlisted' is unknown")


def test_a_limit_without_images_is_one_sentence(capsys):
    assert main(["judge", "--limit", "-5"]) == 2
    assert capsys.readouterr().err == "error: --limit -5 must be at least 1: the number of test images\n"
