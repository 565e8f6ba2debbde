"""Images that are decoded once, as many as fit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from robustkit import InputSpec
from robustkit.benchmarks.running.decoded import compact, decoded, expanded
from robustkit.data import as_data
from robustkit.data.base import BrokenImageError, Data
from robustkit.data.prepare import prepare

SPEC = InputSpec(channels=1)


class Pictures:
    """A source of four pictures of 4 x 4 bytes that counts how often it is read; the last is broken."""

    as_is = False

    def __init__(self) -> None:
        self.read: list[int] = []

    def image(self, position: int) -> Image.Image:
        self.read.append(position)
        if position == 3:
            raise OSError("cut short")
        return Image.new("L", (4, 4), 50 * position)

    def where(self, position: int) -> str:
        return f"picture {position}"

    def fingerprint(self, positions: Any) -> str:
        return "pictures"


def pictures(budget: int) -> tuple[Data, Data, Pictures]:
    source = Pictures()
    plain = Data(source, [0, 1, 2, 3], name="pictures")
    return plain, decoded(plain, SPEC, budget), source


def images(data: Data, spec: InputSpec = SPEC) -> Tensor:
    return next(data.batches(spec, len(data), skip_broken=True)).x


def test_what_was_read_is_read_once_and_the_same():
    plain, kept, source = pictures(budget=1000)
    first = images(kept)
    assert torch.equal(first, images(plain))
    source.read.clear()
    assert torch.equal(images(kept.subset([2, 0])), first[[2, 0]])
    assert source.read == []


def test_no_more_is_kept_than_the_budget():
    _, kept, source = pictures(budget=2 * 16)
    images(kept)
    source.read.clear()
    images(kept)
    assert source.read == [2, 3]


def test_a_broken_image_is_named_and_left_out():
    _, kept, _ = pictures(budget=1000)
    assert len(images(kept)) == 3
    assert "picture 3 cannot be read (cut short)" in kept.skipped[0]
    with pytest.raises(BrokenImageError, match="picture 3"):
        list(kept.batches(SPEC, 4))


class Noisy(Dataset[Any]):
    """Draws another image at each reading."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return torch.rand(1, 2, 2), 0


def test_a_random_transform_gives_the_same_image_at_each_reading():
    kept = decoded(as_data(Noisy()), SPEC, budget=0)
    before = torch.random.get_rng_state()
    first = images(kept)
    assert torch.equal(first, images(kept))
    assert not torch.equal(first[0], first[1])
    assert torch.equal(torch.random.get_rng_state(), before)


BOUNDS = st.sampled_from([(0.0, 1.0), (-1.0, 1.0), (-2.5, 0.3), (0.0, 255.0)])


@given(st.lists(st.integers(0, 255), min_size=1, max_size=30), BOUNDS)
def test_bytes_are_kept_as_bytes_and_come_back_exactly(levels: list[int], bounds: tuple[float, float]):
    spec = InputSpec(channels=1, bounds=bounds)
    image = prepare(torch.tensor(levels, dtype=torch.uint8)[None, None], spec)
    assert compact(image, spec).dtype == torch.uint8
    assert torch.equal(expanded(compact(image, spec), spec), image)


@given(st.lists(st.floats(width=32), min_size=1, max_size=30), BOUNDS)
def test_any_image_comes_back_exactly(values: list[float], bounds: tuple[float, float]):
    spec = InputSpec(channels=1, bounds=bounds)
    image = torch.tensor(values)[None, None]
    assert torch.equal(expanded(compact(image, spec), spec).nan_to_num(7), image.nan_to_num(7))


class Doubles(Noisy):
    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return torch.full((1, 2, 2), index / 3, dtype=torch.float64), 0


def test_images_of_another_type_are_passed_on():
    plain = as_data(Doubles())
    kept = decoded(plain, SPEC)
    for _ in range(2):
        assert torch.equal(images(kept), images(plain))


def test_images_in_memory_need_no_copy():
    plain = as_data((torch.rand(2, 1, 2, 2), torch.zeros(2, dtype=torch.int64)))
    assert decoded(plain, SPEC) is plain
