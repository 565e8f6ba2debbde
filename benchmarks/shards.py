"""Work on one shard of the data: run each cell on the samples it is due, and leave records and failing inputs."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from robustkit.benchmarks import records
from robustkit.benchmarks.cell import Cell
from robustkit.benchmarks.contradictions import NEAREST, digest_of_file
from robustkit.benchmarks.records import STATUS_NAMES, Column, Records, as_column
from robustkit.contracts.answer import ask, least_lead, predict
from robustkit.contracts.result import AttackResult, Status
from robustkit.contracts.samples import Samples
from robustkit.defense import DefendedModel
from robustkit.errors import ExitCode, RobustkitError
from robustkit.files import atomic
from robustkit.iterative import IterativeAttack
from robustkit.losses import margin
from robustkit.model import Model
from robustkit.rng import SampleRandom, pass_seed
from robustkit.threats import PatchThreat, Threat
from robustkit.universal import Fitted, UniversalAttack, fold_of


@dataclass(frozen=True)
class Shard:
    """Some samples of a run, on the CPU, and what the model says of the clean images."""

    name: str  #: RANGE in the file names
    samples: Samples
    clean: Records


def shard_size(model: Model, shape: tuple[int, ...]) -> int:
    """Samples in a shard: enough to keep the batch full, few enough that memory does not grow with the data."""
    pixels = int(np.prod(shape))
    return max(32, min(512 if model.device.type == "cpu" else 4096, 2**24 // pixels))


def clean_records(model: Model, samples: Samples, seed: int, name: str) -> Records:
    """The rows of a shard's clean images. Runs the model; writes nothing. A model that fails on them leaves rows that say so.

    Raises
    ------
    RobustkitError
        If the model says that the user's values cannot be used.
    """
    began = time.perf_counter()
    n, message = len(samples.y), ""
    try:
        with model.frozen(pass_seed(seed, f"clean/{name}")):
            answer = predict(model, samples.x.to(model.device), samples.y.to(model.device))
        logits, prediction, _ = (part.cpu() for part in answer)
    except Exception as error:  # a model of a stranger may raise anything
        if not is_crash(error):
            raise
        logits, message = torch.full((n, 2 + max(samples.y.tolist(), default=0)), torch.nan), sentence_of(error)
        prediction = torch.zeros_like(samples.y)
    broken = ~logits.isfinite().all(1)
    confidence = confidence_in(logits, prediction)
    prediction = torch.where(broken, -1, prediction)
    clean_margin = torch.where(broken, torch.nan, margin(logits, samples.y))
    wrong = (prediction != samples.y) & ~broken
    status = torch.where(broken, int(Status.ERROR), torch.where(wrong, int(Status.MISCLASSIFIED), int(Status.FAILED)))
    zeros = np.zeros(n, dtype=np.int32)
    return Records(
        {
            "sample_id": as_column(samples.ids),
            "label": as_column(samples.y),
            "target": zeros - 1,
            "clean_prediction": as_column(prediction),
            "clean_margin": as_column(clean_margin),
            "clean_confidence": as_column(confidence),
            "prediction": as_column(prediction),
            "margin": as_column(clean_margin),
            "confidence": as_column(confidence),
            "reported": zeros.astype(bool),
            "verified": zeros.astype(bool),
            "status": named(status),
            "distance": zeros.astype(np.float32),
            "nearest_distance": np.where(as_column(wrong), 0, np.inf).astype(np.float32),
            "forwards": zeros + model.draws,
            "backwards": zeros,
            "first_success_step": zeros - 1,
            "zero_gradients": zeros,
        },
        time.perf_counter() - began,
        message,
    )


def attack_shard(
    cell: Cell,
    model: Model,
    shard: Shard,
    due: Column,
    seed: int,
    fitted: list[Fitted] | Exception | None,
    images: Path | None,
) -> Records:
    """Run one cell on the samples of a shard that are due (bool), verify what it claims, and keep the failing inputs.

    A crash, also one while a universal attack was fitted, is recorded for every sample it was to answer: those are neither
    robust nor successfully attacked.

    Raises
    ------
    RobustkitError
        If the attack says that the user's values cannot be used.
    """
    rows = torch.from_numpy(due).nonzero().squeeze(1)
    if not len(rows):
        return records.empty()
    samples = shard.samples.rows(rows).to(model.device)
    attacked = model
    if cell.part == "non-adaptive" and isinstance(model, DefendedModel):
        attacked = model.undefended
    began = time.perf_counter()
    try:
        if isinstance(fitted, Exception):
            raise fitted
        samples = with_targets(samples, cell.threat, model, seed)
        result = run_attack(cell, attacked, samples, seed, fitted)
        fresh = pass_seed(seed, f"verify/{cell.name}/{shard.name}")
        prediction, margins, confidence, verified, finite = verify(cell, model, samples, result, fresh)
    except Exception as error:  # an attack of a stranger may raise anything
        if not is_crash(error):
            raise
        return crashed(shard, rows, samples.targets, error, time.perf_counter() - began)
    status = result.status.cpu()
    claimed = (result.success | result.reported).cpu()
    if model.draws > 1 and attacked is model:
        # The majority of one question may be luck: a success needs two, the attack's and this one. What the attack itself only
        # saw in the end is in doubt, not unconfirmed; what it did not attack is.
        given_up = status == int(Status.MISCLASSIFIED)
        verified &= claimed | given_up
        claimed = result.reported.cpu() | given_up | verified
    status = torch.where(status == int(Status.FOUND), int(Status.FAILED), status)  # only what is verified was found
    status = torch.where(claimed & ~verified, int(Status.UNCONFIRMED), status)
    status = torch.where(verified, int(Status.FOUND), status)
    status = torch.where(finite, status, int(Status.ERROR))
    x, targets = samples.x, samples.targets
    x_adv, digest = result.x_adv.to(x), ""
    if model.draws == 1:
        changed = verified & contradicts_itself(model, samples, verified)
        verified = verified & ~changed
        status = torch.where(changed, int(Status.ERROR), status)
    if images is not None:
        kept = {"sample_id": samples.ids, "x": x, "x_adv": x_adv, "prediction": prediction, "verified": verified}
        if result.witness is not None:
            kept["witness"] = result.witness
        digest = save_images(images, {name: tensor.cpu() for name, tensor in kept.items()}, margins)
    clean = {name: column[rows.numpy()] for name, column in shard.clean.columns.items()}
    return Records(
        {
            **{name: clean[name] for name in ("sample_id", "label", "clean_prediction", "clean_margin", "clean_confidence")},
            "target": as_column(targets) if targets is not None else np.full(len(rows), -1),
            "prediction": as_column(prediction),
            "margin": as_column(margins),
            "confidence": as_column(confidence),
            "reported": as_column(claimed),
            "verified": as_column(verified),
            "status": named(status),
            "distance": as_column(cell.threat.distance(x, x_adv)),
            "nearest_distance": as_column(result.nearest_distance),
            "forwards": as_column(result.forwards),
            "backwards": as_column(result.backwards),
            "first_success_step": as_column(result.first_success_step),
            "zero_gradients": as_column(result.zero_gradients),
        },
        time.perf_counter() - began,
        images=digest,
    )


def run_attack(cell: Cell, model: Model, samples: Samples, seed: int, fitted: list[Fitted] | None) -> AttackResult:
    """The attack's own answer; a universal one applies to each fold what the other made."""
    attack = cell.attack
    if not isinstance(attack, UniversalAttack) or fitted is None:
        return attack(model, samples.x, samples.y, cell.threat, targets=samples.targets, sample_ids=samples.ids, seed=seed)
    fold = fold_of(samples.ids, seed)
    parts, order = [], []
    for side, made in enumerate(fitted):
        rows = (fold == side).nonzero().squeeze(1)
        if len(rows):
            parts.append(attack.apply_to(model, samples.rows(rows), cell.threat, made, seed))
            order.append(rows)
    return AttackResult.join(parts, torch.cat(order).argsort())


def verify(cell: Cell, model: Model, samples: Samples, result: AttackResult, seed: int) -> tuple[Tensor, ...]:
    """Ask the model under test, in full precision, about every image handed over: an attack's own claim does not count.

    `seed` decides the draws of a randomised model, which the attack has not seen.

    Returns prediction, margin of the label, confidence, whether the image is adversarial inside the threat, and whether every
    draw was finite; on the CPU.
    """
    x, y = samples.x, samples.y
    x_adv = result.x_adv.to(x)
    witness = None if result.witness is None else result.witness.to(x.device)
    draws = cell.attack.eot if isinstance(cell.attack, IterativeAttack) else 1
    with model.frozen(seed):
        logits, prediction, adversarial = predict(model, x_adv, y, samples.targets, draws)
    finite = logits.isfinite().all(1)
    verified = cell.threat.contains(x, x_adv, model.bounds, witness) & finite & adversarial
    answer = (prediction, margin(logits, y), confidence_in(logits, prediction), verified, finite)
    return tuple(part.cpu() for part in answer)


def contradicts_itself(model: Model, samples: Samples, asked: Tensor) -> Tensor:
    """Which of the clean images asked about, once correctly classified, are now clearly adversarial. Bool ``(B,)``, on the CPU.

    Such a model has changed its mind since its clean pass, so that its answers about other images prove nothing.
    """
    changed = torch.zeros_like(asked)
    rows = asked.nonzero().squeeze(1)
    if len(rows):
        some = samples.rows(rows.to(samples.x.device))
        now = ask(model, some.x, some)
        changed[rows] = (now.success & (now.margin > least_lead(now.columns))).cpu()
    return changed


def with_targets(samples: Samples, threat: Threat, model: Model, seed: int) -> Samples:
    """Under a targeted threat, the samples with another class each as their target, drawn by its id.

    A sticker is one for all samples, so its target is one class, and the class after it for samples of that very class.
    """
    if not threat.targeted:
        return samples
    classes = model.logits(samples.x[:1]).shape[1]
    draw, y, ids = SampleRandom(seed, "target"), samples.y, samples.ids
    if isinstance(threat, PatchThreat):
        one = draw.integers(torch.zeros_like(ids), (), classes)
        return replace(samples, targets=torch.where(y == one, (one + 1) % classes, one))
    return replace(samples, targets=(y + 1 + draw.integers(ids, (), classes - 1)) % classes)


def crashed(shard: Shard, rows: Tensor, targets: Tensor | None, error: Exception, seconds: float) -> Records:
    """Rows that say the attack failed on these samples."""
    columns = {name: column[rows.numpy()] for name, column in shard.clean.columns.items()}
    n = len(rows)
    columns |= {
        "target": as_column(targets) if targets is not None else np.full(n, -1),
        "status": named(torch.full((n,), int(Status.ERROR))),
        "forwards": np.zeros(n, dtype=np.int32),
    }
    return Records(columns, seconds, sentence_of(error))


def is_crash(error: Exception) -> bool:
    """Whether an error is a failure of model or attack, and not a value of the user's that cannot be used."""
    return not isinstance(error, RobustkitError) or error.exit_code == ExitCode.INCOMPLETE


def sentence_of(error: Exception) -> str:
    """What a crash is called in records: the kind of error and the first line of its message."""
    message = str(error).strip().splitlines()
    return f"{type(error).__name__}: {message[0] if message else 'no message'}"


def save_images(path: Path, found: dict[str, Tensor], margins: Tensor) -> str:
    """Keep the failing inputs of a shard, and the best efforts that came nearest, with what was found of them.

    Returns
    -------
    The digest of the file, which ties the records to it.
    """
    verified = found["verified"]
    near = torch.where(verified, torch.inf, margins).argsort()[:NEAREST]
    keep = verified.clone()
    keep[near] = True
    rows = keep.nonzero().squeeze(1)
    with atomic(path) as partial:
        save_file({name: tensor[rows].contiguous() for name, tensor in found.items()}, partial)
        return digest_of_file(partial)


def confidence_in(logits: Tensor, prediction: Tensor) -> Tensor:
    """The softmax probability of the predicted class."""
    return logits.softmax(1).gather(1, prediction[:, None])[:, 0]


def named(status: Tensor) -> Column:
    """Status codes as names."""
    return np.array(STATUS_NAMES, dtype=object).take(status.cpu().numpy())
