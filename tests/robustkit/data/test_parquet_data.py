"""Tables of images or of paths."""

import io
import json
import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from robustkit.data import load_data, parquet_data
from robustkit.errors import UsageError
from robustkit.spec import InputSpec

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 6, 5, 3), dtype=np.uint8)


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


ENCODED = [{"bytes": png(pixels), "path": "x.png"} for pixels in PIXELS]
LABELS = [4, 0, 1, 2, 3]


def write(folder, columns, **options):
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    pq.write_table(table, folder / "t.parquet", **options)
    return f"parquet:{folder / 't.parquet'}"


def pixels_of(data):
    return (next(data.batches(InputSpec(), 9)).x * 255).round().permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize("images", [ENCODED, [image["bytes"] for image in ENCODED]])
@pytest.mark.parametrize("rows", [2, 100])
def test_encoded_images_are_read_from_any_row_group(tmp_path, images, rows):
    data = load_data(write(tmp_path, {"image": images, "label": LABELS}, row_group_size=rows))
    assert data.labels.tolist() == LABELS
    assert (pixels_of(data) == PIXELS).all()
    assert (pixels_of(data.subset([4, 0, 3])) == PIXELS[[4, 0, 3]]).all()
    assert (pixels_of(pickle.loads(pickle.dumps(data))) == PIXELS).all()


def test_the_names_that_hugging_face_writes_are_the_classes(tmp_path):
    features = {"label": {"names": list("abcde"), "_type": "ClassLabel"}, "image": {"_type": "Image"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    table = pa.table({"image": ENCODED, "label": LABELS}).replace_schema_metadata(metadata)
    assert load_data(write(tmp_path, table)).classes == tuple("abcde")


def test_paths_and_names(tmp_path):
    Image.fromarray(PIXELS[0]).save(tmp_path / "x.png")
    data = load_data(write(tmp_path, {"path": ["x.png", "x.png"], "label": pa.array(["b", "a"]).dictionary_encode()}))
    assert data.classes == ("a", "b")
    assert data.labels.tolist() == [1, 0]
    assert (pixels_of(data) == PIXELS[0]).all()
    for path in ("../x.png", "/etc/passwd"):
        with pytest.raises(UsageError, match="leads out"):
            load_data(write(tmp_path, {"path": [path], "label": [0]}))
    data = [{"bytes": None, "path": "/etc/passwd"}]
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    with pytest.raises(UsageError, match="leads out"):
        next(load_data(write(tmp_path, {"image": pa.array(data, kind), "label": [0]})).batches(InputSpec(), 1))


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"x": [1], "label": [0]}, "has the columns 'x', 'label'"),
        ({"image": [1], "label": [0]}, "expected paths, bytes"),
        ({"path": ["a"], "label": [None]}, "missing in 1 of 1"),
        ({"path": ["a"], "label": [0.5]}, "expected integers or names"),
        ({"path": [None, "a"], "label": [0, 0]}, "no path in row 0"),
        ({"path": pa.array([], pa.string()), "label": pa.array([], pa.int64())}, "no rows"),
        ({"path": ["a"], "label": pa.array([2**64 - 1], pa.uint64())}, "at most 64 bits"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_sentence(tmp_path, columns, says):
    with pytest.raises(UsageError, match=says):
        load_data(write(tmp_path, columns))


def test_damaged_immense_and_missing_files(tmp_path, monkeypatch):
    name = write(tmp_path, {"image": ENCODED, "label": LABELS})
    with monkeypatch.context() as patch:
        patch.setattr(parquet_data, "_MOST", 10)
        with pytest.raises(UsageError, match="smaller ones"):
            load_data(name)
    (tmp_path / "t.parquet").write_bytes((tmp_path / "t.parquet").read_bytes()[:100])
    with pytest.raises(UsageError, match="as a Parquet file"):
        load_data(name)
    with pytest.raises(UsageError, match="does not exist"):
        load_data("parquet:none.parquet")


@pytest.mark.parametrize("nothing", [None, {"bytes": None, "path": None}])
def test_a_row_without_an_image_is_named(tmp_path, nothing):
    data = load_data(write(tmp_path, {"image": [ENCODED[0], nothing], "label": [0, 1]}))
    with pytest.raises(UsageError, match=r"row 1 of .*t\.parquet cannot be read \(the row contains no image\)"):
        list(data.batches(InputSpec(), 9))
