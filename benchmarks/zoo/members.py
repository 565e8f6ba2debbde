"""The members of the zoo: how each network is trained or masked, and in which half it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from robustkit.benchmarks.zoo.masks import (
    CoarselyRoundedInput,
    CompressedInput,
    DetachedBranch,
    DroppedInput,
    Mask,
    NoisyInput,
    RoundedInput,
    SaturatedInput,
    ScaledLogits,
)

Half = Literal["choose", "report"]
DataName = Literal["fashion", "mnist"]

#: The threats under which networks on each data set are judged.
THREATS: dict[DataName, tuple[str, ...]] = {"fashion": ("linf:0.1", "l2:1.0"), "mnist": ("linf:0.3", "l2:1.5")}


@dataclass(frozen=True, kw_only=True)
class Member:
    """A trained network, or a masked copy of one.

    Parameters
    ----------
    name
        Its name in the table; also its folder, unless it is masked.
    half
        Whether the suites were designed on it, or are judged on it.
    data
        What it was trained on.
    network
        The factory in `robustkit.benchmarks.zoo.networks` with its arguments.
    recipe, threat, epochs, seed
        As in `robustkit.train`.
    mask
        Wraps the network.
    of
        The name of the network that is masked.
    draws
        The draws per query of a randomised network.
    """

    name: str
    half: Half
    data: DataName
    network: str = "cnn()"
    recipe: str = "standard"
    threat: str | None = None
    epochs: int = 8
    seed: int = 0
    mask: Mask | None = None
    of: str | None = None
    draws: int = 1

    @property
    def masked(self) -> bool:
        """Whether audits must flag it."""
        return self.mask is not None


MEMBERS = (
    Member(name="fashion-standard", half="choose", data="fashion", epochs=4),
    Member(name="fashion-fast", half="choose", data="fashion", recipe="fast", threat="linf:0.1"),
    Member(name="fashion-mlp", half="choose", data="fashion", network="mlp()", recipe="pgd:steps=4", threat="linf:0.1"),
    Member(
        name="fashion-vit", half="choose", data="fashion", network="vit()", recipe="pgd:steps=4,warmup=0.3", threat="linf:0.1"
    ),
    Member(name="fashion-ibp", half="choose", data="fashion", recipe="ibp:warmup=0.6", threat="linf:0.1", epochs=12),
    Member(name="mnist-pgd", half="choose", data="mnist", recipe="pgd:steps=10,warmup=0.3", threat="linf:0.3", epochs=30),
    Member(
        name="mnist-tanh",
        half="choose",
        data="mnist",
        network="cnn(activation='tanh')",
        recipe="trades:warmup=0.3",
        threat="linf:0.3",
        epochs=20,
    ),
    Member(name="mnist-bounds", half="choose", data="mnist", recipe="ibp:warmup=0.6", threat="linf:0.3", epochs=60, seed=1),
    Member(name="fashion-scaled", half="choose", data="fashion", mask=ScaledLogits, of="fashion-standard"),
    Member(name="fashion-rounded", half="choose", data="fashion", mask=RoundedInput, of="fashion-standard"),
    Member(name="fashion-detached", half="choose", data="fashion", mask=DetachedBranch, of="fashion-standard"),
    Member(name="fashion-noisy", half="choose", data="fashion", mask=NoisyInput, of="fashion-fast", draws=5),
    Member(name="mnist-standard", half="report", data="mnist", epochs=15),
    Member(
        name="fashion-wide", half="report", data="fashion", network="cnn(width=24)", recipe="fast", threat="linf:0.1", seed=1
    ),
    Member(name="fashion-trades", half="report", data="fashion", recipe="trades:steps=5", threat="linf:0.1"),
    Member(
        name="fashion-tanh", half="report", data="fashion", network="cnn(activation='tanh')", recipe="fast", threat="linf:0.1"
    ),
    Member(
        name="fashion-resnet",
        half="report",
        data="fashion",
        network="resnet()",
        recipe="pgd:steps=3",
        threat="linf:0.1",
        epochs=10,
    ),
    Member(name="fashion-l2", half="report", data="fashion", recipe="pgd:steps=4", threat="l2:1.0"),
    Member(
        name="mnist-wide",
        half="report",
        data="mnist",
        network="cnn(width=24)",
        recipe="pgd:steps=10,warmup=0.3",
        threat="linf:0.3",
        epochs=30,
        seed=1,
    ),
    Member(name="mnist-trades", half="report", data="mnist", recipe="trades:warmup=0.3", threat="linf:0.3", epochs=20, seed=1),
    Member(
        name="mnist-mlp", half="report", data="mnist", network="mlp()", recipe="trades:warmup=0.3", threat="linf:0.2", epochs=20
    ),
    Member(name="mnist-ibp", half="report", data="mnist", recipe="ibp:warmup=0.6", threat="linf:0.3", epochs=60),
    Member(
        name="mnist-resnet",
        half="report",
        data="mnist",
        network="resnet()",
        recipe="pgd:steps=10,warmup=0.3",
        threat="linf:0.3",
        epochs=20,
    ),
    Member(name="mnist-scaled", half="report", data="mnist", mask=ScaledLogits, of="mnist-standard"),
    Member(name="mnist-saturated", half="report", data="mnist", mask=SaturatedInput, of="mnist-standard"),
    Member(name="fashion-coarse", half="report", data="fashion", mask=CoarselyRoundedInput, of="fashion-wide"),
    Member(name="fashion-jpeg", half="report", data="fashion", mask=CompressedInput, of="fashion-tanh"),
    Member(name="fashion-dropped", half="report", data="fashion", mask=DroppedInput, of="fashion-trades", draws=5),
)


def members(half: Half | None = None, names: tuple[str, ...] = ()) -> list[Member]:
    """The members of one half or both, or those with the given names.

    Raises
    ------
    UsageError
        If there is no member of a name.
    """
    from robustkit.errors import UsageError, did_you_mean

    known = {member.name: member for member in MEMBERS}
    for name in names:
        if name not in known:
            raise UsageError(f"member {name!r} is unknown: {did_you_mean(name, known)}")
    return [member for member in MEMBERS if half in (None, member.half) and (not names or member.name in names)]
