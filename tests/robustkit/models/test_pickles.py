"""Names that a pickle would look up are found without looking them up."""

import collections
import io
import pickle
import zipfile

import pytest
import torch
from torch import nn

from robustkit.models.pickles import unsafe_name


class Payload:
    def __reduce__(self):
        return print, ("touched",)


class Built:
    """Restored by its class and its state."""


def found(tmp_path, content):
    (tmp_path / "w.bin").write_bytes(content)
    return unsafe_name(tmp_path / "w.bin")


@pytest.mark.parametrize("protocol", range(6))
def test_a_call_is_found_in_every_protocol_and_nothing_is_called(tmp_path, protocol, capsys):
    names = {found(tmp_path, pickle.dumps({"weights": [1, (Payload(),)]}, protocol))}
    assert names <= {"builtins.print", "__builtin__.print"}
    assert capsys.readouterr().out == ""
    assert found(tmp_path, pickle.dumps(Built(), protocol)).endswith("Built") or protocol < 2


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_weights_need_nothing_that_is_not_known(tmp_path, kind):
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    state = {"net": net.state_dict(), "dtype": torch.float16, "size": torch.Size([3]), "order": collections.OrderedDict(a=1)}
    torch.save(state, tmp_path / "w.pt", _use_new_zipfile_serialization=kind == "zip")
    entry = None
    if kind == "zip":
        with zipfile.ZipFile(tmp_path / "w.pt") as archive:
            entry = next(each for each in archive.infolist() if each.filename.endswith("data.pkl"))
    assert unsafe_name(tmp_path / "w.pt", entry) is None


@pytest.mark.parametrize(
    ("instructions", "name"),
    [
        (b"cos\nsystem\n(S'x'\ntR.", "os.system"),
        (b"(S'x'\nios\nsystem\n.", "os.system"),
        (b"(cos\nsystem\nS'x'\no.", "os.system"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x01x\x85R.", "os.system"),
        (b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94h\x00h\x01\x93)R.", "os.system"),  # names out of the memo
        (b"\x80\x02cos\nsystem\n.", "os.system"),  # looked up, not called: enough in a pickle that says it is one
        (b"\x80\x04]]\x93.", "?.?"),  # names that are no texts
        (b"\x80\x02\x82\x01.", "extension 1"),
        (b"\x80\x02" + pickle.dumps(1, 2)[2:] + b"\x80\x02cos\nsystem\n.", "os.system"),  # in the second of several
        (b"\x80\x02cos\nsystem\n", "os.system"),  # cut short
    ],
)
def test_every_instruction_that_looks_a_name_up_counts(tmp_path, instructions, name):
    assert found(tmp_path, instructions) == name


@pytest.mark.parametrize(
    "content", [b"", b"\x80", b"class\nname\ncat\n", b"cat\ndog\n", b"cos\nsystem\n.", b"\x00" * 50, b"\x80\x04\x95\xff", b"I"]
)
def test_other_files_are_not_called_code(tmp_path, content):
    assert found(tmp_path, content) is None


def test_a_file_that_is_not_there_or_an_archive_that_is_broken_names_nothing(tmp_path):
    assert unsafe_name(tmp_path / "missing") is None
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02cos\nsystem\n.")
        (entry,) = archive.infolist()
    (tmp_path / "w.pt").write_bytes(buffer.getvalue())
    assert unsafe_name(tmp_path / "w.pt", entry) == "os.system"
    (tmp_path / "w.pt").write_bytes(buffer.getvalue()[:40])
    assert unsafe_name(tmp_path / "w.pt", entry) is None
