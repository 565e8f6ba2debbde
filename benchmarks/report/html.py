"""report.html: the whole run on one offline page, rendered from the summary and the images of its run."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from robustkit.benchmarks.report import charts, gallery, words
from robustkit.benchmarks.summary import ClassPart, Summary, ThreatPart
from robustkit.errors import RobustkitError
from robustkit.files import refuse_links, write_bytes
from robustkit.printable import printable

#: Upper limit of the page size in bytes.
LIMIT = 2_000_000

#: Class rows shown at once; the others are folded, and dropped if they leave too little room for images.
WORST_CLASSES = 20
_CLASSES = (1000, 200, WORST_CLASSES)

#: Image edges in pixels, tried in order until this many images fit for each threat.
_EDGES = (224, 160, 128, 96, 64)
_ENOUGH = 6


def write_report(folder: Path, summary: Summary) -> Path:
    """Write ``report.html`` into a run folder and return its path.

    The page needs no network and no JavaScript and stays below 2 MB (images are downscaled or omitted to fit). The same run
    folder always produces the same bytes.

    Raises
    ------
    RobustkitError
        If the folder contains links, or the page is too large even without images.
    """
    refuse_links(folder, ("adversarial", "patches"))
    views = [_view(threat, i, summary, folder) for i, threat in enumerate(summary.threats)]
    accuracy = charts.accuracy(summary)
    for rows in _CLASSES:
        bare = len(_page(summary, accuracy, views, rows).encode())
        if bare < LIMIT // 2:
            break
    pictured = _with_pictures(views, folder, summary, LIMIT - bare)
    page = _page(summary, accuracy, pictured, rows).encode()
    if len(page) >= LIMIT:
        raise RobustkitError(
            f"the report of {folder} does not fit in {LIMIT} bytes even without images: the summary is too long"
        )
    path = folder / "report.html"
    write_bytes(path, page)
    return path


@dataclass(frozen=True)
class _View:
    """A threat with its charts and images."""

    part: ThreatPart
    classes: list[ClassPart]
    cost: Markup | None
    curve: Markup | None
    minimal: Markup | None
    patches: list[gallery.PatchPicture]
    cards: tuple[gallery.Card, ...] = ()
    edge: int = _EDGES[0]

    @property
    def reduced(self) -> bool:
        return any(card.clean.stored > self.edge for card in self.cards)


def _view(threat: ThreatPart, i: int, summary: Summary, folder: Path) -> _View:
    return _View(
        part=threat,
        classes=sorted(threat.classes, key=lambda c: (c.robust.value, c.clean.value, c.label)),
        cost=charts.cost(threat, str(i)),
        curve=charts.curve(threat, str(i)) if threat.curve else None,
        minimal=charts.minimal(threat, str(i)),
        patches=gallery.patch_pictures(folder, threat, edge=128, room=LIMIT // 4 // len(summary.threats)),
    )


def _with_pictures(views: list[_View], folder: Path, summary: Summary, room: int) -> list[_View]:
    """The views with as many images as fit, at the largest size at which enough of them fit."""
    each = room // max(1, sum(bool(view.part.gallery) for view in views))
    pairs = [gallery.stored(folder, view.part.gallery) for view in views]
    for edge in _EDGES:
        chosen = [gallery.cards(found, summary.model.bounds, edge, each) for found in pairs]
        if all(len(cards) >= min(_ENOUGH, len(found)) for cards, found in zip(chosen, pairs, strict=True)):
            break
    return [replace(view, cards=tuple(cards), edge=edge) for view, cards in zip(views, chosen, strict=True)]


def _page(summary: Summary, accuracy: Markup, views: list[_View], rows: int) -> str:
    css = resources.files(__package__).joinpath("report.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    names = summary.data.class_names

    def class_name(label: int) -> str:
        return names[label] if 0 <= label < len(names) else str(label)

    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            s=summary, css=Markup(css), css_hash=digest, accuracy=accuracy, threats=views, class_name=class_name,
            rows=rows, worst=WORST_CLASSES, command=_command(summary.repeat.get("command")),
            repeat=list(words.flat({key: value for key, value in summary.repeat.items() if key != "command"})),
        )
    )  # fmt: skip


def _command(command: object) -> str:
    return " ".join(map(str, command)) if isinstance(command, list | tuple) else str(command or "")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("robustkit.benchmarks", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if isinstance(value, Markup) else printable(value),
    )
    environment.filters.update(
        percent=words.percent, share=words.share, interval=words.interval, count=words.count, short=words.short,
        seconds=words.seconds, passes=words.passes, brief=lambda text: printable(text, 60), word=words.outcome_word,
        answer=words.answer, when=words.when,
        robust_interval=words.robust_interval, spent=words.spent,
        robust_share=words.robust_share, attack_share=words.attack_share, unanswered=words.unanswered,
    )  # fmt: skip
    environment.globals.update(UPPER_BOUND=words.UPPER_BOUND, label=words.label)
    return environment
