"""Synthetic printers here are no print models: inks have spectra, coverages mix by Yule-Nielsen, and the driver replaces grey by black."""

from itertools import product

import numpy as np
import pytest
import torch

from robustkit.colour import linear_to_srgb
from robustkit.errors import UsageError
from robustkit.physical.printer.chart import Chart
from robustkit.physical.printer.difference import delta_e_2000
from robustkit.physical.printer.fit import fit_print_model
from robustkit.physical.printer.print_model import PrintModel

NM = np.linspace(400, 700, 31)


def bell(centre, below, above):
    return np.exp(-0.5 * ((NM - centre) / np.where(centre > NM, below, above)) ** 2)


def step(centre, width):
    return 1 / (1 + np.exp(-(NM - centre) / width))


#: Colour matching functions after Wyman et al., Simple analytic approximations to the CIE XYZ color matching functions, JCGT 2013.
MATCHING = np.stack(
    [
        1.056 * bell(599.8, 37.9, 31.0) + 0.362 * bell(442.0, 16.0, 26.7) - 0.065 * bell(501.1, 20.4, 26.2),
        0.821 * bell(568.8, 46.9, 40.5) + 0.286 * bell(530.9, 16.3, 31.1),
        1.217 * bell(437.0, 11.8, 36.0) + 0.681 * bell(459.0, 26.0, 13.8),
    ]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
FROM_XYZ = np.linalg.inv([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])

PAPER = 0.88 - 0.06 * bell(420, 28, 28)
CYAN, MAGENTA, YELLOW = 1 - 0.88 * step(585, 14), 1 - 0.85 * bell(540, 32, 32), 1 - 0.88 * (1 - step(495, 12))
BLACK = np.full(31, 0.18)
SURFACE = 0.035


def seen(reflectance):
    xyz = reflectance @ MATCHING.T / MATCHING.sum(1) * WHITE
    return linear_to_srgb(torch.from_numpy(xyz @ FROM_XYZ.T).clamp(0, 1)).float()


def halftone(asked, n=2.0, grey_replacement=0.6, from_grey=0.4, gain=0.18):
    """A CMYK printer: Neugebauer's primaries by Demichel's coverages, mixed with Yule and Nielsen's n."""
    cyan, magenta, yellow = (1 - asked.double().numpy()).T
    black = (np.minimum(np.minimum(cyan, magenta), yellow) - from_grey).clip(0) / (1 - from_grey) * grey_replacement
    inks = [0.95 * (ink - black) / (1 - black + 1e-9) for ink in (cyan, magenta, yellow)] + [black]
    covers = [ink + 4 * gain * (1 - 0.1 * i) * ink * (1 - ink) for i, ink in enumerate(inks)]
    mixed = np.zeros((len(asked), len(NM)))
    for present in product((False, True), repeat=4):
        share = np.prod([cover if there else 1 - cover for cover, there in zip(covers, present, strict=True)], axis=0)
        film = [ink for ink, there in zip((CYAN, MAGENTA, YELLOW, BLACK), present, strict=True) if there]
        mixed += share[:, None] * (SURFACE + (1 - SURFACE) * np.prod([PAPER, *film], axis=0)) ** (1 / n)
    return seen(mixed**n)


def dyes(asked):
    """A printer of continuous tones, whose dyes absorb by Beer and Lambert's law."""
    amounts = 1.2 * (1 - asked.double().numpy()) ** 1.6
    return seen(0.02 + 0.98 * PAPER * np.exp(amounts @ np.log([CYAN, MAGENTA, YELLOW])))


def strong_black(asked):
    """A halftone printer whose driver replaces all grey from the middle on."""
    return halftone(asked, n=5.0, grey_replacement=1.0, from_grey=0.5, gain=0.25)


@pytest.fixture(scope="module")
def held_out():
    return torch.rand(300, 3, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("printer", [halftone, dyes, strong_black])
def test_colours_that_were_not_on_the_chart_print_as_predicted(printer, held_out):
    chart = Chart.standard()
    fit = fit_print_model(chart.colours, printer(chart.colours))
    misses = delta_e_2000(fit.model.colours(held_out), printer(held_out))
    assert misses.median() < 1
    assert misses.quantile(0.95) < 4
    assert fit.held_out_delta_e.median() < 1
    before = delta_e_2000(PrintModel.typical().colours(held_out), printer(held_out))
    assert before.median() > 5


def test_from_a_photograph_of_the_printed_chart(held_out):
    chart = Chart.standard()
    printed = Chart(halftone(chart.colours), chart.columns).image(dpi=100)
    paper = halftone(torch.ones(1, 3))[0]
    printed = torch.where((printed == 1).all(0), paper[:, None, None], printed)
    noise = 0.03 * torch.randn(printed.shape, generator=torch.Generator().manual_seed(0))
    read = chart.read((printed + noise).clamp(0, 1), paper=tuple(paper.tolist()))
    misses = delta_e_2000(fit_print_model(chart.colours, read).model.colours(held_out), halftone(held_out))
    assert misses.median() < 2


def test_the_ideal_printer_and_few_colours():
    asked = torch.rand(40, 3, generator=torch.Generator().manual_seed(0))
    fit = fit_print_model(asked, asked, spread_mm=0.2)
    assert fit.delta_e.median() < 0.1
    assert fit.held_out_delta_e.median() < 0.5
    assert fit.model.lattice.shape == (2, 2, 2, 3)
    assert fit.model.spread_mm == 0.2


def test_what_cannot_be_fitted_is_refused():
    asked = Chart.standard().colours
    with pytest.raises(UsageError, match="differ"):
        fit_print_model(asked, asked[1:])
    with pytest.raises(UsageError, match="20 colours are too few"):
        fit_print_model(asked[:20], asked[:20])
    with pytest.raises(UsageError, match=r"rank correlation -.*upright"):
        fit_print_model(asked, asked.flip(0))
    with pytest.raises(UsageError, match=r"rank correlation 0\.00"):
        fit_print_model(asked, torch.full_like(asked, 0.5))
