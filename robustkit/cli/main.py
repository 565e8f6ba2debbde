"""The front door: `robustkit COMMAND`. Results go to stdout, progress to stderr, and the exit code says how it went."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import typer
from typer.exceptions import Abort, Exit, TyperException

from robustkit import __version__
from robustkit.cli import audit, bench, listing, plugins, train
from robustkit.errors import ExitCode, RobustkitError

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


def group(name: str, text: str, commands: dict[str, Callable[..., Any]]) -> None:
    """Add a noun with its verbs."""
    noun = typer.Typer(no_args_is_help=True, help=text)
    for verb, function in commands.items():
        noun.command(verb)(function)
    app.add_typer(noun, name=name)


app.command("audit")(audit.audit)
app.command("report")(audit.report)
app.command("gate")(audit.gate)
app.command("train")(train.train)
app.command("finetune")(train.finetune)
app.command("harden")(train.harden)
app.command("bench")(bench.bench)
group("models", "The models there are.", {"list": listing.models_list, "show": listing.models_show})
group("data", "The data sets there are.", {"list": listing.data_list, "show": listing.data_show})
group("attacks", "The attacks there are.", {"list": plugins.attacks_list, "show": plugins.attacks_show})
group("defenses", "The defenses there are.", {"list": plugins.defenses_list, "show": plugins.defenses_show})
group("plugins", "Attacks and defenses from other packages.", {"list": plugins.plugins_list, "check": plugins.plugins_check})


@app.callback(invoke_without_command=True)
def version(show: bool = typer.Option(False, "--version", help="Print the version and stop.", is_eager=True)) -> None:
    """Options before the command."""
    if show:
        typer.echo(__version__)
        raise Exit(0)


def main() -> None:
    """Run the command line and exit with its code: one sentence for an error the user can mend, no traceback."""
    try:
        code = app(standalone_mode=False)
    except RobustkitError as error:
        typer.echo(f"robustkit: {error}", err=True)
        code = int(error.exit_code)
    except TyperException as error:
        typer.echo(f"robustkit: {error.format_message()} (robustkit --help shows what there is)", err=True)
        code = int(ExitCode.USAGE)
    except Exit as stop:
        code = stop.exit_code
    except (KeyboardInterrupt, Abort):
        code = int(ExitCode.INTERRUPTED)
    if code == ExitCode.INTERRUPTED:  # typer may already have turned Ctrl-C into this code
        typer.echo("robustkit: interrupted; the same command again resumes", err=True)
    sys.exit(code if isinstance(code, int) else 0)
