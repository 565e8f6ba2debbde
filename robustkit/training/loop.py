"""The training loop. All random numbers are functions of (seed, epoch, batch), so a run resumes exactly.

The order of the images, augmentation, dropout and the inner attacks have their own generators; the learning rate is
a function of the step. So a checkpoint contains only weights, their average, the optimizer's state, and the position.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_model, save_model
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from robustkit.contracts.model import Model
from robustkit.contracts.recipe import Recipe, TrainingBatch
from robustkit.data.base import Data
from robustkit.errors import ExitCode, RobustkitError
from robustkit.files import atomic
from robustkit.global_state import own_random_state
from robustkit.outputs import output_logits
from robustkit.rng import derive_key
from robustkit.threats import Threat
from robustkit.torch_model import TorchModel
from robustkit.training.augment import augment
from robustkit.training.cache import Remembered
from robustkit.training.checkpoint import Progress, load_checkpoint, save_checkpoint, unreadable
from robustkit.training.log import Log
from robustkit.training.optimization import build_optimizer, learning_rate
from robustkit.training.options import TrainingOptions
from robustkit.training.progress import ProgressLine
from robustkit.training.validate import validate

CHECK_EVERY = 50  #: batches between checks of the losses, each of which synchronises with the device
CHECKPOINT_EVERY = 300.0  #: seconds between checkpoints inside an epoch


class DivergedError(RobustkitError):
    """The loss or a weight is no longer finite."""

    exit_code = ExitCode.INCOMPLETE


@dataclass(frozen=True, kw_only=True)
class Job:
    """The configuration of a training run.

    Parameters
    ----------
    model
        The network, which is trained in place, with its preprocessing.
    train, val
        Images with the model's labels.
    recipe, threat, options
        How to train.
    frozen
        Modules that stay in evaluation mode.
    num_classes
        Number of classes of the network.
    out
        The run's folder.
    workers
        Number of processes that read images; 0 for this process.
    """

    model: Model
    train: Data
    val: Data
    recipe: Recipe
    threat: Threat | None
    options: TrainingOptions
    frozen: list[nn.Module]
    num_classes: int
    out: Path
    workers: int = 0


def run(job: Job, fabric: Fabric) -> dict[str, float]:
    """Train or resume until the last epoch, load the best weights into ``model``, and return their validation scores.

    Raises
    ------
    DivergedError
        If a loss or a weight becomes NaN or infinite; the last valid checkpoint is kept.
    """
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        return _Loop(job, fabric).run()


class _Loop:
    def __init__(self, job: Job, fabric: Fabric) -> None:
        self.job, self.fabric, self.options = job, fabric, job.options
        self.net = job.model.net.to(memory_format=torch.channels_last)
        learned = [parameter for parameter in self.net.parameters() if parameter.requires_grad]
        self.optimizer = build_optimizer(learned, self.options)
        self.wrapped, self.stepper = fabric.setup(self.net, self.optimizer)
        ema = self.options.ema
        average = get_ema_multi_avg_fn(ema) if ema is not None else None  # type: ignore[no-untyped-call]
        self.ema = AveragedModel(self.net, multi_avg_fn=average, use_buffers=True) if average else None
        self.kept = _with_net(job.model, self.ema.module) if self.ema is not None else job.model
        self.batches = max(1, len(job.train) // (self.options.batch_size * fabric.world_size))
        self.total = self.batches * self.options.epochs
        self.images = Remembered(job.train.torch_dataset(job.model.spec))
        self.checkpoint = job.out / "checkpoints" / "last.pt"
        self.best = job.out / "checkpoints" / "best.safetensors"
        self.progress = self._resume()
        self.saved = time.monotonic()

    def run(self) -> dict[str, float]:
        position = self.progress
        done = position.epoch * self.batches + position.batch
        with (
            Log(self.job.out, position.history, self.fabric.is_global_zero) as log,
            ProgressLine(self.total, done, self.options.batch_size * self.fabric.world_size) as line,
        ):
            while position.epoch < self.options.epochs:
                self._epoch(line)
                row = self._validate()
                log.epoch(row)
                line.update(position.epoch * self.batches, _describe(row, self.options.epochs), always=True)
                self._save()
        try:
            load_model(self.job.model.net, self.best, device=str(self.fabric.device))
        except Exception as error:
            raise unreadable(self.best, error) from error
        best = max(position.history, key=_score)
        return {key: best[key] for key in ("epoch", "clean", "robust") if key in best}

    def _epoch(self, line: ProgressLine) -> None:
        position, epoch = self.progress, self.progress.epoch
        for x, y, ids in self._load(epoch, position.batch):
            loss = self._step(x, y, ids)
            position.losses.append(loss)
            position.batch += 1
            if position.batch % CHECK_EVERY == 0 or position.batch == self.batches:
                self._check()
                line.update(
                    epoch * self.batches + position.batch,
                    f"epoch {epoch + 1}/{self.options.epochs} · batch {position.batch}/{self.batches} · loss {float(loss):.4f}",
                )
                if time.monotonic() - self.saved > CHECKPOINT_EVERY and position.batch < self.batches:
                    self._save()

    def _load(self, epoch: int, first: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """The batches of an epoch from batch `first` on, in a reproducible order."""
        data, size = self.job.train, self.options.batch_size
        order = torch.randperm(len(data), generator=self._generator(f"order of epoch {epoch}"))
        mine = torch.split(order, size)[self.fabric.global_rank :: self.fabric.world_size][first : self.batches]
        loader = DataLoader(
            self.images,
            batch_sampler=[part.tolist() for part in mine],
            num_workers=self.job.workers,
            pin_memory=self.fabric.device.type == "cuda",
            generator=self._generator(f"workers of epoch {epoch}"),
        )
        for part, (x, y) in zip(mine, loader, strict=True):
            ids = torch.from_numpy(np.asarray(data.ids)[part.numpy()])
            yield tuple(tensor.to(self.fabric.device, non_blocking=True) for tensor in (x, y.long(), ids))  # type: ignore[misc]

    def _generator(self, purpose: str) -> torch.Generator:
        return torch.Generator().manual_seed(derive_key(self.options.seed, purpose)[0])

    def _step(self, x: Tensor, y: Tensor, ids: Tensor) -> Tensor:
        """Train on one batch (augmentation, the recipe's loss, the optimizer's step); returns the loss, on the device."""
        options, position = self.options, self.progress
        step = position.epoch * self.batches + position.batch
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(options.schedule, options.peak_lr, step, self.total)
        epoch_seed = derive_key(options.seed, f"epoch {position.epoch}")[0]
        self.net.train()
        for module in self.job.frozen:
            module.training = False
        if options.augment:
            x = augment(x, ids, options.augment, epoch_seed)
        batch = TrainingBatch(
            x=x,
            y=y,
            sample_ids=ids,
            forward=lambda images: output_logits(self.wrapped(self.job.model.preprocess(images)), len(images)),
            model=self.job.model,
            threat=self.job.threat,
            num_classes=self.job.num_classes,
            seed=epoch_seed,
            progress=step / self.total,
        )
        self.optimizer.zero_grad()
        with own_random_state(self.fabric.device, derive_key(options.seed, f"step {step}")[0]):
            with self.fabric.autocast() if options.precision.endswith("mixed") else nullcontext():
                loss = self.job.recipe.loss(batch)
            self.fabric.backward(loss)
            self.stepper.step()
        if self.ema is not None:
            self.ema.update_parameters(self.net)
        return loss.detach()

    def _check(self) -> None:
        """Raise `DivergedError` if training diverged since the last check, before anything is saved."""
        losses = torch.stack(self.progress.losses)
        bad = (~losses.isfinite()).nonzero()
        if len(bad):
            self._diverged(f"the loss is {float(losses[bad[0, 0]])}", int(bad[0, 0]))
        if not all(bool(parameter.isfinite().all()) for parameter in self.net.parameters()):
            self._diverged("a weight is no longer finite", len(losses) - 1)

    def _diverged(self, what: str, batch: int) -> None:
        kept = "the previous checkpoint is kept" if self.checkpoint.exists() else "nothing had been saved yet"
        raise DivergedError(
            f"{what} in epoch {self.progress.epoch + 1}, batch {batch + 1} of {self.batches}: training stopped and {kept}; "
            f"lower the learning rate (now at most {self.options.peak_lr:g}) or check the images of that batch"
        )

    def _validate(self) -> dict[str, float]:
        """Validate after an epoch, save the weights if they are the best so far, and return the epoch's row."""
        position, options = self.progress, self.options
        scores = validate(self.kept, self.job.val, self.job.threat, options.robust_limit, options.seed)
        loss = float(torch.stack(position.losses).double().mean())
        rate = self.optimizer.param_groups[0]["lr"]
        row = {"epoch": position.epoch + 1, "loss": loss, "lr": float(rate), **scores}
        position.history.append(row)
        if not position.best or _score(row) > position.best:
            position.best = _score(row)
            if self.fabric.is_global_zero:
                with atomic(self.best) as partial:
                    save_model(self.kept.net, str(partial))
        position.epoch, position.batch, position.losses = position.epoch + 1, 0, []
        return row

    def _save(self) -> None:
        if self.fabric.is_global_zero:
            save_checkpoint(
                self.checkpoint,
                self.progress,
                {
                    "net": self.net.state_dict(),
                    "ema": None if self.ema is None else self.ema.state_dict(),
                    "optimizer": self.optimizer.state_dict(),
                    "precision": self.fabric.strategy.precision.state_dict(),
                },
            )
        self.saved = time.monotonic()
        self.fabric.barrier()

    def _resume(self) -> Progress:
        loaded = load_checkpoint(self.checkpoint, self.fabric.device)
        if loaded is None:
            return Progress()
        progress, state = loaded
        try:
            progress.check(self.options.epochs, self.batches)
            self.net.load_state_dict(state["net"])
            if self.ema is not None:
                self.ema.load_state_dict(state["ema"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.fabric.strategy.precision.load_state_dict(state["precision"])
        except Exception as error:
            raise unreadable(self.checkpoint, error) from error
        return progress


def _with_net(model: Model, net: nn.Module) -> Model:
    """A model with another network and the same preprocessing."""
    settings: dict[str, Any] = {
        "bounds": model.bounds,
        "mean": model.mean,
        "std": model.std,
        "spec": model.spec,
        "name": model.name,
        "classes": model.classes,
        "device": model.device,
        "batch_size": model.batch_size,
    }
    return TorchModel(net, **settings)


def _score(row: dict[str, float]) -> list[float]:
    return [row.get("robust", 0.0), row["clean"]]


def _describe(row: dict[str, float], epochs: int) -> str:
    robust = f" · robust {row['robust']:.1%}" if "robust" in row else ""
    return f"epoch {row['epoch']:.0f}/{epochs} done · loss {row['loss']:.4f} · clean {row['clean']:.1%}{robust}"
