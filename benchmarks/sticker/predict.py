"""What photographs of a sticker and its controls would show, predicted by rendering all of them in the same views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from robustkit.benchmarks.sticker.scoring import CLEAN, Frame
from robustkit.benchmarks.sticker.shots import RP2_CELLS, plan
from robustkit.benchmarks.sticker.stages import Stage, sign_size_px
from robustkit.contracts.model import Model
from robustkit.physical.fitting import in_bounds
from robustkit.physical.pose import Pose
from robustkit.physical.sticker import Sticker
from robustkit.physical.views.chain import load_chain
from robustkit.rng import SampleRandom

#: The camera that no sticker is fitted to, with the real JPEG codec.
CAMERA_NAME = "camera-real"
LIGHT = "rendered"


def predict(
    model: Model,
    stage: Stage,
    subjects: Mapping[str, Sticker],
    *,
    target: int | None,
    cells: Sequence[tuple[float, float]] = RP2_CELLS,
    repeats: int = 4,
    seed: int = 0,
) -> tuple[list[Frame], dict[str, Tensor]]:
    """The classified renderings of the bare sign and of each subject in every cell, and the pictures of the first repeat by file.

    Every subject is seen in the same scenes, with the same draws of every view.

    Parameters
    ----------
    model
        The model under test.
    stage
        Where the sign is.
    subjects
        Stickers as they come out of the printer by subject: ``sticker``, ``control:NAME``.
    target
        The wanted class, None for any.
    cells
        Distances in cm with angles in degrees.
    repeats
        Renderings of each subject in a cell.
    seed
        Of scenes and views.
    """
    places = [
        (cell, distance, angle, repeat) for cell, (distance, angle) in enumerate(cells, 1) for repeat in range(1, repeats + 1)
    ]
    pose = Pose(
        distance_cm=torch.tensor([place[1] for place in places], dtype=torch.float64),
        yaw_deg=torch.tensor([place[2] for place in places], dtype=torch.float64),
    )
    ids = torch.arange(len(places))
    scenes, chain = stage.seen(pose, ids, seed), load_chain(CAMERA_NAME)
    drawn = chain.draw(ids, SampleRandom(seed, "sticker prediction"))
    width = sign_size_px(pose, stage.sign)
    names = [subject.removeprefix("control:") for subject in subjects if subject.startswith("control:")]
    files = {
        (shot.subject, shot.cell, shot.repeat): shot.file
        for shot in plan(cells, lights=(LIGHT,), controls=names, repeats=repeats)
    }
    frames: list[Frame] = []
    pictures: dict[str, Tensor] = {}
    for subject, sticker in {CLEAN: None, **subjects}.items():
        images = scenes.show(sticker, chain, drawn)
        predictions = classify(model, images, seed)
        for row, (cell, distance, angle, repeat) in enumerate(places):
            file = files[subject, cell, repeat]
            frames.append(
                Frame(
                    file=file,
                    subject=subject,
                    prediction=predictions[row],
                    label=int(scenes.labels[row]),
                    target=None if subject == CLEAN else target,
                    distance_cm=distance,
                    angle_deg=angle,
                    light=LIGHT,
                    repeat=repeat,
                    size_px=float(width[row]),
                )
            )
            if repeat == 1:
                pictures[file] = images[row]
    return frames, pictures


def classify(model: Model, images: Tensor, seed: int) -> list[int]:
    """The model's class for each sRGB image ``(B, 3, H, W)`` in [0, 1]."""
    shown = in_bounds(images, model.bounds).to(model.device)
    with model.frozen(seed), torch.no_grad():
        found: list[int] = model.in_chunks(lambda rows: (model(rows).argmax(1),), shown)[0].tolist()
    return found
