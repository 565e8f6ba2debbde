"""The list of networks, in two halves."""

import pytest

from robustkit.benchmarks.zoo.members import MEMBERS, THREATS, members
from robustkit.build import recipe
from robustkit.errors import UsageError
from robustkit.threats import Threat

BY_NAME = {member.name: member for member in MEMBERS}


def test_names_are_unique_and_masks_cover_trained_networks_on_the_same_images():
    assert len(BY_NAME) == len(MEMBERS)
    for member in MEMBERS:
        assert (member.mask is None) == (member.of is None)
        if member.of is not None:
            assert BY_NAME[member.of].mask is None
            assert BY_NAME[member.of].data == member.data


@pytest.mark.parametrize("half", ["choose", "report"])
def test_both_halves_have_ordinary_and_masked_members(half):
    found = members(half)
    assert {member.masked for member in found} == {True, False}
    assert {member.data for member in found} == set(THREATS)
    if half == "report":
        assert sum(not member.masked for member in found) >= 10


def test_recipes_and_threats_fit():
    for member in MEMBERS:
        recipe(member.recipe).check(None if member.threat is None else Threat.parse(member.threat))


def test_members_by_name():
    assert [member.name for member in members(names=("mnist-pgd",))] == ["mnist-pgd"]
    assert members("report", ("mnist-pgd",)) == []
    with pytest.raises(UsageError, match="member 'mnist-pgt' is unknown: did you mean 'mnist-pgd'"):
        members(names=("mnist-pgt",))
