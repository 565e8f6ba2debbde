import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from robustkit.errors import UsageError
from robustkit.physical.printer.black_white_blocks import BlackWhiteBlocks
from robustkit.physical.printer.palette import Palette
from robustkit.physical.printer.print_model import PrintModel
from robustkit.rng import SampleRandom


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.5, 5), st.floats(0.5, 20))
@settings(deadline=None)
def test_no_block_is_smaller_than_asked(height, width, pitch_mm, block_mm):
    if block_mm > min(height, width) * pitch_mm:
        with pytest.raises(UsageError, match="is more than the sticker's"):
            BlackWhiteBlocks.grid(torch.ones(1, height, width), pitch_mm, block_mm)
        return
    blocks = BlackWhiteBlocks.grid(torch.ones(1, height, width), pitch_mm, block_mm)
    assert torch.equal(torch.unique(blocks.blocks), torch.arange(blocks.count))
    for number in range(blocks.count):
        inside = blocks.blocks == number
        sides = [int(inside.any(axis).sum()) for axis in (0, 1)]
        assert int(inside.sum()) == sides[0] * sides[1]
        assert min(sides) * pitch_mm >= block_mm - 1e-5


def test_blocks_across_the_masks_edge_are_left_out():
    mask = torch.ones(1, 4, 6)
    mask[0, 0, 0] = 0
    blocks = BlackWhiteBlocks.grid(mask, pitch_mm=1.0, block_mm=2.0)
    assert blocks.blocks.tolist() == [[-1, -1, 0, 0, 1, 1]] * 2 + [[2, 2, 3, 3, 4, 4]] * 2
    with pytest.raises(UsageError, match="there is no block"):
        BlackWhiteBlocks.grid(torch.zeros(1, 4, 4), pitch_mm=1.0, block_mm=2.0)


def test_each_piece_of_a_mask_is_a_block():
    mask = torch.tensor([[[1, 1, 0, 0], [0, 0, 0, 1]]])
    assert BlackWhiteBlocks.of_mask(mask).blocks.tolist() == [[0, 0, -1, -1], [-1, -1, -1, 1]]


def test_each_block_hardens_to_the_printers_black_or_white_or_to_nothing():
    colours = Palette.black_and_white(PrintModel.typical())
    blocks = BlackWhiteBlocks(torch.tensor([[0, 1, 2, -1]]), colours)
    parameters = {"whiteness": torch.tensor([-0.5, 0.5, 2]), "presence": torch.tensor([1.0, 1, -1])}
    hard = blocks.harden(parameters)
    assert torch.equal(blocks.texture(hard)[:, 0, :3].T, colours.colours[[0, 1, 1]])
    assert blocks.alpha(hard).tolist() == [[[1, 1, 0, 0]]]
    assert blocks.alpha(parameters)[0, 0, 3] == 0
    assert 0.5 < blocks.alpha(parameters)[0, 0, 0] < 1


def test_straight_through_is_hard_and_passes_gradients():
    index = torch.tensor([[0, 0, 1], [0, 0, -1]])
    straight = BlackWhiteBlocks(index, Palette.black_and_white(), straight_through=True)
    parameters = {"whiteness": torch.tensor([-0.5, 0.5]), "presence": torch.tensor([1.0, -1])}
    hard = straight.harden(parameters)
    for values in parameters.values():
        values.requires_grad_()
    assert torch.equal(straight.texture(parameters), straight.texture(hard))
    assert torch.equal(straight.alpha(parameters), straight.alpha(hard))
    total = straight.texture(parameters).sum() + straight.alpha(parameters).sum()
    assert all((gradient > 0).all() for gradient in torch.autograd.grad(total, list(parameters.values())))


def test_it_starts_random_with_every_block_present():
    blocks = BlackWhiteBlocks.grid(torch.ones(1, 4, 4), 1.0, 1.0)
    parameters = blocks.initial(SampleRandom(0, "rp2"), torch.arange(3))
    assert blocks.texture(parameters).shape == (3, 3, 4, 4)
    assert blocks.alpha(parameters).shape == (3, 1, 4, 4)
    assert (blocks.alpha(parameters) >= 0.5).all()
    assert len(torch.unique(parameters["whiteness"])) == 48


def test_invalid_ones_are_refused():
    index = torch.zeros(2, 2, dtype=torch.int64)
    with pytest.raises(UsageError, match="2 colours, not 30"):
        BlackWhiteBlocks(index, Palette.default())
    with pytest.raises(UsageError, match="temperature=-1"):
        BlackWhiteBlocks(index, Palette.black_and_white(), temperature=-1)
