"""What every step of a run needs: its data in shards and pools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from robustkit import InputSpec, Model
from robustkit.benchmarks.audit import audit
from robustkit.benchmarks.running import work as working
from robustkit.benchmarks.running.work import Work
from robustkit.data import as_data
from robustkit.errors import EvidenceError


@pytest.fixture
def work(linear_model: Model, linear_data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    """Twenty samples in shards of eight."""
    monkeypatch.setattr(working, "shard_size", lambda *_: 8)
    return Work(tmp_path, linear_model, as_data(linear_data), 0, False, "clean", print)


def test_a_pool_holds_the_samples_asked_for_by_shard(work: Work, linear_data: Any) -> None:
    first, _, last = work.shards()
    pool = work.load([(first, first.data.ids[2:4]), (last, last.data.ids[:0]), (last, last.data.ids[1:2])])
    assert [pool.of(part).ids.tolist() for part in pool.parts] == [[2, 3], [], [17]]
    assert torch.equal(pool.samples.x, linear_data[0][[2, 3, 17]])
    assert pool.samples.y.tolist() == [1, 1, 1]


def test_the_model_is_asked_once_for_its_classes(work: Work) -> None:
    asked: list[int] = []
    work.model.net.register_forward_hook(lambda net, inputs, output: asked.append(len(output)))
    assert (work.classes, work.classes, len(asked)) == (2, 2, 1)


def test_pixels_that_rounding_left_outside_the_box_are_put_on_it_once(tmp_path: Path) -> None:
    class First(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            score = x[:, 0, 0, 0] - 0.5
            return torch.stack([-score, score], dim=1)

    inside = torch.ones(8, 1, 6, 6)
    outside = torch.nextafter(inside, torch.tensor(2.0))
    outside[:, :, 0, 0] = inside[:, :, 0, 0] = 0.9
    y = torch.ones(8, dtype=torch.int64)
    model = Model(First(), spec=InputSpec(channels=1), device="cpu")
    values = []
    for name, x in (("inside", inside), ("outside", outside)):
        run = audit(model, (x, y), threats=["l0:2"], attacks=["sigma-zero:steps=20"], out=tmp_path / name)
        values.append(run.report.threats[0].robust_accuracy.value)
        (path,) = (tmp_path / name / "adversarial").rglob("*.safetensors")
        assert float(load_file(path)["x"].max()) == 1.0
    assert values == [0.0, 0.0]


def test_records_that_are_removed_meanwhile_are_one_sentence(work: Work) -> None:
    with pytest.raises(
        EvidenceError, match=r"records/clean/00000000-00000008.parquet was removed or damaged during the run: run"
    ):
        work.finished("clean", "00000000-00000008")
