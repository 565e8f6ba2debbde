"""The card of a trained network: card.json for machines, card.md for people."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, Field, ValidationError

import robustkit
from robustkit.contracts.model import Model
from robustkit.files import write_text
from robustkit.models.overrides import LARGEST
from robustkit.spec import InputSpec

Card = dict[str, Any]


Side = Annotated[int, Field(ge=1, le=LARGEST)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Input(BaseModel):
    channels: Annotated[int, Field(ge=1)]
    size: tuple[Side, Side] | None
    resize: Side | None
    interpolation: Literal["bilinear", "bicubic", "nearest"]


class _Model(BaseModel):
    architecture: str | None
    num_classes: Annotated[int, Field(ge=1)]
    classes: list[str] | None
    bounds: tuple[Finite, Finite]
    mean: list[Finite] | None
    std: list[Finite] | None
    input: _Input


class _Data(BaseModel):
    name: str
    n: int


class _Run(BaseModel):
    threat: str | None
    val: _Data


class _Metrics(BaseModel):
    clean: float
    robust: float | None = None


class _Card(BaseModel):
    """The fields of a card that are read back; all others are informative."""

    command: str
    model: _Model
    run: _Run
    metrics: _Metrics
    validation_attack: str
    versions: dict[str, str]


def parse_card(text: bytes) -> Card:
    """A card from JSON. Raises `ValueError`, with one sentence, if it is invalid."""
    try:
        _Card.model_validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}") from None
    try:
        card: Card = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return card


def describe_model(model: Model, architecture: str | None, num_classes: int) -> Card:
    """The properties needed to build the model again for its weights."""
    return {
        "architecture": architecture,
        "num_classes": num_classes,
        "classes": None if model.classes is None else list(model.classes),
        "bounds": list(model.bounds),
        "mean": None if model.mean is None else list(model.mean),
        "std": None if model.std is None else list(model.std),
        "input": {name: value for name, value in asdict(model.spec).items() if name != "bounds"},
    }


def model_settings(card: Card) -> dict[str, Any]:
    """The keyword arguments of `Model` in a card."""
    written = card["model"]
    spec = dict(written["input"])
    spec["size"] = None if spec["size"] is None else tuple(spec["size"])
    return {
        "bounds": tuple(written["bounds"]),
        "mean": written["mean"],
        "std": written["std"],
        "spec": InputSpec(**spec),
        "classes": written["classes"],
    }


def versions() -> dict[str, str]:
    """The versions of software that the weights depend on."""
    return {"robustkit": robustkit.__version__, "torch": torch.__version__, "python": platform.python_version()}


def write_card(folder: Path, card: Card) -> None:
    """Write ``card.md``, then ``card.json``, whose presence means that the run is complete."""
    write_text(folder / "card.md", _markdown(card))
    write_text(folder / "card.json", json.dumps(card, indent=2, ensure_ascii=False) + "\n")


def _markdown(card: Card) -> str:
    run, metrics, model = card["run"], card["metrics"], card["model"]
    rows = [
        ("Network", model["architecture"] or "given as an object"),
        ("Classes", model["num_classes"]),
        ("Started from", run["base"]),
        ("Data", f"{run['data']['name']}, {run['data']['n']} images"),
        ("Validation", f"{run['val']['name']}, {run['val']['n']} images"),
        ("Recipe", run["recipe"]),
        ("Threat", run["threat"] or "none"),
        ("Epochs", f"{run['options']['epochs']}, the best is number {metrics['epoch']}"),
        ("Seed", run["options"]["seed"]),
        ("Clean accuracy", f"{metrics['clean']:.1%} of the validation images"),
    ]
    if "robust" in metrics:
        rows.append(("Robust accuracy", f"{metrics['robust']:.1%} under {card['validation_attack']}, an upper bound"))
    rows += [("Command", f"`{card['command']}`"), ("Licence", card["licence"])]
    rows += [(name, version) for name, version in card["versions"].items()]
    lines = [f"# {card['name']}", "", "| | |", "| --- | --- |", *(f"| {key} | {value} |" for key, value in rows)]
    return "\n".join(lines) + "\n"
