"""Create an embedded model from a training run: ``python -m robustkit.models.release runs/fashion-robust builtin/fashion-robust``.

The weights are rounded to half precision, and the card states accuracies of the rounded weights on Fashion-MNIST's test images,
which were not used in training. The cards of the embedded models give their training runs under ``command``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from robustkit.build import attack
from robustkit.contracts.model import Model
from robustkit.data.base import Data
from robustkit.data.load import load_data
from robustkit.models.builtin_models import FOLDER, builtin_names, load_builtin
from robustkit.threats import Threat
from robustkit.training.folder import read_card

THREAT = "linf:0.1"
ATTACKS = ("apgd-ce:steps=100", "apgd-t:steps=100")
LICENCE = (
    "Weights: Apache-2.0, as robustkit. Trained on Fashion-MNIST (Xiao, Rasul and Vollgraf, arXiv 1708.07747), "
    "copyright 2017 Zalando SE, MIT licence."
)


def measure(model: Model, data: Data, robust_limit: int) -> dict[str, Any]:
    """Clean accuracy on all images, and robust accuracy under `ATTACKS` on the first `robust_limit`."""
    test = data.matched(model)
    x, y, ids = next(test.batches(model.spec, len(test)))
    correct = model.logits(x).argmax(1).cpu() == y
    threat, n = Threat.parse(THREAT), min(robust_limit, len(test))
    survivors = correct[:n].nonzero().squeeze(1)
    after = {}
    for spec in ATTACKS:
        result = attack(spec)(model, x[survivors], y[survivors], threat, sample_ids=ids[survivors])
        survivors = survivors[result.robust.cpu()]
        after[spec] = len(survivors) / n
    return {
        "clean": float(correct.double().mean()),
        "clean_n": len(test),
        "clean_first_1000": float(correct[:1000].double().mean()),
        "robust": after[ATTACKS[-1]],
        "robust_n": n,
        "robust_first_1000": int((survivors < 1000).sum()) / min(n, 1000),
        "robust_after": after,
        "threat": THREAT,
    }


def release(run: Path, name: str, robust_limit: int) -> dict[str, Any]:
    """Write the embedded model's two files and return its card."""
    card = read_card(run)
    short = name.removeprefix("builtin/")
    weights = load_file(run / "model.safetensors")
    FOLDER.mkdir(exist_ok=True)
    save_file({key: value.half() for key, value in weights.items()}, FOLDER / f"{short}.safetensors")
    written = {
        "schema": 1,
        "name": name,
        "command": card["command"],
        "classes": card["model"]["classes"],
        "parameters": sum(value.numel() for value in weights.values()),
        "run": card["run"],
        "licence": LICENCE,
        "versions": card["versions"],
    }
    path = FOLDER / f"{short}.json"
    path.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")  # the loader reads the class names from it
    written["metrics"] = measure(load_builtin(name, device="cpu"), load_data("torchvision/FashionMNIST"), robust_limit)
    path.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    return written


def main() -> None:
    """Parse the arguments, write the embedded model and print its metrics."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="the folder of a finished training run")
    parser.add_argument("name", choices=builtin_names())
    parser.add_argument("--robust-limit", type=int, default=1000, help="number of test images to attack, from the first")
    arguments = parser.parse_args()
    torch.use_deterministic_algorithms(True)
    print(json.dumps(release(arguments.run, arguments.name, arguments.robust_limit)["metrics"], indent=2))


if __name__ == "__main__":
    main()
