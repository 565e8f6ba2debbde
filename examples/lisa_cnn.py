"""RP2's victim, for its authors' weights converted to safetensors (MIT, evtimovi/robust_physical_perturbations).

    robustkit sticker optimise file:lisa_cnn.safetensors --arch examples.lisa_cnn:LisaCNN --size 32 --photos folder:stop_256 --cropped \\
        --sign stop --true 14 --target 12 --mask whole -o runs/lisa
"""

from __future__ import annotations

from torch import Tensor, nn


class LisaCNN(nn.Module):
    """The logits of 18 classes, of which 14 is a stop sign and 12 a speed limit of 45, for RGB images ``(B, 3, 32, 32)`` in [0, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 8, 2, 3)
        self.conv2 = nn.Conv2d(64, 128, 6, 2)
        self.conv3 = nn.Conv2d(128, 128, 5)
        self.fc = nn.Linear(512, 18)

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.conv1, self.conv2, self.conv3):
            x = layer(x).relu()
        logits: Tensor = self.fc(x.flatten(1))
        return logits
