"""A folder of images a class."""

import os

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from robustkit.data import load_data
from robustkit.data.prepare import prepare
from robustkit.errors import UsageError
from robustkit.spec import InputSpec


def photo(path, size=(10, 8), shade=None, mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    depth = () if mode == "L" else (len(mode),)
    pixels = np.random.default_rng(len(str(path))).integers(0, 256, (size[1], size[0], *depth), dtype=np.uint8)
    Image.fromarray(pixels if shade is None else np.full_like(pixels, shade)).save(path)


def test_classes_are_the_sorted_folders(tmp_path):
    for name in ("b/2.png", "b/deep/1.PNG", "a/x.png", "a/notes.txt", ".hidden/x.png", "b/._x.png"):
        if name.endswith("txt"):
            (tmp_path / name).write_text("no image")
        else:
            photo(tmp_path / name)
    data = load_data(f"folder:{tmp_path}")
    assert data.classes == ("a", "b")
    assert data.labels.tolist() == [0, 1, 1]
    assert data.source.files == ["a/x.png", "b/2.png", "b/deep/1.PNG"]


def test_a_path_may_be_relative(tmp_path, monkeypatch):
    photo(tmp_path / "photos/a/x.png")
    monkeypatch.chdir(tmp_path)
    assert len(load_data("folder:photos")) == 1


def test_a_loop_of_links_is_entered_once(tmp_path):
    photo(tmp_path / "a/x.png")
    (tmp_path / "a/loop").symlink_to(tmp_path / "a")
    assert len(load_data(f"folder:{tmp_path}")) == 1


def test_images_are_resized_and_cropped_as_torchvision_does(tmp_path):
    photo(tmp_path / "a/x.png", (40, 30))
    spec = InputSpec(channels=3, size=(16, 16), resize=20, interpolation="bicubic")
    samples = next(load_data(f"folder:{tmp_path}").batches(spec, 1))
    reference = v2.Compose(
        [
            v2.Resize(20, interpolation=v2.InterpolationMode.BICUBIC, antialias=True),
            v2.CenterCrop(16),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32, scale=True),
        ]
    )
    # torchvision multiplies by 1/255, which differs from dividing by 255 in the last bit.
    assert torch.allclose(samples.x[0], reference(Image.open(tmp_path / "a/x.png")), rtol=0, atol=1e-7)


def test_without_a_crop_the_image_is_resized_straight_to_the_size(tmp_path):
    photo(tmp_path / "a/x.png", (40, 30))
    samples = next(load_data(f"folder:{tmp_path}").batches(InputSpec(3, (5, 9)), 1))
    assert samples.x.shape == (1, 3, 5, 9)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("channels", [1, 3])
def test_channels_are_the_model_s(tmp_path, mode, channels):
    photo(tmp_path / "a/x.png", mode=mode, shade=51)
    samples = next(load_data(f"folder:{tmp_path}").batches(InputSpec(channels), 1))
    assert samples.x.shape == (1, channels, 8, 10)
    assert torch.allclose(samples.x, torch.tensor(0.2), atol=1e-2)


def test_sixteen_bits_are_scaled_not_clipped():
    image = Image.fromarray(np.array([[0, 257 * 100, 65535]], dtype=np.uint16))
    assert (prepare(image, InputSpec(1)) * 255).round().tolist() == [[[0, 100, 255]]]


def test_float_tensors_stay_in_their_range_when_resized():
    image = torch.zeros(1, 8, 8)
    image[:, 4:] = 1
    out = prepare(image, InputSpec(1, (13, 13), interpolation="bicubic"))
    assert out.min() == 0
    assert out.max() == 1


def test_one_broken_image_is_named_and_skipped_only_on_request(tmp_path):
    for k in range(4):
        photo(tmp_path / f"a/{k}.png")
    (tmp_path / "a/2.png").write_bytes((tmp_path / "a/1.png").read_bytes()[:60])
    data = load_data(f"folder:{tmp_path}")
    with pytest.raises(UsageError, match=r"2\.png cannot be read .*--skip-broken"):
        list(data.batches(InputSpec(), 3))
    for _ in range(2):
        batches = list(data.batches(InputSpec(), 3, skip_broken=True))
    assert [batch.ids.tolist() for batch in batches] == [[0, 1, 3]]
    assert len(data.skipped) == 1
    assert "2.png" in data.skipped[0]


def test_a_decompression_bomb_is_a_broken_image(tmp_path, monkeypatch):
    photo(tmp_path / "a/x.png", (40, 40))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UsageError, match="decompression bomb"):
        list(load_data(f"folder:{tmp_path}").batches(InputSpec(), 1))


def test_folders_without_images_get_one_sentence(tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        load_data(f"folder:{tmp_path / 'no'}")
    with pytest.raises(UsageError, match="contains no images"):
        load_data(f"folder:{tmp_path}")
    photo(tmp_path / "x.png")
    with pytest.raises(UsageError, match="1 images but none in a class folder"):
        load_data(f"folder:{tmp_path}")


def test_the_fingerprint_follows_the_files(tmp_path):
    photo(tmp_path / "a/x.png")
    first = load_data(f"folder:{tmp_path}").fingerprint()
    assert load_data(f"folder:{tmp_path}").fingerprint() == first
    photo(tmp_path / "a/x.png", (20, 20))
    assert load_data(f"folder:{tmp_path}").fingerprint() != first


def test_every_suffix_of_a_format_read_counts_and_the_rest_is_said(tmp_path):
    for name in ("a/1.jfif", "a/2.JPE", "a/3.TIF", "a/4.png", "__MACOSX/a/5.png", "@eaDir/5.png", ".ipynb_checkpoints/x.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (2, 2)).save(path, "TIFF" if name.endswith("TIF") else "JPEG")
    (tmp_path / "a/7.heic").write_bytes(b"")
    (tmp_path / "a/8").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    data = load_data(f"folder:{tmp_path}")
    assert len(data) == len(next(data.batches(InputSpec(1), 9)).y) == 4
    assert data.classes == ("a",)
    assert data.notes[0] == "2 files whose suffix is not one of images were skipped (1 .heic, 1 no suffix)."
    assert data.notes[1] == "Folders without images were ignored: empty."
    assert data.limit(2).notes == data.notes


@pytest.mark.parametrize("splits", [("train", "val", "test"), ("Train", "Test"), ("train",)])
def test_a_folder_of_splits_is_not_one_of_classes(tmp_path, splits):
    for split in splits:
        photo(tmp_path / split / "cat/x.png")
        photo(tmp_path / split / "dog/x.png")
    with pytest.raises(UsageError, match=f"contains splits .*give one of .*folder:.*{splits[0]}"):
        load_data(f"folder:{tmp_path}")
    assert load_data(f"folder:{tmp_path / splits[0]}").classes == ("cat", "dog")


def test_a_train_is_a_vehicle_too(tmp_path):
    photo(tmp_path / "car/x.png")
    photo(tmp_path / "train/x.png")
    assert load_data(f"folder:{tmp_path}").classes == ("car", "train")


def test_what_is_no_image_file_is_a_broken_image(tmp_path):
    photo(tmp_path / "a/0.png")
    (tmp_path / "a/1.png").symlink_to(tmp_path.parent / "gone.png")
    os.mkfifo(tmp_path / "a/2.png")
    (tmp_path / "a/3.png").symlink_to("3.png")
    (tmp_path / "a/4.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n")
    data = load_data(f"folder:{tmp_path}")
    assert data.fingerprint() == load_data(f"folder:{tmp_path}").fingerprint()
    with pytest.raises(UsageError, match=r"1\.png cannot be read .*--skip-broken"):
        list(data.batches(InputSpec(), 9))
    assert next(data.batches(InputSpec(), 9, skip_broken=True)).ids.tolist() == [0]
    assert [f"{k}.png" in reason for k, reason in enumerate(data.skipped, 1)] == [True] * 4


def test_no_link_makes_a_private_file_a_sample(tmp_path):
    photo(tmp_path / "private/secret.png")
    photo(tmp_path / "data/a/x.png")
    for link, target in (("data/a/y.png", "private/secret.png"), ("data/b", "private")):
        (tmp_path / link).symlink_to(tmp_path / target)
        with pytest.raises(UsageError, match="leads out of that folder"):
            load_data(f"folder:{tmp_path / 'data'}")
        assert len(load_data(f"folder:{tmp_path / 'data'}", follow_links=True)) == 2
        (tmp_path / link).unlink()
    data = load_data(f"folder:{tmp_path / 'data'}")
    (tmp_path / "data/a/x.png").unlink()
    (tmp_path / "data/a/x.png").symlink_to(tmp_path / "private/secret.png")
    with pytest.raises(UsageError, match="leads out of that folder"):
        list(data.batches(InputSpec(), 1, skip_broken=True))


def test_names_that_are_not_utf8_are_escaped(tmp_path):
    photo(tmp_path / "plain/x.png")
    odd = os.fsencode(tmp_path) + b"/\xff"
    os.rename(tmp_path / "plain", odd)
    os.rename(odd + b"/x.png", odd + b"/\xfe.png")
    data = load_data(f"folder:{tmp_path}")
    assert data.classes == (r"\udcff",)
    assert len(next(data.batches(InputSpec(), 1)).y) == 1
    os.truncate(odd + b"/\xfe.png", 20)
    with pytest.raises(UsageError) as caught:
        list(data.batches(InputSpec(), 1))
    str(caught.value).encode()
    data.fingerprint().encode()


def test_an_orientation_that_is_not_applied_is_said(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "a").mkdir()
    Image.new("L", (4, 2)).save(tmp_path / "a/x.png", exif=exif)
    data, turned = load_data(f"folder:{tmp_path}"), load_data(f"folder:{tmp_path}", exif=True)
    assert "1 of 1 images checked have an EXIF orientation" in data.notes[0]
    assert next(data.batches(InputSpec(1), 1)).x.shape[2:] == (2, 4)
    assert not turned.notes
    assert next(turned.batches(InputSpec(1), 1)).x.shape[2:] == (4, 2)
    assert data.fingerprint() != turned.fingerprint()
