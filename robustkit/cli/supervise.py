"""Run a command in a child process: only the exit code that it reports counts, not how the process ends."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from robustkit import watch
from robustkit.errors import ExitCode

#: Seconds allowed for stopping after Ctrl-C, and for the process to end after its report.
GRACE = 10.0
#: Seconds after Ctrl-C during which another one is ignored.
AGAIN = 0.5
TICK = 1.0
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def supervise(work: Callable[[], int]) -> int:
    """The exit code that `work` returns in a child process.

    The child sends the code with a secret over a pipe when `work` has finished. If it ends earlier, whatever its status, the
    command is incomplete. Signals are forwarded; the child dies with its parent.

    Parameters
    ----------
    work
        The function to run. In the child, `supervise` also returns, so that the interpreter ends as usual.
    """
    secret = os.urandom(16)
    clock = watch.Clock()
    reports, report = os.pipe()
    parent = os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)  # until both sides are ready for them
    child = os.fork()
    if child == 0:
        os.close(reports)
        _die_with(parent)
        _raise_once()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        watch.install(clock)
        alone = os.getpid()
        code = work()
        if os.getpid() == alone:  # not a fork of this process made by third-party code
            os.write(report, secret + bytes([code]))
        return code
    os.close(report)
    supervisor = _Supervisor(child, reports, secret, clock)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return supervisor.wait()


class _Supervisor:
    """The parent's side."""

    def __init__(self, child: int, reports: int, secret: bytes, clock: watch.Clock) -> None:
        self.child, self.reports, self.secret, self.clock = child, reports, secret, clock
        self.asked = 0.0  # when a signal asked the command to stop
        self.status: int | None = None
        self.wakes, wake = os.pipe()
        for end in (self.wakes, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in STOPPING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self.stop)

    def stop(self, number: int, _: FrameType | None) -> None:
        """Forward a signal; a second one kills the child immediately."""
        now = time.monotonic()
        if not self.asked:
            self.asked = now
            self.kill(signal.SIGINT)
        elif now - self.asked > AGAIN:
            self.kill(signal.SIGKILL)

    def kill(self, number: int) -> None:
        if self.status is None:
            with suppress(ProcessLookupError):
                os.kill(self.child, number)

    def ended(self) -> bool:
        """Whether the child has ended, without waiting."""
        if self.status is None:
            found, status = os.waitpid(self.child, os.WNOHANG)
            if found:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def wait(self) -> int:
        """The exit code of the command."""
        message = b""
        hung = False
        pass_timer = watch.Timer(self.clock)
        while True:
            ready, _, _ = select.select([self.reports, self.wakes], [], [], TICK)
            over = self.ended()
            if self.wakes in ready:
                os.read(self.wakes, 4096)
            if self.reports in ready or over:
                piece = self._read()
                message += piece
                if len(message) > len(self.secret) or over:
                    break
            if self.asked and time.monotonic() - self.asked > GRACE:
                self.kill(signal.SIGKILL)
            elif pass_timer.expired() and not hung:
                hung = True
                self.kill(signal.SIGKILL)
        if message[:-1] == self.secret:
            self._end()
            return message[-1]
        self._end()
        if self.asked:
            _say("interrupted; run the same command again to resume")
            return ExitCode.INTERRUPTED
        if hung:
            _say(
                f"the model did not respond within {self.clock.limit:g} seconds and was stopped: increase --timeout; run the same "
                "command again to resume"
            )
        else:
            _say(f"the command did not finish: {_how(self.status)}; run the same command again to resume")
        return ExitCode.INCOMPLETE

    def _read(self) -> bytes:
        ready, _, _ = select.select([self.reports], [], [], 0)
        return os.read(self.reports, 64) if ready else b""

    def _end(self) -> None:
        """Wait a limited time for the child to end, because third-party code may run at its exit."""
        deadline = time.monotonic() + GRACE
        while not self.ended():
            left = deadline - time.monotonic()
            if left <= 0:
                self.kill(signal.SIGKILL)
                os.waitpid(self.child, 0)
                return
            ready, _, _ = select.select([self.wakes], [], [], left)
            if ready:
                os.read(self.wakes, 4096)


def _how(status: int | None) -> str:
    """A description of how the process ended."""
    if status is not None and status < 0:
        name = signal.Signals(-status).name if -status in list(signal.Signals) else f"signal {-status}"
        hint = " (out of memory?)" if -status == signal.SIGKILL else ""
        return f"its process was killed by {name}{hint}"
    return f"the model, the data or a plugin ended its process (status {status})"


def _die_with(parent: int) -> None:
    """Kill this process when its parent dies, even by SIGKILL."""
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL, 0, 0, 0)
    else:
        import threading

        def look() -> None:
            while os.getppid() == parent:
                time.sleep(TICK)
            os.kill(os.getpid(), signal.SIGKILL)

        threading.Thread(target=look, daemon=True).start()
    if os.getppid() != parent:  # it died before
        os.kill(os.getpid(), signal.SIGKILL)


def _raise_once() -> None:
    """Raise a single KeyboardInterrupt however many signals arrive, so that cleanup is not interrupted."""
    here = os.getpid()
    stopped = False

    def interrupt(number: int, _: FrameType | None) -> None:
        nonlocal stopped
        if os.getpid() != here:  # a worker process, forked from this one
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif not stopped:
            stopped = True
            raise KeyboardInterrupt

    for number in STOPPING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)


def _say(sentence: str) -> None:
    with suppress(OSError):
        print(f"robustkit: {sentence}", file=sys.stderr, flush=True)
