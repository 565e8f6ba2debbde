"""The image preprocessors of the Adversarial Robustness Toolbox (ART) that act on predictions: ``art/CLASS``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, make_dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from robustkit.bridge import Library, documentation, parameters
from robustkit.plugin import DefenseInfo, Preprocessor, UsageError

#: Preprocessors that keep the number and shape of the images. Others are for audio, video or labels, mix training images,
#: change the number of channels, or need an additional model.
CLASSES = (
    "Cutout",
    "CutoutPyTorch",
    "FeatureSqueezing",
    "GaussianAugmentation",
    "JpegCompression",
    "SpatialSmoothing",
    "SpatialSmoothingPyTorch",
    "TotalVarMin",
)


@dataclass(frozen=True, kw_only=True)
class ARTPreprocessor(Preprocessor):
    """A preprocessor of ART. Its fields are the parameters of ART's class.

    For gradients, attacks use ART's differentiable estimate if the class is implemented in PyTorch, and the identity otherwise
    (BPDA). ART receives images in [0, 1], whatever the bounds.

    Parameters
    ----------
    library
        ART and its version, on which results depend.
    """

    library: str = field(init=False, default="")

    peer: ClassVar[type[Any]]
    #: Parameters that the user cannot set.
    provided: ClassVar[frozenset[str]] = frozenset(
        ("clip_values", "channels_first", "device_type", "apply_fit", "apply_predict", "augmentation", "ratio", "verbose")
    )

    def apply(self, x: Tensor, bounds: tuple[float, float]) -> Tensor:
        """The images processed by ART, on the CPU in float32 unless the class is implemented in PyTorch.

        Raises
        ------
        UsageError
            If ART rejects a parameter, with ART's message.
        """
        low, high = bounds
        transform = self._create(x)
        unit = ((x - low) / (high - low)).float().clamp(0, 1)
        done = torch.from_numpy(transform(unit.cpu().numpy())[0])
        back: Tensor = low + done.to(x.device, x.dtype).clamp(0, 1) * (high - low)
        return back

    def surrogate(self, x: Tensor, bounds: tuple[float, float]) -> Tensor:
        """ART's differentiable estimate of the preprocessor, or the identity."""
        from art.defences.preprocessor.preprocessor import PreprocessorPyTorch

        transform = self._create(x)
        if not isinstance(transform, PreprocessorPyTorch):
            return x
        low, high = bounds
        estimate: Tensor = transform.estimate_forward((x - low) / (high - low))
        return low + estimate * (high - low)

    def _create(self, x: Tensor) -> Any:
        provided = {
            "clip_values": (0.0, 1.0),
            "channels_first": True,
            "device_type": "gpu" if x.is_cuda else "cpu",
            "apply_predict": True,
            "augmentation": False,  # noisy images replace the clean ones instead of being added
            "verbose": False,
        }
        takes = inspect.signature(self.peer).parameters
        chosen = {each.name: getattr(self, each.name) for each in fields(self) if each.init}
        try:
            return self.peer(**chosen, **{name: value for name, value in provided.items() if name in takes})
        except ModuleNotFoundError as error:
            raise UsageError(f"defense {self.info.name!r} needs the package {error.name}, which is not installed") from error
        except (TypeError, ValueError) as error:
            raise UsageError(f"defense {self.info.name!r}: {error}") from error


def classes() -> Mapping[str, type[Any]]:
    """ART's image preprocessors that the installed version contains."""
    from art.defences import preprocessor

    return {name: getattr(preprocessor, name) for name in CLASSES if hasattr(preprocessor, name)}


def adapted(name: str, peer: type[Any]) -> type[ARTPreprocessor]:
    """The plugin for a class of ART, with the class's parameters as fields."""
    words = documentation(peer)
    paper = re.search(r"arxiv\.org/(?:abs|pdf)/(\d{4}\.\d{4,5})", words)
    info = DefenseInfo(name=name, kind="preprocessor", gradient="straight-through", paper=f"arXiv {paper[1]}" if paper else "")
    return make_dataclass(
        peer.__name__,
        [
            *parameters(peer, ARTPreprocessor.provided),
            ("library", str, field(init=False, default=f"{LIBRARY.distribution} {LIBRARY.version}")),
        ],
        bases=(ARTPreprocessor,),
        namespace={"info": info, "peer": peer, "__doc__": words, "__module__": __name__},
        frozen=True,
        kw_only=True,
    )


LIBRARY = Library("art", "defense", "adversarial-robustness-toolbox", "adversarial-robustness-toolbox", classes, adapted)
