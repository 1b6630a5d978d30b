"""The command `vsd`: every sub-command is a typed function in a file of its own; errors print as one line."""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib import import_module
from typing import Annotated

import typer

from llava_vsd import __version__
from llava_vsd.errors import VsdError

app = typer.Typer(
    name="vsd",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS = (
    "fetch",
    "build",
    "baseline",
    "assemble",
    "train",
    "merge",
    "overlap",
    "describe",
    "chat",
    "predict",
    "calibrate",
    "refine",
    "ablate",
    "evaluate",
    "draw",
    "card",
    "spice",
    "rooms",
)
"""Modules of this package, in the order of the work: each has `register(app)` and imports what is heavy inside."""


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"llava-vsd {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Visual spatial description: build data, answer, score.

    Example: vsd build --v1 vsdv1_val.json --v2 vsdv2_val.json -o val
    """


@cache
def _with_commands() -> typer.Typer:
    for name in COMMANDS:
        import_module(f"llava_vsd.cli.{name}").register(app)
    return app


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line; exits 0 on success, 1 on an error, 2 on wrong usage, 130 on Ctrl-C."""
    try:
        try:
            _with_commands()(args=arguments, standalone_mode=True)
        finally:
            if sys.stdout:  # not when started without one
                sys.stdout.flush()  # a full disk or closed pipe shows here, not after the end
    except VsdError as error:
        print(f"vsd: {' '.join(str(error).split())}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except (KeyboardInterrupt, SystemExit) as end:  # typer makes an exit of Ctrl-C
        if isinstance(end, SystemExit) and end.code != 130:
            raise
        print(
            "vsd: interrupted; nothing is half-written, the same command goes on from here",
            file=sys.stderr,
        )
        raise SystemExit(130) from None
    except BrokenPipeError:
        _drop_output()
        raise SystemExit(0) from None
    except OSError as error:
        _drop_output()
        print(f"vsd: {error.filename or 'output'}: {error.strerror or error}", file=sys.stderr)
        raise SystemExit(1) from None


def _drop_output() -> None:
    """Lets what standard output still holds go nowhere, else Python would try once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
