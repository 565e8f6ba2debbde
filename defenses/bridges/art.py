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

#: The ones that give back as many images of the same shape. Others are for sound, videos or labels, mix images for training,
#: change the number of channels, or need a model of their own.
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

    Attacks go through it as through ART's own differentiable estimate where it has one, that is, where the class is written
    in PyTorch, and as through the identity elsewhere (BPDA). Images are handed over in [0, 1], whatever the bounds.

    Parameters
    ----------
    library
        ART and its version, which belong to what a result depends on.
    """

    library: str = field(init=False, default="")

    peer: ClassVar[type[Any]]
    #: Parameters that are not the user's.
    provided: ClassVar[frozenset[str]] = frozenset(
        ("clip_values", "channels_first", "device_type", "apply_fit", "apply_predict", "augmentation", "ratio", "verbose")
    )

    def apply(self, x: Tensor, bounds: tuple[float, float]) -> Tensor:
        """The images through ART, which computes on the CPU in float32 where the class is not written in PyTorch.

        Raises
        ------
        UsageError
            If ART refuses a parameter, in its own words.
        """
        low, high = bounds
        transform = self._create(x)
        unit = ((x - low) / (high - low)).float().clamp(0, 1)
        done = torch.from_numpy(transform(unit.cpu().numpy())[0])
        back: Tensor = low + done.to(x.device, x.dtype).clamp(0, 1) * (high - low)
        return back

    def surrogate(self, x: Tensor, bounds: tuple[float, float]) -> Tensor:
        """ART's differentiable estimate of itself, or the identity."""
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
            "augmentation": False,  # noisy images in place of the clean ones, not beside them
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
    """ART's preprocessors of images, as many as the installed version has."""
    from art.defences import preprocessor

    return {name: getattr(preprocessor, name) for name in CLASSES if hasattr(preprocessor, name)}


def adapted(name: str, peer: type[Any]) -> type[ARTPreprocessor]:
    """The plugin that a class of ART is, with the class's parameters as fields."""
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
