"""Writes a log, and says after each append what was promised: run under strace, which breaks one system call.

    python audit_writer.py FOLDER [right|checkpoint-first]

Promises go to standard output by writev, so that a broken write is always one of the log's. `checkpoint-first`
has the order of an append wrong on purpose: the control of tests/integration/test_audit_faults.py.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from platesieve.adapters.disk import audit_folder
from platesieve.adapters.disk.audit_folder import AuditFolder
from platesieve.audit.entry import ReadingStarted
from platesieve.audit.note import NoteSigner
from platesieve.domain.errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Mapping

SEED = bytes(range(32))
NAME = "platesieve/metro-pd/bridge-7/cam-1"
STEPS = (1, 255, 1)  # a first file, a tile that becomes full, and what comes after it


def _promise(note: str) -> None:
    os.writev(1, [note.replace("\n", "|").encode(), b"\n"])


def _checkpoint_first() -> None:
    """Swap tiles and checkpoint in every append."""
    write_tree, commit = audit_folder._write_tree, audit_folder._commit
    held: list[tuple[Path, Mapping[str, bytes]]] = []

    def hold(path: Path, files: Mapping[str, bytes]) -> None:
        held.append((path, files))

    def commit_then_write(path: Path, note: bytes) -> None:
        commit(path, note)
        while held:
            write_tree(*held.pop())

    audit_folder._write_tree, audit_folder._commit = hold, commit_then_write


def _insist(folder: Path) -> AuditFolder:
    with suppress(AuditError):
        return AuditFolder(folder, NoteSigner(NAME, SEED))
    return AuditFolder(folder, NoteSigner(NAME, SEED))


def main(folder: Path) -> None:
    """Append; where that is refused, append once more: each fault comes once."""
    written = 0
    log = _insist(folder)
    for step in STEPS:
        entries = [ReadingStarted((written + number) * 1_000_000_000) for number in range(step)]
        try:
            note = log.append(entries)
        except AuditError:
            note = log.append(entries)
        _promise(note)
        written += step


if __name__ == "__main__":
    if sys.argv[2:] == ["checkpoint-first"]:
        _checkpoint_first()
    main(Path(sys.argv[1]))
