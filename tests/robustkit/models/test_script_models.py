"""TorchScript programs: run where they only compute, refused where they could reach files."""

import pytest
import torch
from torch import nn

import robustkit as rk
from robustkit.errors import UnsafeFileError, UsageError

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning", "ignore:`torch.jit:DeprecationWarning")


def saved(net, path):
    torch.jit.script(net).save(str(path))
    return f"script:{path}"


class Detached(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x.detach()).mean(dim=[2, 3]).detach()


class Reads(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.from_file("/etc/hostname", False, 4, dtype=torch.uint8).float()[None] + x.mean()


def test_a_program_answers_as_the_network_and_gives_gradients(tmp_path):
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    model = rk.load_model(saved(net, tmp_path / "m.pt"), device="cpu")
    x = torch.rand(3, 1, 8, 8)
    torch.testing.assert_close(model.logits(x), net(x).detach())
    assert (model.spec.channels, model.knowledge) == (1, "white-box")
    rk.attack("pgd", steps=2)(model, x, model.logits(x).argmax(1), rk.Threat.parse("linf:0.1"))


def test_a_program_without_gradients_gives_scores(tmp_path, capsys):
    model = rk.load_model(saved(Detached(), tmp_path / "m.pt"), device="cpu")
    assert model.knowledge == "score"
    assert "gives no gradients: only attacks without gradients" in capsys.readouterr().err


def test_a_program_that_reads_files_is_not_loaded(tmp_path):
    with pytest.raises(UnsafeFileError, match=r"calls from_file\(\), which may access files: it was not loaded"):
        rk.load_model(saved(Reads(), tmp_path / "m.pt"))


def test_weights_alone_are_told_where_to_go(tmp_path):
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "m.pt")
    with pytest.raises(UsageError, match=r"contains weights and no program: use file:"):
        rk.load_model(f"script:{tmp_path / 'm.pt'}")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"\x80\x02."])
def test_what_is_no_program(tmp_path, content):
    (tmp_path / "m.pt").write_bytes(content)
    with pytest.raises(UsageError, match="is not a TorchScript file"):
        rk.load_model(f"script:{tmp_path / 'm.pt'}")


def test_no_file(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        rk.load_model(f"script:{tmp_path / 'none.pt'}")
