import pytest

from robustkit.data.builtin_data import FOLDER, builtin_names, load_builtin
from robustkit.errors import UsageError


def test_every_data_set_that_is_shipped_loads_under_its_name():
    assert builtin_names() == ["fashion", "signs"]
    for name in builtin_names():
        data = load_builtin(name)
        assert (data.name, len(data)) == (f"builtin/{name}", 1000)
        assert data.classes is not None
        assert set(data.labels.tolist()) == set(range(len(data.classes)))


@pytest.mark.parametrize("name", ["fashon", "", "../fashion", "fashion.npz", str(FOLDER / "fashion")])
def test_other_names_are_unknown_and_lead_nowhere(name):
    with pytest.raises(UsageError, match=r"is unknown: .*fashion"):
        load_builtin(name)
