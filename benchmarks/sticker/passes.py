"""Progress of a fit on stderr, read from the number of images that the model has seen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from robustkit.contracts.model import Model

EVERY_S = 5.0


@contextmanager
def reported(model: Model, what: str, backwards: int, note: Callable[[str], None], every_s: float = EVERY_S) -> Iterator[None]:
    """A context that reports how many of the expected backward passes are done, at which rate, and the time left.

    Parameters
    ----------
    model
        Its passes are counted.
    what
        What the passes are for.
    backwards
        Expected backward passes, one for each image.
    note
        Writes a line.
    every_s
        Seconds between lines.
    """
    began, before, ended = time.monotonic(), model.backwards, threading.Event()

    def watch() -> None:
        while not ended.wait(every_s):
            done = model.backwards - before
            rate = done / (time.monotonic() - began)
            left = f"{(backwards - done) / rate:.0f} s left" if rate else "starting"
            note(f"{what}: {min(done, backwards)}/{backwards} views ({rate:.0f}/s, {left})")

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
