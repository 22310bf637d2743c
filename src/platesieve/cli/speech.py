"""How we talk: answers go to stdout, everything else to stderr; a refusal is an error and a hint.

Nothing here ever shows a plate: tracebacks are cut down to places in the code, because the message of an
unexpected exception could hold anything.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from rich.console import Console

    from platesieve.domain.errors import PlatesieveError

EXIT_INTERNAL = 70
EXIT_INTERRUPTED = 130

EXIT_CODES: dict[int, str] = {
    0: "done",
    1: "the answer is no: a check found a fault, or a log does not verify",
    2: "the command line was not understood",
    65: "the data is not what it should be (for example text that cannot be a plate)",
    66: "an input (picture, folder, clip, table) cannot be used",
    69: "a model is missing, changed or cannot run",
    70: "a fault in platesieve itself",
    71: "the answer could not be written: what standard output goes to is full or broken",
    73: "the audit log cannot be written or does not verify: nothing is read",
    74: "the camera cannot be opened, stalled or went away",
    75: "the state folder cannot be written, is full, or is in use by another instance",
    76: "the broker or the other process cannot be reached or refuses",
    77: "a key or certificate is missing, unreadable or wrong",
    78: "settings, policy or hot list are wrong; every fault is listed",
    130: "interrupted with Ctrl-C",
}


def console(*, stderr: bool = False) -> Console:
    """Return a rich console for people."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def print_line(markup: str) -> None:
    """Print a sentence for people: broken between words on a terminal, one line in a pipe, where `grep` wants it."""
    console().print(markup, soft_wrap=not sys.stdout.isatty())


def print_json(answer: object) -> None:
    """Print one JSON document for machines."""
    sys.stdout.write(json.dumps(answer, indent=2, ensure_ascii=False) + "\n")


def say(sentence: str) -> None:
    """Tell the person something that is not the answer."""
    sys.stderr.write(sentence + "\n")


def open_closed_streams() -> None:
    """Give whoever started us without stdout or stderr (`>&-`) a place that takes everything: /dev/null."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open as long as we run


def discard_output() -> None:
    """Let Python's own last flush at exit succeed after the reader of our output went away (see `signal` SIGPIPE)."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)


def log_to_stderr(process: str) -> None:
    """Send what the program notices about itself to stderr, one line each; never a plate (tests hold us to it)."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format=f"{process}: %(levelname)s %(message)s")


def refuse(error: PlatesieveError) -> NoReturn:
    """Print what is wrong and what to do, and end with the error's exit code."""
    say(f"error: {error.message}")
    for problem in getattr(error, "problems", ()):
        say(f"  {problem}")
    say(f"hint: {error.hint}")
    sys.exit(error.exit_code)


def confess(error: BaseException) -> NoReturn:
    """Print where platesieve itself failed, without the exception's own words."""
    say(f"error: a fault in platesieve itself ({type(error).__name__})")
    for frame in traceback.extract_tb(error.__traceback__)[-6:]:
        say(f"  {Path(frame.filename).name}:{frame.lineno} in {frame.name}")
    say("hint: report these lines; they hold places in the code and never what the camera saw")
    sys.exit(EXIT_INTERNAL)
