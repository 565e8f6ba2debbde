"""Arrays of images in a NumPy archive."""

import io
import tracemalloc
import zipfile
from contextlib import suppress

import numpy as np
import pytest
import torch

from robustkit.data import load_data, npy
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
        ({"x": IMAGES, "y": np.array(list("abcabz")), "classes": list("abc")}, "'z', which is none of the 3"),
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


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((-1, 5, 4, 3), "|u1"), ((10**18, 5, 4, 3), "|u1"), ((2**62, 2**62, 2**62), "<f8"), ((6, 5, 4, 3), "|V1000000")],
)
def test_shapes_that_the_file_cannot_hold_are_refused(tmp_path, shape, dtype):
    path = tmp_path / "t.npz"
    labels = header((6,)) + bytes(6)
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        write(path, [("x.npy", header(shape, dtype) + bytes(360)), ("y.npy", labels)], compression)
        with pytest.raises(UsageError):
            load_data(f"npz:{path}")


@pytest.mark.parametrize("shape", ["(10**30,)", "(6+6,)", "(6,", "(a,)", "[6]", "6", "('6',)", "(6.5,)"])
def test_a_header_that_is_none_is_one_sentence(tmp_path, shape):
    path, text = tmp_path / "t.npz", f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}\n"
    odd = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()
    for members in (
        [("x.npy", odd), ("y.npy", header((6,)) + bytes(6))],
        [("x.npy", header((6, 2, 2)) + bytes(24)), ("y.npy", odd)],
    ):
        write(path, members)
        with pytest.raises(UsageError, match=r"array '[xy]' in .* has a damaged header: save it again$"):
            load_data(f"npz:{path}")


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


def test_a_large_compressed_array_is_unpacked_beside_memory(tmp_path, monkeypatch):
    path = tmp_path / "t.npz"
    np.savez_compressed(path, x=IMAGES, y=LABELS)
    monkeypatch.setattr(npy, "IN_MEMORY", 10)
    assert isinstance(load_data(f"npz:{path}").source.images, np.memmap)
    assert torch.equal(first_batch(path).x, torch.from_numpy(IMAGES).permute(0, 3, 1, 2).float() / 255)
    monkeypatch.setattr(npy.shutil, "disk_usage", lambda _: npy.shutil._ntuple_diskusage(10, 0, 10))
    with pytest.raises(UsageError, match="TMPDIR"):
        load_data(f"npz:{path}")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_fortran_order_and_big_endian_numbers_are_read(tmp_path, save):
    values = np.asfortranarray(RNG.random((6, 5, 4)).astype(">f4"))
    save(tmp_path / "t.npz", x=values, y=LABELS.astype(">i4"))
    samples = first_batch(tmp_path / "t.npz", channels=1)
    assert torch.equal(samples.x[:, 0], torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)))
    assert samples.y.tolist() == LABELS.tolist()


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


def test_an_encrypted_a_doubled_and_a_strangely_packed_member_are_refused(tmp_path):
    path = tmp_path / "t.npz"
    members = [("x.npy", header((1, 2, 2)) + bytes(4)), ("y.npy", header((1,)) + bytes(1))]
    write(path, members)
    raw = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(signature) + offset] |= 1
    path.write_bytes(raw)
    with pytest.raises(UsageError, match="is encrypted"):
        load_data(f"npz:{path}")
    with pytest.warns(UserWarning, match="Duplicate name"):
        write(path, [*members, members[0]])
    with pytest.raises(UsageError, match="two arrays of one name"):
        load_data(f"npz:{path}")
    write(path, members)
    raw = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        raw[raw.index(signature) + offset] = 99
    path.write_bytes(raw)
    with pytest.raises(UsageError, match=r"cannot be read as an \.npz file"):
        load_data(f"npz:{path}")


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
