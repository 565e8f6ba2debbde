import pytest

from robustkit.data.columns import IMAGES, LABELS, find, missing


@pytest.mark.parametrize(
    ("columns", "place"),
    [(["id", "path"], 1), (["id", " Path "], 1), (["IMAGE", "file"], 1), (["img"], 0), (["id", "paths"], None), ([], None)],
)
def test_images_are_in_the_likeliest_column(columns, place):
    assert find(columns, IMAGES) == place


def test_no_name_is_both():
    assert not set(IMAGES) & set(LABELS)


def test_a_table_without_them_is_one_short_sentence():
    said = str(missing("table t.csv", [f"c{i}" + "x" * 100 for i in range(30)]))
    assert said.startswith("table t.csv has the columns 'c0xxx")
    assert "'c11xxx" in said
    assert "'c12xxx" not in said
    assert ", …: expected an image column" in said
    assert len(said) < 900
