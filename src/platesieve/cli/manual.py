"""How help looks: every verb with its examples, flags without a made-up value, exit codes one a line."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

import typer.main

if TYPE_CHECKING:
    from typer.core import TyperGroup

_EXAMPLE = "  platesieve"


def command_tree(app: typer.Typer) -> TyperGroup:
    """Return the command line that `app` describes, with its help written as people read it."""
    tree = typer.main.get_group(app)
    _polish(tree)
    return tree


def reflowed(help_text: str) -> str:
    """Return a docstring as help: paragraphs unbroken, so that the terminal breaks them, and examples as commands."""
    written: list[str] = []
    for paragraph in inspect.cleandoc(help_text).split("\n\n"):
        if not paragraph.startswith(_EXAMPLE):
            written.append(re.sub(r"\s*\n\s*", " ", paragraph))
        elif written and written[-1].startswith("Examples:"):
            written[-1] += "\n$ " + paragraph.strip()
        else:
            written.append("$ " + paragraph.strip())
    return "\n\n".join(written)


def _polish(command: typer.core.TyperCommand | TyperGroup) -> None:
    command.help = reflowed(command.help or "")
    for parameter in (*command.params, command.get_help_option(typer.Context(command))):
        if parameter is not None and getattr(parameter, "is_flag", False):
            parameter.metavar = ""  # the library shows `<bool>`, as if the flag wanted a value
    for inner in getattr(command, "commands", {}).values():
        _polish(inner)
