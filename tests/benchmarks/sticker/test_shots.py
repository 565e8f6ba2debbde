"""The plan of the shots to take."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robustkit.benchmarks.sticker.shots import RP2_CELLS, csv_text, plan
from robustkit.errors import UsageError

names = st.sampled_from(["grey", "white", "black", "dusk"])
cells = st.tuples(st.integers(1, 3000).map(float), st.integers(-89, 89).map(float))


def test_the_default_is_the_grid_of_rp2() -> None:
    shots = plan(controls=())
    assert len(RP2_CELLS) == 15
    assert (RP2_CELLS[0], RP2_CELLS[4], RP2_CELLS[-1]) == ((152.4, 0), (152.4, 60), (1219.2, 0))
    assert len(shots) == 30
    assert {shot.subject for shot in shots} == {"clean", "sticker"}


def test_the_subjects_of_a_cell_follow_one_another() -> None:
    shots = plan([(300, 0), (300, 15)], controls=["grey"], repeats=2)
    assert [(shot.cell, shot.subject, shot.repeat) for shot in shots[:6]] == [
        (1, "clean", 1), (1, "clean", 2), (1, "sticker", 1), (1, "sticker", 2), (1, "control:grey", 1), (1, "control:grey", 2),
    ]  # fmt: skip
    assert [shot.cell for shot in shots] == [1] * 6 + [2] * 6


@given(
    st.lists(cells, min_size=1, max_size=4, unique=True),
    st.lists(names, min_size=1, max_size=2, unique=True),
    st.lists(names, max_size=2, unique=True),
    st.integers(1, 3),
)
def test_every_sticker_has_one_clean_partner(
    grid: list[tuple[float, float]], lights: list[str], controls: list[str], repeats: int
) -> None:
    shots = plan(grid, lights=lights, controls=controls, repeats=repeats)
    conditions = [(shot.distance_cm, shot.angle_deg, shot.light, shot.repeat) for shot in shots if shot.subject == "clean"]
    assert len(set(conditions)) == len(conditions) == len(grid) * len(lights) * repeats
    for subject in ("sticker", *(f"control:{name}" for name in controls)):
        partners = [(shot.distance_cm, shot.angle_deg, shot.light, shot.repeat) for shot in shots if shot.subject == subject]
        assert partners == conditions
    assert len({shot.file for shot in shots}) == len(shots)
    assert [shot.shot for shot in shots] == list(range(1, len(shots) + 1))


def test_the_csv_is_the_plan() -> None:
    shots = plan([(152.4, -15.0)])
    rows = list(csv.DictReader(io.StringIO(csv_text(shots))))
    assert [row["subject"] for row in rows] == ["clean", "sticker", "control:grey"]
    assert rows[2] == {
        "shot": "3", "file": "0003-control-grey-152cm--15deg-daylight-1.jpg", "subject": "control:grey", "cell": "1",
        "distance_cm": "152.4", "angle_deg": "-15.0", "light": "daylight", "repeat": "1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cells": [(0.0, 0.0)]}, "distance_cm=0.0"),
        ({"cells": [(float("nan"), 0.0)]}, "distance_cm=nan"),
        ({"cells": [(300.0, 90.0)]}, "angle_deg=90.0"),
        ({"cells": [(300.0, 0.0), (300.0, 0.0)]}, "a cell is given twice"),
        ({"cells": []}, "no cell"),
        ({"lights": []}, "no light"),
        ({"lights": ["a/b"]}, "light 'a/b'"),
        ({"controls": ["grey", "grey"]}, "a control is given twice"),
        ({"repeats": 0}, "repeats=0"),
    ],
)
def test_what_cannot_be_photographed_is_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plan(**settings)  # type: ignore[arg-type]
