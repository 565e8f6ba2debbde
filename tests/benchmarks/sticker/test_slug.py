"""Names that become part of the names of files."""

import pytest

from robustkit.benchmarks.sticker.slug import check_slug
from robustkit.errors import UsageError


@pytest.mark.parametrize("name", ["grey", "random-palette", "2"])
def test_a_plain_name_is_accepted(name: str) -> None:
    check_slug("control", name)


@pytest.mark.parametrize("name", ["", "Grey", "a--b", "-a", "../x", "a b", "a\n", "a/b"])
def test_any_other_is_named_in_the_error(name: str) -> None:
    with pytest.raises(UsageError, match=r"control .* lower-case letters"):
        check_slug("control", name)
