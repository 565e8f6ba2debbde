"""The commands and the functions that implement them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

from robustkit import __version__
from robustkit.cli import audit, bench, gate, listing, plugins, sticker, train
from robustkit.cli.command import Command, DefaultGroup

app = typer.Typer(
    name="robustkit",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="How an image model behaves under attack, how far that number can be trusted, and what to do about it.",
    epilog="Exit codes: 0 passed, 1 a gate failed, 2 wrong usage, 3 incomplete, 4 evidence not trustworthy, 5 inconclusive, "
    "6 unsafe file refused, 7 nothing evaluated, 130 interrupted.",
)


def group(name: str, text: str, commands: dict[str, Callable[..., Any]], default: bool = False) -> None:
    """Add a command group with its subcommands; without a subcommand it shows its help, or runs `demo` by default."""
    noun = typer.Typer(cls=DefaultGroup if default else TyperGroup, no_args_is_help=not default, help=text)
    for verb, function in commands.items():
        noun.command(verb, cls=Command)(function)
    app.add_typer(noun, name=name)


app.command("audit", cls=Command)(audit.audit)
app.command("report", cls=Command)(gate.report)
app.command("gate", cls=Command)(gate.gate)
app.command("train", cls=Command)(train.train)
app.command("finetune", cls=Command)(train.finetune)
app.command("harden", cls=Command)(train.harden)
app.command("bench", cls=Command)(bench.bench)
group("models", "Available models.", {"list": listing.models_list, "show": listing.models_show})
group("data", "Available data sets.", {"list": listing.data_list, "show": listing.data_show})
group("attacks", "Available attacks.", {"list": plugins.attacks_list, "show": plugins.attacks_show})
group("defenses", "Available defenses.", {"list": plugins.defenses_list, "show": plugins.defenses_show})
group(
    "plugins",
    "Attacks, threats and defenses of all installed packages.",
    {"list": plugins.plugins_list, "check": plugins.plugins_check},
)
group(
    "sticker",
    "Stickers on signs: optimise, print, photograph, score. Without a subcommand: the embedded demonstration.",
    {
        "demo": sticker.demo,
        "optimise": sticker.optimise,
        "export": sticker.export,
        "plan": sticker.plan,
        "score": sticker.score,
    },
    default=True,
)


@app.callback(invoke_without_command=True)
def version(show: bool = typer.Option(False, "--version", help="Print the version and exit.", is_eager=True)) -> None:
    """Handle the options before the command."""
    if show:
        typer.echo(__version__)
        raise typer.Exit
