"""Four samples of class 0, two of them successfully attacked: what may be recorded of them, and what may not."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from robustkit import Threat
from robustkit.benchmarks.running.contradictions import (
    adversarial,
    contradiction,
    digest_of_file,
    images_contradict,
    most,
    samples_contradict,
    within,
)

THREAT = Threat.parse("linf:0.1")
IDS, LABELS = np.arange(4), np.zeros(4, dtype=np.int64)


@pytest.fixture
def cell(planned):
    return planned()


@pytest.fixture
def due(rows):
    """What the clean records say."""
    return replace(rows(IDS, clean_margin=1, clean_confidence=0.9, margin=1, confidence=0.9), cell="clean")


@pytest.fixture
def found(rows, cell):
    """What the attack's records say."""
    made = rows(
        IDS, verified=[1, 1, 0, 0], prediction=[1, 1, 0, 0], status=["found", "found", "failed", "failed"],
        distance=0.1, clean_margin=1, clean_confidence=0.9, margin=[-1, -1, 0.5, 0.5], confidence=0.8,
    )  # fmt: skip
    return replace(made, cell=cell.digest)


@pytest.fixture
def kept(found, tmp_path):
    """The attack's records and the path of the images kept beside them."""
    x = torch.full((4, 1, 2, 2), 0.5)
    tensors = {
        "sample_id": torch.arange(4), "x": x, "x_adv": x + 0.1,
        "verified": torch.tensor(found["verified"]), "prediction": torch.tensor(found["prediction"]),
    }  # fmt: skip
    path = tmp_path / "images.safetensors"
    save_file(tensors, path)
    return replace(found, images=digest_of_file(path)), path


def setting(**values):
    def change(rows):
        return replace(rows, columns={**rows.columns, **{n: np.full_like(rows[n], v) for n, v in values.items()}})

    return change


def test_what_fits_together_contradicts_nothing(cell, due, found, kept):
    assert samples_contradict(due, "clean", IDS, LABELS, 2) is None
    assert contradiction(cell, THREAT, found, due) is None
    assert images_contradict(cell, THREAT, (0, 1), *kept) is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda rows: replace(rows, cell="else"), "made for other samples"),
        (lambda rows: rows.where([0, 1, 2]), "missing or duplicated"),
        (lambda rows: rows.where([0, 1, 2, 2]), "missing or duplicated"),
        (setting(label=1), "labels differ from those of the data"),
        (setting(status="lucky"), "impossible for clean images"),
        (setting(verified=True), "impossible for clean images"),
        (setting(prediction=1), "predictions and statuses disagree"),
        (setting(status="misclassified"), "predictions and statuses disagree"),
        (setting(margin=np.nan), "predictions and statuses disagree"),
        (setting(prediction=2, status="misclassified"), "classes that the model does not have"),
        (setting(prediction=-1, status="misclassified"), "classes that the model does not have"),
    ],
)
def test_clean_records_that_cannot_be(due, change, sentence):
    assert sentence in samples_contradict(change(due), "clean", IDS, LABELS, 2)


def test_clean_records_may_lack_files_that_could_not_be_read_and_answers(due, rows):
    fewer = replace(due.where([2, 0]), skipped=["broken.png cannot be read"])
    assert samples_contradict(fewer, "clean", IDS, LABELS) is None
    silent = setting(status="error", prediction=-1, margin=np.nan)(due)
    assert samples_contradict(silent, "clean", IDS, LABELS, 2) is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda rows: replace(rows, cell=""), "another attack or another run"),
        (lambda rows: rows.where(slice(0, 0)), "contain 0 samples, not the 4 expected ones"),
        (lambda rows: rows.where([0, 1, 2, 2]), "expected ones"),
        (setting(label=1), "their label differs"),
        (setting(clean_prediction=1), "their clean prediction differs"),
        (setting(clean_margin=2), "their clean margin differs"),
        (setting(verified=False), "verified successes disagree"),
        (setting(status="lucky"), "verified successes disagree"),
        (setting(margin=np.nan), "not finite"),
        (setting(confidence=np.inf), "not finite"),
        (setting(prediction=0), "prediction that is not adversarial"),
        (setting(distance=0.2), "outside the threat"),
        (setting(distance=np.nan), "outside the threat"),
        (setting(distance=-0.1), "outside the threat"),
    ],
)
def test_records_of_an_attack_that_cannot_be(cell, due, found, change, sentence):
    assert sentence in contradiction(cell, THREAT, change(found), due)


def test_a_majority_of_draws_may_decide_against_the_last_prediction(planned, due, found):
    cell = planned(draws=5)
    assert contradiction(cell, THREAT, replace(setting(prediction=0)(found), cell=cell.digest), due) is None


def test_of_targets_only_the_target_counts(rows):
    found = rows([0, 1, 2], label=0, target=2, prediction=[0, 1, 2])
    assert adversarial(found, THREAT).tolist() == [False, True, True]
    assert adversarial(found, Threat.parse("linf:0.1,targeted")).tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("tensors", "sentence"),
    [
        (lambda kept: {**kept, "x_adv": kept["x"].clone()}, "other distances"),
        (lambda kept: {**kept, "x_adv": kept["x_adv"] + 0.5}, "other distances"),
        (lambda kept: {**kept, "verified": torch.zeros(4, dtype=torch.bool)}, "other verification results"),
        (lambda kept: {**kept, "prediction": torch.zeros(4, dtype=torch.int32)}, "other verification results"),
        (lambda kept: {name: value[1:].clone() for name, value in kept.items()}, "a verified success has no image"),
        (lambda kept: {**kept, "sample_id": torch.tensor([0, 1, 2, 2])}, "belong to other samples"),
        (lambda kept: {**kept, "sample_id": torch.tensor([0, 1, 2, 9])}, "belong to other samples"),
        (lambda kept: {name: value for name, value in kept.items() if name != "x"}, "missing or damaged"),
        (lambda kept: {**kept, "x_adv": torch.zeros(4)}, "belong to other samples"),
    ],
)
def test_images_that_do_not_fit_the_records(cell, kept, tensors, sentence):
    found, path = kept
    save_file(tensors(load_file(path)), path)
    assert images_contradict(cell, THREAT, (0, 1), found, path) == "the stored images are not those that were verified"
    found = replace(found, images=digest_of_file(path))
    assert sentence in images_contradict(cell, THREAT, (0, 1), found, path)


def test_images_that_are_gone_or_no_tensors(cell, kept):
    found, path = kept
    path.write_bytes(b"no tensors")
    assert "missing or damaged" in images_contradict(cell, THREAT, (0, 1), replace(found, images=digest_of_file(path)), path)
    path.unlink()
    assert "missing or damaged" in images_contradict(cell, THREAT, (0, 1), found, path)


def test_images_of_a_crash_or_of_the_curve_are_not_asked_for(planned, cell, kept):
    found, path = kept
    path.unlink()
    assert images_contradict(cell, THREAT, (0, 1), replace(found, message="boom"), path) is None
    assert images_contradict(planned(part="curve"), THREAT, (0, 1), found, path) is None
    assert images_contradict(cell, THREAT, (0, 1), found.where(slice(0, 0)), path) is None


def test_an_image_outside_the_threat_or_the_box_is_no_success(cell, kept):
    found, path = kept
    assert "outside the threat" in images_contradict(cell, THREAT, (0, 0.55), found, path)
    assert "outside the threat" in images_contradict(cell, Threat.parse("linf:0.05"), (0, 1), found, path)


def test_a_misclassified_image_well_inside_that_counts_as_none(cell, kept):
    found, path = kept
    tensors = load_file(path) | {
        "x_adv": load_file(path)["x"] + 0.05,
        "prediction": torch.tensor([1, 1, 1, 0], dtype=torch.int32),
    }
    save_file(tensors, path)
    prediction = np.array([1, 1, 1, 0], dtype=np.int32)
    found = replace(
        found,
        columns={**found.columns, "prediction": prediction, "distance": found["distance"] / 2},
        images=digest_of_file(path),
    )
    assert "does not count as a success" in images_contradict(cell, THREAT, (0, 1), found, path)


def test_more_best_efforts_than_are_kept(cell, rows, tmp_path):
    x, path = torch.full((5, 1, 2, 2), 0.5), tmp_path / "images.safetensors"
    none = torch.zeros(5, dtype=torch.int32)
    save_file({"sample_id": torch.arange(5), "x": x, "x_adv": x + 0, "verified": none.bool(), "prediction": none}, path)
    found = replace(rows(range(5)), cell=cell.digest, images=digest_of_file(path))
    assert "more images are stored" in images_contradict(cell, THREAT, (0, 1), found, path)


def test_another_device_may_round_a_distance_but_no_count():
    assert most(THREAT) == pytest.approx(0.1 * 1.001 + 1e-5)
    assert most(Threat.parse("l0:5000")) == 5000


def test_clearly_inside_is_inside_whatever_the_rounding():
    x = torch.full((3, 1, 2, 2), 0.5)
    x_adv = x + torch.tensor([0.09, 0.10005, 0.2])[:, None, None, None]
    assert within(THREAT, x, x_adv, (0, 1)).tolist() == [True, True, False]
    assert within(THREAT, x, x_adv, (0, 1), clearly=True).tolist() == [True, False, False]
    assert within(THREAT, x, x_adv, (0, 0.55)).tolist() == [False, False, False]


def test_a_patch_is_judged_by_the_pixels_it_changed():
    x = torch.full((1, 1, 10, 10), 0.5)
    small, large = x.clone(), x.clone()
    small[..., :2, :2] = 1
    large[..., :9, :9] = 1
    threat = Threat.parse("patch:5%")
    assert [bool(within(threat, x, each, (0, 1))) for each in (small, large)] == [True, False]


def test_the_digest_is_that_of_the_content(tmp_path):
    (tmp_path / "a").write_bytes(b"robust")
    assert digest_of_file(tmp_path / "a") == "3f650dce81c641b4cf5870eaff5ab08b816b2fed5f8cc38b4693ae41c6b823f1"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="is not a regular file"):  # and it is not waited for
        digest_of_file(tmp_path / "pipe")
