"""Which of a checkpoint's weights are a network's: wrappers, prefixes, averages, and what is said where none fits."""

import pytest
import torch
from torch import nn

from robustkit.errors import UsageError
from robustkit.models.entries import choose


def net():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))


def renamed(state, prefix):
    return {prefix + key: value for key, value in state.items()}


WRAPPERS = ["", "module.", "_orig_mod.", "_orig_mod.module.", "module._orig_mod.", "module.module._orig_mod.", "model.", "net."]


@pytest.mark.parametrize("prefix", [*WRAPPERS, "model._orig_mod.", "model.backbone."])
@pytest.mark.parametrize("entry", ["", "state_dict", "model", "weights"])
def test_wrappers_in_any_order(prefix, entry):
    state = net().state_dict()
    held = renamed(state, prefix)
    found = choose({entry: held, "epoch": 3} if entry else held, net().state_dict(), None)
    assert found.tensors.keys() == state.keys()
    assert all(torch.equal(found.tensors[key], state[key]) for key in state)


def test_a_wrapped_network_takes_plain_weights():
    state = net().state_dict()
    wrapped = nn.DataParallel(net()).state_dict()
    assert choose(state, wrapped, None).tensors.keys() == wrapped.keys()
    assert choose(renamed(state, "_orig_mod."), wrapped, None).tensors.keys() == wrapped.keys()


def test_an_inner_module_may_be_wrapped():
    held = {key.replace("0.", "0._orig_mod.", 1): value for key, value in net().state_dict().items()}
    assert choose(held, net().state_dict(), None).tensors.keys() == net().state_dict().keys()


def test_a_lightning_checkpoint_keeps_losses_and_metrics_beside_the_network():
    state = net().state_dict()
    held = renamed(state, "model.") | {"criterion.weight": torch.ones(3), "train_acc.correct": torch.tensor(5)}
    found = choose({"state_dict": held, "epoch": 3, "pytorch-lightning_version": "2"}, state, None)
    assert found.key == "state_dict.model"
    assert found.aside == ("criterion.weight", "train_acc.correct")


def test_weights_and_their_average_must_be_chosen_between():
    state, average = net().state_dict(), renamed(net().state_dict(), "module.") | {"n_averaged": torch.tensor(3)}
    held = {"model": state, "model_ema": average, "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}}}
    with pytest.raises(UsageError, match="choose --weights-key model or --weights-key model_ema"):
        choose(held, state, None)
    assert torch.equal(choose(held, state, "model").tensors["0.weight"], state["0.weight"])
    assert torch.equal(choose(held, state, "model_ema").tensors["0.weight"], average["module.0.weight"])
    with pytest.raises(UsageError, match=r"has no entry ema .* those that have: model, model_ema"):
        choose(held, state, "ema")
    beside = renamed(state, "net.") | renamed(average, "ema_net.")
    del beside["ema_net.n_averaged"]
    beside = {key.replace(".module.", "."): value for key, value in beside.items()}
    with pytest.raises(UsageError, match=r"choose --weights-key net or --weights-key ema_net"):
        choose(beside, state, None)
    assert torch.equal(choose(beside, state, "ema_net").tensors["0.weight"], average["module.0.weight"])


def test_top_and_average_must_be_chosen_between_and_copies_need_not():
    state, average = net().state_dict(), net().state_dict()
    with pytest.raises(UsageError, match=r"choose --weights-key \. or --weights-key ema"):
        choose({**state, "ema": average}, state, None)
    assert choose({**state, "ema": average}, state, ".").tensors["0.weight"] is state["0.weight"]
    assert choose({"model": state, "state_dict": dict(state)}, state, None).key == "model"


def test_a_small_part_of_a_large_file_is_taken_only_by_name():
    held = {f"layers.{n}.{key}": value for n in range(3) for key, value in nn.Linear(n + 2, 3).state_dict().items()}
    wanted = nn.Linear(3, 3).state_dict()
    with pytest.raises(UsageError, match=r"only in layers\.1, a small part"):
        choose(held, wanted, None)
    assert choose(held, wanted, "layers.1").tensors["weight"].shape == (3, 3)


def test_a_counter_of_batch_norm_may_be_missing_and_nothing_else():
    state = net().state_dict()
    del state["1.num_batches_tracked"]
    assert "1.num_batches_tracked" not in choose(state, net().state_dict(), None).tensors
    del state["1.weight"]
    with pytest.raises(UsageError, match=r"does not fit the network: it lacks 1\.weight"):
        choose(state, net().state_dict(), None)


def test_what_fits_nowhere_says_what_the_file_holds():
    held = {"ep\x1b[31moch": 3, 4: "x", "encoder": {"w": torch.ones(2, 5)}, "b": torch.ones(())}
    with pytest.raises(
        UsageError, match=r"does not contain the network's weights \(0\.weight.*'ep\\x1b\[31moch' \(int\), 4 \(str\)"
    ) as caught:
        choose(held, net().state_dict(), None)
    assert "encoder (1 tensors, such as w 2x5), b (one number)" in str(caught.value)


def test_a_lazy_network_takes_the_shapes_of_the_file():
    lazy = nn.Sequential(nn.LazyLinear(3))
    assert choose(nn.Sequential(nn.Linear(4, 3)).state_dict(), lazy.state_dict(), None).tensors["0.weight"].shape == (3, 4)


def test_tied_weights_are_there_by_one_of_their_names():
    tied = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    tied[1].weight = tied[0].weight
    state = dict(tied.state_dict())
    del state["1.weight"]
    assert choose(state, tied.state_dict(), None).tensors.keys() == state.keys()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
def test_nested_tensors_are_of_no_shape(layout):
    state = net().state_dict()
    held = {**state, "3.weight": torch.nested.nested_tensor([torch.ones(3, 2), torch.ones(1, 2)], layout=layout)}
    with pytest.raises(UsageError, match=r"has other shapes for 3\.weight \(many shapes for 3x8\)"):
        choose(held, state, None)
    with pytest.raises(UsageError, match=r"it contains a \(many shapes\), b \(1 tensors, such as c many shapes\)"):
        choose({"a": held["3.weight"], "b": {"c": held["3.weight"]}}, state, None)
