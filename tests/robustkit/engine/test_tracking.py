import torch

from robustkit import Threat
from robustkit.contracts.answer import Answer
from robustkit.contracts.classification import CLASSIFICATION
from robustkit.contracts.samples import Samples
from robustkit.engine.stepping import Batch
from robustkit.engine.tracking import Track
from robustkit.rng import SampleRandom

X = torch.full((3, 1, 1, 2), 0.5)


def batch(threat="linf:0.1"):
    samples = Samples(X, torch.zeros(3, dtype=torch.int64), torch.arange(3))
    return Batch(
        samples=samples,
        attempt=torch.zeros(3, dtype=torch.int64),
        clean_logits=None,
        criterion=CLASSIFICATION,
        threat=Threat.parse(threat),
        bounds=(0, 1),
        random=SampleRandom(0, "x"),
    )


def show(track, offset, margins, asked=(True, True, True), minimizes=False):
    """Note a query at a distance from the clean images, at which the attacker leads by so much."""
    margin = torch.tensor(margins)
    seen = Answer(columns=torch.stack([0 * margin, margin], 1) + 100, success=margin > 0, margin=margin)
    track.queries = track.queries + 1
    track.note(batch(), X + torch.tensor(offset)[:, None, None, None], None, seen, torch.tensor(asked), 1, minimizes=minimizes)


def test_the_first_success_stays_else_the_greatest_margin():
    track = Track.begin(torch.arange(3), X, torch.zeros(3, 2), minimizes=False)
    show(track, [0.01, 0.01, 0.01], [-3.0, 1.0, -3.0])
    show(track, [0.02, 0.02, 0.02], [-1.0, 9.0, -4.0])
    show(track, [0.03, 0.03, 0.03], [-2.0, 9.0, 5.0], asked=(True, True, False))
    assert track.found.tolist() == [False, True, False]
    assert track.first_success.tolist() == [-1, 0, -1]
    assert torch.allclose(track.x_best[:, 0, 0, 0], torch.tensor([0.52, 0.51, 0.51]))
    assert track.margin_best.tolist() == [-1.0, 1.0, -3.0]


def test_what_is_outside_the_threat_or_no_number_is_no_success():
    track = Track.begin(torch.arange(3), X, torch.zeros(3, 2), minimizes=False)
    show(track, [0.2, 0.05, 0.05], [1.0, torch.nan, 1.0])
    assert track.found.tolist() == [False, False, True]
    assert track.failed.tolist() == [False, True, False]


def test_a_minimum_norm_attack_keeps_the_nearest_whatever_its_distance():
    track = Track.begin(torch.arange(3), X, torch.zeros(3, 2), minimizes=True)
    show(track, [0.4, 0.05, 0.3], [1.0, 1.0, -1.0], minimizes=True)
    show(track, [0.3, 0.08, 0.2], [1.0, 1.0, 1e-9], minimizes=True)  # the last hangs on rounding
    assert torch.allclose(track.nearest_distance, torch.tensor([0.3, 0.05, torch.inf]))
    assert track.found.tolist() == [False, True, False]
