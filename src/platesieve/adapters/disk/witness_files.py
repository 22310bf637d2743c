"""Witness files and enrolled audit keys in folders (collector.witness.WitnessFiles): one of each for every device."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, overload

from platesieve.adapters.disk.key_files import load_vkey, refuse_readable_by_others
from platesieve.audit.cosignature import CosignerKey
from platesieve.audit.witness import read_witness_file
from platesieve.domain.errors import InputError, KeyFileError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platesieve.audit.note import NoteVerifier
    from platesieve.audit.witness import Kept

_BLOCK_BYTES = 4096  # about ten lines


class FolderOfWitness:
    """See collector.witness.WitnessFiles.

    Args:
        folder: of the witness files `AGENCY_SITE_DEVICE.witness`; made with mode 0700.
        keys: folder of `AGENCY_SITE_DEVICE.vkey` files, or None: no device is enrolled.
    """

    def __init__(self, folder: Path, keys: Path | None) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._keys = keys

    def verifier(self, device: str) -> NoteVerifier | None:
        """Return the audit key of a device, or None; read anew each time, so that a device can be enrolled any time."""
        file = self._keys / f"{_stem(device)}.vkey" if self._keys is not None else None
        return load_vkey(file) if file is not None and file.exists() else None

    def kept(self, device: str) -> Sequence[Kept]:
        """Return the lines of its witness file, read as far as they are looked at: a year of them is half a million."""
        return Lines(self._file(device))

    def add(self, device: str, line: Kept) -> None:
        """Add a line and force it to the disk: what was seen must not be forgotten."""
        file = self._file(device)
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "ab") as opened:
                opened.write(line.line.encode())
                opened.flush()
                os.fsync(descriptor)
        except OSError as error:
            raise StorageError(
                f"the witness file {file.name} cannot be written: {error.strerror}",
                "free space on the disk, and make the state folder writable",
            ) from error

    def _file(self, device: str) -> Path:
        return self._folder / f"{_stem(device)}.witness"


class Lines(Sequence["Kept"]):
    """The lines of a witness file, oldest first; `reversed` reads from its end, all else reads it whole.

    Raises (every method):
        StorageError: what was looked at cannot be read.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._whole: tuple[Kept, ...] | None = None

    def __len__(self) -> int:
        return len(self._all())

    @overload
    def __getitem__(self, at: int) -> Kept: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Kept]: ...

    def __getitem__(self, at: int | slice) -> Kept | Sequence[Kept]:
        return self._all()[at]

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._all())

    def __reversed__(self) -> Iterator[Kept]:
        with self._told():
            try:
                with self._file.open("rb") as opened:
                    for line in _lines_from_the_end(opened):
                        yield from read_witness_file(line.decode("utf-8"))
            except FileNotFoundError:
                return

    def _all(self) -> tuple[Kept, ...]:
        if self._whole is None:
            with self._told():
                text = self._file.read_text(encoding="utf-8") if self._file.exists() else ""
                self._whole = read_witness_file(text)
        return self._whole

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (OSError, UnicodeDecodeError, InputError) as error:
            raise StorageError(
                f"the witness file {self._file.name} cannot be read", "restore it from a copy; it is what proves a fork"
            ) from error


def _lines_from_the_end(opened: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file, last first, without their ends."""
    at, rest = opened.seek(0, os.SEEK_END), b""
    while at > 0:
        begin = max(at - _BLOCK_BYTES, 0)
        opened.seek(begin)
        head, *lines = (opened.read(at - begin) + rest).split(b"\n")
        yield from (line for line in reversed(lines) if line)
        at, rest = begin, head
    if rest:
        yield rest


def load_or_create_cosigner(file: Path, name: str) -> CosignerKey:
    """Return the key with which this collector cosigns; made on first use, its public half beside it (`.vkey`).

    Raises:
        KeyFileError: others can read it, it is damaged, of another name, or cannot be written.
    """
    try:
        if not file.exists():
            key = CosignerKey.generate(name)
            _create(file, key.skey, 0o600)
            _create(file.with_suffix(".vkey"), key.verifier.vkey, 0o644)
        refuse_readable_by_others(file)
        key = CosignerKey.from_skey(file.read_text(encoding="ascii"))
    except OSError as error:
        raise KeyFileError(
            f"the witness key {file} cannot be used: {error.strerror}", "check its owner and its folder"
        ) from error
    if key.name != name:
        raise KeyFileError(
            f"{file} belongs to the witness {key.name}", "give the collector its old name, or a new folder"
        )
    return key


def _create(file: Path, line: str, mode: int) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(f"{line}\n".encode())
        opened.flush()
        os.fsync(descriptor)


def _stem(device: str) -> str:
    return device.replace("/", "_")
