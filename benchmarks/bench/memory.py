"""Peak memory of an audit of many images relative to one of few, each in its own process."""

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
from robustkit.torch_model import TorchModel

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
    """Audit `many` and `few` noise images with a small network; the bar is the ratio of the peaks.

    The network's predictions are the labels, so every image is attacked, and stored if the attack succeeds.
    """
    peaks = {}
    for n in (few, many):
        note(f"audit of {n} images")
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
        entries=[Entry(name=f"audit of {n} images", kind="case", peak_mib=peak) for n, peak in peaks.items()],
        bars=[Bar(name=f"peak memory, {many} images / {few} images", value=ratio, limit=LIMIT, sense="at most")],
        environment=environment(resolve_device(device)),
    )


THREAT = "linf:8/255"


def small_model(device: str) -> Model:
    """A network so small that images dominate an audit's memory."""
    with own_random_state(torch.device("cpu"), 0):
        net = nn.Sequential(
            nn.Conv2d(3, 8, 4, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(128, CLASSES)
        )
    return TorchModel(net.eval(), spec=InputSpec(size=(SIZE, SIZE)), name="small", device=device)


def write_images(path: Path, n: int, seed: int) -> None:
    """Write noise ``(N, H, W, 3)`` as `x` and the small network's predictions as `y`."""
    x = np.random.default_rng(seed).integers(0, 256, (n, SIZE, SIZE, 3), dtype=np.uint8)
    logits = small_model("cpu").logits(torch.from_numpy(x).permute(0, 3, 1, 2).float() / 255)
    np.savez(path, x=x, y=logits.argmax(1).numpy())


def peak_of_child(folder: Path, device: str) -> float:
    """Peak memory in MiB of a fresh process that audits the folder's images."""
    command = [sys.executable, "-m", "robustkit.benchmarks.bench.memory", str(folder), device]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        words = done.stderr.strip().splitlines() or [f"exit code {done.returncode} and no message"]  # killed, for example
        raise AttackError(f"the measured audit failed: {words[-1]}")
    return float(done.stdout.split()[-1])


def peak_mib() -> float:
    """Peak resident memory of this process.

    On Linux a child inherits `ru_maxrss` from its parent, so VmHWM is read instead if available.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    """Audit in the child process, then print its peak memory."""
    from robustkit.benchmarks.audit import audit

    keep_freed_memory()  # as the command line does
    folder, device = sys.argv[1:]
    data = f"npz:{Path(folder) / 'images.npz'}"
    audit(small_model(device), data, threats=[THREAT], attacks=["pgd:steps=5"], out=Path(folder) / "run")
    print(peak_mib())


if __name__ == "__main__":
    main()
