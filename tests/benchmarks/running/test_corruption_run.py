"""The mean corruption error in a run: counted once, kept by shard, and in summary, text and report."""

import json

from rich.console import Console

from robustkit.benchmarks.audit import audit
from robustkit.benchmarks.report.text import terminal
from robustkit.benchmarks.running import corruption_run
from robustkit.benchmarks.running.corruption_error import corruption_errors
from robustkit.data import as_data

THREAT = "corruption:2,kinds=brightness+contrast"


def test_a_run_reports_what_the_function_counts(light, tmp_path):
    model, data = light
    run = audit(model, data, threats=[THREAT], suite="natural", out=tmp_path)
    part = run.report.threats[0].corruption_error
    assert part == corruption_errors(model, as_data(data), kinds=("brightness", "contrast"))
    assert part.n == 5
    assert part.mean > part.clean.value
    console = Console(width=200)
    with console.capture() as capture:
        console.print(terminal(run.report))
    assert f"Mean corruption error {100 * part.mean:.1f} %" in capture.get().replace("\xa0", " ")
    assert "Mean corruption error" in (tmp_path / "report.html").read_text()


def test_what_is_on_disk_is_not_counted_again(light, tmp_path, monkeypatch):
    model, data = light
    first = audit(model, data, threats=[THREAT], suite="natural", out=tmp_path).report.threats[0].corruption_error
    counted = []
    count = corruption_run.count_errors
    monkeypatch.setattr(corruption_run, "count_errors", lambda *a: (counted.append(len(a[1].y)), count(*a))[1])
    files = sorted((tmp_path / "corruption").iterdir())
    files[0].write_text(json.dumps({"n": 1}))
    again = audit(model, data, threats=[THREAT], suite="natural", out=tmp_path).report.threats[0].corruption_error
    assert again == first
    assert len(counted) == 1


def test_other_suites_and_threats_have_none(light, tmp_path):
    model, data = light
    attacked = audit(model, data, threats=[THREAT], attacks=["corruption"], out=tmp_path / "a")
    assert attacked.report.threats[0].corruption_error is None
    shifted = audit(model, data, threats=["brightness:0.1"], suite="natural", out=tmp_path / "b")
    assert shifted.report.threats[0].corruption_error is None
