"""Peak memory of an audit of many images against one of few, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from robustkit.allocator import keep_freed_memory
from robustkit.benchmarks.bench.result import Bar, Bench, Entry, environment
from robustkit.contracts.model import Model
from robustkit.device import resolve_device
from robustkit.errors import AttackError
from robustkit.global_state import own_random_state
from robustkit.spec import InputSpec

FEW, MANY, SIZE, CLASSES = 1_000, 10_000, 32, 10
LIMIT = 1.1


def memory(
    *,
    few: int = FEW,
    many: int = MANY,
    seed: int = 0,
    device: str = "auto",
    note: Callable[[str], None] = lambda sentence: None,
) -> Bench:
    """Audit `many` and `few` images of noise that a small network calls what it will; the ratio of the peaks.

    Every image is correctly classified, so all of them are attacked and kept where they fall.
    """
    peaks = {}
    for n in (few, many):
        note(f"an audit of {n} images")
        with tempfile.TemporaryDirectory() as folder:
            write_images(Path(folder) / "images.npz", n, seed)
            peaks[n] = peak_of_child(Path(folder), device)
    ratio = peaks[many] / peaks[few]
    return Bench(
        case="memory",
        model="a small network with random weights",
        data=f"noise of 3 x {SIZE} x {SIZE}",
        n=many,
        threat=THREAT,
        seed=seed,
        repeats=1,
        entries=[Entry(name=f"an audit of {n} images", kind="case", peak_mib=peak) for n, peak in peaks.items()],
        bars=[Bar(name=f"peak of {many} images over that of {few}", value=ratio, limit=LIMIT, sense="at most")],
        environment=environment(resolve_device(device)),
    )


THREAT = "linf:8/255"


def small_model(device: str) -> Model:
    """A network small enough that images are most of what an audit holds."""
    with own_random_state(torch.device("cpu"), 0):
        net = nn.Sequential(
            nn.Conv2d(3, 8, 4, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(128, CLASSES)
        )
    return Model(net.eval(), spec=InputSpec(size=(SIZE, SIZE)), name="small", device=device)


def write_images(path: Path, n: int, seed: int) -> None:
    """Bytes of noise ``(N, H, W, 3)`` as `x`, and the small network's own answers as `y`."""
    x = np.random.default_rng(seed).integers(0, 256, (n, SIZE, SIZE, 3), dtype=np.uint8)
    logits = small_model("cpu").logits(torch.from_numpy(x).permute(0, 3, 1, 2).float() / 255)
    np.savez(path, x=x, y=logits.argmax(1).numpy())


def peak_of_child(folder: Path, device: str) -> float:
    """Peak memory in MiB of a fresh process that audits the folder's images."""
    command = [sys.executable, "-m", "robustkit.benchmarks.bench.memory", str(folder), device]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        words = done.stderr.strip().splitlines() or [f"exit code {done.returncode} and no message"]  # killed, for example
        raise AttackError(f"the audit whose memory was to be measured failed: {words[-1]}")
    return float(done.stdout.split()[-1])


def peak_mib() -> float:
    """Peak resident memory of this process.

    Linux hands `ru_maxrss` on from a parent to the child it starts, so the process's own figure is read where there is one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    """The child's part: audit, then say how much memory it took."""
    from robustkit.benchmarks.audit import audit

    keep_freed_memory()  # as the command line does
    folder, device = sys.argv[1:]
    data = f"npz:{Path(folder) / 'images.npz'}"
    audit(small_model(device), data, threats=[THREAT], attacks=["pgd:steps=5"], out=Path(folder) / "run")
    print(peak_mib())


if __name__ == "__main__":
    main()
