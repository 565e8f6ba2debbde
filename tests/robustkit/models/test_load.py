"""Models by name: files, factories, and what is not a model."""

import subprocess
import sys
import textwrap

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import robustkit as rk
from robustkit.errors import ExitCode, UnsafeFileError, UsageError


def made():
    import mynets

    return mynets.build()


def test_a_factory_in_the_current_directory(nets):
    path = list(sys.path)
    model = rk.load_model("python:mynets:build", device="cpu", batch_size=7)
    assert sys.path == path
    assert model.logits(torch.rand(2, 1, 6, 6)).shape == (2, 3)
    assert (model.spec.channels, model.spec.size, model.batch_size) == (1, None, 7)
    assert model.name == "python:mynets:build"


def test_a_factory_s_own_model_keeps_its_preprocessing(nets):
    model = rk.load_model("python:mynets:whole", device="cpu", batch_size=3)
    assert (model.name, model.mean, model.std, model.bounds) == ("mine", (0.5,), (0.25,), (-1.0, 1.0))
    assert model.batch_size == 3


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("mynets", "is not package.module:factory"),
        ("my nets:build", "is not package.module:factory"),
        ("nowhere:build", "module 'nowhere' was not found in the current folder"),
        ("mynets:biuld", "has no function 'biuld'"),
        ("mynets:value", "mynets:value is a int"),
        ("mynets:number", "returned a int"),
        ("mynets:fails", "failed: RuntimeError: no luck"),
        ("mynets:explains", "^install it first$"),
    ],
)
def test_a_factory_that_does_not_work_gets_one_sentence(nets, where, says):
    with pytest.raises(UsageError, match=says):
        rk.load_model(f"python:{where}")


@pytest.mark.parametrize("wrap", ["plain", "state_dict", "parallel", "compiled"])
@pytest.mark.parametrize("suffix", ["safetensors", "pth", "pt"])
def test_weights_for_an_architecture(nets, wrap, suffix):
    rk.load_model("python:mynets:build", device="cpu")
    net = made()
    prefix = {"parallel": "module.", "compiled": "_orig_mod."}.get(wrap, "")
    state = {prefix + key: value for key, value in net.state_dict().items()}
    if suffix == "safetensors":
        save_file(state, nets / "w.safetensors")
    else:
        torch.save({"state_dict": state, "epoch": 3} if wrap == "state_dict" else state, nets / f"w.{suffix}")
    model = rk.load_model(f"file:w.{suffix}", arch="mynets:build", device="cpu")
    for key, value in net.state_dict().items():
        assert torch.equal(model.net.state_dict()[key], value)
    kept = rk.load_model(f"file:w.{suffix}", arch="mynets:whole", device="cpu")
    assert kept.mean == (0.5,)
    assert torch.equal(kept.net.state_dict()["4.weight"], net.state_dict()["4.weight"])


@pytest.mark.parametrize(("value", "says"), [("-inf", "infinite values"), ("nan", "NaN")])
def test_parameters_that_are_not_finite_are_refused_by_name(nets, value, says):
    with (nets / "mynets.py").open("a") as file:
        file.write(
            "\ndef broken(value):\n    net = Net()\n    net.get_parameter('4.weight').data[0, 1] = float(value)\n    return net\n"
        )
    rk.load_model("python:mynets:build", device="cpu")
    state = made().state_dict()
    state["4.weight"][0, 1] = float(value)
    save_file(state, "w.safetensors")
    with pytest.raises(UsageError, match=rf"4\.weight contains {says}: the training run diverged"):
        rk.load_model("file:w.safetensors", arch="mynets:build")
    with pytest.raises(UsageError, match=rf"python:mynets:broken.*: 4\.weight contains {says}"):
        rk.load_model(f"python:mynets:broken({value!r})", device="cpu")


def test_a_buffer_may_be_infinite(nets):
    with (nets / "mynets.py").open("a") as file:
        file.write(
            "\ndef masked():\n    net = Net()\n    net.register_buffer('mask', torch.tensor([0, -torch.inf]))\n    return net\n"
        )
    net = rk.load_model("python:mynets:masked", device="cpu").net
    save_file(net.state_dict(), "w.safetensors")
    assert torch.equal(rk.load_model("file:w.safetensors", arch="mynets:masked", device="cpu").net.mask, net.mask)


class Payload:
    def __reduce__(self):
        return (open, ("touched", "w"))


def test_a_pickle_that_would_run_code_is_refused_with_exit_6(nets):
    torch.save({"weight": Payload()}, "evil.pth")
    with pytest.raises(UnsafeFileError, match=r"could run code .*open") as caught:
        rk.load_model("file:evil.pth", arch="mynets:build")
    assert caught.value.exit_code == ExitCode.UNSAFE_FILE
    assert not (nets / "touched").exists()


def test_a_whole_pickled_network_is_refused_with_exit_6(nets):
    torch.save(nn.Linear(2, 2), "whole.pt")
    with pytest.raises(UnsafeFileError, match=r"torch\.nn\.modules\.linear\.Linear"):
        rk.load_model("file:whole.pt", arch="mynets:build")


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_programs_and_damaged_files_get_one_sentence(nets):
    torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.rand(1, 2)), "program.pt")
    with pytest.raises(UsageError, match="compiled program"):
        rk.load_model("file:program.pt", arch="mynets:build")
    (nets / "junk.pth").write_bytes(b"junk")
    (nets / "junk.safetensors").write_bytes(b"junk")
    (nets / "junk.h5").write_bytes(b"junk")
    torch.save(torch.zeros(3), "tensor.pth")
    for name, says in (
        ("junk.pth", "its format is unknown"),
        ("junk.safetensors", "not a readable safetensors"),
        ("junk.h5", "its format is unknown"),
        ("tensor.pth", "not weights by name"),
        ("none.pth", "do not exist"),
    ):
        with pytest.raises(UsageError, match=says):
            rk.load_model(f"file:{name}", arch="mynets:build")


def test_names_that_are_no_model(nets):
    (nets / "empty").mkdir()
    (nets / "net.onnx").touch()
    for name, says in (
        ("tim/resnet18", "did you mean 'timm'"),
        ("mynets.py", "write file:mynets.py"),
        ("net.onnx", "is a file: write onnx:net.onnx"),
        ("file:net.onnx", "is an ONNX file: write onnx:net.onnx"),
        ("file:net.pt", r"for a TorchScript program use script:net\.pt"),
        ("empty", "has no card.json"),
        ("file:w.pth", "--arch package.module:factory"),
        ("builtin/fashon-robust", "did you mean 'builtin/fashion-robust'"),
    ):
        with pytest.raises(UsageError, match=says):
            rk.load_model(name)
    with pytest.raises(UsageError, match="--arch applies to file:"):
        rk.load_model("timm/resnet18", arch="mynets:build")


def test_naming_a_model_imports_only_its_source():
    code = """
    import sys
    import robustkit.models.load, robustkit.data.load
    print([name for name in ("timm", "transformers", "datasets") if name in sys.modules])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
