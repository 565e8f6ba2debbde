"""A printed and photographed sticker, simulated by a renderer that no attack of robustkit uses.

It "prints" a run's sticker and control on a drawn sign and "photographs" them by the shot plan: scikit-image warps, its own light, haze,
vignette, blur, noise and JPEG. What it writes is scored like photographs from the field:

    robustkit sticker -o runs/sticker
    python -m examples.photograph_sticker runs/sticker field --repeats 2
    robustkit sticker score runs/sticker --photos folder:field
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.transform import ProjectiveTransform, resize, warp

from robustkit.benchmarks.sticker.controls import controls
from robustkit.benchmarks.sticker.folder import StickerFolder
from robustkit.benchmarks.sticker.shots import Shot, plan
from robustkit.physical.drawing.catalogue import artwork
from robustkit.physical.sticker import Sticker

Picture = NDArray[np.float64]

FINE, FOCAL_PX, PHOTO_PX = 512, 900, 400
#: What the print shop's ink makes of asked colours: a gamma, black ink and white paper that the print model in the loop does not have.
INK, PAPER, GAMMA = 0.09, 0.93, 1.1


def photograph(run: Path, out: Path, *, repeats: int = 1, seed: int = 0) -> list[Path]:
    """Photographs of the bare sign, the sticker and its best control of a run, named by the shot plan.

    Parameters
    ----------
    run
        The folder of a run with a sign that robustkit draws.
    out
        Where the JPEG files go.
    repeats
        Photographs of each subject at each distance and angle.
    seed
        Of light, noise and camera shake.
    """
    folder = StickerFolder(run)
    sticker, summary = folder.sticker(), folder.summary()
    best = summary.headline.beyond
    name = best.control if best else "grey"
    bare = np.asarray(artwork(sticker.sign.name, FINE).texture.permute(1, 2, 0), dtype=float)
    shape = np.asarray(artwork(sticker.sign.name, FINE).alpha[0], dtype=float)
    signs = {
        "clean": bare,
        "sticker": stuck(bare, sticker),
        f"control:{name}": stuck(bare, controls(sticker, summary.seed)[name]),
    }
    size_cm = (sticker.sign.width_cm, sticker.sign.height_cm)
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for shot in plan(controls=[name], repeats=repeats):
        # The three subjects of a place share light and camera, but not noise.
        random = np.random.default_rng([seed, shot.cell, shot.repeat])
        photo = taken(signs[shot.subject], shape, size_cm, shot, random, np.random.default_rng([seed, shot.shot]))
        written.append(out / shot.file)
        Image.fromarray((255 * photo).round().astype(np.uint8)).save(written[-1], quality=int(random.integers(70, 95)))
    return written


def stuck(bare: Picture, sticker: Sticker) -> Picture:
    """The sign with the printed sticker on it; each texel is a square of ink."""
    texture, alpha = (np.asarray(each.permute(1, 2, 0), dtype=float) for each in (sticker.texture, sticker.alpha))
    printed = INK + (PAPER - INK) * resize(texture, bare.shape, order=0) ** GAMMA
    cover = resize(alpha, (*bare.shape[:2], 1), order=0)
    return np.asarray(cover * gaussian_filter(printed, (0.8, 0.8, 0)) + (1 - cover) * bare)


def taken(
    sign: Picture,
    shape: Picture,
    size_cm: tuple[float, float],
    shot: Shot,
    random: np.random.Generator,
    noise: np.random.Generator,
) -> Picture:
    """One photograph."""
    yaw = np.radians(shot.angle_deg + random.uniform(-2, 2))
    rows, columns = sign.shape[:2]
    half = np.array(size_cm) / 2
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    depth = shot.distance_cm - corners[:, 0] * np.sin(yaw)
    seen = np.stack([corners[:, 0] * np.cos(yaw), corners[:, 1]], 1) * FOCAL_PX / depth[:, None]
    # A telephoto lens keeps far signs at a size that the picture is worth.
    zoom = max(1.0, 90 / np.ptp(seen[:, 1]))
    zoom = min(zoom, 0.72 * PHOTO_PX / np.ptp(seen[:, 1]))
    place = PHOTO_PX / 2 + random.uniform(-12, 12, 2)
    target = seen * zoom + place
    source = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], dtype=float)
    view = np.linalg.inv(homography(source, target))
    # Twice as fine, then averaged, so that nothing is skipped.
    fine = ProjectiveTransform(matrix=view @ np.diag([0.5, 0.5, 1.0]))
    blur = max(0.0, columns / (2 * np.ptp(target[:, 0])) - 1) / 2
    size = (2 * PHOTO_PX, 2 * PHOTO_PX)
    soft = gaussian_filter(sign, (blur, blur, 0))
    front = warp(soft, fine, output_shape=size, order=1, mode="edge")
    mask = warp(gaussian_filter(shape, blur), fine, output_shape=size, order=1)[..., None]
    light = random.uniform(0.55, 1.0)
    scene = mask * front**2.2 * light * random.uniform(0.93, 1.07, 3) + (1 - mask) * street(size, random) ** 2.2
    haze = random.uniform(0.0, 0.03)
    linear = (1 - haze) * resize(scene, (PHOTO_PX, PHOTO_PX, 3), order=1, anti_aliasing=True) + haze
    y, x = np.mgrid[-1 : 1 : PHOTO_PX * 1j, -1 : 1 : PHOTO_PX * 1j]
    linear *= (1 - 0.25 * (x**2 + y**2) / 2)[..., None]
    linear = gaussian_filter(linear, (random.uniform(0.3, 0.8),) * 2 + (0,))
    linear += noise.normal(0, 0.006, linear.shape) + noise.normal(0, 0.02, linear.shape) * np.sqrt(linear.clip(0))
    return np.asarray(linear.clip(0, 1) ** (1 / 2.2))


def homography(source: Picture, target: Picture) -> Picture:
    """The matrix that takes four points to four others, by solving its eight equations."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return np.append(np.linalg.solve(np.array(rows), target.ravel()), 1.0).reshape(3, 3)


def street(size: tuple[int, int], random: np.random.Generator) -> Picture:
    """A sky that fades into a road, with blurred houses."""
    height, width = size
    sky, road = random.uniform(0.55, 0.8, 3), random.uniform(0.25, 0.4, 3)
    fade = np.linspace(0, 1, height)[:, None, None] ** 1.5
    houses = gaussian_filter(random.uniform(-0.3, 0.3, (height // 16, width // 16, 1)), (1, 1, 0))
    return np.asarray((sky * (1 - fade) + road * fade + resize(houses, (height, width, 1), order=1)).clip(0, 1))


def main() -> None:
    """Parse the arguments, write the photographs and print where they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="the folder of robustkit sticker")
    parser.add_argument("out", type=Path, help="where the photographs go")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    written = photograph(arguments.run, arguments.out, repeats=arguments.repeats, seed=arguments.seed)
    print(f"{len(written)} photographs in {arguments.out}")


if __name__ == "__main__":
    main()
