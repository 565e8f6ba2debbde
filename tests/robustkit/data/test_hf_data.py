"""Hugging Face datasets from a local folder."""

import numpy as np
import pytest
from PIL import Image

from robustkit.data import load_data
from robustkit.errors import UsageError
from robustkit.spec import InputSpec

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def table(count, columns=("image", "label")):
    images = [Image.fromarray(np.full((6, 5, 3), 40 * k, np.uint8)) for k in range(count)]
    features = {
        columns[0]: datasets.Image(),
        columns[1]: datasets.ClassLabel(names=["cat", "dog"]),
        "note": datasets.Value("string"),
    }
    rows = {columns[0]: images, columns[1]: [k % 2 for k in range(count)], "note": ["x"] * count}
    return datasets.Dataset.from_dict(rows, features=datasets.Features(features))


def test_a_saved_dataset_with_splits(tmp_path):
    datasets.DatasetDict({"train": table(5), "test": table(3)}).save_to_disk(tmp_path / "d")
    data = load_data(f"hf/{tmp_path / 'd'}")
    assert len(data) == 3
    assert data.classes == ("cat", "dog")
    assert data.labels.tolist() == [0, 1, 0]
    samples = next(data.batches(InputSpec(), 5))
    assert samples.x.shape == (3, 3, 6, 5)
    assert (samples.x * 255).round()[:, 0, 0, 0].tolist() == [0, 40, 80]
    assert len(load_data(f"hf/{tmp_path / 'd'}:train")) == 5
    with pytest.raises(UsageError, match="no split 'val'"):
        load_data(f"hf/{tmp_path / 'd'}:val")


def test_a_folder_of_parquet_files_and_other_column_names(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    table(4, ("img", "fine_label")).to_parquet(folder / "train.parquet")
    data = load_data(f"hf/{folder}", limit=2)
    assert sorted(data.labels) == [0, 1]
    assert next(data.batches(InputSpec(1), 5)).x.shape == (2, 1, 6, 5)


def test_a_dataset_of_something_else_is_refused(tmp_path):
    datasets.Dataset.from_dict({"text": ["a"], "label": [0]}).save_to_disk(tmp_path / "d")
    with pytest.raises(UsageError, match="expected an image and a class label"):
        load_data(f"hf/{tmp_path / 'd'}")


def test_a_broken_row_is_named(tmp_path):
    rows = table(3).cast_column("image", datasets.Image(decode=False))
    rows = rows.map(lambda row, k: {"image": {"bytes": b"junk", "path": None}} if k == 1 else row, with_indices=True)
    rows.cast_column("image", datasets.Image()).save_to_disk(tmp_path / "d")
    data = load_data(f"hf/{tmp_path / 'd'}")
    with pytest.raises(UsageError, match="row 1 of the dataset cannot be read"):
        list(data.batches(InputSpec(), 3))
    assert sum(len(batch.y) for batch in data.batches(InputSpec(), 3, skip_broken=True)) == 2


def test_a_dataset_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="cannot be loaded"):
        load_data(f"hf/{tmp_path / 'none'}")


def test_a_table_s_path_leads_to_no_private_file(tmp_path):
    private = tmp_path / "private.png"
    Image.new("RGB", (5, 6)).save(private)
    rows = {"image": [{"bytes": None, "path": str(private)}] * 2, "label": [0, 1]}
    features = datasets.Features({"image": datasets.Image(decode=False), "label": datasets.Value("int64")})
    folder = tmp_path / "d"
    datasets.Dataset.from_dict(rows, features=features).cast_column("image", datasets.Image()).save_to_disk(folder)
    made = datasets.load_from_disk(folder)
    if made.cast_column("image", datasets.Image(decode=False))[0]["image"]["bytes"] is None:
        with pytest.raises(UsageError, match="leads out of that folder"):
            load_data(f"hf/{folder}")
        assert len(next(load_data(f"hf/{folder}", follow_links=True).batches(InputSpec(), 2)).y) == 2


def test_labels_that_are_missing_or_names(tmp_path):
    images = [Image.new("RGB", (5, 6))] * 3
    datasets.Dataset.from_dict({"image": images, "label": ["b", "a", "b"]}).save_to_disk(tmp_path / "names")
    data = load_data(f"hf/{tmp_path / 'names'}")
    assert data.classes == ("a", "b")
    assert data.labels.tolist() == [1, 0, 1]
    datasets.Dataset.from_dict({"image": images, "label": [0, None, 1]}).save_to_disk(tmp_path / "missing")
    with pytest.raises(UsageError, match="expected 3 integers"):
        load_data(f"hf/{tmp_path / 'missing'}")


def test_a_broken_cache_is_one_sentence(tmp_path, monkeypatch):
    def broken(*args, **kwargs):
        raise KeyError("_format_type")

    table(2).save_to_disk(tmp_path / "d")
    (tmp_path / "d/dataset_info.json").write_text("{")
    with pytest.raises(UsageError, match="cannot be loaded"):
        load_data(f"hf/{tmp_path / 'd'}")
    monkeypatch.setattr(datasets, "load_dataset", broken)
    for name in ("owner/name", "", "\0", "~nouser", "x" * 5000):
        with pytest.raises(UsageError, match="cannot be loaded"):
            load_data(f"hf/{name}")
