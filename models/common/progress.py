"""Tell how a training goes: a bar with the running scores on a terminal, plain lines elsewhere, and curves as PNG."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.common.curves import draw

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


class Telling:
    """Prints and logs the lines of one training; `models.common.curves` reads the log.

    Args:
        log: lines are added here, unless standard output goes there already.
        seen: samples seen before this start.
        total: samples of this part of the schedule.
        what: the unit, for the bar.
    """

    def __init__(self, log: Path, seen: int, total: int, what: str) -> None:
        self._log, self._first, self._began = log, seen, time.monotonic()
        log.parent.mkdir(parents=True, exist_ok=True)
        self._console = Console()
        self._is_logged = _is_stdout(log)
        pace, running = (MofNCompleteColumn(), TimeRemainingColumn()), TextColumn("{task.fields[told]}")
        columns = (TextColumn(what), BarColumn(), *pace, running)
        self._bar = Progress(*columns, console=self._console, disable=not self._console.is_terminal)
        self._task = self._bar.add_task(what, total=total, completed=seen, told="")
        self._scores = ""

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        self._bar.stop()

    def pace(self, seen: int) -> float:
        """Return samples a second since the start."""
        return (seen - self._first) / max(time.monotonic() - self._began, 1e-9)

    def step(self, seen: int, line: str | None = None) -> None:
        """Move the bar on; `line` goes into the log, and onto a standard output that is no terminal."""
        if line is not None:
            self._write(line)
            self._bar.update(self._task, told=f"{line.strip()}  {self._scores}")
        self._bar.update(self._task, completed=seen)

    def scores(self, line: str, short: str) -> None:
        """Tell held-out scores: in full in the log, short beside the bar."""
        self._scores = short
        self._write(line)

    def curves(self, path: Path) -> None:
        """Draw the log so far."""
        draw([self._log], path)

    def _write(self, line: str) -> None:
        if not self._console.is_terminal:
            print(line, flush=True)
        if not self._is_logged:
            with self._log.open("a", encoding="utf-8") as log:
                log.write(line + "\n")


def _is_stdout(path: Path) -> bool:
    try:
        return path.exists() and os.path.samestat(os.fstat(sys.stdout.fileno()), path.stat())
    except (OSError, ValueError):  # standard output is closed, or no file at all
        return False
