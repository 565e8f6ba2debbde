"""Sheets of paper."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robustkit.benchmarks.sticker.export.paper import SIZES_MM, Box, Paper
from robustkit.errors import UsageError


def test_a_name_is_found_in_any_case() -> None:
    assert Paper.named("a3", 5) == Paper("A3", 297, 420, 5)
    assert Paper.named("Letter").name == "letter"


def test_the_areas_of_a_sheet() -> None:
    paper = Paper.named("A4", 10)
    assert paper.printable == Box(10, 10, 190, 277)
    assert paper.area == Box(10, 21, 190, 252)
    assert paper.landscape.printable == Box(10, 10, 277, 190)


@given(st.sampled_from(sorted(SIZES_MM)), st.floats(0, 15))
def test_the_area_for_pieces_is_printable(name: str, margin: float) -> None:
    for paper in (Paper.named(name, margin), Paper.named(name, margin).landscape):
        area, printable = paper.area, paper.printable
        assert printable.left <= area.left <= area.right <= printable.right + 1e-9
        assert printable.top <= area.top <= area.bottom <= printable.bottom + 1e-9


def test_an_unknown_paper_gets_a_hint() -> None:
    with pytest.raises(UsageError, match=r"paper 'A5' is unknown: did you mean 'A[34]' or 'A[34]'\?"):
        Paper.named("A5")


@pytest.mark.parametrize("margin", [-1, 16, float("nan"), float("inf")])
def test_a_margin_that_does_not_fit_is_an_error(margin: float) -> None:
    with pytest.raises(UsageError, match="give one from 0 to 15 mm"):
        Paper.named("A4", margin)
