"""The counterparts of our attacks in ART, foolbox and torchattacks, with parameters that give the same number of passes."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from itertools import accumulate, count, takewhile
from typing import Any

from robustkit import build
from robustkit.benchmarks.bench.contender import Contender, Ground, as_peer, attack_contender
from robustkit.benchmarks.bench.result import SkippedPeer
from robustkit.contracts.attack import Attack, check_threat
from robustkit.errors import UsageError
from robustkit.threats import NormThreat

#: By our attack's name. Braces hold its parameters. Classes that do not support the norm are ignored. Step sizes are absolute.
PEERS: dict[str, tuple[str, ...]] = {
    "fgsm": (
        "art/FastGradientMethod",
        "foolbox/LinfFastGradientAttack",
        "foolbox/L2FastGradientAttack",
        "foolbox/L1FastGradientAttack",
        "torchattacks/FGSM",
    ),
    "bim": (
        "art/BasicIterativeMethod:max_iter={steps},eps_step={step_size}",
        "foolbox/LinfBasicIterativeAttack:steps={steps},abs_stepsize={step_size}",
        "foolbox/L2BasicIterativeAttack:steps={steps},abs_stepsize={step_size}",
        "foolbox/L1BasicIterativeAttack:steps={steps},abs_stepsize={step_size}",
        "torchattacks/BIM:steps={steps},alpha={step_size}",
    ),
    "pgd": (
        "art/ProjectedGradientDescentPyTorch:max_iter={steps},eps_step={step_size},num_random_init={random_starts}",
        "foolbox/LinfProjectedGradientDescentAttack:steps={steps},abs_stepsize={step_size},random_start={random_start}",
        "foolbox/L2ProjectedGradientDescentAttack:steps={steps},abs_stepsize={step_size},random_start={random_start}",
        "foolbox/L1ProjectedGradientDescentAttack:steps={steps},abs_stepsize={step_size},random_start={random_start}",
        "torchattacks/PGD:steps={steps},alpha={step_size},random_start={random_start}",
        "torchattacks/PGDL2:steps={steps},alpha={step_size},random_start={random_start}",
    ),
    "apgd-ce": (
        "art/AutoProjectedGradientDescent:max_iter={steps},nb_random_init={restarts},eps_step={eps},loss_type=cross_entropy",
        "torchattacks/APGD:steps={steps},n_restarts={restarts},rho={rho},loss=ce",
    ),
    "apgd-dlr": (
        "art/AutoProjectedGradientDescent:"
        "max_iter={steps},nb_random_init={restarts},eps_step={eps},loss_type=difference_logits_ratio",
        "torchattacks/APGD:steps={steps},n_restarts={restarts},rho={rho},loss=dlr",
    ),
    "apgd-t": ("torchattacks/APGDT:steps={steps},n_restarts={restarts},rho={rho}",),
    "mi-fgsm": (
        "art/MomentumIterativeMethod:max_iter={steps},eps_step={step_size},decay={decay}",
        "foolbox/LinfMomentumIterativeFastGradientMethod:steps={steps},abs_stepsize={step_size},momentum={decay}",
        "foolbox/L2MomentumIterativeFastGradientMethod:steps={steps},abs_stepsize={step_size},momentum={decay}",
        "torchattacks/MIFGSM:steps={steps},alpha={step_size},decay={decay}",
    ),
    "ni-fgsm": ("torchattacks/NIFGSM:steps={steps},alpha={step_size},decay={decay}",),
    "di-fgsm": (
        "torchattacks/DIFGSM:steps={steps},alpha={step_size},decay={decay},resize_rate={resize_rate},diversity_prob={prob}",
    ),
    "ti-fgsm": ("torchattacks/TIFGSM:steps={steps},alpha={step_size},decay={decay},diversity_prob=0.0",),
    "vmi-fgsm": ("torchattacks/VMIFGSM:steps={steps},alpha={step_size},decay={decay},N={neighbours},beta={beta}",),
    "deepfool": (
        "art/DeepFool:max_iter={steps},epsilon={overshoot},nb_grads={candidates}",
        "foolbox/L2DeepFoolAttack:steps={steps},overshoot={overshoot},candidates={candidates}",
        "foolbox/LinfDeepFoolAttack:steps={steps},overshoot={overshoot},candidates={candidates}",
        "torchattacks/DeepFool:steps={steps},overshoot={overshoot}",
    ),
    "ddn": ("foolbox/DDNAttack:steps={steps},gamma={gamma}",),
    "fmn": (
        "foolbox/LInfFMNAttack:steps={steps},gamma={gamma},max_stepsize={step_size}",
        "foolbox/L2FMNAttack:steps={steps},gamma={gamma},max_stepsize={step_size}",
        "foolbox/L1FMNAttack:steps={steps},gamma={gamma},max_stepsize={step_size}",
        "foolbox/L0FMNAttack:steps={steps},gamma={gamma},max_stepsize={step_size}",
    ),
    "fab": ("torchattacks/FAB:steps={steps},n_restarts={restarts},alpha_max={alpha_max},eta={eta},beta={beta}",),
    "fab-t": (
        "torchattacks/FAB:steps={steps},n_restarts={restarts},alpha_max={alpha_max},eta={eta},beta={beta},multi_targeted=true",
    ),
    "cw": (
        "art/CarliniL2Method:max_iter={steps},binary_search_steps={searches},learning_rate={learning_rate},"
        "initial_const={initial_const},confidence={confidence}",
        "foolbox/L2CarliniWagnerAttack:steps={steps},binary_search_steps={searches},stepsize={learning_rate},"
        "initial_const={initial_const},confidence={confidence},abort_early=false",
        "torchattacks/CW:steps={all_steps},lr={learning_rate},kappa={confidence}",
    ),
    "ead": (
        "art/ElasticNet:max_iter={steps},binary_search_steps={searches},learning_rate={learning_rate},"
        "initial_const={initial_const},beta={beta},confidence={confidence},decision_rule=L1",
        "foolbox/EADAttack:steps={steps},binary_search_steps={searches},initial_stepsize={learning_rate},"
        "initial_const={initial_const},regularization={beta},confidence={confidence},decision_rule=L1,abort_early=false",
        "torchattacks/EADL1:max_iterations={steps},binary_search_steps={searches},lr={learning_rate},"
        "initial_const={initial_const},beta={beta},kappa={confidence},abort_early=false",
    ),
    "square": (
        "art/SquareAttack:max_iter={steps},p_init={p_init}",
        "torchattacks/Square:n_queries={steps},p_init={p_init}",
    ),
    "simba": ("art/SimBA:max_iter={pairs},epsilon={step_size},attack={art_basis}",),
    "spsa": ("torchattacks/SPSA:nb_iter={moves},nb_sample={draws},delta={delta},lr={step_size},max_batch_size=1",),
    "hopskipjump": (
        "art/HopSkipJump:max_iter={rounds},init_eval={initial_queries}",
        "foolbox/HopSkipJumpAttack:steps={rounds},initial_gradient_eval_steps={initial_queries}",
    ),
    "jsma": ("art/SaliencyMapMethod:theta={art_theta}", "torchattacks/JSMA:theta={art_theta}"),
}

#: Defaults of parameters; if ours differs and a peer lacks the parameter, the peer is skipped.
PLAIN = {"restarts": 1, "eot": 1, "surrogate": None}

#: Peers that return the clean image if the nearest adversarial one is beyond eps; only their robust accuracy is compared.
WITHIN_EPS = ("torchattacks/FAB",)

#: Attacks whose step sizes are already relative to the width of the bounds.
IN_SPANS = ("fmn", "sigma-zero")

#: Queries per round of HopSkipJump besides the probes: two searches along a line.
SEARCH_QUERIES = 25


def peers_of(ground: Ground, ours: Contender, attack: Attack) -> tuple[list[Contender], list[SkippedPeer]]:
    """The other libraries' versions of one of our attacks, and the skipped ones with the reason."""
    threat = ground.threat
    found: list[Contender] = []
    skipped: list[SkippedPeer] = []
    if not isinstance(threat, NormThreat):
        return found, skipped
    for template in PEERS.get(attack.info.name, ()):
        spec = written(template, attack, ground)
        try:
            peer = build.attack(spec)
            if threat.norm not in peer.info.threats:
                continue
            check_threat(peer, threat)
            if missing := lacking(template, attack):
                raise UsageError(missing)
        except UsageError as error:
            skipped.append(SkippedPeer(name=f"{spec.partition(':')[0]} beside {ours.name}", reason=str(error)))
            continue
        beside = as_peer(attack_contender(ground, spec, peer), ours)
        found.append(replace(beside, minimizes=False) if beside.name.startswith(WITHIN_EPS) else beside)
    return found, skipped


def lacking(template: str, attack: Attack) -> str | None:
    """The parameters of our attack that a peer lacks, as a reason; None if there are none."""
    unknown = [name for name, plain in PLAIN.items() if getattr(attack, name, plain) != plain and f"{{{name}}}" not in template]
    return f"it has no {' and no '.join(unknown)}" if unknown else None


def written(template: str, attack: Attack, ground: Ground) -> str:
    """A peer's spec with our attack's parameters; lengths are in the unit of images in [0, 1]."""
    threat, model = ground.threat, ground.model
    assert is_dataclass(attack)
    assert isinstance(threat, NormThreat)
    values: dict[str, Any] = {field.name: getattr(attack, field.name) for field in fields(attack)}
    span = model.bounds[1] - model.bounds[0]
    wrong = model.num_classes(ground.x[:1]) - 1
    steps = values.get("steps", 1)
    if "step_size" in values:
        length = values["step_size"] or usual_step(attack.info.name, threat, steps, span)
        values["step_size"] = length if attack.info.name in IN_SPANS else length / span
    values["eps"] = threat.eps / (1 if threat.norm == "l0" else span)
    values["targets"] = min(values.get("target_classes") or (5 if threat.norm == "l1" else 9), wrong)
    values["random_starts"] = values.get("restarts", 1) if values.get("random_start") else 0
    values["art_basis"] = {"pixel": "px"}.get(values.get("basis", ""), "dct")
    values["art_theta"] = values.get("theta") or 1.0
    values["all_steps"] = steps * values.get("searches", 1)
    values["pairs"] = max(steps // 2, 1)
    population = min(values.get("population", 2), steps)
    values |= {"moves": max(steps // population, 1), "draws": max(population // 2, 1)}
    costs = accumulate(values.get("initial_queries", 100) * number**0.5 + SEARCH_QUERIES for number in count(1))
    values["rounds"] = max(sum(1 for _ in takewhile(lambda total: total <= steps, costs)), 1)
    name, *parts = re.split("[:,]", template)
    filled = [part for each in parts if not (part := each.format_map(values)).endswith("=None")]  # None: the peer's default
    return f"{name}:{','.join(filled)}" if filled else name


def usual_step(name: str, threat: NormThreat, steps: int, span: float) -> float:
    """The default step size of our attack, in the unit of the bounds."""
    match name:
        case "simba":
            return 0.2 * span
        case "fmn":
            return 10.0 if threat.norm == "linf" else 1.0
        case "spsa":
            return threat.eps / 3
        case "pgd":
            return (5.0 if threat.norm == "l1" else 2.5) * threat.eps / steps
        case "bim":
            return 1.25 * threat.eps / steps
    return threat.eps / steps
