"""A file's weights go into a network whole and as they are meant, or one sentence says why not."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from robustkit.errors import UnsafeFileError, UsageError
from robustkit.models.file_models import load_into


def net(outputs=3):
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, outputs))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "w.pt"


def test_weights_and_buffers_are_those_of_the_file(path):
    source, target = net(), net()
    source[1].running_mean += 3
    torch.save(source.state_dict(), path)
    load_into(target, path)
    assert all(torch.equal(value, source.state_dict()[name]) for name, value in target.state_dict().items())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_another_precision_becomes_the_networks(path, dtype):
    source, target = net(), net()
    save_file(
        {name: value.to(dtype) if value.is_floating_point() else value for name, value in source.state_dict().items()}, path
    )
    load_into(target, path)
    assert target[3].weight.dtype == torch.float32
    assert torch.equal(target[3].weight, source[3].weight.to(dtype).float())


def test_weights_that_do_not_fit_name_the_keys_and_change_nothing(path):
    state = net().state_dict()
    torch.save(state, path)
    target = net(5)
    before = {name: value.clone() for name, value in target.state_dict().items()}
    with pytest.raises(UsageError, match=r"has other shapes for 3\.bias \(3 for 5\), 3\.weight \(3x2 for 5x2\)"):
        load_into(target, path)
    assert all(torch.equal(value, before[name]) for name, value in target.state_dict().items())
    state["extra"] = state.pop("0.weight")
    torch.save(state, path)
    with pytest.raises(UsageError, match=r"lacks 0\.weight; it additionally has extra"):
        load_into(net(), path)


def test_the_one_that_fits_of_several_is_taken_and_said(path, capsys):
    wanted, other = net().state_dict(), net(5).state_dict()
    torch.save({"head": other, "model": wanted, "epoch": 3}, path)
    target = net()
    load_into(target, path)
    assert torch.equal(target[3].weight, wanted["3.weight"])
    assert "the weights are those in model" in capsys.readouterr().err
    load_into(target, path, "model")
    assert capsys.readouterr().err == ""  # what was asked for needs no word
    with pytest.raises(UsageError, match=r"w\.pt .*head"):
        load_into(net(), path, "head")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda w: w.to_sparse(), "is a sparse_coo tensor: save dense weights"),
        (lambda w: w.to("meta"), "is a meta tensor, which has a shape and no values"),
        (lambda w: torch.quantize_per_tensor(w, 0.1, 0, torch.qint8), "is a quantised tensor"),
        (lambda w: torch.nested.nested_tensor([torch.ones(2), torch.ones(1)]), "3.weight"),
        (lambda w: (w * 9).to(torch.int8), "is int8 where the network has float32"),
        (lambda w: w.to(torch.complex64), "is complex64 where"),
        (lambda w: w.clone().fill_(float("nan")), "contains NaN: the training run diverged"),
        (lambda w: w[:0], r"has other shapes for 3\.weight \(0x2 for 3x2\)"),
    ],
)
def test_tensors_that_would_lose_their_meaning_are_refused(path, change, says):
    state = net().state_dict()
    state["3.weight"] = change(state["3.weight"])
    torch.save(state, path)
    with pytest.raises(UsageError, match=says):
        load_into(net(), path)


def test_a_file_that_would_run_code_is_refused(path):
    torch.save(net(), path)  # the whole network, pickled
    with pytest.raises(UnsafeFileError, match="could run code"):
        load_into(net(), path)
