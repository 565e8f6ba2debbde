"""Only a finished command's own report decides the exit code, whatever becomes of its process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

FRONT = """
import atexit, os, signal, sys, threading, time
from robustkit import watch
from robustkit.cli import supervise
supervise.GRACE = GRACE
supervise.AGAIN = 5
supervise.TICK = 0.05

def work():
    {}

sys.exit(supervise.supervise(work))
"""


def start(body: str, grace: float = 0.4) -> subprocess.Popen[str]:
    code = FRONT.replace("GRACE = GRACE", f"GRACE = {grace}").format(body.replace("\n", "\n    "))
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ("return 0", 0, ""),
        ("return 5", 5, ""),
        ("sys.exit(0)", 3, "status 0"),
        ("os._exit(0)", 3, "status 0"),
        ("os._exit(1)", 3, "status 1"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", 3, "SIGSEGV"),
        ("os.kill(os.getpid(), signal.SIGKILL)", 3, "out of memory?"),
        # blind writes to every descriptor are no report
        ("for n in range(3, 20):\n    try: os.write(n, bytes(17))\n    except OSError: pass\nos._exit(0)", 3, "status 0"),
        # what is done at exit comes too late, and does not hold the answer up for ever
        ("atexit.register(lambda: os._exit(0))\nreturn 4", 4, ""),
        ("threading.Thread(target=lambda: time.sleep(60)).start()\nreturn 4", 4, ""),
        # a worker that lives on does not hold it up either
        ("if os.fork() == 0:\n    os.close(1); os.close(2); time.sleep(3); os._exit(0)\nreturn 4", 4, ""),
        ("if os.fork() == 0:\n    return 0\ntime.sleep(0.5)\nreturn 4", 4, ""),
        ("if os.fork() == 0:\n    os.close(1); os.close(2); time.sleep(3); os._exit(0)\nos._exit(0)", 3, "status 0"),
        # no answer in time
        ("watch.set_limit(0.2)\nwith watch.at_work: time.sleep(60)", 3, "did not respond within 0.2 seconds"),
        ("watch.set_limit(0.2)\nfor _ in range(8):\n    with watch.at_work: time.sleep(0.1)\nreturn 0", 0, ""),
        ("watch.set_limit(0.2)\ntime.sleep(0.6)\nreturn 0", 0, ""),
        ("watch.set_limit(0)\nwith watch.at_work: time.sleep(0.6)\nreturn 0", 0, ""),
    ],
)
def test_how_a_command_ends(body: str, code: int, says: str) -> None:
    process = start(body)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code, err
    assert says in err
    assert err.count("\n") <= 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_command_once(number: signal.Signals) -> None:
    body = (
        "try:\n    print('up', flush=True)\n    time.sleep(60)\n"
        "except KeyboardInterrupt:\n    print('stopping', flush=True)\n    time.sleep(0.2)\n    print('stopped', flush=True)\n"
        "    return 130"
    )
    process = start(body, grace=20)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.send_signal(number)
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == "stopping\nstopped\n"


def test_a_command_that_does_not_stop_is_stopped() -> None:
    process = start(
        "while True:\n    try:\n        print('up', flush=True)\n        time.sleep(60)\n    except BaseException: pass"
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "resume" in err


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a child with its parent")
def test_a_killed_parent_takes_the_command_along() -> None:
    process = start("print(os.getpid(), flush=True)\ntime.sleep(60)")
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        if "\nState:\tZ" in Path(f"/proc/{child}/status").read_text():
            break
        time.sleep(0.01)
    else:
        assert not Path(f"/proc/{child}").exists()
    assert os.getpid() != child
