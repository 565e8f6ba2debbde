import numpy as np
import torch
from skimage.color import deltaE_ciede2000, rgb2lab

from robustkit.physical.printer.difference import delta_e_2000


def test_it_is_that_of_scikit_image():
    first, second = torch.rand(2, 50, 3, generator=torch.Generator().manual_seed(0))
    expected = deltaE_ciede2000(rgb2lab(first.numpy()), rgb2lab(second.numpy()))
    np.testing.assert_allclose(delta_e_2000(first, second), expected, atol=1e-2)


def test_equal_colours_do_not_differ():
    assert delta_e_2000(torch.tensor([0.2, 0.4, 0.6]), torch.tensor([0.2, 0.4, 0.6])) == 0
