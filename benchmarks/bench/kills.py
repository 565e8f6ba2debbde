"""Kill audits and trainings at random moments, resume them, and compare the results with uninterrupted runs.

``python -m robustkit.benchmarks.bench.kills`` (or ``make kills``) runs each command once for reference. It then runs it
repeatedly, sends SIGKILL at random moments within the reference's duration, and repeats the command until it finishes. Each
kill hits all processes of the command, only the first, or only its children. Exit code 0 means that every run produced the
same summary, verdict, records, images and weights.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from safetensors.torch import load_file

from robustkit.benchmarks.running import records

COMMANDS = {
    "audit": (
        "audit builtin/fashion-robust --threat linf:0.1 --threat l2:1 --limit 520 --min-robust 0.5 "
        "--attack noise --attack pgd:steps=4 --attack square:steps=8"
    ),
    "harden": "harden builtin/fashion-robust --data builtin/fashion --threat linf:0.1 --limit 200 --epochs 4 --ema 0.9",
}
VICTIMS = ("all", "all", "first", "others")
#: Keys in which two runs of one command may differ.
VOLATILE = frozenset({"created", "seconds", "fit_seconds", "command", "out", "repeat", "hardware", "digest"})
#: Seconds within which killed processes and their children must end.
PATIENCE = 60.0


class KillsError(Exception):
    """A resumed run failed, or its results differ from those of the uninterrupted run."""


def start(name: str, out: Path) -> subprocess.Popen[bytes]:
    """Start a command in its own session; its output goes to a file beside its folder."""
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "robustkit", *COMMANDS[name].split(), "--device", "cpu", "-o", str(out)]
    with open(out.parent / "output.txt", "wb") as output:
        return subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True)


def children() -> Iterator[tuple[int, int]]:
    """All running processes, as (pid, parent pid); Linux only."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
        except OSError:  # it has just ended
            continue
        if state != "Z":
            yield int(entry.parent.name), int(parent)


def descendants(root: int) -> list[int]:
    """The children of a process, and their children."""
    pairs, found = list(children()), [root]
    for pid in found:
        found += [child for child, parent in pairs if parent == pid]
    return found[1:]


def kill(process: subprocess.Popen[bytes], victim: str) -> None:
    """Kill all processes of a command, only its first, or only its children, and wait until all have ended.

    Raises
    ------
    KillsError
        If a process is still running after `PATIENCE` seconds.
    """
    others = descendants(process.pid)
    chosen = {"all": [process.pid, *others], "first": [process.pid], "others": others or [process.pid]}[victim]
    for pid in chosen:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    ended = time.monotonic() + PATIENCE
    while process.poll() is None or {pid for pid, _ in children()} & set(others):
        if time.monotonic() > ended:
            raise KillsError(f"a process is still running {PATIENCE:.0f} s after killing its command (victim: {victim})")
        time.sleep(0.02)


def finish(name: str, out: Path, duration: float, moments: random.Random, most: int) -> tuple[int, int]:
    """Run a command until it finishes, killing it at most `most` times. Returns the number of kills and the exit code."""
    kills = 0
    while True:
        process = start(name, out)
        try:
            code = process.wait(moments.uniform(0, duration) if kills < most else None)
        except subprocess.TimeoutExpired:
            kill(process, moments.choice(VICTIMS))
            kills += 1
            if process.returncode == 0:  # it finished before the kill; if not, the comparison fails
                return kills, 0
            continue
        return kills, code


def differences(one: Path, other: Path) -> list[str]:
    """The differences between two run folders, one line per file; reports, which are derived from the others, are ignored."""
    kinds = {".json", ".parquet", ".safetensors", ".csv"}
    files = [
        {path.relative_to(folder) for path in folder.rglob("*") if path.suffix in kinds and "checkpoints" not in path.parts}
        for folder in (one, other)
    ]
    lines = [f"{path}: only one run has it" for path in sorted(files[0] ^ files[1])]
    return lines + [f"{path}: differs" for path in sorted(files[0] & files[1]) if not same(one / path, other / path)]


def same(one: Path, other: Path) -> bool:
    """Whether two files of runs have the same content."""
    match one.suffix:
        case ".json":
            first, second = (stable(json.loads(path.read_text(encoding="utf-8"))) for path in (one, other))
            return bool(first == second)
        case ".parquet":
            rows = [records.read(path) for path in (one, other)]
            if rows[0] is None or rows[1] is None:  # not records but, for example, the list of samples
                return bool(pq.read_table(one).equals(pq.read_table(other)))
            return rows[0].message == rows[1].message and all(
                np.array_equal(column, rows[1][name], equal_nan=column.dtype.kind == "f")
                for name, column in rows[0].columns.items()
            )
        case ".safetensors":
            first, second = (
                {key: value for key, value in load_file(path).items() if key not in VOLATILE} for path in (one, other)
            )
            return first.keys() == second.keys() and all(torch.equal(value, second[key]) for key, value in first.items())
    return one.read_bytes() == other.read_bytes()


def stable(value: Any) -> Any:
    """A JSON value without the keys that may differ between two runs of one command."""
    if isinstance(value, dict):
        return {key: stable(item) for key, item in value.items() if key not in VOLATILE}
    return [stable(item) for item in value] if isinstance(value, list) else value


def rehearse(name: str, kills: int, moments: random.Random, folder: Path) -> int:
    """Kill a command `kills` times, over as many runs as necessary. Returns the number of runs.

    Raises
    ------
    KillsError
        If a run fails, or its results differ from the uninterrupted run.
    """
    began = time.monotonic()
    expected = start(name, folder / name / "reference" / "run").wait()
    duration = time.monotonic() - began
    if expected not in (0, 1, 4, 5):
        output = (folder / name / "reference" / "output.txt").read_text(errors="replace")
        raise KillsError(f"{name} fails even without kills (exit code {expected}): {output[-2000:]}")
    print(f"{name}: {duration:.1f} s without kills, exit code {expected}", flush=True)
    done = runs = 0
    while done < kills:
        out = folder / name / str(runs) / "run"
        killed, code = finish(name, out, duration, moments, kills - done)
        done, runs = done + killed, runs + 1
        if code != expected:
            output = (out.parent / "output.txt").read_text(errors="replace")
            raise KillsError(f"{name} ended with exit code {code}, not {expected}, after {killed} kills: {output[-2000:]}")
        found = differences(folder / name / "reference" / "run", out)
        if found:
            raise KillsError(f"{name} has other results after {killed} kills: {'; '.join(found)}")
        print(f"{name}: {done} of {kills} kills; run {runs} was resumed {killed} times with the same results", flush=True)
    return runs


def main() -> None:
    """Run the kill test from the command line; exit with 0 only if all results are the same."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="total over audits and trainings")
    parser.add_argument("--seed", type=int, default=0, help="seeds the moments and victims")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="robustkit-kills-"))
    moments = random.Random(arguments.seed)
    shares = {"audit": (arguments.kills + 1) // 2, "harden": arguments.kills // 2}
    try:
        runs = sum(rehearse(name, share, moments, folder) for name, share in shares.items() if share)
    except KillsError as error:
        sys.exit(f"FAILED: {error}\nThe runs are in {folder}.")
    print(f"passed: {arguments.kills} kills, {runs} runs, all with the results of the uninterrupted run ({folder})")


if __name__ == "__main__":
    main()
