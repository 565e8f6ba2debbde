"""The page of a sticker's run."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from robustkit.benchmarks.sticker.folder import StickerFolder
from robustkit.benchmarks.sticker.report.page import NOTICE, sentence, write_report
from robustkit.benchmarks.sticker.summary import Variant
from robustkit.errors import UsageError


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_stands_alone_and_says_what_is_illegal(run: StickerFolder) -> None:
    page = (run.path / "report.html").read_text()
    tags = Tags()
    tags.feed(page)
    links = [value for _, attrs in tags.found for key, value in attrs.items() if key in ("src", "href")]
    assert links
    assert all(link and link.startswith(("data:", "#")) for link in links)
    assert not any(tag == "script" or "style" in attrs for tag, attrs in tags.found)
    assert NOTICE in page
    assert sum(tag == "svg" for tag, _ in tags.found) > 4


def test_a_success_is_never_told_without_its_control(run: StickerFolder) -> None:
    summary = run.summary()
    assert re.search(r"beyond the best control \(\w+\)", sentence(summary))
    alone = summary.headline.model_copy(update={"beyond": None, "controls": {}})
    bare = summary.predicted.model_copy(update={"targeted": alone})
    assert "no control" in sentence(summary.model_copy(update={"predicted": bare}))


def test_names_are_escaped(run: StickerFolder, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(run.path, tmp_path / "run"))
    evil = '<script>alert("1")</script>'
    summary = run.summary()
    update = {
        "run": evil, "true": evil, "target": evil, "classes": [evil] * 3, "photos": evil, "warnings": [evil],
        "model": summary.model.model_copy(update={"name": evil}),
        "sticker": summary.sticker.model_copy(update={"sign": evil}),
        "ablation": [Variant(name=evil, untargeted=summary.predicted.untargeted, targeted=None)],
        "repeat": {"command": evil, evil: evil},
    }  # fmt: skip
    page = write_report(copied, summary.model_copy(update=update), run.rendered()).read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_link_among_the_pictures_is_refused(run: StickerFolder, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(run.path, tmp_path / "run"))
    (copied / "rendered" / "x.png").symlink_to("/etc/passwd")
    with pytest.raises(UsageError, match="is a link"):
        write_report(copied, run.summary(), run.rendered())
