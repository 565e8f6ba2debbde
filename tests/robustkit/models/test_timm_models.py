"""timm's classifiers from a local file of weights."""

import pytest
import timm
import torch
from safetensors.torch import save_file

import robustkit as rk
from robustkit.errors import UsageError
from robustkit.models.timm_models import timm_spec


@pytest.fixture
def local(tmp_path, monkeypatch):
    """timm looks for weights in a file instead of on the hub."""
    create = timm.create_model
    net = create("test_resnet.r160_in1k", pretrained=False)
    save_file(net.state_dict(), tmp_path / "model.safetensors")

    def create_local(name, pretrained):
        overlay = {"file": str(tmp_path / "model.safetensors")}
        return create(name, pretrained=pretrained, pretrained_cfg_overlay=overlay)

    monkeypatch.setattr(timm, "create_model", create_local)
    return net


def test_weights_and_their_own_preprocessing(local):
    model = rk.load_model("timm/test_resnet.r160_in1k", device="cpu")
    config = timm.get_pretrained_cfg("test_resnet.r160_in1k")
    assert (model.mean, model.std) == (tuple(config.mean), tuple(config.std))
    assert model.spec.size == tuple(config.input_size[1:])
    assert model.spec.resize == int(config.input_size[1] / config.crop_pct)
    assert model.spec.interpolation == config.interpolation
    assert model.classes[6] == "stingray"
    x = torch.rand(1, *config.input_size)
    mean, std = (torch.tensor(v)[:, None, None] for v in (config.mean, config.std))
    with torch.no_grad():
        assert torch.allclose(model.logits(x), local.eval()((x - mean) / std), atol=1e-4)


def test_a_squashed_input_has_no_crop():
    config = {"input_size": (3, 24, 24), "crop_pct": 0.9, "crop_mode": "squash", "interpolation": "bicubic"}
    assert timm_spec(config).resize is None
    assert timm_spec(config | {"crop_mode": "center"}).resize == 26


def test_missing_weights_and_unknown_names_get_one_sentence(monkeypatch):
    def offline(*_args, **_kwargs):
        raise OSError("no network in tests")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(
        UsageError, match=r"are not available \(no network in tests\): run timm.create_model\('resnet18.a1_in1k'"
    ):
        rk.load_model("timm/resnet18.a1_in1k")
    with pytest.raises(UsageError, match=r"did you mean 'resnet18\.a1_in1k'"):
        rk.load_model("timm/resnet18.a1_in1")
    with pytest.raises(UsageError, match="is unknown"):
        rk.load_model("timm/hf_hub:someone/something")
