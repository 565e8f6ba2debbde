import torch

from robustkit.physical import Sign, Sticker
from robustkit.physical.fitting import StickerTask, in_bounds, printed
from robustkit.physical.printer.palette import Palette
from robustkit.physical.printer.print_model import PrintModel
from robustkit.physical.scenes import Scenes

SIGN = Sign.rectangle("square", 40, 40)


def test_a_printer_changes_colours_and_an_ideal_one_none() -> None:
    sticker = Sticker.plain(SIGN, torch.ones(1, 8, 8), (1.0, 1.0, 1.0))
    model = PrintModel.typical()
    assert torch.equal(printed(sticker, None).texture, sticker.texture)
    assert torch.allclose(printed(sticker, model).texture[:, 4, 4], model.paper_white, atol=1e-5)


def test_images_reach_a_models_bounds_exactly() -> None:
    images = torch.tensor([0.0, 0.25, 1.0])
    assert in_bounds(images, (0, 1)) is images
    assert in_bounds(images, (-1, 3)).tolist() == [-1.0, 0.0, 3.0]


def test_a_texels_printed_width() -> None:
    scenes = Scenes(torch.zeros(1, 3, 8, 8), torch.arange(1), torch.zeros(1).long())
    task = StickerTask(
        fit=scenes, choose=scenes, sign=SIGN, alpha=torch.ones(1, 8, 8), views=None, printer=None, palette=Palette.default()
    )
    assert task.pitch_mm == 50
    assert torch.equal(task.on_its_device().palette.colours, task.palette.colours)
