"""The figures of RP2 on the authors' photographs and network: ``python -m robustkit.benchmarks.sticker.rp2_check FOLDER``.

The folder holds the authors' material (MIT, evtimovi/robust_physical_perturbations): ``lisa_cnn.safetensors``, ``stop_32/*.png``,
``masks/stickers_32.png`` and ``published_sticker_noise_32x32x3.npy``. Held-out figures are over several views of each of 16 photos that
neither fit nor choice saw; views of one photo are not independent, so the intervals are too narrow.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from art.attacks.evasion import AdversarialPatchPyTorch
from art.estimators.classification import PyTorchClassifier
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from robustkit.benchmarks.statistics import Estimate, estimate
from robustkit.benchmarks.sticker.controls import controls
from robustkit.benchmarks.sticker.scoring import CONTROL, STICKER, Trial, compare
from robustkit.build import attack
from robustkit.contracts.model import Model
from robustkit.errors import UsageError
from robustkit.physical.fitting import Fitting, SceneAttack, StickerTask, printed
from robustkit.physical.masks import area_share, from_rectangles
from robustkit.physical.printer.palette import Palette
from robustkit.physical.printer.print_model import PrintModel
from robustkit.physical.scenes import Scenes
from robustkit.physical.sign import Sign
from robustkit.physical.sticker import Sticker
from robustkit.physical.views import CHAINS, Chain
from robustkit.rng import SampleRandom
from robustkit.torch_model import TorchModel

STOP, SPEED_LIMIT_45 = 14, 12
SIGN = Sign.regular("stop", 8, 75.0)
TEXELS = (64, 64)
VIEWS = 10  #: of each held-out photo

#: Places tried for the small sticker; how many of those where plain stickers do least are compared by a fit without views; how many
#: of the best are fitted with views, for how many steps.
PLACES, RANKED, FITTED, SHORT = 200, 16, 2, 60


class LisaCNN(nn.Module):
    """The authors' network, from their weights."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 8, 2, 3)
        self.conv2 = nn.Conv2d(64, 128, 6, 2)
        self.conv3 = nn.Conv2d(128, 128, 5)
        self.fc = nn.Linear(512, 18)
        self.load_state_dict(weights)

    def forward(self, x: Tensor) -> Tensor:
        """The logits ``(B, 18)`` of images ``(B, 3, 32, 32)``."""
        for layer in (self.conv1, self.conv2, self.conv3):
            x = layer(x).relu()
        logits: Tensor = self.fc(x.flatten(1))
        return logits


@dataclass(frozen=True)
class Rates:
    """Success on the views whose clean partner is read as stop."""

    untargeted: Estimate
    targeted: Estimate

    def __str__(self) -> str:
        shown = (f"{rate.value:.1%} [{rate.low:.1%}, {rate.high:.1%}]" for rate in (self.untargeted, self.targeted))
        return "untargeted {}, targeted {}, n {}".format(*shown, self.untargeted.n)


def photos(folder: Path) -> Tensor:
    """The pictures ``(N, 3, H, W)`` in [0, 1] of a folder, in the order of their names."""
    files = sorted(folder.glob("*.png"))
    if not files:
        raise UsageError(f"{folder} has no PNG: give the folder that holds stop_32, masks and lisa_cnn.safetensors")
    pixels = [np.asarray(Image.open(file).convert("RGB")) for file in files]
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 255


def published(model: Model, data: Path, x: Tensor) -> tuple[int, int]:
    """How many photos are read as stop, and how many as the target with the authors' noise under their mask."""
    noise = torch.from_numpy(np.load(data / "published_sticker_noise_32x32x3.npy")).permute(2, 0, 1).float()
    mask = torch.from_numpy(np.array(Image.open(data / "masks" / "stickers_32.png").convert("L"))) >= 128
    flipped = model.logits((x + mask * noise).clamp(0, 1)).argmax(1) == SPEED_LIMIT_45
    return int((model.logits(x).argmax(1) == STOP).sum()), int(flipped.sum())


def outcomes(model: Model, scenes: Scenes, sticker: Sticker, views: Chain | None, count: int = VIEWS, seed: int = 1) -> Tensor:
    """Whether each view whose clean partner is read as stop is misread, and read as the target: bool ``(n, 2)``.

    The sticker is as it comes out of the printer. Every sticker is seen in the same views.
    """
    found = []
    with torch.no_grad():
        for number in range(count if views else 1):
            drawn = None if views is None else views.draw(scenes.ids, SampleRandom(seed, "rp2-check"), number)
            clean = model.logits(scenes.show(None, views, drawn)).argmax(1) == STOP
            read = model.logits(scenes.show(sticker, views, drawn)).argmax(1)[clean]
            found.append(torch.stack([read != STOP, read == SPEED_LIMIT_45], 1))
    return torch.cat(found)


def rates(model: Model, scenes: Scenes, sticker: Sticker, views: Chain | None, count: int = VIEWS, seed: int = 1) -> Rates:
    """The success of a sticker as it comes out of the printer; see `outcomes`."""
    found = outcomes(model, scenes, sticker, views, count, seed)
    untargeted, targeted = (estimate(int(column.sum()), len(found)) for column in found.T)
    return Rates(untargeted, targeted)


def task(
    parts: tuple[Scenes, ...], alpha: Tensor, target: int | None, views: Chain | None, printer: PrintModel | None
) -> StickerTask:
    """The sticker to be fitted on the first part and chosen on the second."""
    fit, choose = (part.aimed(target) for part in parts[:2])
    return StickerTask(fit=fit, choose=choose, sign=SIGN, alpha=alpha, views=views, printer=printer, palette=Palette.default())


def rp2(steps: int) -> SceneAttack:
    """The registered attack, without penalties: the print model keeps colours printable."""
    made = attack("rp2", steps=steps, learning_rate=0.1, printability=0.0, total_variation=0.0)
    assert isinstance(made, SceneAttack)
    return made


def random_places(seed: int = 0) -> list[Tensor]:
    """Masks of 5 % to 10 % of the sign, two to five rectangles each."""
    random = SampleRandom(seed, "rp2-check places")
    found: list[Tensor] = []
    for number in range(50 * PLACES):
        draw = random.uniform(torch.tensor([number]), (5, 3), dtype=torch.float64)[0].tolist()
        count, area = 2 + number % 4, SIGN.area_cm2 * (0.05 + 0.049 * (number % 7) / 6)
        boxes = []
        for across, down, shape in draw[:count]:
            aspect = 4.0 ** (2 * shape - 1)
            width, height = ((area / count * ratio) ** 0.5 for ratio in (aspect, 1 / aspect))
            left, top = (across - 0.5) * (SIGN.width_cm - width), (down - 0.5) * (SIGN.height_cm - height)
            boxes.append((left - width / 2, top - height / 2, width, height))
        try:
            alpha = from_rectangles(SIGN, boxes, TEXELS)
        except UsageError:  # partly outside the sign
            continue
        if float(alpha.sum()) > 0.95 * area / SIGN.width_cm / SIGN.height_cm * alpha.numel():  # else they overlap
            found.append(alpha)
        if len(found) == PLACES:
            break
    return found


def promising_places(model: Model, parts: tuple[Scenes, ...], places: list[Tensor], target: int | None) -> list[Tensor]:
    """Of the places where plain stickers do least, and of the larger of those, the ones where a short fit without views exceeds plain
    stickers in views by most, the best first."""
    quiet = sorted(places, key=lambda alpha: (plain_success(model, parts[0], alpha, target, None), -float(alpha.sum())))

    def lead(alpha: Tensor) -> float:
        short = rp2(SHORT // 2).fit_scenes(model, task(parts, alpha, target, None, PrintModel.typical()), 0).curve
        best = float((short.success + (-short.loss).exp() / 100).max())
        return best - plain_success(model, parts[1], alpha, target, CHAINS["camera"])

    return sorted(quiet[:RANKED], key=lead, reverse=True)


def plain_success(model: Model, scenes: Scenes, alpha: Tensor, target: int | None, views: Chain | None) -> float:
    """The share of views in which the best of a grey, a black and a white sticker reaches the goal."""
    plain = [rates(model, scenes, Sticker.plain(SIGN, alpha, (grey, grey, grey)), views, 2) for grey in (0.0, 0.5, 1.0)]
    return max((rate.untargeted if target is None else rate.targeted).value for rate in plain)


def small(model: Model, parts: tuple[Scenes, ...], places: list[Tensor], target: int | None, steps: int) -> Fitting:
    """The sticker of at most 10 % of the sign; its place is that of the best short fit on the photos for choosing."""
    views, printer = CHAINS["camera"], PrintModel.typical()

    def fitted(alpha: Tensor, number: int) -> Fitting:
        return rp2(number).fit_scenes(model, task(parts, alpha, target, views, printer), 0)

    masks = promising_places(model, parts, places, target)[:FITTED]
    best = max(range(len(masks)), key=lambda k: float(fitted(masks[k], SHORT).curve.success.max()))
    return fitted(masks[best], steps)


def square(top: int, left: int, side: int, size: int = 32) -> Tensor:
    """The mask of a square of pixels."""
    alpha = torch.zeros(1, size, size)
    alpha[:, top : top + side, left : left + side] = 1
    return alpha


def art_sticker(model: Model, scenes: Scenes, top: int, left: int, side: int, evaluations: int) -> Sticker:
    """ART's universal patch at this place, fitted with so many gradient evaluations."""
    x = scenes.frames.numpy()
    wrapped = PyTorchClassifier(model.net, nn.CrossEntropyLoss(), (3, 32, 32), 18, clip_values=(0.0, 1.0), device_type="cpu")
    fitted = AdversarialPatchPyTorch(
        wrapped, rotation_max=0.0, scale_min=0.999, scale_max=1.0, learning_rate=0.05, max_iter=max(1, evaluations // len(x)),
        batch_size=len(x), patch_shape=(3, side, side), patch_location=(left, top), patch_type="square", optimizer="Adam",
        targeted=True, verbose=False,
    )  # fmt: skip
    patch, _ = fitted.generate(x, np.eye(18, dtype=np.float32)[np.full(len(x), SPEED_LIMIT_45)])
    texture = torch.zeros(3, 32, 32)
    texture[:, top : top + side, left : left + side] = torch.from_numpy(patch).clamp(0, 1)
    return Sticker(texture, square(top, left, side), SIGN)


def against_art(model: Model, parts: tuple[Scenes, ...], steps: int) -> dict[str, Rates]:
    """RP2 and ART's patch on the same square of 9 x 9 pixels, without and with simulated print and recapture."""
    parts = tuple(replace(part, homography=None) for part in parts)
    fit, _, held_out = parts
    side, views, printer = 9, CHAINS["camera-real"], PrintModel.typical()
    squares = [square(top, left, side) for top in range(4, 20, 2) for left in range(4, 20, 2)]
    alpha = promising_places(model, parts, squares, SPEED_LIMIT_45)[0]
    top, left = (int(line.nonzero()[0]) for line in (alpha[0].amax(1), alpha[0].amax(0)))
    digital = rp2(steps).fit_scenes(model, task(parts, alpha, SPEED_LIMIT_45, None, None), 0).asked
    physical = rp2(steps).fit_scenes(model, task(parts, alpha, SPEED_LIMIT_45, CHAINS["camera"], printer), 0).asked
    theirs = art_sticker(model, fit, top, left, side, 8 * steps)
    return {
        "rp2, as it is": rates(model, held_out, digital, None),
        "art, as it is": rates(model, held_out, theirs, None),
        "rp2, printed and photographed": rates(model, held_out, printed(physical, printer), views),
        "art, printed and photographed": rates(model, held_out, printed(theirs, printer), views),
    }


def report(model: Model, held_out: Scenes, name: str, fitting: Fitting) -> None:
    """Print the success of a sticker and its controls on held-out photos under unseen views."""
    printer, views = PrintModel.typical(), CHAINS["camera-real"]
    found = {STICKER: outcomes(model, held_out, fitting.printed, views)}
    for control, sticker in controls(fitting.asked, 0).items():
        found[CONTROL + control] = outcomes(model, held_out, printed(sticker, printer), views)
    print(f"{name}, {area_share(fitting.asked.alpha, SIGN):.1%} of the sign, best after {int(fitting.best_step)} steps:")
    for column, goal in enumerate(("untargeted", "targeted")):
        success = compare(
            Trial(subject, view, bool(each)) for subject, views in found.items() for view, each in enumerate(views[:, column])
        )
        rest = ", ".join(f"{control} {rate.value:.1%}" for control, rate in success.controls.items())
        beyond = success.beyond
        assert beyond is not None
        print(
            f"  {goal}: {success.sticker.value:.1%} of {success.sticker.n} views; {rest}; beyond {beyond.control} "
            f"{beyond.difference.value:+.1%} [{beyond.difference.low:+.1%}, {beyond.difference.high:+.1%}]",
            flush=True,
        )


def main(data: Path, steps: int = 1000) -> None:
    """Print every figure."""
    model = TorchModel(LisaCNN(load_file(data / "lisa_cnn.safetensors")), device="cpu")
    x = photos(data / "stop_32")
    read, flipped = published(model, data, x)
    print(
        f"published: {read} of {len(x)} read as stop, {flipped} flipped to class {SPEED_LIMIT_45} by the authors' noise",
        flush=True,
    )
    choose, fit, held_out = Scenes.filled(x, torch.full((len(x),), STOP), SIGN).split(0, (8, 16, 16))
    parts = (fit, choose, held_out)
    views, printer = CHAINS["camera"], PrintModel.typical()
    places = random_places()
    for name, target in (("small, untargeted", None), ("small, targeted", SPEED_LIMIT_45)):
        found = small(model, parts, places, target, steps // 4)
        report(model, held_out, name, found)
    alpha = found.asked.alpha
    for name, chain, printing in (("no views", None, printer), ("no print model", views, None)):
        fitting = rp2(steps // 4).fit_scenes(model, task(parts, alpha, SPEED_LIMIT_45, chain, printing), 0)
        seen = rates(model, held_out, printed(fitting.asked, printer), CHAINS["camera-real"])
        print(f"small, targeted, {name}: {seen}", flush=True)
    for name, rate in against_art(model, parts, steps // 4).items():
        print(f"9 x 9 pixels, {name}: {rate}", flush=True)
    began = time.perf_counter()
    whole = rp2(steps).fit_scenes(model, task(parts, SIGN.coverage(TEXELS), SPEED_LIMIT_45, views, printer), 0)
    print(f"{steps} steps of 8 views: {time.perf_counter() - began:.0f} s", flush=True)
    report(model, held_out, "whole sign, targeted", whole)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(int(text) for text in sys.argv[2:3]))
