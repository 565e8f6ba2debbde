"""Files of weights: told apart by their content; what would run code is refused with 6, what is broken with 2."""

import io
import os
import pickle
import zipfile
from contextlib import suppress
from random import Random

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from robustkit.errors import UnsafeFileError, UsageError
from robustkit.models.weights import read_weights

MOST = 2**28


class Payload:
    def __reduce__(self):
        return (open, ("touched", "w"))


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def net():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))


@pytest.mark.parametrize("name", ["w.pth.tar", "w", "w.model", "w.safetensors", "w.h5"])
@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_the_content_says_the_kind_whatever_the_suffix(place, name, kind):
    state = net().state_dict()
    if kind == "safetensors":
        save_file(state, place / name)
    else:
        torch.save(state, place / name, _use_new_zipfile_serialization=kind == "zip")
    loaded = read_weights(place / name, MOST)
    assert all(torch.equal(loaded[key], value) for key, value in state.items())


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("kind", ["zip", "legacy", "plain"])
def test_what_would_run_code_is_refused_with_6_whatever_its_dress(place, kind, protocol):
    if kind == "plain":
        (place / "w.pth").write_bytes(pickle.dumps({"weight": Payload()}, protocol))
    else:
        torch.save({"weight": Payload()}, "w.pth", pickle_protocol=protocol, _use_new_zipfile_serialization=kind == "zip")
    with pytest.raises(UnsafeFileError, match=r"could run code \(.*open"):
        read_weights(place / "w.pth", MOST)
    assert not (place / "touched").exists()


@pytest.mark.parametrize(
    "instructions",
    [b"(S'touch touched'\nios\nsystem\n.", b"(cos\nsystem\nS'touch touched'\no.", b"\x80\x02cos\nsystem\n.", b"\x82\x01(tR."],
)
def test_every_instruction_that_looks_code_up_counts(place, instructions):
    (place / "w.pt").write_bytes(instructions)
    with pytest.raises(UnsafeFileError, match=r"could run code \((os\.system|extension)"):
        read_weights(place / "w.pt", MOST)
    with zipfile.ZipFile(place / "w.pt", "w") as archive:
        archive.writestr("archive/data.pkl", instructions)
        archive.writestr("archive/version", "3\n")
    with pytest.raises(UnsafeFileError, match=r"could run code \((os\.system|extension)"):
        read_weights(place / "w.pt", MOST)


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_a_file_cut_short_is_broken_and_not_unsafe(place, kind, share):
    state = nn.Linear(50, 50).state_dict()
    if kind == "safetensors":
        save_file(state, place / "w.bin")
    else:
        torch.save(state, "w.bin", _use_new_zipfile_serialization=kind == "zip")
    whole = (place / "w.bin").read_bytes()
    (place / "w.bin").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(UsageError, match=r"damaged|cut short|no known kind|not a readable"):
        read_weights(place / "w.bin", MOST)


def test_a_state_of_a_newer_pickle_protocol_is_not_called_code(place):
    torch.save(net().state_dict(), "w.pth", pickle_protocol=4)
    with pytest.raises(UsageError, match="not a readable weights file"):
        read_weights(place / "w.pth", MOST)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
        (b"\n<!DOCTYPE html><html>", "is a web page"),
        (b"\x89HDF\r\n\x1a\n" + bytes(600), "HDF5"),
        (b"\x1f\x8b" + bytes(20), "unpack it"),
        (bytes(257) + b"ustar" + bytes(400), "is a tar archive"),
        (b"class\nname\ncat\n", "its format is unknown"),
        (b"PK\x03\x04" + bytes(100), "truncated or damaged"),
        ((10**9).to_bytes(8, "little") + b"{}", "its format is unknown"),
        ((2).to_bytes(8, "little") + b"{{", "not a readable safetensors"),
    ],
)
def test_other_files_get_one_sentence(place, content, says):
    (place / "w.pt").write_bytes(content)
    with pytest.raises(UsageError, match=says):
        read_weights(place / "w.pt", MOST)


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_changed_bytes_get_one_sentence(place, kind):
    state, random = net().state_dict(), Random(0)
    if kind == "safetensors":
        save_file(state, place / "w.pt")
    else:
        torch.save(state, "w.pt", _use_new_zipfile_serialization=kind == "zip")
    whole = (place / "w.pt").read_bytes()
    for _ in range(100):
        changed = bytearray(whole)
        for _ in range(random.choice([1, 5, 20])):
            changed[random.randrange(len(changed))] = random.randrange(256)
        (place / "w.pt").write_bytes(changed)
        with suppress(UsageError, UnsafeFileError):
            read_weights(place / "w.pt", MOST)


def test_folders_and_pipes_are_not_opened(place):
    (place / "folder").mkdir()
    os.mkfifo(place / "pipe.pt")
    for name, says in (("folder", "are a folder"), ("pipe.pt", "not a regular file"), ("n" * 5000, "cannot be read")):
        with pytest.raises(UsageError, match=says):
            read_weights(place / name, MOST)


def test_archives_of_something_else_get_one_sentence(place):
    with zipfile.ZipFile("w.pt", "w") as archive:
        archive.writestr("x.npy", b"")
    with pytest.raises(UsageError, match=r"without weights \('x.npy'\)"):
        read_weights(place / "w.pt", MOST)
    buffer = io.BytesIO()
    torch.save(net().state_dict(), buffer)
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile("w.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in source.namelist():
            archive.writestr(name, source.read(name))
    with pytest.raises(UsageError, match="repacked with compression"):
        read_weights(place / "w.pt", MOST)
    data = bytearray(buffer.getvalue())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    (place / "w.pt").write_bytes(data)
    with pytest.raises(UsageError, match="encrypted"):
        read_weights(place / "w.pt", MOST)


def test_what_must_be_read_whole_is_measured_first(place):
    torch.save({"weight": torch.zeros(10_000)}, "w.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(UsageError, match="more than the limit of 1,000"):
        read_weights(place / "w.pt", 1000)
    torch.save({f"name{n}": n for n in range(1000)}, "w.pt")
    with pytest.raises(UsageError, match="of names alone"):
        read_weights(place / "w.pt", 1000)
