"""Kill audits and trainings at random moments, resume them, and compare the outcome with uninterrupted runs.

``python -m robustkit.benchmarks.bench.kills`` (or ``make kills``) runs each command once for reference, then again and again with
SIGKILL at moments drawn uniformly from the reference's duration, the same command after each kill, until it finishes. Killed
are all processes of the command, or only the first, or only those that it started. Exit code 0 means that every run came to
the same summary, verdict, records, images and weights.
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
#: What two runs of one command may differ in.
VOLATILE = frozenset({"created", "seconds", "fit_seconds", "command", "out", "repeat", "hardware", "digest"})
#: Seconds that a process may outlive the one it works for.
PATIENCE = 60.0


class KillsError(Exception):
    """A resumed run went wrong, or came to another end than the uninterrupted one."""


def start(name: str, out: Path) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own; what it says goes to a file beside its folder."""
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "robustkit", *COMMANDS[name].split(), "--device", "cpu", "-o", str(out)]
    with open(out.parent / "said.txt", "wb") as said:
        return subprocess.Popen(command, stdout=said, stderr=said, stdin=subprocess.DEVNULL, start_new_session=True)


def children() -> Iterator[tuple[int, int]]:
    """Every process that runs, with its parent (Linux)."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
        except OSError:  # it has ended meanwhile
            continue
        if state != "Z":
            yield int(entry.parent.name), int(parent)


def descendants(root: int) -> list[int]:
    """The processes that a process started, and those that they started."""
    pairs, found = list(children()), [root]
    for pid in found:
        found += [child for child, parent in pairs if parent == pid]
    return found[1:]


def kill(process: subprocess.Popen[bytes], victim: str) -> None:
    """Kill all processes of a command, only its first, or only the others, and wait until all have ended.

    Raises
    ------
    KillsError
        If a process outlives those that were killed.
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
            raise KillsError(f"a process lives {PATIENCE:.0f} s after the {victim} of its command were killed")
        time.sleep(0.02)


def finish(name: str, out: Path, duration: float, moments: random.Random, most: int) -> tuple[int, int]:
    """Run a command to its end, killing it at most so many times. Returns the kills and the exit code."""
    kills = 0
    while True:
        process = start(name, out)
        try:
            code = process.wait(moments.uniform(0, duration) if kills < most else None)
        except subprocess.TimeoutExpired:
            kill(process, moments.choice(VICTIMS))
            kills += 1
            if process.returncode == 0:  # it was through before it was killed, or the comparison will tell
                return kills, 0
            continue
        return kills, code


def differences(one: Path, other: Path) -> list[str]:
    """What two run folders hold differently, a line a file; reports for people are made from the same and left out."""
    kinds = {".json", ".parquet", ".safetensors", ".csv"}
    files = [
        {path.relative_to(folder) for path in folder.rglob("*") if path.suffix in kinds and "checkpoints" not in path.parts}
        for folder in (one, other)
    ]
    lines = [f"{path}: only one run has it" for path in sorted(files[0] ^ files[1])]
    return lines + [f"{path}: differs" for path in sorted(files[0] & files[1]) if not same(one / path, other / path)]


def same(one: Path, other: Path) -> bool:
    """Whether two files of runs say the same."""
    match one.suffix:
        case ".json":
            first, second = (stable(json.loads(path.read_text(encoding="utf-8"))) for path in (one, other))
            return bool(first == second)
        case ".parquet":
            rows = [records.read(path) for path in (one, other)]
            if rows[0] is None or rows[1] is None:  # no records, such as the list of samples
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
    """A JSON value without what may differ between two runs of one command."""
    if isinstance(value, dict):
        return {key: stable(item) for key, item in value.items() if key not in VOLATILE}
    return [stable(item) for item in value] if isinstance(value, list) else value


def rehearse(name: str, kills: int, moments: random.Random, folder: Path) -> int:
    """Kill a command so many times, over as many runs as that takes. Returns the runs.

    Raises
    ------
    KillsError
        If a run comes to another end than the uninterrupted one.
    """
    began = time.monotonic()
    expected = start(name, folder / name / "reference" / "run").wait()
    duration = time.monotonic() - began
    if expected not in (0, 1, 4, 5):
        said = (folder / name / "reference" / "said.txt").read_text(errors="replace")
        raise KillsError(f"{name} cannot run at all (exit code {expected}): {said[-2000:]}")
    print(f"{name}: {duration:.1f} s without kills, exit code {expected}", flush=True)
    done = runs = 0
    while done < kills:
        out = folder / name / str(runs) / "run"
        killed, code = finish(name, out, duration, moments, kills - done)
        done, runs = done + killed, runs + 1
        if code != expected:
            said = (out.parent / "said.txt").read_text(errors="replace")
            raise KillsError(f"{name} ended with exit code {code} and not {expected} after {killed} kills: {said[-2000:]}")
        found = differences(folder / name / "reference" / "run", out)
        if found:
            raise KillsError(f"{name} came to another end after {killed} kills: {'; '.join(found)}")
        print(f"{name}: {done} of {kills} kills, run {runs} resumed {killed} times to the same end", flush=True)
    return runs


def main() -> None:
    """Read the arguments, kill, compare; exit with 0 only if every run came to the same end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="over audits and trainings together")
    parser.add_argument("--seed", type=int, default=0, help="of the moments and victims")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="robustkit-kills-"))
    moments = random.Random(arguments.seed)
    shares = {"audit": (arguments.kills + 1) // 2, "harden": arguments.kills // 2}
    try:
        runs = sum(rehearse(name, share, moments, folder) for name, share in shares.items() if share)
    except KillsError as error:
        sys.exit(f"FAILED: {error}\nThe runs are in {folder}.")
    print(f"passed: {arguments.kills} kills, {runs} runs, all with the outcome of the uninterrupted run ({folder})")


if __name__ == "__main__":
    main()
