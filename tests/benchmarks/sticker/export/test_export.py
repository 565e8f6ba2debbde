"""A sticker on paper."""

import hashlib
import json
from pathlib import Path

import pytest
import torch

from robustkit.benchmarks.sticker.export.export import Export, export
from robustkit.errors import UsageError
from robustkit.physical.sign import Sign
from robustkit.physical.sticker import Sticker
from tests.benchmarks.sticker.export.printed import Printed, from_pdf, from_png, from_svg

STOP = Sign.regular("stop", 8, 75.0)
#: RP2's stickers are a few rectangles; here in texels of 7.5 mm: top, left, rows, columns.
RECTANGLES = ((16, 30, 10, 24), (16, 60, 10, 13), (74, 18, 8, 19), (74, 60, 9, 24))
BLUE = (0, 90, 200)


def sticker(sign: Sign = STOP) -> Sticker:
    """Four rectangles of one colour."""
    alpha = torch.zeros(1, 100, 100)
    for top, left, rows, columns in RECTANGLES:
        alpha[:, top : top + rows, left : left + columns] = 1
    return Sticker.plain(sign, alpha, (0, 90 / 255, 200 / 255))


def control(of: Sticker) -> Sticker:
    return Sticker.plain(of.sign, of.alpha, (1, 1, 1))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Export:
    asked = sticker()
    return export(asked, tmp_path_factory.mktemp("export"), controls={"white": control(asked)}, seed=3)


def contents(written: Export) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in written.files}


def test_what_is_written(written: Export) -> None:
    assert (written.sheets, written.pieces, written.warnings) == (2, 4, ())
    names = [
        *(f"sticker{end}" for end in (".pdf", "-1.svg", "-1.png", "-2.svg", "-2.png")),
        *(f"control-white{end}" for end in (".pdf", "-1.svg", "-1.png", "-2.svg", "-2.png")),
        *(f"placement{end}" for end in (".pdf", "-1.svg", "-1.png")),
        "manifest.json",
    ]
    assert [path.name for path in written.files] == names
    assert sorted(path.name for path in written.files[0].parent.iterdir()) == sorted(names)


@pytest.mark.parametrize("name", ["sticker", "control-white"])
def test_every_piece_is_printed_once_at_true_size(written: Export, name: str) -> None:
    files = contents(written)
    expected = sorted((7.5 * columns, 7.5 * rows) for _, _, rows, columns in RECTANGLES)
    pdf = from_pdf(files[f"{name}.pdf"])
    svg = [from_svg(files[f"{name}-{k}.svg"]) for k in (1, 2)]
    for pages in (pdf, svg):
        assert [(page.width, page.height) for page in pages] == [pytest.approx((210, 297), abs=0.01)] * 2
        assert sizes(page.images for page in pages) == [pytest.approx(size, abs=0.02) for size in expected]


def sizes(pages: object) -> list[tuple[float, float]]:
    found: list[Printed] = [image for images in pages for image in images]  # type: ignore[attr-defined]
    return sorted((image.width, image.height) for image in found)


def test_the_png_has_the_colours_and_the_true_size(written: Export) -> None:
    found = from_png(contents(written)["sticker-2.png"], BLUE)
    assert (found.width, found.height) == pytest.approx((210, 297), abs=0.1)
    (piece,) = from_pdf(contents(written)["sticker.pdf"])[1].images
    assert found.images == [pytest.approx(piece, abs=0.1)]


def test_the_hashes_of_the_manifest_verify(written: Export) -> None:
    files = contents(written)
    manifest = json.loads(files.pop("manifest.json"))
    assert manifest["files"] == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    assert manifest["seed"] == 3
    assert set(manifest["stickers"]) == {"sticker", "control-white"}
    assert [piece["left_mm"] for piece in manifest["pieces"]] == [225, 450, 135, 450]


def test_the_same_sticker_gives_the_same_bytes(written: Export, tmp_path: Path) -> None:
    asked = sticker()
    assert contents(export(asked, tmp_path, controls={"white": control(asked)}, seed=3)) == contents(written)


def test_an_earlier_export_is_replaced_and_other_files_stay(tmp_path: Path) -> None:
    large, small = sticker(), sticker(Sign.regular("stop", 8, 10.0))
    (tmp_path / "sticker.png").write_bytes(b"the user's own")
    export(large, tmp_path, dpi=72, controls={"grey": control(large)})
    assert (tmp_path / "sticker-2.png").is_file()
    found = export(small, tmp_path, dpi=72)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["sticker.png", *(path.name for path in found.files)])


def test_a_sticker_larger_than_the_sheet_is_tiled(tmp_path: Path) -> None:
    alpha = torch.zeros(1, 30, 30)
    alpha[:, 10:16, 5:24] = 1
    found = export(Sticker.plain(STOP, alpha, (0, 0, 0)), tmp_path, paper="letter", dpi=72)
    (page, other) = from_pdf((tmp_path / "sticker.pdf").read_bytes())
    assert (page.width, page.height) == pytest.approx((279.4, 215.9), abs=0.01)
    assert page.images[0].width + other.images[0].width == pytest.approx(475 + 10, abs=0.2)
    assert page.images[0].height == pytest.approx(150, abs=0.01)
    assert found.sheets == 2
    assert len(found.warnings) == 1


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "a\x1b[31m\n\udc80", "停止", "W" * 3000])
def test_any_name_of_a_sign_can_be_printed(name: str, tmp_path: Path) -> None:
    export(sticker(Sign.regular(name, 8, 10.0)), tmp_path, dpi=72)
    text = (tmp_path / "sticker-1.svg").read_bytes()
    assert b"<script" not in text
    assert len(from_svg(text).images) == 4
    assert json.loads((tmp_path / "manifest.json").read_text())["sign"]["name"] == name


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"paper": "A44"}, "paper 'A44' is unknown: did you mean"),
        ({"dpi": 30}, "dpi=30 is not a printer's"),
        ({"dpi": float("nan")}, "dpi=nan"),
        ({"overlap_mm": -1}, "overlap_mm=-1"),
        ({"overlap_mm": float("inf")}, "overlap_mm=inf"),
        ({"margin_mm": 90}, "a margin of 90 mm"),
        ({"controls": {"../white": sticker()}}, "control '../white'"),
    ],
)
def test_what_cannot_be_printed_is_named_and_nothing_is_written(
    settings: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        export(sticker(), tmp_path / "export", **settings)  # type: ignore[arg-type]
    assert not (tmp_path / "export").exists()


def test_a_sign_in_the_wrong_unit_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="check that the sign's size is in centimetres"):
        export(Sticker.plain(Sign.rectangle("stop", 750, 750), torch.ones(1, 4, 4)), tmp_path)


def test_a_piece_that_no_tiling_helps_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"piece S1 is 750\.0 mm by 750\.0 mm, which fits no sheet"):
        export(Sticker.plain(STOP, torch.ones(1, 4, 4)), tmp_path, overlap_mm=200)
