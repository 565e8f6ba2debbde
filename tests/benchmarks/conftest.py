"""Records, cells and run folders made from code, as small or as odd as a test needs, and a model that brightness alone turns."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from robustkit import Model, Threat
from robustkit.benchmarks import statistics, verdict
from robustkit.benchmarks.audit import audit
from robustkit.benchmarks.planning.cell import Cell
from robustkit.benchmarks.planning.manifest import PlannedCell, planned_cell
from robustkit.benchmarks.running import records
from robustkit.benchmarks.running import work as working
from robustkit.benchmarks.running.records import SCHEMA, Records
from robustkit.benchmarks.summary import (
    AttackPart,
    ClassPart,
    CurvePoint,
    DataPart,
    Flag,
    GatePart,
    ModelPart,
    PassesPart,
    Picture,
    Summary,
    ThreatPart,
    Verdict,
)
from robustkit.build import attack


class Light(nn.Module):
    """Class 1 if the image's mean is above 0.58."""

    def forward(self, x: Tensor) -> Tensor:
        mean = x.flatten(1).mean(1) - 0.58
        return torch.stack([-mean, mean], dim=1)


@pytest.fixture
def light() -> tuple[Model, tuple[Tensor, Tensor]]:
    """The model, and images of mean 0.3 to 0.5, all of class 0; the last is labelled wrongly."""
    x = torch.linspace(0.3, 0.5, 5)[:, None, None, None].expand(5, 3, 12, 10).contiguous()
    return Model(Light(), device="cpu", batch_size=2), (x, torch.tensor([0, 0, 0, 0, 1]))


@pytest.fixture(scope="session")
def rows() -> Callable[..., Records]:
    """Records of samples of class 0 that survived, with what a test changes: ``rows([3, 5], verified=[True, False])``."""

    def make(ids: Sequence[int], **columns: Any) -> Records:
        whole = {field.name: np.zeros(len(ids), field.type.to_pandas_dtype()) for field in SCHEMA if field.name != "status"}
        whole |= {"sample_id": np.asarray(ids, dtype=np.int64), "status": np.full(len(ids), "failed", dtype=object)}
        whole["target"] -= 1
        whole["first_success_step"] -= 1
        whole["nearest_distance"] += np.inf
        for name, values in columns.items():
            whole[name] = np.broadcast_to(np.asarray(values, dtype=whole[name].dtype), len(ids)).copy()
        return Records(whole)

    return make


@pytest.fixture(scope="session")
def planned() -> Callable[..., PlannedCell]:
    """A cell as run.json holds it, with what a test changes."""

    def make(spec: str = "pgd", threat: str = "linf:0.1", **changed: Any) -> PlannedCell:
        cell = Cell(spec, attack(spec), Threat.parse(threat), "attack", "all", "main", "context")
        return planned_cell(cell, 1).model_copy(update=changed)

    return make


estimate = functools.cache(statistics.estimate)

WEAK = Flag(id="zero-gradients", weakens=True, sentence="The gradient vanished for 7 of 50 samples that survived.")


def attack_part(**changed: Any) -> AttackPart:
    """An attack that beat 20 of 40 samples."""
    plain: dict[str, Any] = {
        "name": "apgd-ce", "spec": "apgd-ce:steps=20", "cell": "apgd-ce-0a1b", "role": "attack", "on": "all", "evaluated": 40,
        "robust_accuracy": estimate(20, 50), "success_rate": estimate(20, 40), "decided": 20, "errors": 0, "inconsistent": 0,
        "unconfirmed": 0,
        "seconds": 1.5, "forwards": 840, "backwards": 800, "status": "complete", "median_distance": 0.1,
    }  # fmt: skip
    return AttackPart(**{**plain, **changed})


def threat_part(id: str = "linf:0.1", labels: int = 3, pictures: int = 6, **changed: Any) -> ThreatPart:
    """A threat with two attacks, a curve, a class table and a gallery."""
    noise = attack_part(
        name="noise", spec="noise", cell="noise-77", role="control", robust_accuracy=estimate(39, 50),
        success_rate=estimate(1, 40), decided=1, backwards=0,
    )  # fmt: skip
    plain: dict[str, Any] = {
        "id": id,
        "kind": "linf",
        "robust_accuracy": estimate(20, 50),
        "attacks": [noise, attack_part()],
        "passes": PassesPart(verdict=1640, control=840, curve=1200, non_adaptive=0),
        "trusted": True,
        "curve": [
            CurvePoint(eps=e, eps_text=f"{e:g}", attack=estimate(40 - int(200 * e), 50), control=estimate(40, 50))
            for e in (0.0, 0.05, 0.1, 0.2)
        ],
        "classes": [
            ClassPart(
                label=i, name=f"class {i}", n=50, clean=estimate(40, 50), robust=estimate(i % 50, 50), most_common_error="class 0"
            )
            for i in range(labels)
        ],
        "gallery": [
            Picture(
                sample_id=100 + i, attack="apgd-ce", cell="apgd-ce-0a1b", why=("worst", "borderline", "random")[i % 3], label=0,
                clean_prediction=0, clean_confidence=0.9, prediction=1, confidence=0.7, success=i % 3 != 1, distance=0.1,
            )
            for i in range(pictures)
        ],
    }  # fmt: skip
    return ThreatPart(**{**plain, **changed})


def gate_part(outcome: str = "failed", threat: str = "linf:0.1") -> GatePart:
    """A gate at 60 %."""
    return GatePart.model_validate(
        {
            "id": f"min-robust {threat}", "threat": threat, "threshold": 0.6, "value": 0.4, "low": 0.28, "high": 0.53,
            "outcome": outcome, "sentence": "robust accuracy 40.0 % is below the required 60.0 %",
        }
    )  # fmt: skip


def a_summary(**changed: Any) -> Summary:
    """A run of 50 samples under one threat."""
    plain: dict[str, Any] = {
        "robustkit": "0.1.0",
        "run": "nets",
        "created": "2026-01-02T03:04:05+00:00",
        "suite": "standard",
        "seed": 0,
        "model": ModelPart(name="net", fingerprint="f00d", parameters=1234, classes=3, bounds=(0.0, 1.0)),
        "data": DataPart(name="set", fingerprint="beef", n=50, available=60, class_names=["cat", "dog", "emu"]),
        "clean": estimate(40, 50),
        "threats": [threat_part()],
        "not_tested": ["black-box attacks"],
        "repeat": {"command": "robustkit audit net", "versions": {"torch": "2.0"}},
        "verdict": Verdict(outcome="measured", sentence="net keeps 40.0 % at linf:0.1."),
        "exit_code": 0,
    }
    return Summary(**{**plain, **changed})


@pytest.fixture
def parts() -> dict[str, Callable[..., Any]]:
    """Makers of the parts of a summary; each takes changed fields."""
    return {"attack": attack_part, "threat": threat_part, "gate": gate_part, "summary": a_summary, "weak": lambda: WEAK}


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Path]:
    """Write a summary, and the images of its galleries in `shape`, as a run folder."""

    def write(summary: Summary, shape: tuple[int, int, int] = (1, 28, 28), images: bool = True) -> Path:
        (tmp_path / "summary.json").write_text(summary.model_dump_json(), encoding="utf-8")
        generator = np.random.default_rng(0)
        for i, threat in enumerate(summary.threats if images else []):
            for cell in {picture.cell for picture in threat.gallery}:
                folder = tmp_path / "adversarial" / cell
                folder.mkdir(parents=True, exist_ok=True)
                ids = [picture.sample_id for picture in threat.gallery]
                x = generator.random((len(ids), *shape), dtype=np.float32)
                x_adv = (x + generator.uniform(-0.1, 0.1, x.shape).astype(np.float32)).clip(0, 1)
                stored = {"sample_id": torch.tensor(ids), "x": torch.from_numpy(x), "x_adv": torch.from_numpy(x_adv)}
                save_file(stored, folder / f"{i}.safetensors")
        return tmp_path

    return write


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a finished run is kept, for each test to have a copy of."""
    return tmp_path_factory.mktemp("made") / "run"


@pytest.fixture
def finished(made: Path, linear_model: Model, linear_data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of noise and pgd:steps=5 on four shards, whose robust accuracy is 0.5 at linf:0.105, under no gate."""
    monkeypatch.setattr(working, "shard_size", lambda *_: 5)
    monkeypatch.setattr(verdict, "write_documents", lambda *_: None)
    if not made.exists():
        audit(linear_model, linear_data, threats=["linf:0.105"], attacks=["noise", "pgd:steps=5"], out=made)
    return Path(shutil.copytree(made, tmp_path / "run"))


@pytest.fixture
def cell_of(finished: Path) -> Callable[[str], Path]:
    """The folder of an attack's records in that run, or of the clean images'."""
    return lambda attack: next((finished / "records").glob(f"{attack}-*"))


@pytest.fixture(scope="session")
def rewrite() -> Callable[[Path, Callable[[Records], Records]], None]:
    """Change a file of records and give it a fitting digest."""

    def change_file(path: Path, change: Callable[[Records], Records]) -> None:
        found = records.read(path)
        assert found is not None
        records.write(path, change(replace(found, columns={name: column.copy() for name, column in found.columns.items()})))

    return change_file
