"""report.html: the whole run on one offline page, made from summary.json and the pictures beside it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from robustkit.benchmarks.report import charts, gallery, words
from robustkit.benchmarks.summary import Summary, ThreatPart
from robustkit.errors import RobustkitError

#: The page stays below this many bytes.
LIMIT = 2_000_000

#: Class rows that are shown at once; the others wait in a fold.
WORST_CLASSES = 20


@dataclass(frozen=True)
class Fit:
    """How much a page holds: longest picture edge in pixels, pictures for each threat, class rows for each threat."""

    edge: int
    pictures: int
    classes: int


_FITS = (
    Fit(224, 24, 1000), Fit(224, 12, 1000), Fit(224, 6, 1000), Fit(160, 12, 1000), Fit(160, 6, 1000), Fit(128, 6, 1000),
    Fit(128, 3, 1000), Fit(96, 3, 1000), Fit(64, 3, 200), Fit(64, 1, WORST_CLASSES), Fit(64, 0, WORST_CLASSES),
)  # fmt: skip


def write_report(folder: Path) -> Path:
    """Write ``report.html`` into a run folder and return its path.

    The page needs no network and no JavaScript, is below 2 MB (pictures are left out or reduced until it is), and the same
    folder gives the same bytes.

    Raises
    ------
    RobustkitError
        If the folder holds no readable ``summary.json``, or the page without pictures is still too large.
    """
    try:
        summary = Summary.model_validate_json((folder / "summary.json").read_bytes())
    except (OSError, ValueError) as error:
        raise RobustkitError(f"{folder / 'summary.json'} cannot be read ({error}): give the folder of a finished run") from None
    drawn = _draw(summary)
    for fit in _FITS:
        page = _page(summary, folder, drawn, fit).encode()
        if len(page) < LIMIT:
            path = folder / "report.html"
            path.write_bytes(page)
            return path
    raise RobustkitError(f"the report of {folder} does not fit in {LIMIT} bytes even without pictures: the summary is too long")


@dataclass(frozen=True)
class _Drawn:
    accuracy: Markup
    curves: list[Markup | None]
    costs: list[Markup | None]


def _draw(summary: Summary) -> _Drawn:
    return _Drawn(
        accuracy=charts.accuracy(summary),
        curves=[charts.curve(t, str(i)) if t.curve else None for i, t in enumerate(summary.threats)],
        costs=[charts.cost(t, str(i)) for i, t in enumerate(summary.threats)],
    )


def _page(summary: Summary, folder: Path, drawn: _Drawn, fit: Fit) -> str:
    css = resources.files(__package__).joinpath("report.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    names = summary.data.class_names

    def class_name(label: int) -> str:
        return names[label] if 0 <= label < len(names) else str(label)

    views = [_threat(t, i, summary, folder, drawn, fit) for i, t in enumerate(summary.threats)]
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            s=summary, css=Markup(css), css_hash=digest, accuracy=drawn.accuracy, threats=views, class_name=class_name, fit=fit,
            repeat=list(words.flat({k: v for k, v in summary.repeat.items() if k != "command"})),
            command=_command(summary.repeat.get("command")), worst=WORST_CLASSES,
        )
    )  # fmt: skip


def _threat(threat: ThreatPart, i: int, summary: Summary, folder: Path, drawn: _Drawn, fit: Fit) -> dict[str, Any]:
    shown = gallery.cards(folder, threat.gallery, summary.model.bounds, fit.edge, fit.pictures)
    ranked = sorted(threat.classes, key=lambda c: (c.robust.value, c.clean.value, c.label))
    patches = gallery.patch_pictures(folder, threat, max(fit.edge, 96), most=12)
    return {
        "part": threat, "curve": drawn.curves[i], "cost": drawn.costs[i], "cards": shown, "patches": patches,
        "classes": ranked[: fit.classes], "gates": [g for g in summary.gates if g.threat == threat.id],
        "reduced": any(fit.edge < card.clean.stored for card in shown),
    }  # fmt: skip


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
        finalize=lambda value: value if isinstance(value, Markup) else words.printable(value),
    )
    environment.filters.update(
        percent=words.percent, share=words.share, interval=words.interval, count=words.count, short=words.short,
        seconds=words.seconds, passes=words.passes, brief=lambda text: words.printable(text, 60), word=words.outcome_word,
        answer=words.answer, when=words.when,
    )  # fmt: skip
    environment.globals.update(UPPER_BOUND=words.UPPER_BOUND, label=words.label)
    return environment
