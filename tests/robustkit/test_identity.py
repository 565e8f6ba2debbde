"""Objects that behave alike have one digest, and others another."""

from __future__ import annotations

import enum
import functools
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from robustkit import __version__
from robustkit.identity import Identity, module_parts, tensor_digest, version_of


def of(value: Any) -> bytes:
    return Identity().of(value)


def function(body: str, **scope: Any) -> Any:
    """A function `f` of that source, in a module of its own."""
    scope |= {"__name__": "stranger"}
    exec(body, scope)
    return scope["f"]


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Holder:
    def __init__(self, value: Any) -> None:
        self.value = value


plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
values = st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


@given(values, values)
@settings(max_examples=50, deadline=None)
def test_equal_values_and_only_they_have_one_digest(one: Any, other: Any) -> None:
    assert of(one) == of(one)
    if repr(one) != repr(other):
        assert of(one) != of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        ("1", 1),
        ("a", b"a"),
        ([1, 2], (1, 2)),
        (["ab", "c"], ["a", "bc"]),
        (Color.RED, Color.BLUE),
        (slice(1, 2), slice(1, 3)),
        (torch.zeros(2), torch.zeros(2, dtype=torch.float64)),
        (torch.zeros(2, 3), torch.zeros(3, 2)),
        (torch.zeros(1), -torch.zeros(1)),
        (np.zeros(2), np.zeros(2, dtype=np.float32)),
        (Holder(1), Holder(2)),
        (Holder([1]), Holder([2])),
        (functools.partial(max, 1), functools.partial(max, 2)),
        (torch.float32, torch.float64),
        (nn.ReLU(), nn.Tanh()),
    ],
)
def test_others_have_another(one: Any, other: Any) -> None:
    assert of(one) != of(other)
    assert of({"x": one}) != of({"x": other})


def test_no_order_of_a_set_and_no_view_of_a_tensor_enters() -> None:
    assert of({"b", "a", "c"}) == of({"c", "b", "a"})
    x = torch.arange(6.0).reshape(2, 3)
    assert tensor_digest(x.T) == tensor_digest(x.T.contiguous()) != tensor_digest(x)
    assert tensor_digest(x.to_sparse()) != tensor_digest(x + 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(x): return x + 1", "def f(x): return x + 2"),
        ("def f(x, y=1): return x", "def f(x, y=2): return x"),
        ("def f(x, *, y=1): return x", "def f(x, *, y=2): return x"),
        ("def f(x): return abs(x)", "def f(x): return len(x)"),
        ("def f(x): return [i + 1 for i in x]", "def f(x): return [i + 2 for i in x]"),
        ("def f(x, y): return x", "def f(y, x): return y"),  # called by keyword they differ
        ("def f(x, y): return x", "def f(x, *, y): return x"),
        (
            "def f(x, y):\n try:\n  x()\n  y()\n except ValueError: x()",
            "def f(x, y):\n try:\n  x()\n except ValueError: x()\n else:\n  y()",
        ),
    ],
)
def test_functions_are_known_by_their_code(one: str, other: str) -> None:
    assert of(function(one)) == of(function(one + "  # a remark"))
    assert of(function(one)) != of(function(other))


def test_a_closure_is_part_of_its_function() -> None:
    def make(n: int) -> Any:
        return lambda x: x + n

    assert of(make(1)) == of(make(1)) != of(make(2))


@pytest.mark.parametrize(("one", "other"), [({"n": 1}, {"n": 2}), ({"n": [1]}, {"n": [2]})])
def test_what_code_uses_is_reached_and_not_its_own(one: dict[str, Any], other: dict[str, Any]) -> None:
    digests = []
    for scope in (one, one, other):
        identity = Identity()
        digests.append((identity.of(function("def f(x): return (x, n)", **scope)), identity.reached()))
    assert digests[0] == digests[1]
    assert digests[0][0] == digests[2][0]
    assert digests[0][1] != digests[2][1]


def test_what_it_calls_by_way_of_others_is_reached_too() -> None:
    def reached(scale: float) -> bytes:
        helper = function("def f(x): return x * scale", scale=scale)
        identity = Identity()
        identity.of(function("def f(x): return helper(x)", helper=helper))
        return identity.reached()

    assert reached(1.0) == reached(1.0) != reached(2.0)


def test_an_installed_package_is_known_by_its_version() -> None:
    identity = Identity()
    identity.of(pytest.raises)
    assert identity.reached() == Identity().reached()


def test_classes_are_known_by_their_methods_and_attributes() -> None:
    def kind(body: str, **members: Any) -> type:
        return type("Kind", (), {"f": function(body), "__module__": "stranger", **members})

    plain = kind("def f(self): return 1")
    assert of(plain) == of(kind("def f(self): return 1"))
    others = [
        kind("def f(self): return 2"),
        kind("def f(self): return 1", scale=2),
        kind("def f(self): return 1", g=property(lambda self: 1)),
        kind("def f(self): return 1", g=staticmethod(lambda: 1)),
    ]
    assert len({of(each) for each in (plain, *others)}) == 5


def test_parts_of_a_network_have_names() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    before = module_parts(net, Identity())
    net[1].p = 0.25
    net[0].register_forward_hook(lambda module, args, out: out)
    after = module_parts(net, Identity())
    assert {name for name in after if before.get(name) != after[name]} == {"1.p", "0 _forward_hooks 0"}


def test_what_a_module_belongs_to() -> None:
    assert version_of("robustkit.attacks.gradient.pgd") == f"robustkit {__version__}"
    assert version_of("torch.nn").startswith("torch 2.")
    assert version_of("json").startswith("python 3.")
    assert version_of("PIL").startswith("PIL pillow ")
    assert version_of("no_such_module") == "no_such_module"


def test_cycles_and_odd_values_are_read(tmp_path: Path) -> None:
    loop: list[Any] = [{1, "a", 2.5}]
    loop.append(loop)
    odd = {
        "loop": loop,
        "array": np.arange(3),
        "objects": np.array([None, "a"], dtype=object),
        "sparse": torch.eye(3).to_sparse(),
        "meta": torch.empty(3, device="meta"),
        "quantised": torch.quantize_per_tensor(torch.rand(3), 0.1, 0, torch.qint8),
        "empty": torch.empty(0),
        "stream": open,
        "generator": (i for i in range(3)),
        "module": types,
        "path": tmp_path,
        "complex": torch.zeros(2, dtype=torch.complex64),
        "bool": torch.zeros(2, dtype=torch.bool),
    }
    assert Identity().of(odd) == Identity().of(odd)
