"""Arrays of images in a NumPy archive."""

import io
import tracemalloc
import zipfile
from contextlib import suppress

import numpy as np
import pytest
import torch

from robustkit.data import load_data
from robustkit.errors import UnsafeFileError, UsageError
from robustkit.spec import InputSpec

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
LABELS = np.arange(6, dtype=np.uint8)


def first_batch(path, channels=3):
    return next(load_data(f"npz:{path}").batches(InputSpec(channels), 10))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_bytes_in_either_layout_are_scaled(tmp_path, save, layout):
    images = IMAGES if layout == "NHWC" else IMAGES.transpose(0, 3, 1, 2)
    save(tmp_path / "t.npz", images=images, labels=LABELS)
    samples = first_batch(tmp_path / "t.npz")
    assert torch.equal(samples.x, torch.from_numpy(IMAGES).permute(0, 3, 1, 2).float() / 255)
    assert samples.y.tolist() == LABELS.tolist()


def test_an_uncompressed_archive_is_mapped_from_disk(tmp_path):
    np.savez(tmp_path / "t.npz", x=IMAGES, y=LABELS)
    images = load_data(f"npz:{tmp_path / 't.npz'}").source.images
    assert isinstance(images, np.memmap)
    assert (images == IMAGES).all()


def test_floats_keep_their_values(tmp_path):
    values = RNG.random((2, 3, 4))
    np.savez(tmp_path / "t.npz", x=values, y=[0, 1])
    samples = first_batch(tmp_path / "t.npz", channels=1)
    assert torch.equal(samples.x, torch.from_numpy(values).float()[:, None])


def test_splits_and_class_names(tmp_path):
    path = tmp_path / "t.npz"
    np.savez(path, x_train=IMAGES, y_train=LABELS[:, None], x_test=IMAGES[:2], y_test=LABELS[:2], classes=list("abcdef"))
    assert len(load_data(f"npz:{path}")) == 2
    assert len(load_data(f"npz:{path}:train")) == 6
    assert load_data(f"npz:{path}").classes == tuple("abcdef")
    with pytest.raises(UsageError, match="x_val and y_val"):
        load_data(f"npz:{path}:val")


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"pixels": IMAGES, "y": LABELS}, "expected images and labels as x and y"),
        ({"x": IMAGES, "y": LABELS[:3]}, "6 images in 'x' and 3 labels"),
        ({"x": IMAGES, "y": LABELS.astype(float)}, "expected integers"),
        ({"x": IMAGES, "y": np.full(6, np.nan)}, "expected integers"),
        ({"x": IMAGES, "y": np.full(6, 2**64 - 1, np.uint64)}, "at most 64 bits"),
        ({"x": IMAGES, "y": np.array(3)}, "1 labels"),
        ({"x": IMAGES, "y": np.array(list("abcabz")), "classes": list("abc")}, "'z', which is not one of the 3"),
        ({"x": IMAGES[..., :2], "y": LABELS}, "expected \\(N, H, W, C\\)"),
        ({"x": IMAGES.astype(np.int32), "y": LABELS}, "store bytes"),
        ({"x": IMAGES[:0], "y": LABELS[:0]}, "above 0"),
    ],
)
def test_arrays_that_cannot_be_meant_are_named(tmp_path, arrays, says):
    np.savez(tmp_path / "t.npz", **arrays)
    with pytest.raises(UsageError, match=says):
        load_data(f"npz:{tmp_path / 't.npz'}")


@pytest.mark.parametrize("which", ["x", "y"])
def test_pickled_objects_are_refused_as_unsafe(tmp_path, which):
    objects = np.array([{"a": 1}] * 6, dtype=object)
    np.savez(tmp_path / "t.npz", **({"x": IMAGES, "y": LABELS} | {which: objects}))
    with pytest.raises(UnsafeFileError, match="could run code"):
        load_data(f"npz:{tmp_path / 't.npz'}")


def test_damaged_and_missing_files(tmp_path):
    path = tmp_path / "t.npz"
    with pytest.raises(UsageError, match="does not exist"):
        load_data(f"npz:{path}")
    path.write_bytes(b"not an archive")
    with pytest.raises(UsageError, match="cannot be read as an \\.npz"):
        load_data(f"npz:{path}")
    np.savez(path, x=IMAGES, y=LABELS)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(UsageError, match="cannot be read as an \\.npz"):
        load_data(f"npz:{path}")
    np.save(tmp_path / "plain.npz.npy", IMAGES)
    with pytest.raises(UsageError, match="cannot be read as an \\.npz"):
        load_data(f"npz:{tmp_path / 'plain.npz.npy'}")


def header(shape, dtype="|u1"):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def write(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)


def test_counts_are_compared_before_anything_is_unpacked(tmp_path):
    path = tmp_path / "t.npz"
    write(
        path, [("x.npy", header((10**6, 8, 8)) + bytes(64 * 10**6)), ("y.npy", header((3,)) + bytes(3))], zipfile.ZIP_DEFLATED
    )
    tracemalloc.start()
    with pytest.raises(UsageError, match="1000000 images in 'x' and 3 labels"):
        load_data(f"npz:{path}")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10**6


def test_labels_may_be_names(tmp_path):
    path = tmp_path / "t.npz"
    np.savez(path, x=IMAGES, y=np.array(["dog", "cat", "dog", "cat", "emu", "emu"]))
    data = load_data(f"npz:{path}")
    assert data.classes == ("cat", "dog", "emu")
    assert data.labels.tolist() == [1, 0, 1, 0, 2, 2]
    assert "alphabetical order" in data.notes[0]
    np.savez(path, x=IMAGES, y=np.array([b"dog", b"cat"] * 3), classes=["dog", "cat"])
    data = load_data(f"npz:{path}")
    assert data.classes == ("dog", "cat")
    assert data.labels.tolist() == [0, 1] * 3
    assert not data.notes


def test_images_of_no_height_are_broken(tmp_path):
    np.savez(tmp_path / "t.npz", x=np.zeros((2, 0, 4), np.uint8), y=[0, 1])
    with pytest.raises(UsageError, match=r"image 0 of .* no pixels"):
        first_batch(tmp_path / "t.npz", channels=1)


@pytest.mark.parametrize("seed", range(30))
def test_a_damaged_archive_is_one_sentence(tmp_path, seed):
    path = tmp_path / "t.npz"
    (np.savez if seed % 2 else np.savez_compressed)(path, x=IMAGES, y=LABELS, classes=list("abcdef"))
    raw = bytearray(path.read_bytes())
    random = np.random.default_rng(seed)
    for _ in range(3):
        raw[random.integers(len(raw))] = random.integers(256)
    path.write_bytes(raw)
    with suppress(UsageError, UnsafeFileError):
        list(load_data(f"npz:{path}").batches(InputSpec(), 4))
