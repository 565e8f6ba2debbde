"""FAB against an independent reimplementation of the authors' code, and against closed forms."""

import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.build import attack
from robustkit.engine.search import _Search
from robustkit.threats import Threat, norm_of

STEPS = 12
EPS = {"linf": 0.05, "l2": 0.4, "l1": 2.0}


def network(classes=5):
    net = nn.Sequential(nn.Conv2d(2, 6, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 30, classes)).double()
    numbers = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_(0, 2 * parameter[0].numel() ** -0.5, generator=numbers)
    return net


def data():
    x = torch.rand((5, 2, 6, 5), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    x[0, :, :3], x[0, :, 3:] = 0, 1
    return x


def queries(monkeypatch, name, norm, net, x, y, **parameters):
    """Every image the attack queried, in order; images of finished attempts stay constant."""
    seen = []
    absorb = _Search._absorb
    monkeypatch.setattr(_Search, "_absorb", lambda s, b, z, *rest: (seen.append(z.clone()), absorb(s, b, z, *rest))[1])
    model = Model(net, spec=InputSpec(channels=2), device="cpu")
    attack(name, steps=STEPS, early_exit=False, **parameters)(model, x, y, Threat.parse(f"{norm}:{EPS[norm]}"), seed=4)
    return seen


def length(d, norm):
    return float({"linf": d.abs().max(), "l2": d.square().sum().sqrt(), "l1": d.abs().sum()}[norm])


def onto(z, w, c, norm):
    """The shortest d with <w, d> = c inside the box, element by element or by bisection."""
    z, w = z.flatten(), w.flatten()
    sign = w.sign() * (1 if c > 0 else -1)
    room = torch.where(sign > 0, 1 - z, z) * (w != 0)
    if norm == "l1":
        d, left = torch.zeros_like(z), abs(c)
        for i in w.abs().argsort(descending=True):
            if w[i] != 0:
                d[i] = min(float(room[i]), left / float(w[i].abs()))
                left -= float(d[i] * w[i].abs())
        return sign * d
    rate = w.abs() if norm == "l2" else torch.ones_like(w)
    low, high = 0.0, float((room / rate.clamp_min(1e-300)).max())
    for _ in range(200):
        t = (low + high) / 2
        low, high = (t, high) if float((w.abs() * (t * rate).minimum(room)).sum()) < abs(c) else (low, t)
    return sign * (high * rate).minimum(room)


def follow(net, x, y, norm, target=None):
    """The authors' code of arXiv 1907.02044 for one image, in plain loops, from the clean image."""
    others = [k for k in range(5) if k != y] if target is None else [target]
    dual = {"linf": "l1", "l2": "l2", "l1": "linf"}[norm]
    now, path = x, [x]
    for i in range(STEPS):
        z = now.clone().requires_grad_()
        logits = net(z[None])[0]
        leads = logits.detach() - logits.detach()[y]
        planes = [(float(leads[k]), torch.autograd.grad(logits[k] - logits[y], z, retain_graph=True)[0]) for k in others]
        f, w = min(planes, key=lambda plane: abs(plane[0]) / (1e-12 + length(plane[1], dual)))
        here = onto(now, w, -f, norm).reshape(x.shape)
        home = onto(x, w, float((w * (now - x)).sum()) - f, norm).reshape(x.shape)
        a, b = max(length(here, norm), 1e-8), max(length(home, norm), 1e-8)
        alpha = min(a / (a + b), 0.1)
        now = ((1 - alpha) * (now + 1.05 * here) + alpha * (x + 1.05 * home)).clamp(0, 1)
        path.append(now)
        if i < STEPS - 1 and int(net(now[None]).argmax()) != y:
            now = x + 0.9 * (now - x)
            path.append(now)
    return path


def same(asked, path):
    # A point is queried twice if only its gradient was missing, and at the end of an attempt.
    once = [image for i, image in enumerate(asked) if i == 0 or not torch.equal(image, asked[i - 1])]
    for i, image in enumerate(once):
        assert torch.allclose(image, path[min(i, len(path) - 1)], atol=1e-8), f"query {i}"


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_queries_the_authors_points(monkeypatch, norm):
    net, x = network(), data()
    y = net(x).argmax(1)
    seen = queries(monkeypatch, "fab", norm, net, x, y)
    assert len(seen) == 2 * STEPS
    drawn_back = 0
    for i in range(len(x)):
        path = follow(net, x[i], int(y[i]), norm)
        drawn_back += len(path) - STEPS - 1
        same([image[i] for image in seen], path)
    assert drawn_back > 10


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_targets_are_ordered_by_the_clean_logits(monkeypatch, norm):
    net, x = network(), data()
    order = net(x).argsort(dim=1, descending=True)
    seen = queries(monkeypatch, "fab-t", norm, net, x, order[:, 0], target_classes=2)
    for attempt in range(2):
        start = attempt * (2 * STEPS + 1)  # the end of an attempt is queried once more
        for i in range(len(x)):
            y = int(order[i, 0])
            path = follow(net, x[i], y, norm, int(order[i, 1 + attempt]))
            same([image[i] for image in seen[start : start + 2 * STEPS]], path)


@pytest.mark.parametrize("name", ["fab", "fab-t"])
@pytest.mark.parametrize(("norm", "factor"), [("linf", 1), ("l2", 2), ("l1", 4)])
def test_linear_boundaries_are_reached(linear_model, linear_data, name, norm, factor):
    x, y = linear_data
    result = attack(name, steps=20)(linear_model, x, y, Threat.parse(f"{norm}:{0.1 * factor}"))
    exact = factor * (x[:, 0, 0, 0] - 0.5)
    assert ((result.nearest_distance / exact - 1).abs() < 0.01).all()
    assert torch.equal(result.success[:9], torch.ones(9, dtype=torch.bool))
    assert not result.success[10:].any()


def test_restarts_begin_at_half_eps(monkeypatch):
    net, x = network(), data() * 0.4 + 0.3
    for norm in ("linf", "l2", "l1"):
        with monkeypatch.context() as patch:
            seen = queries(patch, "fab", norm, net, x, net(x).argmax(1), restarts=2)
        distance = norm_of(seen[2 * STEPS + 1] - x, norm)
        assert torch.allclose(distance, torch.full_like(distance, EPS[norm] / 2))


def test_targeted_reaches_the_target():
    net, x = network(), data()
    logits = net(x)
    targets = logits.argsort(dim=1, descending=True)[:, 3]
    model = Model(net, spec=InputSpec(channels=2), device="cpu")
    result = attack("fab-t", steps=30)(model, x, logits.argmax(1), Threat.parse("l2:5,targeted"), targets=targets)
    assert result.success.all()
    assert torch.equal(result.logits.argmax(1), targets)


def test_stops_at_eps(linear_model, linear_data):
    x, y = linear_data
    result = attack("fab-t", steps=20, stop_at_eps=True)(linear_model, x, y, Threat.parse("linf:0.1"))
    assert result.success[:9].all()
    assert (result.forwards[:9] < 6).all()


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("fab", {"restarts": 0}),
        ("fab", {"alpha_max": 1.5}),
        ("fab", {"eta": 0.5}),
        ("fab", {"beta": 1.0}),
        ("fab-t", {"target_classes": 0}),
    ],
)
def test_parameters_out_of_range(name, parameters):
    with pytest.raises(UsageError, match=next(iter(parameters))):
        attack(name, **parameters)
