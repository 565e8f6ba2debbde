"""Square Attack's proposals for l2 and l1: bumps that take the perturbation of other windows (arXiv 1912.00049, 2103.01208)."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from robustkit.attacks.score.random_search import below, coins, table
from robustkit.attacks.score.square_stripes import window
from robustkit.crossing import sent
from robustkit.plugin import Batch, NormThreat, per_sample

TINY = 1e-12


def start_bumps(batch: Batch) -> Tensor:
    """Images with bumps of random sign and orientation on a grid of about 5 x 5, scaled to norm eps, ``(B, C, H, W)``."""
    x = batch.x
    n, channels, height, width = x.shape
    side = max(min(height, width) // 5, 1)
    down, across = height // side, width // side
    words = batch.random.bits(batch.sample_ids, (down, across, channels + 1), attempt=batch.attempt, stream="start") & 1
    bump = torch.stack([kernel(side, _order(batch), x.dtype, x.device), kernel(side, _order(batch), x.dtype, x.device).T])
    signs = (2 * words[..., 1:] - 1).to(x.dtype)
    tiles = bump[words[..., 0]][..., None, :, :] * signs[..., None, None]  # (B, down, across, C, side, side)
    grid = tiles.permute(0, 3, 1, 4, 2, 5).reshape(n, channels, down * side, across * side)
    top, left = (height - down * side) // 2, (width - across * side) // 2
    delta = functional.pad(grid, (left, width - across * side - left, top, height - down * side - top))
    return _to_ball(batch, delta, torch.linalg.vector_norm(delta.flatten(1), _order(batch), dim=1))


def move_mass(batch: Batch, x_best: Tensor, words: Tensor, size: Tensor, sides: tuple[int, ...]) -> Tensor:
    """The best image with a new bump in one window, using the mass of that window, of a second one, and any unused budget.

    Parameters
    ----------
    words
        ``(B, 6)``: random words for the positions of both windows, the bump's orientation and its sign in each channel.
    size
        ``(B,)``: side of the windows.
    sides
        All sides that occur, ascending.
    """
    x, order = batch.x, _order(batch)
    assert isinstance(batch.threat, NormThreat)
    height, width = x.shape[2:]
    rooms = (height - size + 1, width - size + 1, height - size + 1, width - size + 1)
    top, left, top_, left_ = (below(words[:, i], room) for i, room in enumerate(rooms))
    inside, emptied = window(top, left, size, x), window(top_, left_, size, x)
    which = 2 * torch.searchsorted(table(sides, x.device), size) + (words[:, 4] & 1)
    bump = place(kernels(sides, order, x.dtype, x.device), which, top, left, size, x)
    signs = torch.where(coins(words[:, 5], x.shape[1]), 1, -1).to(x.dtype)[:, :, None, None]
    rebuild = _rebuild_l2 if order == 2 else _rebuild_l1
    return rebuild(batch, x_best - x, inside, (1 - inside) * (1 - emptied), bump, signs)


def _rebuild_l2(batch: Batch, delta: Tensor, inside: Tensor, outside: Tensor, bump: Tensor, signs: Tensor) -> Tensor:
    """The l2 update, with all norms from sums over the old perturbation and as few passes over the image as possible."""
    threat, channels = batch.threat, delta.shape[1]
    assert isinstance(threat, NormThreat)
    square = delta * delta
    whole, kept, held = (total(square), total(square * outside), total(square * inside))
    inverse = 1 / (held.sqrt() + TINY)
    # Norm of the bump, of norm 1, plus the window's old perturbation, scaled to norm 1. Clamped, because they can cancel.
    length = (1 + held * inverse**2 + 2 * inverse * signs * total(delta * bump)).clamp_min(1e-6).sqrt()
    spare = (threat.eps**2 - whole.sum(1, keepdim=True)).clamp_min(0) / channels
    mass = (spare + (whole - kept).clamp_min(0)).sqrt()
    scale = threat.eps / ((mass.square() + kept).sum(1, keepdim=True).sqrt() + TINY)
    gain = scale * mass / length
    factor = torch.addcmul(outside * scale, inside, gain * inverse)
    return torch.addcmul(batch.x, delta, factor).addcmul_(bump, gain * signs).clamp_(*batch.bounds)


def _rebuild_l1(batch: Batch, delta: Tensor, inside: Tensor, outside: Tensor, bump: Tensor, signs: Tensor) -> Tensor:
    """The l1 update: as in the authors' code, the bump gets the mass of all channels, and the projection removes the excess."""
    threat, channels = batch.threat, delta.shape[1]
    assert isinstance(threat, NormThreat)
    rest, held = delta * outside, delta * inside
    new = bump * signs + held / (total(held.abs()) + TINY)
    whole, kept = total(delta.abs()), total(rest.abs())
    spare = (threat.eps - whole.sum(1, keepdim=True)).clamp_min(0) / channels
    mass = (spare + (whole - kept).clamp_min(0)) * channels
    return threat.project(batch.x, batch.x + rest + new * (mass / (total(new.abs()) + TINY)), batch.bounds)


def total(values: Tensor) -> Tensor:
    """The sum over each channel, ``(B, C, 1, 1)``."""
    return values.sum((2, 3), keepdim=True)


def _to_ball(batch: Batch, delta: Tensor, length: Tensor) -> Tensor:
    """The image plus `delta`: for l2 scaled to norm eps and clipped, for l1 projected onto the ball and the box."""
    assert isinstance(batch.threat, NormThreat)
    if batch.threat.norm == "l1":
        return batch.threat.project(batch.x, batch.x + delta, batch.bounds)
    return (delta * per_sample(batch.threat.eps / (length + TINY), delta)).add_(batch.x).clamp_(*batch.bounds)


def _order(batch: Batch) -> int:
    assert isinstance(batch.threat, NormThreat)
    return 2 if batch.threat.norm == "l2" else 1


def place(shapes: Tensor, which: Tensor, top: Tensor, left: Tensor, size: Tensor, like: Tensor) -> Tensor:
    """Zeros with one shape per image, ``(B, 1, H, W)``, given its index, position and side ``(B,)``."""
    n, _, height, width = like.shape
    border = shapes.shape[-1]

    def within(first: Tensor, length: int) -> Tensor:
        offset = torch.arange(length, device=like.device) - first[:, None]
        return torch.where(
            (offset >= 0) & (offset < size[:, None]), offset, border - 1
        ).int()  # outside: index of a zero in the border

    row = which.int()[:, None] * border + within(top, height)
    index = row[:, :, None] * border + within(left, width)[:, None, :]
    return shapes.flatten().index_select(0, index.flatten()).reshape(n, 1, height, width)


@lru_cache(maxsize=8)
def kernels(sides: tuple[int, ...], order: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Bumps of all sides and their transposes, padded with zeros, ``(len(sides), 2, K + 1, K + 1)``; K is the last side."""
    bumps = torch.zeros(len(sides), 2, sides[-1] + 1, sides[-1] + 1, dtype=dtype, device=device)
    for padded, side in zip(bumps, sides, strict=True):
        bump = kernel(side, order, dtype, device)
        padded[0, :side, :side], padded[1, :side, :side] = bump, bump.T
    return bumps


def kernel(side: int, order: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """A positive bump above a negative one, ``(side, side)``, of norm 1: the paper's eta for l2, the authors' for l1."""
    hollow = pyramid(side - side // 2, side, order)
    bump = torch.cat([pyramid(side // 2, side, order), -hollow]) if side > 1 else -hollow
    length: Tensor = torch.linalg.vector_norm(bump, order)
    return sent((bump / length).to(dtype), device)


def pyramid(height: int, width: int, order: int) -> Tensor:
    """Nested rectangles around the centre, the k-th adding ``1 / k**2`` (l1: ``1 / k**4``), scaled to norm 1."""
    far = torch.maximum((torch.arange(height) - height // 2).abs()[:, None], (torch.arange(width) - width // 2).abs()[None, :])
    rectangles = torch.arange(1, max(height, width) // 2 + 2, dtype=torch.float64) ** (-2 if order == 2 else -4)
    heights = rectangles.flip(0).cumsum(0).flip(0)[far]
    length: Tensor = torch.linalg.vector_norm(heights, order)
    return heights / length
