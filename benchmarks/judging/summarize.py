"""From records to the summary: the worst case over attacks for each sample, intervals, flags, classes and images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from robustkit.benchmarks.judging.evidence import LOST
from robustkit.benchmarks.judging.flags import diagnose
from robustkit.benchmarks.planning.manifest import PlannedCell, PlannedThreat
from robustkit.benchmarks.running.contradictions import RELATIVE
from robustkit.benchmarks.running.due import attacked_ids, correct_ids
from robustkit.benchmarks.running.records import Column, Records
from robustkit.benchmarks.statistics import Estimate, estimate
from robustkit.benchmarks.summary import (
    AttackPart,
    ClassPart,
    CurvePoint,
    Flag,
    MinimalPart,
    NonAdaptivePart,
    PassesPart,
    Picture,
    ThreatPart,
)
from robustkit.contracts.result import Status
from robustkit.threats import NormThreat, Threat

#: Images of each kind in the gallery.
PICTURES = 4

#: Maximum number of points on a curve of minimal perturbations.
CURVE_POINTS = 200


def summarize_threat(
    plan: PlannedThreat,
    clean: Records,
    rows: dict[str, Records],
    curve_ids: Column,
    class_names: Sequence[str],
    warnings: Sequence[Flag],
) -> ThreatPart:
    """One threat's part of the summary.

    Parameters
    ----------
    plan
        The threat and its cells.
    clean
        The rows of the clean images.
    rows
        The rows of each cell by name.
    curve_ids
        Ids of the samples of the curve.
    class_names
        Names by label; may be empty.
    warnings
        Flags of the model, shared by all threats.
    """
    n = len(clean)
    main = [(cell, rows[cell.name]) for cell in plan.main]
    correct = set(correct_ids(clean).tolist())
    survivors, unanswered = correct, set[int]()
    attacks = []
    for cell, found in main:
        hits, errors = set(attacked_ids(found).tolist()), error_ids(found)
        decided = len(survivors & hits)
        survivors, unanswered = survivors - hits, unanswered | errors
        robust_after = survivors - unanswered if cell.on == "survivors" else correct - hits - errors
        attacks.append(attack_part(cell, found, len(robust_after), decided, n))
    flags = [*warnings, *diagnose(main, n), *escalation_note(plan), *remarks(plan), *beside(plan, rows)]
    robust = np.isin(clean["sample_id"], sorted(survivors - unanswered))
    unknown = int(clean.has_status(Status.ERROR).sum()) + len(survivors & unanswered)
    non_adaptive = None
    if plan.non_adaptive is not None:
        found = rows[plan.non_adaptive.name]
        kept = len(correct - set(attacked_ids(found).tolist()) - error_ids(found))
        non_adaptive = NonAdaptivePart(
            robust_accuracy=estimate(kept, n),
            sentence=f"{plan.non_adaptive.spec} attacks the undefended model; an attacker who knows the defense does better.",
        )
    return ThreatPart(
        id=plan.id,
        kind=plan.kind,
        robust_accuracy=estimate(int(robust.sum()), n),
        errors=unknown,
        attacks=attacks,
        passes=passes(plan, rows),
        trusted=not any(flag.weakens for flag in flags),
        flags=flags,
        curve=curve_points(plan, clean, rows, curve_ids),
        classes=class_table(clean, robust, main, class_names),
        gallery=gallery(main),
        minimal=[minimal(cell, found, clean) for cell, found in main if looks_for_the_nearest(cell, found)],
        non_adaptive=non_adaptive,
    )


def passes(plan: PlannedThreat, rows: dict[str, Records]) -> PassesPart:
    """Forward and backward passes of a threat's cells, summed by purpose."""

    def of(cells: Sequence[PlannedCell]) -> int:
        return sum(int(rows[cell.name]["forwards"].sum() + rows[cell.name]["backwards"].sum()) for cell in cells)

    return PassesPart(
        verdict=of([cell for cell in plan.main if cell.role == "attack"]),
        control=of([cell for cell in plan.main if cell.role == "control"]),
        curve=of([cell for point in plan.curve for cell in point.cells] + ([plan.nearer] if plan.nearer else [])),
        non_adaptive=of([plan.non_adaptive] if plan.non_adaptive else []),
    )


def escalation_note(plan: PlannedThreat) -> list[Flag]:
    """The note that the escalation ran, and why."""
    if not plan.reasons:
        return []
    return [
        Flag(
            id="escalated",
            weakens=False,
            sentence=f"The first attacks raised flags ({', '.join(plan.reasons)}), so the suite's escalation ran as well.",
        )
    ]


def beside(plan: PlannedThreat, rows: dict[str, Records]) -> list[Flag]:
    """The note that the curve or the non-adaptive number lacks valid results."""
    errors = {i for cell in plan.cells if cell.part != "main" for i in error_ids(rows[cell.name])}
    if not errors:
        return []
    sentence = f"The curve or the non-adaptive number excludes {len(errors)} samples without a valid result."
    return [Flag(id="unanswered", weakens=False, sentence=sentence)]


def remarks(plan: PlannedThreat) -> list[Flag]:
    """The attacks' remarks on the model's number of classes."""
    said = dict.fromkeys(cell.remark for cell in plan.main)
    return [Flag(id="few-classes", weakens=False, sentence=sentence) for sentence in said if sentence is not None]


def looks_for_the_nearest(cell: PlannedCell, found: Records) -> bool:
    """Whether a cell measured the minimal perturbation of every correctly classified sample."""
    if cell.on != "all" or cell.within is not None:
        return False
    if cell.minimum_norm:
        return cell.seeks_nearest
    # An attack from another library does not declare this, but images beyond eps show it.
    distance = found["nearest_distance"]
    return bool((np.isfinite(distance) & (distance > 0) & ~found["verified"].astype(bool)).any())


def minimal(cell: PlannedCell, found: Records, clean: Records) -> MinimalPart:
    """The empirical distribution of minimal perturbations: robust accuracy at every eps, from one run."""
    found, clean = found.answered(), clean.where(~np.isin(clean["sample_id"], sorted(error_ids(clean) | error_ids(found))))
    wrong = np.setdiff1d(clean["sample_id"], correct_ids(clean))
    distances = np.concatenate([np.zeros(len(wrong)), found["nearest_distance"].astype(float)])
    finite = np.sort(distances[np.isfinite(distances)])
    n = len(clean)
    # Steps of the curve, thinned to the number a chart can show.
    kept = np.unique(np.linspace(0, max(len(finite) - 1, 0), min(len(finite), CURVE_POINTS)).round().astype(int))
    steps = [(float(finite[i]), float((distances > finite[i]).sum()) / n) for i in kept]
    attacked = found["nearest_distance"].astype(float)
    return MinimalPart(
        attack=cell.attack,
        spec=cell.spec,
        n=n,
        found=int(np.isfinite(attacked).sum()),
        median=float(np.median(attacked)) if len(attacked) and np.isfinite(np.median(attacked)) else None,
        curve=[(0.0, (n - len(wrong)) / n if n else 0.0), *(step for step in steps if step[0] > 0)],
    )


def error_ids(found: Records) -> set[int]:
    """Ids of the samples without a valid result, which are neither robust nor successfully attacked."""
    return set(found["sample_id"][found.has_status(Status.ERROR)].tolist())


def attack_part(cell: PlannedCell, found: Records, robust: int, decided: int, n: int) -> AttackPart:
    """The row of one attack."""
    error = found.has_status(Status.ERROR)
    hits = found["verified"].astype(bool)
    return AttackPart(
        name=cell.attack,
        spec=cell.spec,
        cell=cell.name,
        role=cell.role,
        on=cell.on,
        evaluated=len(found),
        robust_accuracy=estimate(robust, n),
        success_rate=estimate(int(hits.sum()), len(found)),
        decided=decided,
        errors=int(error.sum()),
        inconsistent=0 if found.message else int((error & np.isfinite(found["margin"])).sum()),
        unconfirmed=int(found.has_status(Status.UNCONFIRMED).sum()),
        seconds=round(found.seconds, 3),
        forwards=int(found["forwards"].sum()),
        backwards=int(found["backwards"].sum()),
        status="incomplete" if found.message in LOST else "crashed" if found.message else "complete",
        message=found.message,
        median_distance=float(np.median(found["distance"][hits])) if hits.any() else None,
    )


def curve_points(plan: PlannedThreat, clean: Records, rows: dict[str, Records], ids: Column) -> list[CurvePoint]:
    """Accuracy vs. eps on the curve's samples, starting at eps 0; each point excludes samples without a valid result.

    A success at one eps is a success at every larger eps, so the verdict's cells count from the audited eps on.
    """
    if not plan.curve:
        return []
    audited = Threat.parse(plan.id)
    assert isinstance(audited, NormThreat)
    answered = clean.answered()
    correct = set(correct_ids(clean).tolist()) & set(ids.tolist())
    n = int(np.isin(answered["sample_id"], ids).sum())
    start = estimate(len(correct), n)

    def after(cells: Sequence[PlannedCell], *more: Records) -> Estimate:
        found = [*(rows[cell.name] for cell in cells), *more]
        hits = correct & set(attacked_ids(*found).tolist())
        errors = correct & set[int]().union(*map(error_ids, found)) - hits
        return estimate(len(correct - hits - errors), n - len(errors))

    points = [CurvePoint(eps=0.0, eps_text="0", attack=start, control=start)]
    for at in plan.curve:
        verdict = plan.main if at.eps >= audited.eps else ()
        smaller = [each for each in plan.curve if each.eps <= at.eps]
        strong = [*verdict, *(each.strong for each in smaller if each.strong)]
        control = [*(cell for cell in verdict if cell.role == "control"), *(each.control for each in smaller if each.control)]
        nearer = [inside(rows[plan.nearer.name], at.eps)] if plan.nearer and at.eps < audited.eps else []
        points.append(CurvePoint(eps=at.eps, eps_text=at.eps_text, attack=after(strong, *nearer), control=after(control)))
    return points


def inside(found: Records, eps: float) -> Records:
    """The rows without a valid result, and those whose adversarial image is inside a smaller ball."""
    near = found["nearest_distance"] <= eps * (1 + RELATIVE)
    return found.where(found.has_status(Status.ERROR) | near)


def class_table(
    clean: Records, robust: Column, main: list[tuple[PlannedCell, Records]], names: Sequence[str]
) -> list[ClassPart]:
    """Clean and robust accuracy of each class in the data, and its most common wrong prediction."""
    errors: dict[int, Counter[int]] = {}
    wrong = clean.has_status(Status.MISCLASSIFIED)
    correct = np.isin(clean["sample_id"], correct_ids(clean))
    seen = [clean.columns["label"][wrong], clean.columns["prediction"][wrong]]
    pairs = list(zip(*seen, strict=True))
    for _, found in main:
        hits = found["verified"].astype(bool)
        pairs += list(zip(found["label"][hits], found["prediction"][hits], strict=True))
    for label, prediction in pairs:
        errors.setdefault(int(label), Counter())[int(prediction)] += 1
    table = []
    for label in np.unique(clean["label"]):
        mask = clean["label"] == label
        common = errors.get(int(label), Counter()).most_common(1)
        table.append(
            ClassPart(
                label=int(label),
                name=name_of(int(label), names),
                n=int(mask.sum()),
                clean=estimate(int((mask & correct).sum()), int(mask.sum())),
                robust=estimate(int((mask & robust).sum()), int(mask.sum())),
                most_common_error=name_of(common[0][0], names) if common else "",
            )
        )
    return table


def name_of(label: int, names: Sequence[str]) -> str:
    """The class's name, else its number."""
    return names[label] if 0 <= label < len(names) else str(label)


def gallery(main: list[tuple[PlannedCell, Records]]) -> list[Picture]:
    """The worst, the borderline and some random samples whose images are on disk."""
    rows = [(cell, found, i) for cell, found in main if cell.role == "attack" for i in range(len(found))]
    if not rows:
        rows = [(cell, found, i) for cell, found in main for i in range(len(found))]
    hits = [(cell, found, i) for cell, found, i in rows if found["verified"][i]]
    survivors = [(cell, found, i) for cell, found, i in rows if found["status"][i] in ("failed", "unconfirmed")]
    last = {int(found["sample_id"][i]): (cell, found, i) for cell, found, i in survivors}  # the last attack to fail on it
    successes = {int(found["sample_id"][i]) for _, found, i in hits}
    border = [item for sample, item in last.items() if sample not in successes]
    border.sort(key=lambda item: float(item[1]["margin"][item[2]]))
    hits.sort(key=lambda item: float(item[1]["margin"][item[2]]))
    rest = hits[PICTURES:]
    step = max(1, len(rest) // PICTURES)
    chosen = [("worst", item) for item in hits[:PICTURES]]
    chosen += [("borderline", item) for item in border[:PICTURES]]
    chosen += [
        ("random", item) for item in sorted(rest, key=lambda item: int(item[1]["sample_id"][item[2]]))[::step][:PICTURES]
    ]
    return [picture(cell, found, i, why) for why, (cell, found, i) in chosen]


def picture(cell: PlannedCell, found: Records, i: int, why: str) -> Picture:
    """A gallery entry from a row."""
    return Picture.model_validate(
        {
            "sample_id": int(found["sample_id"][i]),
            "attack": cell.attack,
            "cell": cell.name,
            "why": why,
            "label": int(found["label"][i]),
            "clean_prediction": int(found["clean_prediction"][i]),
            "clean_confidence": float(found["clean_confidence"][i]),
            "prediction": int(found["prediction"][i]),
            "confidence": float(found["confidence"][i]),
            "success": bool(found["verified"][i]),
            "distance": float(found["distance"][i]),
        }
    )
