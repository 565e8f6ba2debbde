"""Arrays of an archive: what they say of themselves is checked before their values are read."""

import io
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from robustkit.data import npy
from robustkit.data.npy import Archive
from robustkit.errors import UnsafeFileError, UsageError

VALUES = np.random.default_rng(0).random((6, 5, 4))


def header(shape, dtype="|u1"):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def write(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_names_headers_and_values(tmp_path, save):
    save(tmp_path / "t.npz", x=VALUES, empty=np.zeros((0, 3), np.uint8), one=np.float32(3))
    archive = Archive(tmp_path / "t.npz")
    assert archive.names == ["x", "empty", "one"]
    assert archive.header("x")[:3] == ((6, 5, 4), False, np.dtype(float))
    assert archive.header("x").nbytes == VALUES.nbytes
    found = {name: archive.array(name) for name in archive.names}
    archive.close()
    assert (found["x"] == VALUES).all()  # also after the file was given back
    assert found["empty"].shape == (0, 3)
    assert found["one"] == 3


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    values=arrays(st.sampled_from(["|u1", ">i4", "<f8", "|b1", "<U3"]), st.tuples(st.integers(0, 4), st.integers(0, 3))),
    compressed=st.booleans(),
    fortran=st.booleans(),
)
def test_what_was_saved_is_read(tmp_path, values, compressed, fortran):
    values = np.asfortranarray(values) if fortran else values
    (np.savez_compressed if compressed else np.savez)(tmp_path / "t.npz", x=values)
    found = Archive(tmp_path / "t.npz").array("x")
    assert found.dtype == values.dtype
    np.testing.assert_array_equal(found, values)


def test_what_is_stored_is_mapped_and_what_is_large_is_unpacked_beside_memory(tmp_path, monkeypatch):
    path = tmp_path / "t.npz"
    np.savez(path, x=VALUES)
    assert isinstance(Archive(path).array("x"), np.memmap)
    np.savez_compressed(path, x=VALUES)
    assert not isinstance(Archive(path).array("x"), np.memmap)
    monkeypatch.setattr(npy, "IN_MEMORY", 10)
    unpacked = Archive(path).array("x")
    assert isinstance(unpacked, np.memmap)
    assert (unpacked == VALUES).all()
    monkeypatch.setattr(npy.shutil, "disk_usage", lambda folder: SimpleNamespace(free=10))
    with pytest.raises(UsageError, match=r"array 'x' in .* unpacks to .* set another TMPDIR"):
        Archive(path).array("x")


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((-1, 5, 4, 3), "|u1"), ((10**18, 5, 4, 3), "|u1"), ((2**62, 2**62, 2**62), "<f8"), ((6, 5, 4, 3), "|V1000000")],
)
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_shapes_that_the_file_cannot_hold_are_refused(tmp_path, shape, dtype, compression):
    write(tmp_path / "t.npz", [("x.npy", header(shape, dtype) + bytes(360))], compression)
    with pytest.raises(UsageError, match=r"array 'x' in .*: save it again|has a damaged header"):
        Archive(tmp_path / "t.npz").header("x")


@pytest.mark.parametrize("shape", ["(10**30,)", "(6+6,)", "(6,", "(a,)", "[6]", "6", "('6',)", "(6.5,)"])
def test_a_header_that_is_none_is_one_sentence(tmp_path, shape):
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}\n"
    odd = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()
    write(tmp_path / "t.npz", [("y.npy", odd)])
    with pytest.raises(UsageError, match=r"array 'y' in .* has a damaged header: save it again$"):
        Archive(tmp_path / "t.npz").header("y")


def test_pickled_objects_are_refused_before_they_are_read(tmp_path):
    np.savez(tmp_path / "t.npz", x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(UnsafeFileError, match="contains Python objects, which could run code"):
        Archive(tmp_path / "t.npz").array("x")


def test_a_damaged_value_is_noticed_by_its_checksum(tmp_path):
    path = tmp_path / "t.npz"
    np.savez_compressed(path, x=np.arange(1000) % 7)
    raw = bytearray(path.read_bytes())
    raw[-120] ^= 0xFF
    path.write_bytes(raw)
    with pytest.raises(Exception, match=r"CRC|invalid|Error -3|cut short|damaged"):
        Archive(path).array("x")


def test_an_encrypted_a_doubled_and_a_strangely_packed_member_are_refused(tmp_path):
    path = tmp_path / "t.npz"
    members = [("x.npy", header((1, 2, 2)) + bytes(4)), ("y.npy", header((1,)) + bytes(1))]
    write(path, members)
    raw = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(signature) + offset] |= 1
    path.write_bytes(raw)
    with pytest.raises(UsageError, match="is encrypted"):
        Archive(path).array("x")
    with pytest.warns(UserWarning, match="Duplicate name"):
        write(path, [*members, members[0]])
    with pytest.raises(UsageError, match="two arrays with the same name"):
        Archive(path).array("x")
    write(path, members)
    raw = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        raw[raw.index(signature) + offset] = 99
    path.write_bytes(raw)
    with pytest.raises(NotImplementedError, match="compression"):  # one sentence where the data are loaded
        Archive(path).array("x")
