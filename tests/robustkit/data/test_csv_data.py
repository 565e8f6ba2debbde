"""Tables of image files and labels."""

import numpy as np
import pytest
from PIL import Image

from robustkit.data import load_data
from robustkit.errors import UsageError
from robustkit.spec import InputSpec

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 5, 3), dtype=np.uint8)


@pytest.fixture
def images(tmp_path):
    (tmp_path / "img").mkdir()
    for k, pixels in enumerate(PIXELS):
        Image.fromarray(pixels).save(tmp_path / f"img/{k}.png")
    return tmp_path


def table(folder, text, encoding="utf-8"):
    (folder / "t.csv").write_bytes(text.encode(encoding))
    return f"csv:{folder / 't.csv'}"


@pytest.mark.parametrize(
    "text",
    [
        "path,label\nimg/0.png,3\nimg/1.png,0\n",
        'Target;note;FileName\r\n3;"x;y";img/0.png\r\n\r\n0;;img/1.png\r\n',
        "\ufeffimage\tclass\nimg/0.png\t3\nimg/1.png\t 0.0 \n",
    ],
)
def test_columns_separators_and_integers(images, text):
    data = load_data(table(images, text))
    assert data.labels.tolist() == [3, 0]
    assert data.classes is None
    samples = next(data.batches(InputSpec(), 4))
    assert ((samples.x * 255).round().permute(0, 2, 3, 1).numpy() == PIXELS[:2]).all()
    assert data.fingerprint() != data.subset([1, 0]).fingerprint()


def test_names_are_sorted_and_said(images):
    data = load_data(table(images, "path,label\nimg/0.png,dog\nimg/1.png,cat\nimg/2.png,dog\n"))
    assert data.classes == ("cat", "dog")
    assert data.labels.tolist() == [1, 0, 1]
    assert "alphabetical order, 'cat' first" in data.notes[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has the columns"),
        ("name,label\nimg/0.png,1\n", "has the columns 'name', 'label': expected"),
        ("path,label\n", "lists no images"),
        ("path,label\nimg/0.png,1\nimg/1.png\n", "no path or label in line 3"),
        ("path,label\nimg/0.png,\n", "no path or label in line 2"),
        ("path,label,label\nimg/0.png,1,2\n", "has two columns label: remove one of them"),
        ("path,label,Label \nimg/0.png,1,2\n", "has two columns label"),
        ("path,label\nimg/0.png,1\nimg/1.png,1,2\n", "has 3 fields in line 3, but 2 columns"),
        ("path,label\nimg/0.png,1.5\n", "contain '1.5': expected integers"),
        ("path,label\nimg/0.png,nan\n", "contain 'nan': expected integers"),
        ("path,label\nimg/0.png,99999999999999999999\n", "at most 64 bits"),
        ("path,label\nimg/0.png,9999999999999999999\n", "at most 64 bits"),
        ("path,label\n../secret.png,1\n", "leads out of that folder"),
        ("path,label\n/etc/passwd,1\n", "leads out of that folder"),
        ("path,label\nimg/../../secret.png,1\n", "leads out of that folder"),
        ("path,label\na\0b,1\n", "is not a path"),
        ("path,label\n" + "x" * 200_000 + ",1\n", "cannot be read as CSV"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_sentence(images, text, says):
    Image.fromarray(PIXELS[0]).save(images.parent / "secret.png")
    with pytest.raises(UsageError, match=says) as caught:
        load_data(table(images, text))
    assert len(str(caught.value)) < 800


def test_links_are_followed_on_request_and_files_of_the_folder_may_be_absolute(images, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "x.png"
    Image.fromarray(PIXELS[3]).save(outside)
    (images / "img/link.png").symlink_to(outside)
    name = table(images, f"path,label\nimg/link.png,1\n{images / 'img/0.png'},0\n")
    with pytest.raises(UsageError, match=r"'img/link\.png' in .* leads out"):
        load_data(name)
    assert len(next(load_data(name, follow_links=True).batches(InputSpec(), 4)).y) == 2


def test_missing_files_are_broken_images(images):
    data = load_data(table(images, f"path,label\nimg/0.png,1\nimg/gone.png,1\n{'x' * 5000},1\nimg,1\n"))
    with pytest.raises(UsageError, match=r"gone\.png cannot be read .*--skip-broken"):
        list(data.batches(InputSpec(), 4))
    assert len(next(data.batches(InputSpec(), 4, skip_broken=True)).y) == 1


def test_other_encodings_and_missing_files(images):
    with pytest.raises(UsageError, match="as CSV in UTF-8"):
        load_data(table(images, "path,label\nimg/ä.png,1\n", "latin-1"))
    with pytest.raises(UsageError, match="does not exist"):
        load_data(f"csv:{images / 'none.csv'}")
