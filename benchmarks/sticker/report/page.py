"""report.html of a sticker: the whole run on one offline page, rendered from its summary, records and pictures."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from robustkit.benchmarks.report import words
from robustkit.benchmarks.sticker import tables
from robustkit.benchmarks.sticker.report import charts
from robustkit.benchmarks.sticker.report.contact import Contact, contact_sheet, data_uri
from robustkit.benchmarks.sticker.scoring import CLEAN, CONTROL, STICKER, ByRule, Frame, Score, Success
from robustkit.benchmarks.sticker.summary import StickerSummary
from robustkit.files import refuse_links, write_bytes
from robustkit.printable import printable

NOTICE = (
    "Altering, covering or removing public road signs is illegal and endangers lives. Print and photograph stickers only on your own "
    "test signs, away from public roads."
)
#: Folders of a run with the pictures of frames, as the model saw them.
RENDERED, PHOTOGRAPHED = "rendered", "photographed"
_STICKER_PX = 220


@dataclass(frozen=True)
class _Measured:
    """What the page shows of one score: of renderings, or of photographs."""

    key: str
    title: str
    score: Score
    subjects: Markup
    heat: list[tuple[str, Markup]]
    sizes: Markup | None
    contact: Contact | None


def write_report(folder: Path, summary: StickerSummary, rendered: Sequence[Frame], photographed: Sequence[Frame] = ()) -> Path:
    """Write ``report.html`` into a run folder and return its path.

    Parameters
    ----------
    folder
        The run's; pictures of frames are in its ``rendered`` and ``photographed``, and the sticker in ``sticker.png``.
    summary
        All numbers of the page.
    rendered, photographed
        The frames that they come from.

    Raises
    ------
    UsageError
        If a folder of pictures contains links, or the page cannot be written.
    """
    refuse_links(folder, (RENDERED, PHOTOGRAPHED, "sticker.png"))
    parts = [_measured("rendered", "Rendered", summary.predicted, rendered, folder / RENDERED)]
    if summary.photographed is not None:
        stills = [frame for frame in photographed if not frame.run]
        parts.insert(0, _measured("photographed", "Photographed", summary.photographed, stills, folder / PHOTOGRAPHED))
    css = "".join(
        resources.files(package).joinpath("report.css").read_text("utf-8")
        for package in ("robustkit.benchmarks.report", "robustkit.benchmarks.sticker.report")
    )
    best = _best(summary.predicted)
    page = (
        _environment()
        .get_template("report.html.jinja")
        .render(
            s=summary,
            css=Markup(css),
            css_hash=base64.b64encode(hashlib.sha256(css.encode()).digest()).decode(),
            notice=NOTICE,
            trusted=summary.exit_code == 0,
            sentence=sentence(summary),
            counted=tables.headline(summary.measured)[0],
            parts=parts,
            gaps=_gaps(summary),
            runs=tables.runs(summary.filmed) if summary.filmed is not None else [],
            sticker=_sticker(folder / "sticker.png"),
            areas=charts.areas(summary.areas, best, "areas") if summary.areas else None,
            convergence=charts.convergence(summary.convergence, "convergence") if summary.convergence else None,
            ablation=charts.ablation(_main(summary.predicted), summary.ablation, "ablation") if summary.ablation else None,
            command=summary.repeat.get("command", ""),
            settings=list(words.flat({key: value for key, value in summary.repeat.items() if key != "command"})),
        )
    )
    path = folder / "report.html"
    write_bytes(path, page.encode())
    return path


def sentence(summary: StickerSummary) -> str:
    """The headline: the success beyond the best control, never a success alone."""
    where = "photographs" if summary.photographed is not None else "held-out renderings"
    goal = f"{summary.true} as {summary.target}" if summary.target is not None else f"{summary.true} as another class"
    beyond = summary.headline.beyond
    if beyond is None:
        return f"{goal}: {tables.beyond_control(summary.headline)}."
    doubt = "" if beyond.proven else ", not proven to be better than that control"
    return (
        f"{goal}, on {beyond.difference.n} {where} that count: {tables.points(beyond.difference)} beyond the best control "
        f"({beyond.control}){doubt}: sticker {tables.counts(beyond.sticker)}, control {tables.counts(beyond.best)}."
    )


def _measured(key: str, title: str, score: Score, frames: Sequence[Frame], pictures: Path) -> _Measured:
    rules: list[tuple[str, Callable[[ByRule], Success | None]]] = [("untargeted", lambda part: part.untargeted)]
    if score.targeted is not None:
        rules.insert(0, ("targeted", lambda part: part.targeted))
    best = _best(score)
    heat = [(name, charts.heat_map(score.cells, rule, f"heat-{key}-{name}")) for name, rule in rules]
    placed = any(cell.distance_cm is not None or cell.angle_deg is not None for cell in score.cells)
    columns = [CLEAN, STICKER, *([CONTROL + best] if best else [])]
    return _Measured(
        key,
        title,
        score,
        charts.subjects(_main(score), f"subjects-{key}"),
        heat if placed else [],
        charts.sizes(score.sizes, best, f"sizes-{key}") if score.sizes else None,
        contact_sheet(frames, pictures, columns),
    )


def _main(score: ByRule) -> Success:
    return score.targeted or score.untargeted


def _best(score: ByRule) -> str | None:
    beyond = _main(score).beyond
    return beyond.control if beyond else None


def _gaps(summary: StickerSummary) -> list[tables.Table]:
    if summary.gap is None:
        return []
    found = [("targeted", summary.gap.targeted), ("untargeted", summary.gap.untargeted)]
    return [tables.gaps(gap, rule) for rule, gap in found if gap is not None]


def _sticker(path: Path) -> tuple[Markup, int, int] | None:
    try:
        with Image.open(path, formats=["PNG"]) as opened:
            image = opened.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    scale = _STICKER_PX / max(image.size)
    return data_uri(image), round(image.width * scale), round(image.height * scale)


def _hex(colour: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(255 * min(max(value, 0.0), 1.0)):02x}" for value in colour)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("robustkit.benchmarks.sticker", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if isinstance(value, Markup) else printable(value),
    )
    environment.filters.update(
        percent=words.percent, share=words.share, interval=words.interval, short=words.short, when=words.when,
        brief=lambda text: printable(text, 60), hex=_hex, counts=tables.counts, points=tables.points,
        distance=tables.distance_text, angle=tables.angle_text,
    )  # fmt: skip
    environment.globals.update(main=_main)
    return environment
