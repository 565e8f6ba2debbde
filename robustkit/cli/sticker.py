"""sticker: from a threat to a printed sheet, and from photographs to a number with an interval."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from robustkit import watch
from robustkit.cli import results
from robustkit.cli.limits import TimeOptions
from robustkit.cli.loading import LoadingOptions
from robustkit.cli.options import Mark, Options
from robustkit.cli.parameters import takes
from robustkit.cli.reading import LinkOptions
from robustkit.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from robustkit.benchmarks.sticker.summary import StickerSummary
    from robustkit.physical.printer.palette import Palette
    from robustkit.physical.printer.print_model import PrintModel

#: The demonstration, which must end within three minutes on two cores.
MODEL, SIGN, TARGET, MASK, ATTACK, STEPS = "builtin/signs-cnn", "stop", "turn right", "square", "rp2:learning_rate=0.1", 200


class PrinterOptions(Options):
    """The printer in the loop."""

    panel: ClassVar[str | None] = "The printer"

    printer: str = Field("typical", description="typical, ideal, or a print model fitted to a photographed chart (JSON)")
    palette: Annotated[Path | None, Mark.PATH] = Field(
        None, strict=False, description="Printable colours: a text file of red,green,blue lines, or an ICC profile (.icc, .icm)"
    )


class AttackOptions(PrinterOptions):
    """How a sticker is optimised."""

    target: str | None = Field(
        None, description="The class that the sticker should be taken for; without one, any but the true one"
    )
    attack: str = Field("rp2", description="The attack as name:key=value (robustkit attacks show rp2)")
    steps: int | None = Field(None, ge=1, description="Optimiser steps")
    parametrisation: Literal["free", "palette", "blocks"] | None = Field(
        None, description="Free colours, printable colours only, or black and white blocks"
    )
    texels: int = Field(32, ge=4, le=1024, description="Texels across the sign")
    repeats: int = Field(4, ge=1, le=1000, description="Renderings of each subject at each distance and angle")
    ablation: bool = Field(True, description="Optimise again without camera views and without the print model")
    seed: int = Field(0, ge=0, description="Seed of all random numbers")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N")


class DemoOptions(AttackOptions, TimeOptions):
    """The options of the demonstration."""

    target: str | None = Field(TARGET, description="The class that the sticker should be taken for")
    attack: str = Field(ATTACK, description="The attack as name:key=value (robustkit attacks show rp2)")
    steps: int | None = Field(STEPS, ge=1, description="Optimiser steps")
    out: Annotated[Path, Mark.SHORT] = Field(Path("runs/sticker"), strict=False, description="The run folder")


class OptimiseOptions(AttackOptions, LoadingOptions, LinkOptions, TimeOptions):
    """The options of optimise."""

    model: Annotated[str, Mark.POSITIONAL] = Field(
        description="builtin/… torchvision/… timm/… hf/… file:… python:… or a training run's folder"
    )
    sign: str = Field(description="A TOML file with the sign's outline in cm, or the name of a sign that robustkit draws")
    photos: str | None = Field(
        None,
        description="folder:PATH with photographs of the bare sign; without it, robustkit draws the sign",
    )
    true: str | None = Field(None, description="The sign's true class; by default the one with the sign's name")
    mask: Annotated[str, Mark.PATH] = Field(
        "bars",
        description="Where stickers may be: a black-and-white PNG or a TOML file with rectangles_cm or polygons_cm, "
        "whole, bars, bands, square, or "
        "vulnerable:10% (the model's most vulnerable places)",
    )
    threshold: int | None = Field(None, ge=1, le=255, description="The grey from which a mask picture's pixels count as white")
    cropped: bool = Field(False, description="The photographs are cropped to the sign's bounding box, so it need not be found")
    skip_broken: bool = Field(False, description="Skip photographs that are unreadable or show no sign, and list them")
    out: Annotated[Path, Mark.SHORT, Mark.PATH] = Field(strict=False, description="The run folder")


class RunOptions(Options):
    """A run of optimise."""

    run: Annotated[Path, Mark.POSITIONAL, Mark.PATH] = Field(
        strict=False, description="The folder of robustkit sticker optimise"
    )


class ExportOptions(RunOptions):
    """The options of export."""

    paper: str = Field("A4", description="A4, A3 or letter")
    dpi: float = Field(300, gt=0, description="Resolution of the PNG files and of the printer")
    margin_mm: float = Field(10, ge=0, description="What the printer leaves blank")
    overlap_mm: float = Field(10, ge=0, description="What tiles of a large piece share")
    control: list[str] = Field(
        [], description="A control to print too: grey, black, white, random, mirrored (default: the best one)"
    )
    out: Annotated[Path | None, Mark.SHORT, Mark.PATH] = Field(None, strict=False, description="Default: RUN/print")


class PlanOptions(RunOptions):
    """The options of plan."""

    light: list[str] = Field(["daylight"], description="A light to photograph in, such as dusk; may be repeated")
    control: list[str] = Field(
        [], description="A control to photograph: grey, black, white, random, mirrored (default: the best one)"
    )
    repeats: int = Field(1, ge=1, le=1000, description="Photographs of each subject at each distance and angle")
    out: Annotated[Path | None, Mark.SHORT, Mark.PATH] = Field(None, strict=False, description="A CSV file; default: stdout")


class ScoreOptions(RunOptions, LoadingOptions, LinkOptions, TimeOptions):
    """The options of score."""

    photos: str = Field(
        description="folder:PATH with photographs named by the shot plan, or csv:PATH with a table of them (file, subject, …)"
    )
    model: str | None = Field(None, description="The model of the run, which must be named if loading it runs code")
    cropped: bool = Field(False, description="The photographs are cropped to the sign's bounding box, so it need not be found")
    skip_broken: bool = Field(False, description="Skip photographs that are unreadable or show no sign, and list them")
    straight: bool = Field(False, description="Show the signs from straight ahead instead of as a detector cuts them out")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N")


@takes(DemoOptions, configured=False)
def demo(options: DemoOptions) -> ExitCode:
    """The embedded demonstration: a sticker for a stop sign that robustkit draws, judged, reported and ready to print."""
    watch.set_limit(options.timeout)
    full = OptimiseOptions(
        model=MODEL,
        sign=SIGN,
        mask=MASK,
        out=options.out,
        **{name: getattr(options, name) for name in AttackOptions.model_fields},
        timeout=options.timeout,
    )
    summary = _optimise(full)
    from robustkit.benchmarks.sticker.export.export import export as write_sheets

    _print_sheets(options.out, options.out / "print", [], write_sheets, {})
    return summary.exit_code


@takes(OptimiseOptions, configured=False)
def optimise(options: OptimiseOptions) -> ExitCode:
    """Optimise a sticker for a sign and judge it beside controls. Exits with 4 if it is not proven to be better than them."""
    watch.set_limit(options.timeout)
    return _optimise(options).exit_code


@takes(ExportOptions, configured=False)
def export(options: ExportOptions) -> None:
    """Write the sticker, a control and a placement sheet as PDF, SVG and PNG at true size."""
    from robustkit.benchmarks.sticker.export.export import export as write_sheets

    settings = {name: getattr(options, name) for name in ("paper", "dpi", "margin_mm", "overlap_mm")}
    _print_sheets(options.run, options.out or options.run / "print", options.control, write_sheets, settings)


@takes(PlanOptions, configured=False)
def plan(options: PlanOptions) -> None:
    """List the photographs to take as CSV: distance, angle, light and the file's name, for bare sign, sticker and control."""
    from robustkit.benchmarks.sticker.folder import StickerFolder
    from robustkit.benchmarks.sticker.shots import csv_text
    from robustkit.benchmarks.sticker.shots import plan as planned
    from robustkit.files import write_text

    names = _controls(options.control, StickerFolder(options.run).summary())
    text = csv_text(planned(lights=options.light, controls=names, repeats=options.repeats))
    if options.out is None:
        results.stream().write(text)
    else:
        write_text(options.out, text)
        results.say(f"{text.count(chr(10)) - 1} shots in {options.out}")


@takes(ScoreOptions, configured=False)
def score(options: ScoreOptions) -> ExitCode:
    """Score photographs of the bare sign, the sticker and controls by RP2's rule, beside what was predicted."""
    watch.set_limit(options.timeout)
    from robustkit.benchmarks.sticker.field import score_field
    from robustkit.benchmarks.sticker.folder import StickerFolder
    from robustkit.benchmarks.sticker.photos import PhotoReading
    from robustkit.models.load import load_model

    recorded = StickerFolder(options.run).summary().model.name
    named = options.model or recorded
    if options.model is None and recorded.startswith(("python:", "file:", "hf/")):
        raise UsageError(
            f"the model of {options.run} is {recorded}, whose loading may run code: name it with --model {recorded}"
        )
    model = load_model(named, device=options.device, **options.part(LoadingOptions))
    reading = PhotoReading(
        cropped=options.cropped,
        straight=options.straight,
        skip_broken=options.skip_broken,
        follow_links=options.follow_links,
    )
    summary, notes = score_field(options.run, model, options.photos, reading)
    for sentence in notes:
        results.note(sentence)
    _show(summary, options.run)
    return summary.exit_code


def _optimise(options: OptimiseOptions) -> StickerSummary:
    from robustkit import build
    from robustkit.benchmarks.sticker.classes import true_and_target
    from robustkit.benchmarks.sticker.photos import PhotoReading
    from robustkit.benchmarks.sticker.placed import placed
    from robustkit.benchmarks.sticker.signs import sign_named, stage_of
    from robustkit.benchmarks.sticker.workflow import Order
    from robustkit.benchmarks.sticker.workflow import optimise as run_optimise
    from robustkit.models.load import load_model
    from robustkit.physical.fitting import SceneAttack

    chosen = {"steps": options.steps, "colours": options.parametrisation}
    attack = build.attack(options.attack, **{key: value for key, value in chosen.items() if value is not None})
    if not isinstance(attack, SceneAttack):
        raise UsageError(f"attack {options.attack!r} does not fit a sticker to scenes: give one that does, such as rp2")
    printer, palette = _printer(options.printer), _palette(options.palette)
    sign = sign_named(options.sign)
    model = load_model(options.model, device=options.device, **options.part(LoadingOptions))
    true, target = true_and_target(model, options.true or sign.name, options.target)
    reading = PhotoReading(cropped=options.cropped, skip_broken=options.skip_broken, follow_links=options.follow_links)
    stage, source, notes = stage_of(sign, options.photos, model, true, reading)
    for sentence in notes:
        results.note(sentence)
    alpha = placed(
        options.mask, sign, sign.shape(options.texels), model, stage, target, threshold=options.threshold, seed=options.seed
    )
    order = Order(
        model=model,
        stage=stage,
        source=source,
        alpha=alpha,
        true=true,
        target=target,
        attack=attack,
        printer=printer,
        palette=palette,
        seed=options.seed,
        repeats=options.repeats,
        ablation=options.ablation,
    )
    repeat = {"command": shlex.join(["robustkit", *sys.argv[1:]]), **options.record()}
    summary = run_optimise(order, options.out, repeat=repeat, note=results.note)
    _show(summary, options.out)
    return summary


def _show(summary: StickerSummary, folder: Path) -> None:
    """Print the headline and the tables."""
    from robustkit.benchmarks.sticker import tables
    from robustkit.benchmarks.sticker.report.page import NOTICE, sentence

    score = summary.measured
    results.say(sentence(summary))
    for line in tables.headline(score)[:1]:
        results.say(line)
    for table in [tables.subjects(score), *tables.cells(score), *tables.sizes(score)]:
        results.say()
        results.say(table.text())
    if summary.gap is not None:
        rules = {"targeted": summary.gap.targeted, "untargeted": summary.gap.untargeted}
        for rule, gap in rules.items():
            if gap is not None:
                results.say()
                results.say(tables.gaps(gap, rule).text())
    for table in tables.runs(summary.filmed) if summary.filmed is not None else []:
        results.say()
        results.say(table.text())
    results.say()
    for warning in summary.warnings:
        results.say(f"warning: {warning}")
    results.say(f"{NOTICE}")
    results.say(f"report: {folder / 'report.html'}")


def _print_sheets(folder: Path, out: Path, names: list[str], write: Any, settings: dict[str, Any]) -> None:
    """Write the sheets of a run and print where they are."""
    from robustkit.benchmarks.sticker.controls import controls
    from robustkit.benchmarks.sticker.folder import StickerFolder

    run = StickerFolder(folder)
    summary, sticker = run.summary(), run.sticker()
    chosen = _controls(names, summary)
    others = {name: each for name, each in controls(sticker, summary.seed).items() if name in chosen}
    written = write(sticker, out, controls=others, seed=summary.seed, **settings)
    for warning in written.warnings:
        results.say(f"warning: {warning}")
    results.say(f"{written.pieces} pieces on {written.sheets} sheets: {written.files[0]}; placement: {out / 'placement.pdf'}")


def _controls(names: list[str], summary: StickerSummary) -> list[str]:
    """The controls of these names; by default the one that predicts most."""
    from robustkit.errors import did_you_mean

    known = summary.predicted.untargeted.controls
    for name in names:
        if name not in known:
            raise UsageError(f"control {name!r} is unknown: {did_you_mean(name, known)}")
    beyond = (summary.predicted.targeted or summary.predicted.untargeted).beyond
    return names or ([beyond.control] if beyond else ["grey"])


def _printer(name: str) -> PrintModel | None:
    from robustkit.physical.printer.print_model import PrintModel

    if name == "ideal":
        return None
    return PrintModel.typical() if name == "typical" else PrintModel.load(Path(name))


def _palette(path: Path | None) -> Palette:
    from robustkit.physical.printer.palette import Palette

    if path is None:
        return Palette.default()
    return Palette.of_profile(path) if path.suffix.lower() in (".icc", ".icm") else Palette.read(path)
