"""ONNX files: scores without gradients, whatever the batch axis, the layout and the last layer."""

import sys
import types

import numpy as np
import pytest
import torch

import robustkit as rk
from robustkit.errors import UsageError
from robustkit.models.onnx_models import OnnxModel
from robustkit.threats import Threat

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

WEIGHT = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)


def build(path, shape=("n", 1, 3, 4), softmax=False, inputs=1, kind=onnx.TensorProto.FLOAT, outside=False):
    """Logits ``x.flatten() @ WEIGHT``."""
    helper = onnx.helper
    given = [helper.make_tensor_value_info(f"x{i}", kind, list(shape)) for i in range(inputs)]
    weight = onnx.numpy_helper.from_array(WEIGHT, "w")
    if outside:
        onnx.external_data_helper.set_external_data(weight, "../elsewhere.bin")
        weight.data_location = onnx.TensorProto.EXTERNAL
        weight.ClearField("raw_data")
    nodes = [helper.make_node("Flatten", ["x0"], ["flat"]), helper.make_node("MatMul", ["flat", "w"], ["logits"])]
    if softmax:
        nodes.append(helper.make_node("Softmax", ["logits"], ["p"], axis=1))
    out = helper.make_tensor_value_info("p" if softmax else "logits", onnx.TensorProto.FLOAT, [shape[0], 3])
    graph = helper.make_graph(nodes, "net", given, [out], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return f"onnx:{path}"


def expected(x):
    return x.flatten(1) @ torch.from_numpy(WEIGHT)


@pytest.mark.parametrize("batch", ["n", 1, 4])
def test_any_number_of_images_whatever_the_batch_axis(tmp_path, batch):
    model = rk.load_model(build(tmp_path / "m.onnx", (batch, 1, 3, 4)), device="cpu")
    assert type(model) is OnnxModel
    assert not isinstance(model.net, torch.nn.Module)
    assert (model.spec.channels, model.spec.size, model.knowledge) == (1, (3, 4), "score")
    x = torch.rand(6, 1, 3, 4)
    torch.testing.assert_close(model.logits(x), expected(x))


def test_channels_last(tmp_path):
    model = rk.load_model(build(tmp_path / "m.onnx", ("n", 2, 2, 3)), device="cpu")
    assert (model.spec.channels, model.spec.size) == (3, (2, 2))
    x = torch.rand(5, 3, 2, 2)
    torch.testing.assert_close(model.logits(x), expected(x.permute(0, 2, 3, 1)))


def test_probabilities_become_their_logarithms(tmp_path, capsys):
    model = rk.load_model(build(tmp_path / "m.onnx", softmax=True), device="cpu")
    assert "returns probabilities" in capsys.readouterr().err
    x = torch.rand(6, 1, 3, 4)
    torch.testing.assert_close(model.logits(x), expected(x).log_softmax(1), atol=1e-5, rtol=1e-4)


def test_normalisation_from_the_user(tmp_path):
    model = rk.load_model(build(tmp_path / "m.onnx"), mean="0.5", std="0.25", classes="a,b,c", device="cpu")
    x = torch.rand(2, 1, 3, 4)
    torch.testing.assert_close(model.logits(x), expected((x - 0.5) / 0.25))
    assert model.classes == ("a", "b", "c")


def test_what_it_cannot_give_is_one_sentence_and_what_it_can_runs(tmp_path):
    model = rk.load_model(build(tmp_path / "m.onnx"), device="cpu")
    x = torch.rand(8, 1, 3, 4)
    y = model.logits(x).argmax(1)
    threat = Threat.parse("linf:0.5")
    with pytest.raises(UsageError, match=r"'pgd' needs white-box knowledge, but onnx:.*m\.onnx gives score only"):
        rk.attack("pgd")(model, x, y, threat)
    found = rk.attack("square", steps=200)(model, x, y, threat)
    assert bool(found.success.any())
    assert bool((expected(found.x_adv).argmax(1) != y)[found.success].all())


@pytest.mark.parametrize("softmax", [False, True], ids=["logits", "probabilities"])
def test_the_standard_suite_runs_its_black_box_stages(tmp_path, softmax):
    model = rk.load_model(build(tmp_path / "m.onnx", softmax=softmax), device="cpu")
    x = torch.rand(8, 1, 3, 4, generator=torch.Generator().manual_seed(0))
    run = rk.audit(model, (x, expected(x).argmax(1)), threats=["linf:0.2"], suite="standard", out=tmp_path / "run")
    (threat,) = run.report.threats
    assert {found.name for found in threat.attacks} == {"square", "hopskipjump"}
    assert [flag.id for flag in threat.flags] == ["black-box"]
    assert (run.report.clean.value, run.exit_code) == (1.0, 0)
    assert threat.robust_accuracy.value < 1


def test_the_fingerprint_is_the_files(tmp_path):
    first = rk.load_model(build(tmp_path / "a.onnx"), device="cpu").fingerprint()
    assert rk.load_model(build(tmp_path / "b.onnx"), device="cpu").fingerprint() == first
    assert rk.load_model(build(tmp_path / "c.onnx", (1, 1, 3, 4)), device="cpu").fingerprint() != first


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"inputs": 2}, r"has 2 inputs \(x0, x1\): export a network whose only input"),
        ({"shape": ("n", 12)}, "floating-point images"),
        ({"kind": onnx.TensorProto.INT32}, "cannot be run by onnxruntime|floating-point images"),
        ({"shape": ("n", 6, 1, 2)}, "has 6 channels"),
        ({"outside": True}, "has its weights in another file, which is not read"),
    ],
)
def test_a_file_that_is_no_such_network(tmp_path, settings, says):
    (tmp_path / "elsewhere.bin").write_bytes(WEIGHT.tobytes())
    (tmp_path / "in").mkdir()
    with pytest.raises(UsageError, match=says):
        rk.load_model(build(tmp_path / "in" / "m.onnx", **settings), device="cpu")


def test_a_class_is_no_score(tmp_path):
    helper, kinds = onnx.helper, onnx.TensorProto
    nodes = [helper.make_node("Flatten", ["x0"], ["flat"]), helper.make_node("ArgMax", ["flat"], ["class"], axis=1, keepdims=0)]
    given = helper.make_tensor_value_info("x0", kinds.FLOAT, ["n", 1, 3, 4])
    graph = helper.make_graph(nodes, "net", [given], [helper.make_tensor_value_info("class", kinds.INT64, ["n"])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(
        UsageError, match=r"the first output class of .* is a tensor\(int64\): export the floating-point scores"
    ):
        rk.load_model(f"onnx:{tmp_path / 'm.onnx'}", device="cpu")


def test_a_folder_named_onnxruntime_is_not_the_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", types.ModuleType("onnxruntime"))
    with pytest.raises(UsageError, match="need the package onnxruntime"):
        rk.load_model(build(tmp_path / "m.onnx"), device="cpu")


@pytest.mark.parametrize("content", [b"", b"no protobuf", b"\x08\x07" * 50])
def test_broken_files(tmp_path, content):
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(UsageError, match="cannot be run by onnxruntime"):
        rk.load_model(f"onnx:{tmp_path / 'm.onnx'}")


def test_no_file(tmp_path):
    with pytest.raises(UsageError, match=r"none\.onnx.* cannot be read: No such file"):
        rk.load_model(f"onnx:{tmp_path / 'none.onnx'}")


def test_a_missing_runtime_is_one_sentence(tmp_path, monkeypatch):
    name = build(tmp_path / "m.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UsageError, match=r"pip install 'robustkit\[onnx\]'"):
        rk.load_model(name)
