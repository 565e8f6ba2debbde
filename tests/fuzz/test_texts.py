"""Whatever text a user, a file or a configuration hands over, the answer is a value or one sentence: never another exception.

A few hundred examples each here; many more with ``ROBUSTKIT_FUZZ=20000`` in the environment.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

from robustkit.benchmarks.run import Run
from robustkit.benchmarks.suite import built_in_suites, load_suite, read_suite
from robustkit.build import attack, preprocessor, recipe
from robustkit.data.load import load_data
from robustkit.errors import RobustkitError
from robustkit.model import resolve_device
from robustkit.registry import plugins
from robustkit.rng import check_seed
from robustkit.threats import Threat
from tests.fuzz.strategies import documents, mutated, odd, values

fuzz = settings(
    max_examples=int(os.environ.get("ROBUSTKIT_FUZZ", "200")),
    deadline=timedelta(seconds=30),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty working directory, and no network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def answer(function: Callable[..., Any], *args: Any) -> Any:
    """What the function returns; None if it refused in a sentence."""
    with suppress(RobustkitError):
        return function(*args)
    return None


THREATS = [
    "linf:8/255", "l2:0.5,targeted", "l1:12,knowledge=score,queries=5000", "l0:10", "patch:5%,shape=circle,placement=center",
    "spatial:30,translate=10%", "brightness:0.1", "contrast:0.3", "hue:0.1,goal=targeted", "corruption:3,kinds=fog+snow",
]  # fmt: skip


@fuzz
@given(mutated(THREATS) | odd)
def test_threats(text: str) -> None:
    threat = answer(Threat.parse, text)
    if threat is not None:
        assert Threat.parse(threat.id) == threat
        answer(threat.check, (3, 32, 32), (0.0, 1.0))


ATTACKS = [
    *plugins("attacks"),
    "pgd:steps=40,step_size=2/255,restarts=2",
    "apgd-transfer:surrogate=builtin/fashion-standard",
    "noise:kind=gaussian",
    "fab:alpha_max=0.1,eta=1.05",
    "rotation-translation:search=random",
    "patch:rotation=20,scale=0.8,fit_images=3",
    "sparse-rs:alpha_init=0.3",
]


@fuzz
@given(mutated(ATTACKS) | odd)
def test_attacks(text: str) -> None:
    answer(attack, text)


@fuzz
@given(mutated([*plugins("defenses"), "jpeg:quality=75", "bit-depth:bits=4", "median:size=3"]) | odd)
def test_defenses(text: str) -> None:
    answer(preprocessor, text)
    answer(recipe, text)


SUITES = [path.read_text() for path in built_in_suites().values()]


@fuzz
@given(mutated(SUITES).map(lambda text: text.encode("utf-8", "surrogatepass")) | documents({"stage": [{"attack": "pgd"}]}))
def test_suite_files(content: bytes) -> None:
    answer(read_suite, content, Path("mine.toml"))


@fuzz
@given(mutated(["quick", "mine.toml", "../mine.toml", "runs/mine.toml"]) | odd)
def test_suite_names(name: str) -> None:
    answer(load_suite, name)


@fuzz
@given(mutated(["auto", "cpu", "cuda", "cuda:0", "mps", "xpu:1", "meta"]) | odd)
def test_devices(name: str) -> None:
    answer(resolve_device, name)


@fuzz
@given(values)
def test_seeds(seed: Any) -> None:
    answer(check_seed, seed)


RUN = {
    "resolved": {"format": 2, "model": "m", "threats": ["linf:8/255"], "suite": {"name": "quick"}},
    "created": "2026-01-01T00:00:00+00:00",
    "status": "complete",
}


@fuzz
@given(documents(RUN))
def test_run_files(content: bytes) -> None:
    folder = Path("run")
    folder.mkdir(exist_ok=True)
    (folder / "run.json").write_bytes(content)
    answer(Run(folder).settings)
    answer(Run(folder).open, {"resolved": {"format": 2, "model": "m"}, "created": "2026-01-01T00:00:00+00:00"})


@fuzz
@given(
    mutated(["builtin/fashion", "folder:photos", "npz:test.npz:train", "torchvision/Nothing:train", "hf/nobody/nothing:test"])
    | odd
)
def test_data_names(name: str) -> None:
    assume(not name.startswith(("folder:/", "folder:~", "folder:..")))  # there may be much
    answer(load_data, name)
