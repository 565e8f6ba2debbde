import runpy

import pytest

import robustkit.cli.main


def test_python_m_robustkit_is_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[bool] = []
    monkeypatch.setattr(robustkit.cli.main, "main", lambda: ran.append(True))
    runpy.run_module("robustkit", run_name="__main__")
    assert ran == [True]
