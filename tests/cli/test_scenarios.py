"""Run the command line as text: each *.txt beside this file is one story.

A scenario holds files and commands. A file is everything under `-- NAME --` up to the next such line (the last
section, `-- story --`, holds the commands). Lines of the story:

    $ platesieve ...     runs a command in a scratch folder that holds the files; `$VAR` and quotes as in a shell
    = 66                 the exit code of the last command (0 is expected where none is written)
    > text               stdout holds this text
    ! text               stderr holds this text
    >! text              neither stdout nor stderr holds this text
    # text               a reason

A command whose stderr holds "Traceback" fails the scenario whatever else it says.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SECTION = re.compile(r"^-- (\S+) --$", re.MULTILINE)


@dataclass
class Step:
    """One command and what is expected of it."""

    line: int
    command: str
    exit_code: int
    expectations: list[tuple[str, str]]


def parse(text: str) -> tuple[dict[str, str], list[Step]]:
    """Return the files of a scenario and its steps."""
    parts = SECTION.split(text)
    files = dict(zip(parts[1::2], (part.lstrip("\n") for part in parts[2::2]), strict=True))
    story = files.pop("story")
    steps: list[Step] = []
    for number, line in enumerate(story.splitlines(), 1):
        mark, _, rest = line.partition(" ")
        if mark == "$":
            steps.append(Step(number, rest, 0, []))
        elif mark == "=":
            steps[-1].exit_code = int(rest)
        elif mark in {">", "!", ">!"}:
            steps[-1].expectations.append((mark, rest))
        elif line.strip() and mark != "#":
            raise ValueError(f"line {number} of the story is not understood: {line}")
    return files, steps


def run(step: Step, folder: Path) -> None:
    """Run one step and hold it to its expectations."""
    environment = {**os.environ, "COLUMNS": "200", "HOME": str(folder), "NO_COLOR": "1", "TERM": "dumb"}
    words = [os.path.expandvars(word) for word in shlex.split(step.command)]
    if words[0] == "platesieve":
        words[:1] = [sys.executable, "-m", "platesieve"]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=False)
    where = f"line {step.line}: {step.command}\n{done.stdout}\n{done.stderr}"
    assert step.exit_code == done.returncode, where
    assert "Traceback" not in done.stderr, where
    for mark, text in step.expectations:
        if mark == ">":
            assert text in done.stdout, f"{text!r} missing on stdout, {where}"
        elif mark == "!":
            assert text in done.stderr, f"{text!r} missing on stderr, {where}"
        else:
            assert text not in done.stdout + done.stderr, f"{text!r} was shown, {where}"


@pytest.mark.parametrize("scenario", sorted(HERE.glob("*.txt")), ids=lambda path: path.stem)
def test_scenario(scenario: Path, tmp_path: Path) -> None:
    """Every command of the story says and returns what the story tells."""
    files, steps = parse(scenario.read_text())
    for name, content in files.items():
        (tmp_path / name).write_text(content)

    assert steps
    for step in steps:
        run(step, tmp_path)
