"""torchvision's classifiers from a local cache of weights."""

import pytest
import torch
from torchvision import models

import robustkit as rk
from robustkit.errors import UsageError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def refuse(*_args, **_kwargs):
        raise OSError("no network in tests")

    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    folder = tmp_path / "hub/checkpoints"
    folder.mkdir(parents=True)
    return folder


def test_weights_and_their_own_preprocessing(cache):
    net = models.get_model("squeezenet1_1", weights=None)
    url = models.SqueezeNet1_1_Weights.DEFAULT.url
    torch.save(net.state_dict(), cache / url.rsplit("/", 1)[1])
    model = rk.load_model("torchvision/squeezenet1_1", device="cpu")
    preset = models.SqueezeNet1_1_Weights.DEFAULT.transforms()
    assert model.mean == tuple(preset.mean)
    assert model.std == tuple(preset.std)
    assert (model.spec.size, model.spec.resize, model.spec.interpolation) == ((224, 224), 256, "bilinear")
    assert len(model.classes) == 1000
    x = torch.rand(1, 3, 224, 224)
    mean, std = (torch.tensor(v)[:, None, None] for v in (preset.mean, preset.std))
    with torch.no_grad():
        assert torch.allclose(model.logits(x), net.eval()((x - mean) / std), atol=1e-5)


class Payload:
    def __reduce__(self):
        return (print, ("code ran",))


def test_code_in_the_cache_is_not_run(cache, capsys):
    torch.save({"weight": Payload()}, cache / models.SqueezeNet1_1_Weights.DEFAULT.url.rsplit("/", 1)[1])
    with pytest.raises(rk.RobustkitError):
        rk.load_model("torchvision/squeezenet1_1", device="cpu")
    assert "code ran" not in capsys.readouterr().out


def test_missing_weights_and_unknown_names_get_one_sentence(cache):
    with pytest.raises(UsageError, match=r"no network in tests.*download https://.*hub/checkpoints"):
        rk.load_model("torchvision/resnet18", device="cpu")
    with pytest.raises(UsageError, match="did you mean 'resnet18'"):
        rk.load_model("torchvision/resnt18")
    with pytest.raises(UsageError, match="is unknown"):
        rk.load_model("torchvision/fasterrcnn_resnet50_fpn")
