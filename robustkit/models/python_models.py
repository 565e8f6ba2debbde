"""``python:package.module:factory``: a network or robustkit Model in the user's code, or a function that returns one."""

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
    """A reference to a network in Python code, such as ``package.module:Zoo.small(num_classes=10)``.

    Parameters
    ----------
    module
        The module's dotted name.
    path
        The attribute path to a factory, a class or a network.
    called
        Whether the reference has brackets.
    args, kwargs
        The arguments of the call.
    """

    module: str
    path: tuple[str, ...]
    called: bool = False
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Reference:
        """The reference in a text, parsed without running code; arguments are literals.

        Raises
        ------
        UsageError
            If the text is not a reference.
        """
        module, colon, expression = text.partition(":")
        if module.endswith(".py") and colon:
            raise UsageError(f"{shown(text)} names a file: write its module name, {shown(module[:-3].replace('/', '.'))}:…")
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
            raise UsageError(f"{shown(text)} is not {_EXAMPLE}; arguments must be literals (numbers, strings, lists)") from None
        return cls(module, (node.id, *path), called, args, kwargs)


def call_factory(where: str) -> nn.Module | Model:
    """The network of a reference: the return value of a factory or class, or the object itself.

    Output of the user's code goes to stderr.

    Parameters
    ----------
    where
        ``package.module:factory``, ``package.module:Class``, ``package.module:network`` or an attribute of one of them; a
        factory or class may be followed by literal arguments in brackets.

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
            raise UsageError(f"{name} is already a network: omit the brackets")
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
                    "run robustkit in its folder, or install it"
                ) from None
            raise UsageError(f"module {name!r} cannot be imported: {_cause(error)}") from error


def _cause(error: BaseException) -> str:
    """An error of the user's code in one line, with its location."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    ours = str(Path(__file__))
    theirs = [frame for frame in frames if frame.filename not in (ours, importlib.__file__)]
    if isinstance(error, SystemExit):
        text = f"it exited the program (sys.exit({error.code!r})): put script code under if __name__ == '__main__'"
    else:
        text = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return f"{text} ({Path(theirs[-1].filename).name}, line {theirs[-1].lineno})" if theirs else text


def _missing_arguments(found: Callable[..., Any], reference: Reference, where: str) -> str:
    """The end of the message if the call lacks arguments, else empty."""
    try:
        inspect.signature(found).bind(*reference.args, **reference.kwargs)
    except TypeError:
        return f"; give its arguments in brackets, as {where.partition('(')[0]}(name=value)"
    except ValueError:
        pass
    return ""


@contextmanager
def _users_code() -> Iterator[None]:
    """A context in which the current folder can be imported from, and standard output goes to stderr."""
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
