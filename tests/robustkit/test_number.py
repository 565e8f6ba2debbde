"""Numbers as people write them, and none that takes forever to read."""

import pytest

from robustkit.number import read_number


@pytest.mark.parametrize(
    ("text", "value"), [("8/255", 8 / 255), ("0.5", 0.5), ("2e-3", 0.002), (" 1 / 3 ", 1 / 3), ("-4", -4.0)]
)
def test_what_a_text_says(text, value):
    assert read_number(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "/", "1/0", "inf", "nan", "1e309", "1e1000000000", "1/1e1000000000", "9" * 5000, "1/" + "9" * 5000, "five", "1/2/3"],
)
def test_no_finite_number(text):
    with pytest.raises(ValueError, match=r".+"):
        read_number(text)
