"""How an answer is judged, what it cost, and what becomes of a contender that fails."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from robustkit import Model, build
from robustkit.acceleration import accelerate
from robustkit.benchmarks.bench.contender import (
    Contender,
    Ground,
    as_peer,
    attack_contender,
    counted,
    images_and_labels,
    minimizes,
    still_correct,
)


def test_an_attack_answers_with_survivors_distances_and_passes(ground: Ground) -> None:
    contender = attack_contender(ground, "fmn:steps=60", build.attack("fmn:steps=60"))
    answer = contender.run()()
    assert not isinstance(answer, str)
    assert answer.robust.tolist() == [False] * 10 + [True] * 10
    assert answer.distance.tolist() == pytest.approx([k / 100 for k in range(1, 21)], rel=0.05)
    assert (answer.forwards, answer.backwards) == (
        20 * 62 + 10,
        20 * 60,
    )  # ten nearest lie beyond eps
    assert (contender.key, contender.minimizes) == ("fmn:steps=60", True)


@pytest.mark.parametrize(("spec", "expected"), [("pgd", False), ("ddn", True), ("ddn:stop_at_eps=true", False)])
def test_who_looks_for_the_nearest(spec: str, expected: bool) -> None:
    assert minimizes(build.attack(spec)) is expected


def test_images_outside_the_threat_count_for_nothing(ground: Ground) -> None:
    model, x, y, threat = ground.model, ground.x, ground.y, ground.threat
    assert still_correct(model, x, torch.zeros_like(x), y, threat).sum() == 20
    assert still_correct(model, x, x - 0.105, y, threat).sum() == 10
    assert still_correct(model, x, x, 1 - y, threat).sum() == 0


def test_passes_are_those_of_the_run_alone(ground: Ground) -> None:
    ground.model.logits(ground.x)
    assert counted(ground.model, lambda: ground.model.logits(ground.x[:3]).shape) == ((3, 2), 3, 0)


def test_passes_of_the_twin_count(linear_model: Model, linear_data: tuple[Tensor, Tensor]) -> None:
    model = accelerate(linear_model)
    x, _ = linear_data

    def ask() -> Tensor:
        model.quick.gradient(x, lambda logits: logits[:, 0])
        return model.logits(x)

    returned, forwards, backwards = counted(model, ask)
    assert torch.equal(returned, model.logits(x))
    assert (forwards, backwards) == (40, 20)


def test_a_peer_that_fails_is_an_answer_in_words(ground: Ground, capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> None:
        print("for stderr")
        raise RuntimeError("no such device\nand more")

    ours = attack_contender(ground, "ddn", build.attack("ddn"))
    peer = as_peer(Contender("their/attack", "attack", broken), ours)  # type: ignore[arg-type]
    assert peer.run()() == "fails: RuntimeError: no such device"
    assert capsys.readouterr() == ("", "for stderr\n")
    assert (peer.kind, peer.against, peer.minimizes, peer.key) == ("peer", "ddn", True, "their/attack beside ddn")


def test_a_failure_without_words_has_a_name() -> None:
    def broken() -> None:
        raise ValueError

    peer = as_peer(Contender("p", "peer", broken), Contender("ours", "attack", broken))  # type: ignore[arg-type]
    assert peer.run()() == "fails: ValueError: no message"


def test_all_images_come_with_the_models_labels(ground: Ground) -> None:
    x, y = images_and_labels(ground.data, ground.model)
    assert torch.equal(x, ground.x)
    assert torch.equal(y, ground.y)
