import pytest
import torch
from torch import nn

from robustkit.errors import UsageError
from robustkit.models.network import check_finite, note, plain_network


@pytest.mark.parametrize(
    ("net", "channels"),
    [
        (nn.Conv2d(1, 2, 3), 1),
        (nn.Conv2d(3, 2, 3), 3),
        (nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3))), 1),
        (nn.Linear(4, 2), 3),
        (nn.Identity(), 3),
        (nn.Conv2d(4, 2, 3), 3),
    ],
)
def test_the_first_convolution_says_whether_images_are_grey(net, channels):
    found = plain_network(net)
    assert (found.spec.channels, found.spec.size, found.mean, found.classes) == (channels, None, None, None)
    assert found.net is net


@pytest.mark.filterwarnings("ignore")
def test_a_program_is_read_by_its_parameters():
    traced = torch.jit.trace(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), torch.rand(1, 1, 4, 4))
    assert plain_network(traced).spec.channels == 1


@pytest.mark.parametrize(
    ("value", "says"), [(torch.inf, "infinite values"), (-torch.inf, "infinite values"), (torch.nan, "NaN")]
)
def test_a_parameter_that_is_not_finite_is_named(value, says):
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    with torch.no_grad():
        net[1].weight[0, 1] = value
    with pytest.raises(UsageError, match=rf"^file:w: 1\.weight contains {says}: the training run diverged"):
        check_finite(net, "file:w")


def test_masks_and_numbers_of_one_byte_pass():
    net = nn.Linear(2, 2)
    net.register_buffer("mask", torch.tensor([0, -torch.inf]))
    net.register_parameter("small", nn.Parameter(torch.zeros(2, dtype=torch.int8), requires_grad=False))
    check_finite(net, "net")


def test_notes_go_to_stderr(capsys):
    note("the weights are those in 'ema'")
    assert capsys.readouterr() == ("", "robustkit: the weights are those in 'ema'\n")
