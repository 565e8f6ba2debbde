"""Records are read back whole, or it is said what is missing and what contradicts itself."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from robustkit import Threat
from robustkit.benchmarks.judging.evidence import INCONSISTENT, MISSING, cells_of, gather, threats_of
from robustkit.benchmarks.planning.manifest import PlannedPoint, PlannedThreat
from robustkit.benchmarks.running import records
from robustkit.benchmarks.running.run import Run
from robustkit.contracts.result import Status
from robustkit.errors import EvidenceError, ExitCode

THIRD = "00000010-00000015"


def gathered(folder, images=True):
    """What the run's records say, by attack."""
    manifest = Run(folder).manifest()
    found = gather(folder, manifest, {"linf:0.105": Threat.parse("linf:0.105")}, images)
    return found, {cell.attack: found.rows[cell.name] for cell in cells_of(manifest)}


def test_a_finished_run_is_read_whole(finished):
    found, rows = gathered(finished)
    assert found.ids.tolist() == list(range(20))
    assert [len(each) for each in (found.clean, rows["noise"], rows["pgd"])] == [20, 20, 20]
    assert rows["pgd"]["sample_id"][rows["pgd"]["verified"]].tolist() == list(range(10))
    assert (found.problems, found.skipped) == ([], [])


def test_a_file_that_is_missing_or_damaged_leaves_its_samples_without_an_answer(finished, cell_of):
    (cell_of("pgd") / f"{THIRD}.parquet").unlink()
    (cell_of("noise") / f"{THIRD}.parquet").write_bytes(b"PAR1")
    found, rows = gathered(finished)
    for attack in ("noise", "pgd"):
        lost = rows[attack].has_status(Status.ERROR)
        assert rows[attack]["sample_id"][lost].tolist() == list(range(10, 15))
        assert rows[attack].message == MISSING
    assert found.problems == []
    assert len(found.clean.answered()) == 20


def test_clean_records_that_are_gone_are_no_samples_lost(finished, cell_of):
    (cell_of("clean") / f"{THIRD}.parquet").unlink()
    found, rows = gathered(finished)
    assert len(found.clean) == 20
    assert found.clean["sample_id"][found.clean.has_status(Status.ERROR)].tolist() == list(range(10, 15))
    assert found.clean.message == MISSING
    assert len(rows["pgd"]) == 15  # what was due of the others cannot be known


def test_records_that_contradict_themselves_are_left_out_and_named(finished, cell_of, rewrite):
    rewrite(cell_of("pgd") / f"{THIRD}.parquet", lambda rows: rows.where([0, 1]))
    found, rows = gathered(finished)
    (problem,) = found.problems
    assert problem.startswith(f"the records of pgd:steps=5 on linf:0.105, samples {THIRD}: they contain 2 samples")
    assert rows["pgd"].message == INCONSISTENT
    assert len(rows["pgd"].answered()) == 15


def test_records_of_another_attack_are_no_evidence(finished, cell_of):
    shutil.copy(cell_of("noise") / f"{THIRD}.parquet", cell_of("pgd") / f"{THIRD}.parquet")
    found, _ = gathered(finished)
    assert "another attack" in found.problems[0]


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [({"label": 0}, "their labels differ"), ({"prediction": 0, "status": "misclassified"}, "expected ones")],
)
def test_forged_clean_records_are_noticed(finished, cell_of, rewrite, columns, sentence):
    def forge(rows):
        return replace(rows, columns={**rows.columns, **{n: np.full_like(rows[n], v) for n, v in columns.items()}})

    rewrite(cell_of("clean") / f"{THIRD}.parquet", forge)
    found, _ = gathered(finished)
    assert sentence in found.problems[0]


def test_images_are_looked_at_only_where_that_is_asked(finished):
    shutil.rmtree(finished / "adversarial")
    assert len(gathered(finished)[0].problems) == 8  # each shard of each attack
    assert gathered(finished, images=False)[0].problems == []


def test_the_list_of_samples_cannot_be_another(finished):
    records.write_samples(finished / "samples.parquet", np.arange(10), np.ones(10))
    with pytest.raises(EvidenceError, match=r"samples\.parquet") as caught:
        gathered(finished)
    assert caught.value.exit_code == ExitCode.UNTRUSTED


def test_cells_of_the_curve_answer_an_eps_of_their_own(planned):
    first, strong, control = (planned(name=f"pgd-{letter * 12}") for letter in "abc")
    point = PlannedPoint(eps=0.2, eps_text="0.2", strong=strong, control=control)
    whole = PlannedThreat(id="linf:0.1", kind="linf", main=(first,), curve=(point,))
    own = threats_of(whole, Threat.parse("linf:0.1"))
    assert {name: threat.eps for name, threat in own.items()} == {first.name: 0.1, strong.name: 0.2, control.name: 0.2}
