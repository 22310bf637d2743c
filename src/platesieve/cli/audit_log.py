"""A log as the command line is given one: a folder, and the key that was noted at enrolment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platesieve.domain.errors import InputError, KeyFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platesieve.adapters.disk.audit_folder import FolderFiles
    from platesieve.audit.checkpoint import Checkpoint
    from platesieve.audit.entry import Entry
    from platesieve.audit.note import NoteVerifier

FolderArgument = Annotated[Path, typer.Argument(help="Folder of the log: the one that holds `checkpoint`.")]
VkeyOption = Annotated[
    Path | None, typer.Option(help="The device's audit.vkey, noted at enrolment; else the one beside the log.")
]
SinceOption = Annotated[
    str | None, typer.Option(help="From this moment on: a date, or RFC 3339 such as 2026-09-21T14:00:00Z. UTC.")
]
UntilOption = Annotated[str | None, typer.Option(help="Before this moment, written in the same way.")]
_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class SignedLog:
    """A log whose checkpoint the expected key signed. Only `verify` says whether its entries follow from it."""

    files: FolderFiles
    verifier: NoteVerifier
    checkpoint: Checkpoint
    note: bytes

    def entries(self, last: int | None = None) -> Iterator[tuple[int, Entry]]:
        """Yield number and entry of the last `last` entries, or of all."""
        from platesieve.audit.log_files import read_entries

        return read_entries(self.files, self.checkpoint.size, last)


def open_log(folder: Path, vkey: Path | None) -> SignedLog:
    """Open a log and verify the signature of its checkpoint.

    Raises:
        InputError: there is no such folder.
        KeyFileError: there is no usable key.
        AuditError: there is no checkpoint, or another key signed it.
    """
    from platesieve.audit.log_files import read_checkpoint
    from platesieve.audit.tiles import CHECKPOINT

    files = open_files(folder)
    verifier = find_verifier(folder, vkey)
    note = files.read(CHECKPOINT) or b""
    return SignedLog(files, verifier, read_checkpoint(files, verifier, verifier.name), note)


def open_files(folder: Path) -> FolderFiles:
    """Return the files of a log.

    Raises:
        InputError: there is no such folder.
    """
    from platesieve.adapters.disk.audit_folder import FolderFiles
    from platesieve.audit.tiles import CHECKPOINT

    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}", "give the folder that holds the file `checkpoint`")
    if not (folder / CHECKPOINT).exists() and not (folder / "tile").exists():
        raise InputError(f"there is no log in {folder}", "give the folder that holds the file `checkpoint`")
    return FolderFiles(folder)


def find_verifier(folder: Path, vkey: Path | None) -> NoteVerifier:
    """Return the key that was given, or the one beside the log.

    Raises:
        KeyFileError: there is none, or it is no key.
    """
    from platesieve.adapters.disk.key_files import load_vkey

    if vkey is not None:
        return load_vkey(vkey)
    for place in (folder / "audit.vkey", folder.parent / "audit.vkey", folder.parent / "keys" / "audit.vkey"):
        if place.is_file():
            return load_vkey(place)
    raise KeyFileError("there is no audit.vkey beside the log", "give --vkey with the one that was noted at enrolment")


def read_note(file: Path) -> bytes:
    """Return a checkpoint, from a file of its own or from the event in which a subscriber received it.

    Raises:
        InputError: the file cannot be read, or is an event of another kind.
    """
    from json import loads

    content = read_bytes(file, "give a checkpoint of this device")
    try:
        return str(loads(content)["data"]["checkpoint"]).encode() if content.startswith(b"{") else content
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file} is no event with a checkpoint", "give a checkpoint of this device") from error


def read_bytes(file: Path, hint: str) -> bytes:
    """Return what is in a file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}", hint) from error


def moment_ns(text: str | None, option: str) -> int | None:
    """Return a moment that a person wrote, as nanoseconds since the Unix epoch.

    Raises:
        typer.BadParameter: it is neither a date nor RFC 3339.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        in_utc = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return int(in_utc.timestamp()) * _NS_PER_S
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter("write a date, or for example 2026-09-21T14:00:00Z", param_hint=option) from error


def document_of(entry: Entry) -> dict[str, Any]:
    """Return an entry as a JSON object with all its keys: the long form of FORMAT 2.10, for people and tables."""
    from platesieve.audit import entry as entries

    return entries.document_of(entry)


def write_new(file: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write a file that is not there yet.

    Raises:
        InputError: it is there already, or the folder cannot be written.
    """
    import os

    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
    except FileExistsError as error:
        raise InputError(f"{file} is there already", "give another name, or move it away yourself") from error
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}", "give another place for it") from error
