import pytest

from robustkit.errors import AttackError, ExitCode, RobustkitError, UnsafeFileError, UsageError, did_you_mean


def test_worst_follows_the_stated_order():
    assert ExitCode.worst([ExitCode.PASSED, ExitCode.UNTRUSTED, ExitCode.GATE_FAILED]) == ExitCode.GATE_FAILED
    assert ExitCode.worst([ExitCode.USAGE, ExitCode.UNSAFE_FILE]) == ExitCode.UNSAFE_FILE
    assert ExitCode.worst([ExitCode.UNTRUSTED, ExitCode.INCOMPLETE]) == ExitCode.INCOMPLETE
    assert ExitCode.worst([ExitCode.NOTHING_EVALUATED, ExitCode.INCONCLUSIVE]) == ExitCode.INCONCLUSIVE
    assert ExitCode.worst([]) == ExitCode.PASSED


def test_errors_carry_their_exit_code():
    assert (UsageError.exit_code, UnsafeFileError.exit_code, AttackError.exit_code) == (2, 6, 3)
    assert issubclass(UsageError, ValueError)
    assert issubclass(UsageError, RobustkitError)


@pytest.mark.parametrize(
    ("name", "known", "answer"),
    [
        ("pdg", ["pgd", "apgd-ce"], "did you mean 'pgd'?"),
        ("zzz", ["pgd", "bim"], "known: bim, pgd."),
        ("x", [], "none is registered."),
    ],
)
def test_did_you_mean(name, known, answer):
    assert did_you_mean(name, known) == answer
