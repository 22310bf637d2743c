"""Where in a TOML file each key stands, so that a fault can be named with its line.

`tomllib` keeps no positions. This walks text that `tomllib` has already accepted, so it may trust the grammar
and only has to follow it; what it cannot follow is simply not located.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from contextlib import suppress
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}\n#]*")


class _Walk:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Path, int] = {}
        self.lengths: dict[Path, int] = {}
        self._starts = [0, *(m.end() for m in re.finditer("\n", text))]

    def take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise ValueError("not the TOML that tomllib accepts")
        self.at = match.end()
        return match.group()

    def next_is(self, mark: str) -> bool:
        if self.text.startswith(mark, self.at):
            self.at += len(mark)
            return True
        return False

    def note(self, path: Path, at: int) -> None:
        self.found.setdefault(path, bisect_right(self._starts, at))

    def document(self) -> None:
        table: Path = ()
        while self.take(_BLANK) is not None and self.at < len(self.text):
            start = self.at
            if self.next_is("[["):
                table = self.nth(self.key(()))
                self.at = self.text.index("]]", self.at) + 2
            elif self.next_is("["):
                table = self.resolved(self.key(()))
                self.at = self.text.index("]", self.at) + 1
            else:
                self.pair(table)
                continue
            for end in range(1, len(table) + 1):
                self.note(table[:end], start)

    def nth(self, path: Path) -> Path:
        path = (*self.resolved(path[:-1]), path[-1])
        index = self.lengths.get(path, 0)
        self.lengths[path] = index + 1
        return (*path, index)

    def resolved(self, path: Path) -> Path:
        """Return the path with the index of the last element after each array of tables."""
        done: Path = ()
        for part in path:
            done = (*done, part)
            if done in self.lengths:
                done = (*done, self.lengths[done] - 1)
        return done

    def key(self, prefix: Path) -> Path:
        path = prefix
        while True:
            self.take(_SPACE)
            quoted = self.text[self.at] in "\"'"
            part = self.take(_STRING)[1:-1] if quoted else self.take(_BARE)
            path = (*path, part)
            self.take(_SPACE)
            if not self.next_is("."):
                return path

    def pair(self, prefix: Path) -> None:
        start = self.at
        path = self.key(prefix)
        for end in range(len(prefix) + 1, len(path) + 1):
            self.note(path[:end], start)
        self.at = self.text.index("=", self.at) + 1
        self.take(_SPACE)
        self.value(path)

    def value(self, path: Path) -> None:
        if self.next_is("["):
            self.sequence(path)
        elif self.next_is("{"):
            while self.take(_BLANK) is not None and not self.next_is("}"):
                self.pair(path)
                self.take(_BLANK)
                self.next_is(",")
        elif self.text[self.at] in "\"'":
            self.take(_STRING)
        else:
            self.take(_PLAIN)

    def sequence(self, path: Path) -> None:
        index = 0
        while self.take(_BLANK) is not None and not self.next_is("]"):
            self.note((*path, index), self.at)
            self.value((*path, index))
            index += 1
            self.take(_BLANK)
            self.next_is(",")


def locate(text: str) -> dict[Path, int]:
    """Return the line (from 1) on which each key, table and array element of valid TOML stands."""
    walk = _Walk(text)
    # What was found so far still helps: a fault without a line is named by its path.
    with suppress(ValueError, IndexError, RecursionError):
        walk.document()
    return walk.found


def line_of(path: Path, lines: dict[Path, int]) -> int | None:
    """Return the line of a path, or of the nearest table around it."""
    for end in range(len(path), 0, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return None
