"""What a trained network says of itself: for machines as card.json, for people as card.md."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

import robustkit
from robustkit.model import InputSpec, Model

Card = dict[str, Any]


def describe_model(model: Model, architecture: str | None, num_classes: int) -> Card:
    """What is needed to build the model around its weights again."""
    return {
        "architecture": architecture,
        "num_classes": num_classes,
        "classes": None if model.classes is None else list(model.classes),
        "bounds": list(model.bounds),
        "mean": None if model.mean is None else list(model.mean),
        "std": None if model.std is None else list(model.std),
        "input": asdict(model.spec),
    }


def model_settings(card: Card) -> dict[str, Any]:
    """The keywords of `Model` that a card holds."""
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
    """Of what the weights depend on."""
    return {"robustkit": robustkit.__version__, "torch": torch.__version__, "python": platform.python_version()}


def write_card(folder: Path, card: Card) -> None:
    """Write ``card.md``, then ``card.json``, whose presence says that the run is complete."""
    (folder / "card.md").write_text(_markdown(card), encoding="utf-8")
    partial = folder / "card.json.partial"
    partial.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(partial, folder / "card.json")


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
