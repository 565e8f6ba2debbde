"""Whatever text a user, a file or a configuration hands over, the answer is a value or one sentence: never another exception.

A few hundred examples each here; many more with ``ROBUSTKIT_FUZZ=20000`` in the environment.
"""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from typer.exceptions import TyperException

from robustkit.benchmarks.audit import audit
from robustkit.benchmarks.planning.suite import built_in_suites, load_suite, read_suite
from robustkit.benchmarks.running.run import Run
from robustkit.build import attack, preprocessor, recipe
from robustkit.cli.command import NotFinishedError
from robustkit.cli.commands import app
from robustkit.data.load import load_data
from robustkit.device import resolve_device
from robustkit.errors import RobustkitError
from robustkit.models.load import load_model
from robustkit.registry import plugins
from robustkit.rng import check_seed
from robustkit.threats import Threat
from robustkit.training.card import model_settings, parse_card
from tests.fuzz.strategies import documents, mutated, odd, values

fuzz = settings(
    max_examples=int(os.environ.get("ROBUSTKIT_FUZZ", "200")),
    deadline=timedelta(seconds=30),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)

#: For whole commands, which take longer.
seldom = settings(fuzz, max_examples=max(1, fuzz.max_examples // 5))


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


MODELS = [
    "builtin/fashion-stand",
    "torchvision/none",
    "timm/none",
    "hf/nobody/nothing",
    "file:weights.safetensors",
    "onnx:no.such.onnx",
    "script:no.such.pt",
    "python:no.such.module:factory(num_classes=10)",
    "runs/mine",
    "~/runs/mine",
    "onnx:model.onnx",
    "script:model.pt",
]


@fuzz
@given(mutated(MODELS) | odd, st.none() | mutated(["no.such.module:factory(num_classes=10)"]) | odd)
def test_model_names(name: str, arch: str | None) -> None:
    assume(all("no.such" in text for text in (name, arch) if text and ":" in text))  # what it names is run
    answer(lambda: load_model(name, arch=arch))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    data, threats = load_data("builtin/fashion", limit=10), ["linf:2/255"]
    audit("builtin/fashion-standard", data, threats=threats, attacks=["pgd:steps=1"], out=folder)
    return folder


@seldom
@given(st.data(), st.sampled_from(["run.json", "summary.json"]), st.sampled_from([["report"], ["gate", "--min-robust", "0.5"]]))
def test_run_folders(finished: Path, data: st.DataObject, name: str, command: list[str]) -> None:
    folder = Path("run")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(finished, folder)
    content = data.draw(documents(json.loads((folder / name).read_bytes())))
    (folder / name).write_bytes(content)
    run(*command, str(folder))


CARD = {
    "command": "robustkit train",
    "model": {
        "architecture": "torchvision/resnet18",
        "num_classes": 3,
        "classes": ["a", "b", "c"],
        "bounds": [0.0, 1.0],
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "input": {"channels": 3, "size": [32, 32], "resize": None, "interpolation": "bilinear"},
    },
    "run": {"threat": "linf:8/255", "val": {"name": "folder:val", "n": 3}},
    "metrics": {"clean": 0.9, "robust": 0.5},
    "validation_attack": "pgd:steps=10",
    "versions": {"torch": "2"},
}


@fuzz
@given(documents(CARD))
def test_cards(content: bytes) -> None:
    with suppress(ValueError):  # one sentence, which its readers put the file's name to
        model_settings(parse_card(content))


@fuzz
@given(mutated(["image,label\na.png,0\nb.png,1\n", "path,class\na.png,cat\n", "a.png,0\n"]))
def test_csv_files(text: str) -> None:
    Path("index.csv").write_bytes(text.encode("utf-8", "surrogatepass"))
    answer(load_data, "csv:index.csv")


TOML = """
model = "runs/none"
data = "folder:photos"
threat = ["linf:8/255", "l2:0.5"]
suite = "quick"
min-robust = 0.5
seed = 3
[train]
epochs = 3
"""


@seldom
@given(mutated([TOML]))
def test_configurations(text: str) -> None:
    Path("mine.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    run("audit", "runs/none", "--config", "mine.toml")


OPTIONS = {
    "--threat": THREATS,
    "--suite": ["quick", "standard", "mine.toml"],
    "--attack": ATTACKS,
    "--defense": ["jpeg:quality=75"],
    "--surrogate": ["runs/other"],
    "--arch": ["no.such.module:factory"],
    "--data": ["folder:photos"],
    "--device": ["cpu", "cuda:9"],
    "--search-precision": ["bf16"],
    "--limit": ["10"],
    "--eot": ["2"],
    "--seed": ["7"],
    "--batch-size": ["4"],
    "--min-robust": ["0.5"],
    "--out": ["runs/x"],
}


@seldom
@given(st.lists(st.sampled_from(sorted(OPTIONS)).flatmap(lambda o: st.tuples(st.just(o), mutated(OPTIONS[o]))), max_size=4))
def test_command_lines(options: list[tuple[str, str]]) -> None:
    run("audit", "runs/none", *(word for option in options for word in option))


def run(*words: str) -> None:
    """What the command line does with these words, but for its exit."""
    try:
        app(list(words), prog_name="robustkit", standalone_mode=False)
    except (RobustkitError, TyperException):
        return
    except NotFinishedError as error:
        raise error.__cause__ or error from None


@fuzz
@given(
    mutated(["builtin/fashion", "folder:photos", "npz:test.npz:train", "torchvision/Nothing:train", "hf/nobody/nothing:test"])
    | odd
)
def test_data_names(name: str) -> None:
    assume(not name.startswith(("folder:/", "folder:~", "folder:..")))  # there may be much
    answer(load_data, name)
