"""What a user says of a network: mean, std, size, channels, bounds, classes."""

import pytest
import timm
import torch

import robustkit as rk
from robustkit.errors import UsageError
from robustkit.models.overrides import Overrides


def test_a_bare_network_is_described_by_the_user(nets):
    (nets / "names.txt").write_text("cat\ndog\nowl\n")
    model = rk.load_model(
        "python:mynets:build", mean="0.5", std="0.25", size="12x8", bounds="0,255", classes="names.txt", device="cpu"
    )
    assert (model.bounds, model.classes) == ((0.0, 1.0), ("cat", "dog", "owl"))
    assert (model.spec.channels, model.spec.size) == (1, (12, 8))
    x = torch.rand(2, 1, 12, 8)
    assert torch.allclose(model.preprocess(x), (255 * x - 0.5) / 0.25, rtol=1e-4)


def test_a_range_alone_is_a_normalisation(nets):
    model = rk.load_model("python:mynets:whole", mean="0", std="1", bounds="-1,1", device="cpu")
    x = torch.rand(2, 1, 6, 6)
    assert model.bounds == (0, 1)
    assert torch.allclose(model.preprocess(x), 2 * x - 1, atol=1e-6)


def test_python_values_are_as_good_as_texts():
    texts = Overrides.parse(mean="0.1,0.2,0.3", std="1,1,2", size="224", bounds="0,1", classes="a, b")
    values = Overrides.parse(mean=[0.1, 0.2, 0.3], std=(1, 1, 2), size=224, bounds=(0, 1), classes=["a", "b"])
    assert texts == values
    assert Overrides.parse(size=(3, 4)).size == (3, 4)


def test_three_values_are_three_channels_and_one_is_for_all(nets):
    model = rk.load_model("python:mynets:build", mean="1,2,3", std="1,1,1", device="cpu")
    assert model.spec.channels == 3
    model = rk.load_model("python:mynets:build", mean="1", std="2", channels=3, device="cpu")
    assert (model.mean, model.std) == ((1.0,) * 3, (2.0,) * 3)


def test_only_what_is_given_stands_above_a_factory_s_own_model(nets):
    whole = "python:mynets:whole"
    model = rk.load_model(whole, size="9", classes="a,b,c", device="cpu")
    assert (model.mean, model.bounds, model.name) == ((0.5,), (-1.0, 1.0), "mine")
    assert (model.spec.size, model.classes) == ((9, 9), ("a", "b", "c"))


def test_files_are_described_too(nets):
    import sys

    sys.path.insert(0, str(nets))
    import mynets

    torch.save(mynets.Net().state_dict(), "w.pt")
    model = rk.load_model("file:w.pt", arch="mynets:build", mean="0.5", std="0.5", device="cpu")
    assert model.mean == (0.5,)


def test_a_network_of_timm_brings_its_own_configuration(nets, capsys):
    (nets / "mynets.py").write_text(
        "import timm\n\ndef build(chans=3):\n    return timm.create_model('resnet10t', num_classes=5, in_chans=chans)\n"
    )
    model = rk.load_model("python:mynets:build", device="cpu")
    config = timm.data.resolve_model_data_config(model.net)
    assert (model.mean, model.std, model.spec.size) == (config["mean"], config["std"], config["input_size"][1:])
    assert "--mean 0.485,0.456,0.406, --std 0.229,0.224,0.225, --size 176x176" in capsys.readouterr().err
    model = rk.load_model("python:mynets:build", mean="0", std="1", size="32", device="cpu")
    assert (model.mean, model.spec.size, model.spec.resize) == ((0.0,) * 3, (32, 32), None)
    assert capsys.readouterr().err == ""
    assert rk.load_model("python:mynets:build(chans=1)", device="cpu").spec.channels == 1


def test_names_that_are_no_names_of_the_outputs_are_refused_at_once(nets):
    for size in (None, 6):
        with pytest.raises(UsageError, match=r"--classes names 2 classes, but the network of .*build has 3 outputs"):
            rk.load_model("python:mynets:build", classes="a,b", size=size, device="cpu")
        with pytest.raises(UsageError, match="--classes names 4 classes"):
            rk.load_model("python:mynets:whole", classes="a,b,c,d", size=size, device="cpu")


def test_the_outputs_of_a_network_of_an_unknown_size_are_counted_with_the_first_image(nets):
    (nets / "mynets.py").write_text(
        "from torch import nn\n\ndef small():\n    return nn.Sequential(nn.Flatten(), nn.Linear(12, 2))\n"
    )
    assert rk.load_model("python:mynets:small", classes="a,b,c", device="cpu").classes == ("a", "b", "c")
    with pytest.raises(UsageError, match="names 3 classes"):
        rk.load_model("python:mynets:small", classes="a,b,c", size=2, device="cpu")


def test_a_name_that_stands_twice_is_said(nets, capsys):
    # ImageNet has two classes called crane.
    assert rk.load_model("python:mynets:build", classes="crane,kite,crane", device="cpu").classes == ("crane", "kite", "crane")
    assert "--classes names 'crane' twice: data whose class is 'crane' will be refused" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"mean": "a,b", "std": "1"}, "--mean a,b must be comma-separated numbers"),
        ({"mean": "nan", "std": "1"}, "--mean nan must be comma-separated numbers"),
        ({"mean": "", "std": "1"}, "must be comma-separated numbers"),
        ({"mean": [True], "std": "1"}, "must be comma-separated numbers"),
        ({"mean": "0"}, "--mean needs --std"),
        ({"std": "1"}, "--std needs --mean"),
        ({"mean": "0", "std": "0"}, "--std 0 must be above 0"),
        ({"size": "224x"}, "--size 224x must be a side"),
        ({"size": "0"}, "must be a side"),
        ({"size": "²"}, "must be a side"),
        ({"size": "1x2x3"}, "must be a side"),
        ({"size": "9" * 5000}, "must be a side"),
        ({"channels": 2}, "--channels 2 must be 1"),
        ({"bounds": "1,0"}, "--bounds 1,0 must be"),
        ({"bounds": "0"}, "--bounds 0 must be"),
        ({"classes": "nowhere.txt"}, "--classes nowhere.txt is neither a comma-separated list"),
        ({"classes": "~nouser/x"}, "is neither a comma-separated list"),
        ({"classes": "\0"}, "is neither a comma-separated list"),
        ({"classes": "a,"}, "must name at least two classes"),
        ({"mean": "1,2", "std": "1,1"}, "have 2 values"),
        ({"mean": "1,2,3", "std": "1,1,1", "channels": 1}, "--mean has 3 values for 1 channels"),
    ],
)
def test_values_that_are_none_get_one_sentence(nets, given, says):
    with pytest.raises(UsageError, match=says) as caught:
        rk.load_model("python:mynets:build", device="cpu", **given)
    assert len(str(caught.value)) < 300


def test_other_sources_say_it_themselves():
    with pytest.raises(
        UsageError, match=r"--mean and --std apply to file:, python:, onnx: and script: models; builtin/fashion-robust defines"
    ):
        rk.load_model("builtin/fashion-robust", mean="0", std="1")
    with pytest.raises(UsageError, match=r"--weights-key applies to file:WEIGHTS"):
        rk.load_model("builtin/fashion-robust", weights_key="ema")


@pytest.mark.parametrize(
    "name", ["~nouser/x", "file:~nouser/x", "a\0b", "file:a\0b", "x" * 5000, "x" * 300, "runs/\udcff", "hf/\udcff"]
)
def test_names_that_nothing_can_have_get_one_sentence(nets, name):
    with pytest.raises(UsageError) as caught:
        rk.load_model(name, arch="mynets:build" if name.startswith("file:") else None)
    assert len(str(caught.value)) < 400
