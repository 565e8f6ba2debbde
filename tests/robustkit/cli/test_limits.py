import pytest
from typer.testing import CliRunner

from robustkit import watch
from robustkit.cli.commands import app
from robustkit.cli.limits import LIMIT, TimeOptions
from robustkit.errors import UsageError


def test_the_limit_is_half_an_hour_and_none_is_zero():
    assert TimeOptions().timeout == LIMIT == 1800
    assert TimeOptions(timeout=0.0).timeout == 0
    for wrong in (-1.0, float("nan"), float("inf")):
        assert TimeOptions.mistakes({"timeout": wrong}) == {"timeout": "a number of at least 0"}


@pytest.mark.parametrize("words", [["audit"], ["bench", "--case", "nothing"], ["models", "show", "nowhere/x"]])
def test_a_command_that_asks_a_model_sets_it_before_it_does_anything_else(monkeypatch, words):
    limits = []
    monkeypatch.setattr(watch, "set_limit", limits.append)
    done = CliRunner().invoke(app, [*words, "--timeout", "3"], standalone_mode=False)
    assert isinstance(done.exception, UsageError)
    assert limits == [3]
