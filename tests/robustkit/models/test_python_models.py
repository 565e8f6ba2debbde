"""The user's own code: factories with arguments, classes, instances, and what is said where it does not work."""

import pytest
import torch
from torch import nn

import robustkit as rk
from robustkit.errors import UsageError
from robustkit.fingerprint import fingerprint
from robustkit.models.python_models import call_factory


@pytest.mark.parametrize(
    ("where", "outputs"),
    [
        ("mynets:build", 3),
        ("mynets:build()", 3),
        ("mynets:needs(6)", 6),
        ("mynets:needs(outputs=5)", 5),
        ("mynets:Net", 3),
        ("mynets:Net(outputs=9)", 9),
        ("mynets:Zoo.small", 4),
        ("mynets:Zoo.small(2)", 2),
        ("mynets:net", 7),
    ],
)
def test_factories_classes_and_instances(nets, where, outputs):
    made = call_factory(where)
    assert isinstance(made, nn.Module)
    assert made[-1].out_features == outputs


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("mynets", "is not package.module:factory"),
        ("mynets.py:build", r"names a file: write its module name, mynets:…"),
        ("mynets:", "is not package.module:factory"),
        ("mynets:build(", "is not package.module:factory"),
        ("mynets:build(open('x'))", "arguments must be literals"),
        ("mynets:build(**{})", "arguments must be literals"),
        ("mynets:build()()", "is not package.module:factory"),
        ("mynets:[build][0]", "is not package.module:factory"),
        ("mynets:" + "(" * 3000, "is not package.module:factory"),
        ("mynets:build\0", "is not package.module:factory"),
        ("mynets:bu\x1b[31mild-", r"\\x1b"),
        ("nowhere:build", r"module 'nowhere' was not found in the current folder .* or on Python's path"),
        ("mynets.inner:build", r"module 'mynets.inner' was not found"),
        ("mynets:Zoo.smal", "'mynets.Zoo' has no function 'smal': did you mean 'small'"),
        (
            "mynets:needs",
            r"mynets:needs failed: TypeError: .*outputs.*give its arguments in brackets, as mynets:needs\(name=value\)",
        ),
        ("mynets:fails", r"mynets:fails failed: RuntimeError: no luck \(mynets.py, line 23\)"),
        ("mynets:exits", r"it exited the program \(sys.exit\(0\)\)"),
        ("mynets:net()", "is already a network"),
        ("mynets:value", "is a int"),
    ],
)
def test_what_does_not_work_gets_one_sentence(nets, where, says):
    with pytest.raises(UsageError, match=says) as caught:
        call_factory(where)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "import torch\nimport not_here\n",
            r"module 'broken' cannot be imported: ModuleNotFoundError: .*not_here.* \(broken.py, line 2\)",
        ),
        ("import sys\nsys.exit(0)\n", r"exited the program \(sys.exit\(0\)\): put script code under"),
        ("x = (\n", r"cannot be imported: SyntaxError"),
    ],
)
def test_an_error_inside_the_module_shows_its_cause(nets, text, says):
    (nets / "broken.py").write_text(text)
    with pytest.raises(UsageError, match=says):
        call_factory("broken:build")


def test_what_a_factory_prints_is_no_result(nets, capsys):
    call_factory("mynets:talks")
    out, err = capsys.readouterr()
    assert (out, err) == ("", "building\n")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["scripted", "traced", "frozen"])
def test_a_compiled_program_that_a_factory_loads(nets, kind):
    (nets / "program.py").write_text("import torch\n\ndef build():\n    return torch.jit.load('net.pt')\n")
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3)).eval()
    x = torch.rand(2, 1, 4, 4)
    program = torch.jit.trace(net, x) if kind == "traced" else torch.jit.script(net)
    torch.jit.save(torch.jit.freeze(program) if kind == "frozen" else program, "net.pt")
    model = rk.load_model("python:program:build", channels=1, size=4, device="cpu")
    assert torch.allclose(model.logits(x), net(x), atol=1e-5)
    assert model.gradient(x, lambda logits: logits[:, 0])[2].shape == x.shape
    assert fingerprint(model) == fingerprint(rk.load_model("python:program:build", channels=1, size=4, device="cpu"))
