"""Pictures come from the run folder unchanged, and never from outside it."""

from __future__ import annotations

import base64
import io

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save_file

from robustkit.benchmarks.report.gallery import Png, cards, magnification, patch_pictures, stored


def opened(png: Png) -> np.ndarray:
    data = png.uri.removeprefix("data:image/png;base64,")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def store(folder, name, ids, x, x_adv, cell="apgd-ce-0a1b"):
    at = folder / "adversarial" / cell
    at.mkdir(parents=True, exist_ok=True)
    save_file({"sample_id": torch.tensor(ids), "x": x, "x_adv": x_adv.clone()}, at / f"{name}.safetensors")


def test_the_pixels_of_the_named_sample(parts, tmp_path):
    x = torch.tensor([[[[0.0, 1.0], [0.2, 0.4]]], [[[1.0, 0.0], [0.6, 0.8]]]])
    store(tmp_path, "0", [7, 100], x, x + torch.tensor([[[0.0, 0.0], [0.2, -0.2]]]))
    (card,) = cards(stored(tmp_path, parts["threat"](pictures=1).gallery), (0.0, 1.0), edge=224, room=10**6)
    assert opened(card.clean).tolist() == [[255, 0], [153, 204]]
    assert opened(card.adversarial).tolist() == [[255, 0], [204, 153]]
    assert card.factor == 2.5
    assert opened(card.difference).tolist() == [[128, 128], [255, 0]]
    assert (card.clean.width, card.clean.pixelated) == (140, True)


def test_images_in_other_bounds(parts, tmp_path):
    x = torch.tensor([[[[-1.0, 1.0]]]])
    store(tmp_path, "0", [100], x, x.clone())
    (card,) = cards(stored(tmp_path, parts["threat"](pictures=1).gallery), (-1.0, 1.0), edge=224, room=10**6)
    assert opened(card.clean).tolist() == [[0, 255]]
    assert card.factor == 0
    assert opened(card.difference).tolist() == [[128, 128]]


def test_kinds_take_turns_when_few_fit(parts, write_run):
    folder = write_run(parts["summary"]())
    found = cards(stored(folder, parts["threat"]().gallery, most=3), (0.0, 1.0), edge=224, room=10**6)
    assert [card.picture.why for card in found] == ["worst", "borderline", "random"]


def test_a_damaged_file_is_passed_over(parts, tmp_path):
    x = torch.rand(1, 3, 4, 4)
    store(tmp_path, "1", [100], x, x)
    (tmp_path / "adversarial" / "apgd-ce-0a1b" / "0.safetensors").write_bytes(b"not a tensor")
    assert len(cards(stored(tmp_path, parts["threat"](pictures=1).gallery), (0.0, 1.0), edge=224, room=10**6)) == 1


def test_a_cell_cannot_name_a_folder_outside_the_run(parts, tmp_path):
    x = torch.rand(1, 3, 4, 4)
    store(tmp_path / "other", "0", [100], x, x, cell="secret")
    (tmp_path / "run").mkdir()
    picture = parts["threat"](pictures=1).gallery[0].model_copy(update={"cell": "../../other/adversarial/secret"})
    assert stored(tmp_path / "run", [picture]) == []


def test_patches_are_told_from_their_controls(parts, tmp_path):
    at = tmp_path / "patches"
    at.mkdir()
    for name in ("patch-1-fold0.png", "control-2-fold0.png"):
        Image.new("RGB", (64, 64), (10, 200, 30)).save(at / name)
    (at / "broken.png").write_bytes(b"no picture")
    Image.new("RGB", (4, 4)).save(tmp_path / "outside.png")
    threat = parts["threat"](
        attacks=[parts["attack"](name="patch", cell="patch-1"), parts["attack"](name="grey", cell="control-2", role="control")],
        patches=["patch-1-fold0.png", "control-2-fold0.png", "broken.png", "../outside.png", "gone.png"],
    )
    shown = patch_pictures(tmp_path, threat, edge=96, room=10**6)
    assert [(what, attack.name) for what, attack, _ in shown] == [("fold 0", "patch"), ("fold 0", "grey")]
    assert opened(shown[0][2])[0, 0].tolist() == [10, 200, 30]


@given(st.floats(1e-6, 1.0))
def test_magnification_fills_half_the_range_without_clipping(largest):
    difference = np.array([largest, -largest / 2, 0.0])
    filled = magnification(difference) * largest
    assert 0.45 < filled <= 0.5 * 1.001


def test_no_difference_has_no_magnification():
    assert magnification(np.zeros((1, 2, 2))) == 0
