"""The classification criterion: success is any class but the label or, if targeted, the target class."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from robustkit.arrays import as_tensor
from robustkit.contracts.criterion import Criterion
from robustkit.contracts.samples import Samples
from robustkit.errors import UsageError
from robustkit.images import check_images
from robustkit.losses import adversarial_margin, cross_entropy, cross_entropy_targeted, is_adversarial
from robustkit.outputs import output_logits
from robustkit.projections import Bounds


class Classification(Criterion):
    """One class per image. Outputs and columns are logits ``(B, K)``; `y` and `targets` are classes ``(B,)``."""

    name = "classification"

    def outputs(self, returned: Any, count: int) -> Tensor:
        return output_logits(returned, count)

    def columns(self, outputs: Tensor) -> Tensor:
        return outputs

    def success(self, outputs: Tensor, samples: Samples) -> Tensor:
        """Whether the prediction is the target, or any class but the label. Bool ``(B,)``."""
        return is_adversarial(outputs, samples.y, samples.targets)

    def margin(self, outputs: Tensor, samples: Samples) -> Tensor:
        """The target's logit minus the best other, or the best other logit minus the label's. ``(B,)``."""
        return adversarial_margin(outputs, samples.y, samples.targets)

    def loss(self, outputs: Tensor, samples: Samples) -> Tensor:
        """Cross-entropy of the label or, if targeted, log-probability of the target. ``(B,)``."""
        if samples.targets is not None:
            return cross_entropy_targeted(outputs, samples.targets)
        return cross_entropy(outputs, samples.y)

    def checked(self, samples: Samples, bounds: Bounds) -> Samples:
        y = as_tensor(samples.y, "labels")
        targets = None if samples.targets is None else as_tensor(samples.targets, "targets")
        check_images(samples.x, bounds, y)
        if targets is not None and (
            targets.shape != y.shape
            or targets.is_floating_point()
            or targets.is_complex()
            or bool((targets == y.to(targets.device)).any())
        ):
            raise UsageError("targets must be one integer class per sample, different from its label")
        y = y.detach().to(torch.int64)
        return replace(samples, y=y, targets=None if targets is None else targets.detach().to(torch.int64))

    def check_columns(self, columns: Tensor, samples: Samples) -> None:
        """Raise `UsageError` if a label or a target is not one of the model's classes."""
        classes = columns.shape[1]
        for what, values in (("labels", samples.y), ("targets", samples.targets)):
            if values is not None and len(values) and not (int(values.min()) >= 0 and int(values.max()) < classes):
                raise UsageError(
                    f"{what} span {int(values.min())} to {int(values.max())}, but the model has {classes} classes "
                    f"(0 to {classes - 1})"
                )


#: The criterion of every classifier.
CLASSIFICATION = Classification()
