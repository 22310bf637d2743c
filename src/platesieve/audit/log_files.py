"""The files of a log, and how they are read: the checkpoint that the device signed, and its entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from platesieve.audit.checkpoint import Checkpoint
from platesieve.audit.entry import decode
from platesieve.audit.tiles import CHECKPOINT, WIDTH, bundle_name, unpack_bundle
from platesieve.domain.errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from platesieve.audit.entry import Entry
    from platesieve.audit.note import NoteVerifier


class LogFiles(Protocol):
    """The files of a log, wherever they are."""

    def read(self, name: str) -> bytes | None:
        """Return a file's bytes, or None where there is no such file."""

    def names(self) -> Iterable[str]:
        """Return the paths of all files, relative to the log, with slashes."""


def read_checkpoint(files: LogFiles, verifier: NoteVerifier, origin: str) -> Checkpoint:
    """Return the log's checkpoint, its signature and origin verified (FORMAT 6.1).

    Raises:
        AuditError: there is none, it is malformed, or somebody else signed it.
    """
    note = files.read(CHECKPOINT)
    if note is None:
        raise AuditError("the audit log has no checkpoint", "restore the log from a copy; never start it anew in place")
    checkpoint = Checkpoint.from_text(verifier.open(note))
    if checkpoint.origin != origin:
        raise AuditError("the checkpoint is of another log", "give the .vkey file and folder of the same device")
    return checkpoint


def read_entries(files: LogFiles, size: int, last: int | None = None) -> Iterator[tuple[int, Entry]]:
    """Yield number and entry of the last `last` entries, or of all.

    Raises:
        AuditError: a bundle is missing or cut off, or an entry is not allowed.
    """
    first = 0 if last is None else max(0, size - last)
    for index in range(first // WIDTH, -(-size // WIDTH)):
        name = bundle_name(index, min(WIDTH, size - index * WIDTH))
        bundle = files.read(name)
        if bundle is None:
            raise AuditError(f"{name} is missing", "treat the log as cut off; platesieve audit verify says more")
        for number, encoded in enumerate(unpack_bundle(bundle), index * WIDTH):
            if number >= first:
                yield number, decode(encoded)
