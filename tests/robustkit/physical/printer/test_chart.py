import pytest
import torch
from skimage.transform import resize

from robustkit.colour import linear_to_srgb, srgb_to_linear
from robustkit.errors import UsageError
from robustkit.physical.printer.chart import Chart


@pytest.fixture(scope="module")
def chart():
    return Chart.standard()


def photographed(image, height, width):
    return (
        torch.from_numpy(resize(image.permute(1, 2, 0).numpy(), (height, width), anti_aliasing=True)).permute(2, 0, 1).float()
    )


def test_the_layout_is_in_millimetres(chart):
    assert (len(chart.colours), chart.rows, chart.columns) == (216, 12, 18)
    assert (chart.width_mm, chart.height_mm) == (220, 148)
    image = chart.image(dpi=25.4)  # a pixel a millimetre
    assert image.shape == (3, 148, 220)
    assert (image[:, 0] == 0).all()
    assert (image[:, 1:-1, 1:3] == 1).all()
    assert torch.equal(image[:, 3, 3], chart.colours[0])
    assert torch.equal(image[:, 12, 12], chart.colours[0])
    assert (image[:, 3, 13:15] == 1).all()
    assert torch.equal(image[:, 3, 15], chart.colours[1])
    assert torch.equal(image[:, -4, -4], chart.colours[-1])


def test_an_unfinished_row_ends_in_paper():
    chart = Chart(torch.zeros(3, 3), columns=2)
    assert (chart.rows, chart.height_mm) == (2, 28)
    assert (chart.image(25.4)[:, 15:25, 15:25] == 1).all()
    assert torch.equal(chart.read(chart.image(100)), chart.colours)


@pytest.mark.parametrize("size", [(222, 330), (592, 880), (701, 999)])
def test_the_colours_are_read_back(chart, size):
    assert torch.allclose(chart.read(photographed(chart.image(100), *size)), chart.colours, atol=0.01)


def test_noise_and_a_scratch_do_not_matter(chart):
    photo = chart.image(100)
    noise = 0.05 * torch.randn(photo.shape, generator=torch.Generator().manual_seed(0))
    photo = photo + noise
    photo[:, 30] = 0.5
    assert (chart.read(photo.clamp(0, 1)) - chart.colours).abs().mean() < 0.02


def test_uneven_light_is_removed_and_the_paper_gets_the_colour_it_is_given(chart):
    photo = chart.image(100)
    light = torch.linspace(0.3, 0.8, photo.shape[2]) * torch.tensor([1.0, 0.9, 0.7])[:, None, None]
    lit = linear_to_srgb(srgb_to_linear(photo) * light)
    assert torch.allclose(chart.read(lit, paper=(1.0, 1.0, 1.0)), chart.colours, atol=0.02)
    dim = chart.read(lit)
    assert dim.amax(0)[0] > dim.amax(0)[2]
    assert dim.amax() == pytest.approx(linear_to_srgb(torch.tensor(0.55)).item(), abs=0.01)


def test_photographs_that_cannot_be_read_are_refused(chart):
    with pytest.raises(UsageError, match="photograph of 200 x 150 pixels is too small: give at least 330 x 222"):
        chart.read(torch.ones(3, 150, 200))
    with pytest.raises(UsageError, match="give a colour image"):
        chart.read(torch.ones(1, 500, 800))


def test_invalid_charts_are_refused():
    with pytest.raises(UsageError, match="at least one"):
        Chart(torch.zeros(0, 3), columns=3)
    with pytest.raises(UsageError, match="columns=0"):
        Chart(torch.zeros(1, 3), columns=0)
