"""Hugging Face image classifiers from a local folder."""

import json

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torchvision.transforms.v2 import functional as F

import robustkit as rk
from robustkit.data.prepare import prepare
from robustkit.errors import UnsafeFileError, UsageError
from robustkit.training.topology import build_network

transformers = pytest.importorskip("transformers")


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def vit(folder, **saving):
    config = transformers.ViTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, image_size=32, patch_size=16,
        id2label={0: "cat", 1: "dog", 2: "owl"}, label2id={"cat": 0, "dog": 1, "owl": 2},
    )  # fmt: skip
    net = transformers.ViTForImageClassification(config)
    net.save_pretrained(folder, **saving)
    transformers.ViTImageProcessor(
        size={"height": 32, "width": 32}, image_mean=[0.4, 0.5, 0.6], image_std=[0.2, 0.25, 0.3], resample=3
    ).save_pretrained(folder)
    return net


def test_weights_preprocessing_and_names(tmp_path):
    net = vit(tmp_path / "vit").eval()
    model = rk.load_model(f"hf/{tmp_path / 'vit'}", device="cpu")
    assert model.classes == ("cat", "dog", "owl")
    assert model.mean == pytest.approx((0.4, 0.5, 0.6), abs=1e-4)
    assert model.std == pytest.approx((0.2, 0.25, 0.3), abs=1e-4)
    assert (model.spec.size, model.spec.resize, model.spec.interpolation) == ((32, 32), None, "bicubic")
    x = torch.rand(2, 3, 32, 32)
    mean, std = (torch.tensor(v)[:, None, None] for v in ((0.4, 0.5, 0.6), (0.2, 0.25, 0.3)))
    with torch.no_grad():
        assert torch.allclose(model.logits(x), net((x - mean) / std).logits, atol=1e-4)


def test_a_resize_and_crop_gives_what_the_processor_gives(tmp_path):
    vit(tmp_path / "vit")
    processor = transformers.CLIPImageProcessor(size={"shortest_edge": 40}, crop_size={"height": 32, "width": 32})
    processor.save_pretrained(tmp_path / "vit")
    model = rk.load_model(f"hf/{tmp_path / 'vit'}", device="cpu")
    assert (model.spec.size, model.spec.resize, model.spec.interpolation) == ((32, 32), 40, "bicubic")
    gradient = (torch.arange(60 * 90).reshape(1, 60, 90) % 256).expand(3, -1, -1).to(torch.uint8)
    image: Image.Image = F.to_pil_image(gradient.contiguous())
    theirs = torch.as_tensor(processor(image, return_tensors="pt")["pixel_values"])
    ours = model.preprocess(prepare(image, model.spec)[None])
    assert (theirs - ours).abs().mean() < 0.05


def test_pickled_weights_and_code_are_refused(tmp_path):
    folder = tmp_path / "vit"
    net = vit(folder)
    (folder / "model.safetensors").unlink()
    torch.save(net.state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(UsageError, match="safetensors"):
        rk.load_model(f"hf/{folder}", device="cpu")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "mine", "auto_map": {"AutoConfig": "mine.C", "AutoModelForImageClassification": "mine.M"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "mine.py").write_text(f"open({str(tmp_path / 'touched')!r}, 'w')")
    with pytest.raises(UnsafeFileError, match="--allow-remote-code"):
        rk.load_model(f"hf/{folder}", device="cpu")
    with pytest.raises(UnsafeFileError, match="--allow-remote-code"):
        build_network(f"hf/{folder}", 3)
    assert not (tmp_path / "touched").exists()


def test_a_checkpoint_without_a_classifier_is_refused(tmp_path):
    folder = tmp_path / "vit"
    vit(folder)
    weights = load_file(folder / "model.safetensors")
    headless = {key: value for key, value in weights.items() if not key.startswith("classifier")}
    save_file(headless, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(UsageError, match=r"has no weights for classifier\.bias, classifier\.weight, which would be random"):
        rk.load_model(f"hf/{folder}", device="cpu")


BROKEN = ["[]", "{", "null"]
ODD = ['"hidden_size": "x"', '"image_size": -3', '"id2label": 3', '"num_attention_heads": 0', '"num_channels": "a"']


@pytest.mark.parametrize(
    ("file", "change"),
    [
        *((file, text) for file in ("config.json", "preprocessor_config.json", "model.safetensors") for text in BROKEN),
        *(("config.json", f'{{"model_type": "vit", {odd}}}') for odd in ODD),
        ("config.json", '{"model_type": 7}'),
    ],
)
def test_damaged_folders_get_one_sentence(tmp_path, file, change):
    vit(tmp_path / "vit")
    (tmp_path / "vit" / file).write_text(change)
    with pytest.raises(UsageError) as caught:
        rk.load_model(f"hf/{tmp_path / 'vit'}", device="cpu")
    assert len(str(caught.value)) < 700


def test_a_model_that_is_not_there_gets_one_sentence(tmp_path):
    with pytest.raises(UsageError, match="cannot be loaded"):
        rk.load_model(f"hf/{tmp_path / 'none'}")
