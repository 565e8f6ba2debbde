"""The report renders every kind of run, stays small, lets nothing in from outside and is the same every time."""

from __future__ import annotations

import random
import re
from html.parser import HTMLParser
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch

from robustkit.benchmarks.report import html
from robustkit.benchmarks.report.html import LIMIT
from robustkit.benchmarks.statistics import estimate
from robustkit.benchmarks.summary import DataPart, Flag, ModelPart, NonAdaptivePart, Summary, Verdict
from robustkit.errors import RobustkitError

EVIL = "<script>alert(1)</script>\"'&$x$"


def write_report(folder: Path) -> Path:
    return html.write_report(folder, Summary.model_validate_json((folder / "summary.json").read_bytes()))


class Page(HTMLParser):
    """Tags, ids and visible text; checks that what is opened is closed."""

    VOID = frozenset({"meta", "img", "br", "link", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def read(folder: Path) -> Page:
    return Page(write_report(folder).read_text("utf-8"))


def test_a_run_in_the_order_a_reader_needs(parts, write_run):
    summary = parts["summary"](
        threats=[parts["threat"](trusted=False, flags=[parts["weak"]()])],
        gates=[parts["gate"]()],
        verdict=Verdict(outcome="failed", sentence="Failed: robust accuracy 40.0 % is too low."),
    )
    text = read(write_run(summary)).text
    order = [
        "Failed Robust accuracy 40.0 % is too low.", "Clean", "upper bound: as strong as the attacks", "weakens the evidence",
        "min-robust linf:0.1", "Cost and success of each attack", "Accuracy vs. eps", "Classes, weakest first", "Images",
        "What was not tested", "Reproduce this run", "robustkit audit net",
    ]  # fmt: skip
    at = [text.index(part) for part in order]
    assert at == sorted(at)


def test_nothing_is_fetched_and_nothing_runs(parts, write_run):
    text = write_report(write_run(parts["summary"]())).read_text("utf-8")
    page = Page(text)
    assert not {"script", "link", "iframe", "object", "form"} & {tag for tag, _ in page.tags}
    assert not re.search(r"https?://|url\((?!#)", text)
    assert not any("style" in attributes for _, attributes in page.tags)
    policy = next(m["content"] for m in page.named("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.named("img"))


def test_charts_and_pictures_have_words_and_tables_have_headers(parts, write_run):
    page = read(write_run(parts["summary"]()))
    assert all(image["alt"] for image in page.named("img"))
    charts = [s for s in page.named("svg") if s.get("class") == "chart"]
    assert len(charts) == 3
    assert all(s["role"] == "img" and "linf:0.1" in s["aria-label"] for s in charts)
    assert all(header.get("scope") in ("row", "col") for header in page.named("th"))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_names_from_strangers_stay_text(parts, write_run):
    threat = parts["threat"](
        id=EVIL,
        attacks=[parts["attack"](name=EVIL, spec=EVIL, status="crashed", message=EVIL)],
        flags=[Flag(id=EVIL, weakens=False, sentence=EVIL)],
        classes=[c.model_copy(update={"name": EVIL, "most_common_error": EVIL}) for c in parts["threat"]().classes],
        non_adaptive=NonAdaptivePart(robust_accuracy=estimate(30, 50), sentence=EVIL),
    )
    summary = parts["summary"](
        run=EVIL,
        model=ModelPart(name=EVIL, fingerprint=EVIL, parameters=1, classes=3, bounds=(0.0, 1.0), defenses=[EVIL]),
        data=DataPart(
            name=EVIL, fingerprint=EVIL, n=50, available=60, class_names=[EVIL] * 3, skipped=[EVIL], mapping={EVIL: 2}
        ),
        threats=[threat],
        not_tested=[EVIL],
        repeat={"command": EVIL, EVIL: EVIL},
        verdict=Verdict(outcome="measured", sentence=EVIL),
    )
    page = read(write_run(summary))
    assert "script" not in {tag for tag, _ in page.tags}
    assert page.text.count("<script>alert(1)</script>") > 15


def test_control_characters_and_overrides_do_not_reach_the_page(parts, write_run):
    summary = parts["summary"](threats=[parts["threat"](id="linf:\x00\x1b[31m\u202e0.1")])
    text = write_report(write_run(summary)).read_text("utf-8")
    assert not re.search("[\x00\x1b\u202e]", text)


def test_the_same_run_gives_the_same_bytes(parts, write_run):
    folder = write_run(parts["summary"]())
    first = write_report(folder).read_bytes()
    matplotlib.rcParams["axes.grid"] = True
    try:
        assert write_report(folder).read_bytes() == first
        assert matplotlib.rcParams["axes.grid"] is True
    finally:
        matplotlib.rcParams["axes.grid"] = False


def test_global_random_state_is_left_alone(parts, write_run):
    folder = write_run(parts["summary"]())
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # noqa: NPY002
    write_report(folder)
    assert before == (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # noqa: NPY002


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 50, 20), (3, 224, 224), (4, 8, 8)])
def test_image_shapes(parts, write_run, shape):
    page = read(write_run(parts["summary"](), shape))
    assert len(page.named("img")) == 18
    assert sum(image.get("class") == "pixelated" for image in page.named("img")) == (0 if shape[1] == 224 else 18)


def test_six_threats_of_large_pictures_and_a_thousand_classes_fit(parts, write_run):
    names = ["a rather long class name, as ImageNet has them, with synonyms"] * 1000
    threats = [parts["threat"](id=f"linf:{i}/255", labels=1000, pictures=12) for i in range(1, 7)]
    data = DataPart(name="set", fingerprint="beef", n=50, available=50, class_names=names)
    path = write_report(write_run(parts["summary"](threats=threats, data=data), (3, 224, 224)))
    page = Page(path.read_text("utf-8"))
    assert path.stat().st_size < LIMIT
    assert len(page.named("img")) >= 6 * 3 * 3
    assert "The other 980 classes" in page.text
    assert "Images are downscaled to" in page.text


def test_the_class_of_the_model_for_each_class_of_the_data_is_shown(parts, write_run):
    mapping = {"0": 0, "10": 1, "unnamed": 7}
    data = DataPart(name="set", fingerprint="beef", n=50, available=50, class_names=["cat", "dog"], mapping=mapping)
    text = read(write_run(parts["summary"](data=data))).text
    assert "Mapping from data classes to model classes" in text
    assert re.search(r"10\s*1\s*dog\s*unnamed\s*7\s*unnamed", text)


def test_long_texts_are_cut(parts, write_run):
    summary = parts["summary"](threats=[parts["threat"](attacks=[parts["attack"](status="crashed", message="m" * 3_000_000)])])
    assert write_report(write_run(summary)).stat().st_size < LIMIT


def test_a_summary_that_cannot_fit_is_refused(parts, write_run):
    with pytest.raises(RobustkitError, match="does not fit"):
        write_report(write_run(parts["summary"](not_tested=["x" * 1000] * 2500)))


@pytest.mark.parametrize("outcome", ["passed", "failed", "inconclusive", "untrusted", "incomplete", "measured", "nothing"])
def test_every_outcome_has_a_word_and_a_shape(parts, write_run, outcome):
    page = read(write_run(parts["summary"](verdict=Verdict(outcome=outcome, sentence="So it is.")), images=False))
    shapes = [s["class"] for s in page.named("svg") if s["class"].startswith("glyph")]
    assert shapes == [f"glyph {outcome}"]
    assert "So it is." in page.text


def test_no_samples(parts, write_run):
    summary = parts["summary"](
        clean=estimate(0, 0),
        data=DataPart(name="set", fingerprint="beef", n=0, available=0),
        threats=[parts["threat"](robust_accuracy=estimate(0, 0), attacks=[], curve=[], classes=[], gallery=[])],
        verdict=Verdict(outcome="nothing", sentence="Nothing evaluated: the data set is empty."),
    )
    text = read(write_run(summary)).text
    assert "No attack ran." in text
    assert "0.0 %" not in text


def test_no_threats(parts, write_run):
    assert "There is no evidence to judge." in read(write_run(parts["summary"](threats=[]))).text


def test_no_adversarial_image(parts, write_run):
    assert (
        "There is no adversarial image to show."
        in read(write_run(parts["summary"](threats=[parts["threat"](pictures=0)]))).text
    )


def test_pictures_that_are_gone_cost_only_themselves(parts, write_run):
    text = read(write_run(parts["summary"](), images=False)).text
    assert "The run folder contains no images to show" in text


def test_a_crashed_attack_that_saw_nothing(parts, write_run):
    crashed = parts["attack"](
        evaluated=0, success_rate=estimate(0, 0), forwards=0, backwards=0, status="crashed", message="out of memory", errors=40
    )
    text = read(write_run(parts["summary"](threats=[parts["threat"](attacks=[crashed])]))).text
    assert (
        "crashed out of memory 40 samples have no valid result; they count neither as robust nor as successfully attacked."
        in text
    )


def test_the_non_adaptive_number_stands_beside_the_adaptive_one(parts, write_run):
    part = NonAdaptivePart(robust_accuracy=estimate(35, 50), sentence="Made without the defense in view.")
    text = read(write_run(parts["summary"](threats=[parts["threat"](non_adaptive=part)]))).text.replace("\xa0", " ")
    for found in re.finditer("70.0 %", text):
        assert "40.0 %" in text[max(0, found.start() - 200) : found.start()]


def test_one_point_curve_and_curve_without_control(parts, write_run):
    threat = parts["threat"]()
    bare = [p.model_copy(update={"control": None}) for p in threat.curve]
    for curve in (bare, bare[:1], bare[2:3]):
        assert "Accuracy vs. eps" in read(write_run(parts["summary"](threats=[parts["threat"](curve=curve)]))).text
