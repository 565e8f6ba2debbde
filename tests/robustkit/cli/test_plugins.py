"""attacks, defenses and plugins on the command line."""

import pytest

from robustkit.cli import plugins
from robustkit.errors import UsageError


def test_the_list_ends_with_the_libraries(capsys):
    plugins.defenses_list()
    out = capsys.readouterr().out
    assert "jpeg" in out
    assert "defenses of adversarial-robustness-toolbox" in out.splitlines()[-1]
    plugins.bridged("attacks")
    lines = capsys.readouterr().out.split()
    assert {"art/CLASS:", "foolbox/CLASS:", "torchattacks/CLASS:"} <= set(lines)


def test_a_librarys_classes_are_listed_and_shown(capsys):
    plugins.attacks_list("art/")
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("art/BasicIterativeMethod"))
    assert row.split()[1:4] == ["linf", "white-box", "both"]
    plugins.attacks_show("art/BasicIterativeMethod")
    out = capsys.readouterr().out
    assert "max_iter=100" in out
    assert "1607.02533" in out
    with pytest.raises(UsageError, match="did you mean 'art'"):
        plugins.attacks_list("arts")


def test_a_missing_library_is_named_with_its_cure(capsys, monkeypatch):
    from robustkit.registry import bridges

    library = bridges("attacks")["foolbox"].load()
    monkeypatch.setattr(type(library), "version", None)
    plugins.bridged("attacks")
    assert "foolbox is not installed (pip install 'robustkit[peers]')" in capsys.readouterr().out
    with pytest.raises(UsageError, match=r"robustkit\[peers\]"):
        plugins.attacks_list("foolbox")


def test_a_plugin_that_cannot_be_built_does_not_pass(capsys, monkeypatch):
    def refuse(name):
        raise UsageError(f"attack {name!r} needs budget=: give it a value")

    monkeypatch.setattr("robustkit.build.attack", refuse)
    assert plugins.plugins_check("fgsm") == 1
    out = capsys.readouterr().out
    assert "fgsm: 1 findings" in out
    assert "needs budget=" in out
