"""Tar files of images and labels."""

import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from robustkit.data import load_data, webdataset
from robustkit.errors import UsageError
from robustkit.spec import InputSpec

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 6, 5, 3), dtype=np.uint8)


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def write(path, members, mode="w", kind=tarfile.PAX_FORMAT):
    with tarfile.open(path, mode, format=kind) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def samples(numbers, prefix=""):
    for k in numbers:
        yield f"{prefix}{k:03}.png", png(PIXELS[k])
        yield f"{prefix}{k:03}.cls", b"%d\n" % (k % 3)


def pixels_of(data):
    return (next(data.batches(InputSpec(), 9)).x * 255).round().permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_samples_are_read_in_place(tmp_path, kind):
    path = write(tmp_path / "a.tar", samples(range(6), "" if kind == tarfile.USTAR_FORMAT else "ä" * 120 + "/"), kind=kind)
    data = load_data(f"webdataset:{path}")
    assert data.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert (pixels_of(data) == PIXELS).all()
    assert (pixels_of(data.subset([5, 2])) == PIXELS[[5, 2]]).all()


@pytest.mark.parametrize("pattern", ["s-{000..002}.tar", "s-*.tar", "s-{000,001,002}.tar", "{s,t}-00[0-2].tar"])
def test_shards_are_read_in_order(tmp_path, pattern):
    for k in range(3):
        write(tmp_path / f"s-{k:03}.tar", samples([2 * k, 2 * k + 1]))
    data = load_data(f"webdataset:{tmp_path}/{pattern}")
    assert (pixels_of(data) == PIXELS).all()


def test_labels_from_json_and_names(tmp_path):
    members = []
    for k, label in enumerate([{"label": "dog"}, {"class": "cat", "label": "dog"}, "cat"]):
        members += [(f"{k}.json", json.dumps(label).encode()), (f"{k}.JPG", png(PIXELS[k])), (f"{k}.seg.png", png(PIXELS[5]))]
    members += [("lonely.cls", b"1"), ("._0.png", b"mac"), ("dir/", b"")]
    data = load_data(f"webdataset:{write(tmp_path / 'a.tar', members)}")
    assert data.classes == ("cat", "dog")
    assert data.labels.tolist() == [1, 1, 0]
    assert (pixels_of(data) == PIXELS[:3]).all()
    assert data.notes[1] == "1 samples without an image were skipped."


def test_a_broken_image_is_named(tmp_path):
    data = load_data(f"webdataset:{write(tmp_path / 'a.tar', [('0.png', b'junk'), ('0.cls', b'0'), *samples([1])])}")
    with pytest.raises(UsageError, match=r"sample 0 \(.*a\.tar at byte 512\) cannot be read .*--skip-broken"):
        list(data.batches(InputSpec(), 1))
    assert len(next(data.batches(InputSpec(), 9, skip_broken=True)).y) == 1


def test_what_cannot_be_used_is_one_sentence(tmp_path):
    def refused(says, name=tmp_path / "a.tar"):
        with pytest.raises(UsageError, match=says) as caught:
            load_data(f"webdataset:{name}")
        assert len(str(caught.value)) < 600

    for name in ("", "none.tar", "http://host/x.tar", "pipe:cat x", "~nouser/x", "x" * 5000, "a\0b", tmp_path / "*.tar"):
        refused("no file matches|not a path", name)
    refused("more than 100000 files", "{0..999999999}.tar")
    write(tmp_path / "a.tar", samples([0]), "w:gz")
    refused("uncompressed")
    write(tmp_path / "a.tar", [("0.png", png(PIXELS[0]))])
    refused(r"sample '0' of .* has no label")
    write(tmp_path / "a.tar", [("0.txt", b"")])
    refused("contains no images")
    write(tmp_path / "a.tar", [("0.png", b""), ("0.cls", b"\xff")])
    refused("is not a label")
    write(tmp_path / "a.tar", [("0.png", b""), ("0.json", b"[" * 100_000)])
    refused("cannot be read")
    write(tmp_path / "a.tar", samples(range(3)))
    whole = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(whole[:1100])
    refused("cannot be read")
    damaged = bytearray(whole)
    third = whole.index(b"001.png")
    damaged[third : third + 512] = b"x" * 512
    (tmp_path / "a.tar").write_bytes(damaged)
    refused("damaged at byte")


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
@pytest.mark.parametrize("size", [-512, -(2**40), 2**60])
def test_sizes_that_lead_backwards_or_nowhere_end(tmp_path, kind, size):
    info = tarfile.TarInfo("0.png")
    info.type, info.size = kind, size
    (tmp_path / "a.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(2048))
    with pytest.raises(UsageError):
        load_data(f"webdataset:{tmp_path / 'a.tar'}")


def test_a_link_in_a_pattern_leads_nowhere_else(tmp_path):
    write(tmp_path / "private.tar", samples([0]))
    folder = tmp_path / "shards"
    folder.mkdir()
    write(folder / "0.tar", samples([1]))
    (folder / "1.tar").symlink_to(tmp_path / "private.tar")
    with pytest.raises(UsageError, match="leads out"):
        load_data(f"webdataset:{folder}/*.tar")
    assert len(load_data(f"webdataset:{folder}/*.tar", follow_links=True)) == 2


def test_braces():
    assert webdataset._braces("a{08..11}b{x,y}") == [f"a{k:02}b{c}" for k in range(8, 12) for c in "xy"]
    assert webdataset._braces("{a") == ["{a"]


@pytest.mark.parametrize(("name", "content"), [("000.cls", b"\xff\xfe"), ("000.json", b"{")])
def test_a_damaged_label_is_named_and_not_the_tar_file(tmp_path, name, content):
    path = write(tmp_path / "a.tar", [("000.png", png(PIXELS[0])), (name, content)])
    with pytest.raises(UsageError, match=f"^'{name}' is not a label .*expected a class, or JSON with one$"):
        load_data(f"webdataset:{path}")
