"""Run the command line as text: each *.txt beside this file is one story.

A scenario holds files and commands. A file is everything under `-- NAME --` up to the next such line (the last
section, `-- story --`, holds the commands). Lines of the story:

    $ platesieve ...     runs a command in a scratch folder that holds the files; `$VAR` and quotes as in a shell;
                         another program's name works too, and $PLATESIEVE starts ours inside `sh -c '...'`
    $ make KIND FILE     writes a file that text cannot hold (see MAKERS)
    & NAME=VALUE         sets a variable of the environment for all later commands; `& NAME` removes it
    = 66                 the exit code of the last command (0 is expected where none is written)
    > text               stdout holds this text
    ! text               stderr holds this text
    >! text              neither stdout nor stderr holds this text
    # text               a reason

A command whose stderr holds "Traceback", or a plate that the scenario's files use, fails the scenario whatever else it
says. A scenario whose name ends in `-slow` is marked slow.
"""

from __future__ import annotations

import os
import re
import shlex
import struct
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
DEMO = HERE.parents[1] / "src" / "platesieve" / "demo_data"
PLATE = "AB12CDE"  # the plate that scenarios use; no message may hold it
SECTION = re.compile(r"^-- (\S+) --$", re.MULTILINE)


def jpeg() -> bytes:
    """Return a picture of noise."""
    pixels = np.random.default_rng(1).integers(0, 255, (240, 320), np.uint8)
    return cv2.imencode(".jpg", pixels)[1].tobytes()


def frame_of_street() -> bytes:
    """Return one frame of the drawn street, with plates in it."""
    clip = cv2.VideoCapture(str(DEMO / "street.mp4"))
    clip.set(cv2.CAP_PROP_POS_FRAMES, 100)
    _, picture = clip.read()
    clip.release()
    return cv2.imencode(".png", picture)[1].tobytes()


def bomb() -> bytes:
    """Return a PNG of a few hundred bytes that claims to have 3.6 gigapixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


MAKERS: dict[str, Callable[[], bytes]] = {
    "nothing": bytes,
    "noise": lambda: np.random.default_rng(2).bytes(5_000),
    "picture": jpeg,
    "street": frame_of_street,
    "wanted": (DEMO / "hotlist.csv").read_bytes,  # of plates in the street
    "cut-picture": lambda: jpeg()[:2_000],
    "bomb": bomb,
    "cut-clip": lambda: (DEMO / "street.mp4").read_bytes()[:2_000],
    "empty-clip": lambda: (DEMO / "street.mp4").read_bytes()[:32],
    "long-row": lambda: b"plate,category,list,expires\n" + b"A" * 3_000_000 + b"\n",
    "long-text": lambda: b"#" * 300_000,
}


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
        if mark in {"$", "&"}:
            steps.append(Step(number, line if mark == "&" else rest, 0, []))
        elif mark == "=":
            steps[-1].exit_code = int(rest)
        elif mark in {">", "!", ">!"}:
            steps[-1].expectations.append((mark, rest))
        elif line.strip() and mark != "#":
            raise ValueError(f"line {number} of the story is not understood: {line}")
    return files, steps


def run(step: Step, folder: Path, environment: dict[str, str]) -> None:
    """Run one step and hold it to its expectations."""
    if step.command.startswith("& "):
        name, separator, value = step.command[2:].partition("=")
        environment.pop(name, None)
        environment.update({name: value} if separator else {})
        return
    words = shlex.split(re.sub(r"\$([A-Z_]+)", lambda found: environment.get(found[1], found[0]), step.command))
    if words[0] == "make":
        (folder / words[2]).write_bytes(MAKERS[words[1]]())
        return
    if words[0] == "platesieve":
        words[:1] = [sys.executable, "-m", "platesieve"]
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=100, check=False
    )
    where = f"line {step.line}: {step.command}\n{done.stdout}\n{done.stderr}"
    assert step.exit_code == done.returncode, where
    assert "Traceback" not in done.stderr, where
    assert PLATE not in done.stderr, where
    for mark, text in step.expectations:
        if mark == ">":
            assert text in done.stdout, f"{text!r} missing on stdout, {where}"
        elif mark == "!":
            assert text in done.stderr, f"{text!r} missing on stderr, {where}"
        else:
            assert text not in done.stdout + done.stderr, f"{text!r} was shown, {where}"


def scenarios() -> list[object]:
    """Return every scenario; those whose name ends in -slow are marked so."""
    return [
        pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stem.endswith("-slow") else [])
        for path in sorted(HERE.glob("*.txt"))
    ]


@pytest.mark.parametrize("scenario", scenarios())
def test_scenario(scenario: Path, tmp_path: Path) -> None:
    """Every command of the story says and returns what the story tells."""
    files, steps = parse(scenario.read_text())
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    environment = {
        **os.environ,
        "COLUMNS": "200",
        "HOME": str(tmp_path),
        "NO_COLOR": "1",
        "TERM": "dumb",
        "PLATESIEVE": f"{sys.executable} -m platesieve",
        "DEMO": str(DEMO),
    }

    assert steps
    for step in steps:
        run(step, tmp_path, environment)
