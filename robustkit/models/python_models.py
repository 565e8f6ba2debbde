"""``python:package.module:factory``: a function of the user's that returns a network or a robustkit Model, or one of them itself."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from robustkit.contracts.model import Model
from robustkit.errors import RobustkitError, UsageError, did_you_mean
from robustkit.models.entries import shown
from robustkit.watch import at_work

_EXAMPLE = "package.module:factory, such as examples.efficientnet_lite:build or nets:Net(num_classes=10)"


@dataclass(frozen=True)
class Reference:
    """Where a network comes from, as written ``package.module:Zoo.small(num_classes=10)``.

    Parameters
    ----------
    module
        The module's dotted name.
    path
        The attributes that lead to a factory, a class or a network.
    args, kwargs
        What it is called with; `called` says whether there are brackets at all.
    """

    module: str
    path: tuple[str, ...]
    called: bool = False
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read a reference without running anything: the arguments are literals.

        Raises
        ------
        UsageError
            If it is not written so.
        """
        module, colon, expression = text.partition(":")
        if module.endswith(".py") and colon:
            raise UsageError(f"{shown(text)} names a file: write its module's name, {shown(module[:-3].replace('/', '.'))}:…")
        if not colon or not all(part.isidentifier() for part in module.split(".")):
            raise UsageError(f"{shown(text)} is not {_EXAMPLE}")
        try:
            node: ast.expr = ast.parse(expression.strip(), mode="eval").body
            called = isinstance(node, ast.Call)
            args: tuple[Any, ...] = ()
            kwargs: dict[str, Any] = {}
            if isinstance(node, ast.Call):
                args = tuple(ast.literal_eval(value) for value in node.args)
                kwargs = {str(word.arg): ast.literal_eval(word.value) for word in node.keywords}
                if any(word.arg is None for word in node.keywords):
                    raise ValueError
                node = node.func
            path: list[str] = []
            while isinstance(node, ast.Attribute):
                path.insert(0, node.attr)
                node = node.value
            if not isinstance(node, ast.Name):
                raise ValueError
        except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
            raise UsageError(f"{shown(text)} is not {_EXAMPLE}; arguments are plain values (numbers, texts, lists)") from None
        return cls(module, (node.id, *path), called, args, kwargs)


def call_factory(where: str) -> nn.Module | Model:
    """The network that a reference leads to: what the factory or class returns, or the object itself.

    What the user's code prints goes to stderr.

    Parameters
    ----------
    where
        ``package.module:factory``, ``package.module:Class``, ``package.module:network`` or an attribute of one of them; in
        brackets behind a factory or class stand arguments, which are literals.

    Raises
    ------
    UsageError
        If it fails, or is neither a torch module nor a `robustkit.Model`.
    """
    reference = Reference.parse(where)
    found = _find(reference)
    name = f"{reference.module}:{'.'.join(reference.path)}"
    if isinstance(found, (nn.Module, Model)):
        if reference.called:
            raise UsageError(f"{name} is a network already: leave out the brackets")
        return found
    if not callable(found):
        raise UsageError(
            f"{name} is a {type(found).__name__}: expected a function, a class, a torch.nn.Module or a robustkit.Model"
        )
    with _users_code():
        try:
            made = found(*reference.args, **reference.kwargs)
        except RobustkitError:
            raise
        except (Exception, SystemExit) as error:
            raise UsageError(f"{name} failed: {_cause(error)}{_missing_arguments(found, reference, where)}") from error
    if not isinstance(made, (nn.Module, Model)):
        raise UsageError(f"{name} returned a {type(made).__name__}: expected a torch.nn.Module or a robustkit.Model")
    return made


def _find(reference: Reference) -> Any:
    found: Any = _imported(reference.module)
    for depth, attribute in enumerate(reference.path):
        try:
            found = getattr(found, attribute)
        except AttributeError:
            owner = ".".join((reference.module, *reference.path[:depth]))
            known = [name for name in vars(found) if not name.startswith("_")] if hasattr(found, "__dict__") else []
            hint = did_you_mean(attribute, known)
            raise UsageError(f"{'module ' if not depth else ''}{owner!r} has no function {attribute!r}: {hint}") from None
    return found


def _imported(name: str) -> ModuleType:
    with _users_code():
        try:
            return importlib.import_module(name)
        except RobustkitError:
            raise
        except (Exception, SystemExit) as error:
            lost = error.name if isinstance(error, ModuleNotFoundError) else None
            if lost is not None and f"{name}.".startswith(f"{lost}."):
                what = "was not found" if lost == name else f"was not found: there is no {lost!r}"
                raise UsageError(
                    f"module {shown(name)!r} {what} in the current folder {Path.cwd()} or on Python's path: "
                    "run robustkit where it is, or install it"
                ) from None
            raise UsageError(f"module {name!r} cannot be imported: {_cause(error)}") from error


def _cause(error: BaseException) -> str:
    """An error of the user's code in a line, with the place in it."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    ours = str(Path(__file__))
    theirs = [frame for frame in frames if frame.filename not in (ours, importlib.__file__)]
    if isinstance(error, SystemExit):
        text = f"it ended the program (sys.exit({error.code!r})): put what runs as a script under if __name__ == '__main__'"
    else:
        text = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return f"{text} ({Path(theirs[-1].filename).name}, line {theirs[-1].lineno})" if theirs else text


def _missing_arguments(found: Callable[..., Any], reference: Reference, where: str) -> str:
    """The fix, where the call lacks arguments."""
    try:
        inspect.signature(found).bind(*reference.args, **reference.kwargs)
    except TypeError:
        return f"; give its arguments in brackets, as {where.partition('(')[0]}(name=value)"
    except ValueError:
        pass
    return ""


@contextmanager
def _users_code() -> Iterator[None]:
    """The current directory can be imported from, and what is printed goes to stderr."""
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        with redirect_stdout(sys.stderr), at_work:
            yield
    finally:
        if added and here in sys.path:
            sys.path.remove(here)
