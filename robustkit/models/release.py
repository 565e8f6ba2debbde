"""Create an embedded model from a training run: ``python -m robustkit.models.release runs/fashion-robust builtin/fashion-robust``.

The weights are rounded to half precision, and the card states accuracies of the rounded weights on test images that were not used in
training. The cards of the embedded models give their training runs under ``command``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file, save_file

from robustkit.build import attack
from robustkit.contracts.model import Model
from robustkit.data.base import Data
from robustkit.data.load import load_data
from robustkit.models.builtin_models import FOLDER, builtin_names, embedded, load_builtin
from robustkit.threats import Threat
from robustkit.training.folder import read_card

ATTACKS = ("apgd-ce:steps=100", "apgd-t:steps=100")


class Test(NamedTuple):
    """How the models of one data set are judged, and on what terms they are shipped."""

    data: str
    threat: str
    licence: str
    limits: str


#: By the shipped data.
TESTS = {
    "builtin/fashion": Test(
        "torchvision/FashionMNIST",
        "linf:0.1",
        "Weights: Apache-2.0, as robustkit. Trained on Fashion-MNIST (Xiao, Rasul and Vollgraf, arXiv 1708.07747), "
        "copyright 2017 Zalando SE, MIT licence.",
        "Small grey pictures of clothes: a model to try attacks and defenses on.",
    ),
    "builtin/signs": Test(
        "builtin/signs",
        "linf:4/255",
        "Weights: Apache-2.0, as robustkit. Trained on signs that robustkit draws itself (robustkit.physical.drawing): no photograph.",
        "Trained and tested on pictures by one renderer (python -m robustkit.data.make_signs), so the accuracy says nothing about "
        "photographs; a picture without a sign also gets one of the sixteen classes. Not for use in traffic.",
    ),
}


def measure(model: Model, data: Data, threat: str, robust_limit: int) -> dict[str, Any]:
    """Clean accuracy on all images, and robust accuracy under `ATTACKS` on the first `robust_limit`."""
    test = data.matched(model)
    x, y, ids = next(test.batches(model.spec, len(test)))
    correct = model.logits(x).argmax(1).cpu() == y
    against, n = Threat.parse(threat), min(robust_limit, len(test))
    survivors = correct[:n].nonzero().squeeze(1)
    after = {}
    for spec in ATTACKS:
        result = attack(spec)(model, x[survivors], y[survivors], against, sample_ids=ids[survivors])
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
        "threat": threat,
    }


def release(run: Path, name: str, robust_limit: int) -> dict[str, Any]:
    """Write the embedded model's two files and return its card."""
    card = read_card(run)
    short = name.removeprefix("builtin/")
    test = TESTS[embedded(name).data]
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
        "licence": test.licence,
        "limits": test.limits,
        "versions": card["versions"],
    }
    path = FOLDER / f"{short}.json"
    path.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")  # the loader reads the class names from it
    written["metrics"] = measure(load_builtin(name, device="cpu"), load_data(test.data), test.threat, robust_limit)
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
