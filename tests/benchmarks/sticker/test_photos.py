"""Photographs of a sign."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from robustkit.benchmarks.sticker.photos import MARGIN, PhotoReading, as_scenes, cut_all, framed, moved, read_cuts
from robustkit.data.files import Tree
from robustkit.errors import UsageError
from robustkit.physical.drawing.catalogue import artwork
from robustkit.physical.pose import Camera, Pose, apparent_size_px
from robustkit.physical.sticker import Sticker

SIGN = artwork("stop").sign
CROPPED = PhotoReading(cropped=True)


def save(path: Path, exif: int | None = None, size: int = 64) -> None:
    """The sign's picture, cropped to the sign."""
    path.parent.mkdir(parents=True, exist_ok=True)
    art = artwork("stop", size)
    image = Image.fromarray((255 * art.texture.permute(1, 2, 0)).round().byte().numpy())
    tags = Image.Exif()
    if exif is not None:
        tags[0x0112] = exif
        image = image.rotate(90, expand=True)
    image.save(path, exif=tags)


def test_cropped_photos_are_the_signs_box(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    (cut,), notes = read_cuts(f"folder:{tmp_path}", SIGN, 32, CROPPED)
    assert notes == []
    assert cut.picture.shape == (3, 32, 32)
    assert float((cut.picture - artwork("stop", 32).texture).abs().mean()) < 0.03
    assert abs(float(apparent_size_px(cut.homography[None], SIGN)) - 32) < 0.1
    assert len(as_scenes([cut, cut], 5)) == 2


def test_photos_are_turned_upright(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "b.png", exif=6)
    (upright, turned), _ = read_cuts(f"folder:{tmp_path}", SIGN, 32, CROPPED)
    assert float((upright.picture - turned.picture).abs().mean()) < 0.02


def test_a_sign_is_found_and_cut_out_with_a_margin(tmp_path: Path) -> None:
    art = artwork("stop")
    homography = Pose(distance_cm=600.0, yaw_deg=20.0, right_cm=40.0).homography(Camera(700, 320, 240))
    behind = torch.linspace(0.3, 0.6, 320).expand(1, 3, 240, 320).clone()
    photo = art.on(behind, homography)[0]
    Image.fromarray((255 * photo.permute(1, 2, 0)).round().byte().numpy()).save(tmp_path / "street.png")
    (cut,), _ = read_cuts(f"folder:{tmp_path}", SIGN, 64, PhotoReading())
    assert abs(float(apparent_size_px(cut.homography[None], SIGN)) - 64 / MARGIN) < 1
    assert abs(cut.size_px - float(apparent_size_px(homography, SIGN))) < 2
    expected = art.warp(cut.homography[None], (64, 64))[1][0] == 1
    assert float((cut.picture[0][expected[0]] - cut.picture[1][expected[0]]).mean()) > 0.2  # red


def test_what_cannot_be_used_is_named_counted_and_skipped_on_request(tmp_path: Path) -> None:
    save(tmp_path / "good.png")
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    with pytest.raises(UsageError, match=r"1 of 2 photos .*broken\.jpg: unreadable.*--skip-broken"):
        read_cuts(f"folder:{tmp_path}", SIGN, 32, CROPPED)
    cuts, notes = read_cuts(f"folder:{tmp_path}", SIGN, 32, PhotoReading(cropped=True, skip_broken=True))
    assert [cut.file for cut in cuts] == ["good.png"]
    assert "1 of 2 photos were skipped" in notes[0]
    Image.fromarray(np.full((40, 40, 3), 128, np.uint8)).save(tmp_path / "broken.jpg")
    with pytest.raises(UsageError, match="outline of stop"):
        read_cuts(f"folder:{tmp_path}", SIGN, 32, PhotoReading())


def test_a_sign_is_found_and_cut_out_or_shown_from_straight_ahead(tmp_path: Path) -> None:
    art, size = artwork("stop", 128), (200, 260)
    homography = Pose(distance_cm=300.0, yaw_deg=40.0).homography(Camera(450, 260, 200))
    photo = art.on(torch.full((1, 3, *size), 0.5), homography)[0]
    Image.fromarray((255 * photo.permute(1, 2, 0)).round().byte().numpy()).save(tmp_path / "a.png")
    (cut,), _ = read_cuts(f"folder:{tmp_path}", SIGN, 48, PhotoReading())
    (straight,), _ = read_cuts(f"folder:{tmp_path}", SIGN, 48, PhotoReading(straight=True))
    assert abs(float(apparent_size_px(cut.homography[None], SIGN)) - 48 / MARGIN) < 0.1
    assert cut.size_px == straight.size_px == pytest.approx(float(apparent_size_px(homography, SIGN)), rel=0.02)
    frontal = Sticker(art.texture, art.alpha, SIGN).on(torch.full((1, 3, 48, 48), 0.5), straight.homography[None])[0]
    assert float((straight.picture - frontal).abs().mean()) < 0.04
    assert float((cut.picture - frontal).abs().mean()) > 0.08


def test_a_photo_without_a_sign_is_named(tmp_path: Path) -> None:
    Image.new("RGB", (80, 60), (90, 120, 90)).save(tmp_path / "meadow.png")
    with pytest.raises(UsageError, match=r"1 of 1 photos .*meadow\.png: nothing in it has the outline of stop.*--cropped"):
        read_cuts(f"folder:{tmp_path}", SIGN, 32, PhotoReading())


def test_corners_that_are_given_are_used(tmp_path: Path) -> None:
    save(tmp_path / "a.png", size=64)
    corners = [(0.0, 0.0), (64.0, 0.0), (64.0, 64.0), (0.0, 64.0)]
    tree = Tree(tmp_path)
    (cut,), problems = cut_all(tree, [("a.png", corners)], SIGN, 32, PhotoReading())
    assert problems == []
    assert cut.size_px == pytest.approx(64)
    _, (lost, odd) = cut_all(tree, [("gone.png", ()), ("a.png", corners[:3])], SIGN, 32, PhotoReading())
    assert lost == ("gone.png", "there is no such file")
    assert odd.reason.startswith("3 corners are neither the 8 of stop")


def test_a_class_folder_is_read_if_there_is_one(tmp_path: Path) -> None:
    save(tmp_path / "stop" / "a.png")
    save(tmp_path / "yield" / "b.png")
    assert [cut.file for cut in read_cuts(f"folder:{tmp_path}", SIGN, 8, CROPPED, only="stop")[0]] == ["stop/a.png"]
    with pytest.raises(UsageError, match="no image"):
        read_cuts(f"folder:{tmp_path}", SIGN, 8, CROPPED, only="danger")
    with pytest.raises(UsageError, match="write folder:PATH"):
        read_cuts("builtin/signs", SIGN, 8, CROPPED)


def test_a_photo_moved_to_where_it_is_stays_the_same() -> None:
    homography = Pose(distance_cm=300.0, yaw_deg=10.0).homography(Camera(100, 48, 40))
    photo = torch.linspace(0.2, 0.8, 48).expand(1, 3, 40, 48)
    same = moved(photo, homography, homography, (40, 48), torch.zeros_like(photo))
    inside = (slice(None), slice(None), slice(2, -2), slice(2, -2))
    assert float((same - photo)[inside].abs().max()) < 0.001
    cut = framed(homography, SIGN, 32, 1.0)
    assert abs(float(apparent_size_px(cut, SIGN)) - 32) < 1e-6
