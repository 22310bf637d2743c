"""Keys that a process draws for itself on its first start, and finds again at every later one."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from platesieve.adapters.disk.key_files import load_secret, new_key_files
from platesieve.adapters.disk.key_line import OTHERS, as_key_error, create, read_secret_line
from platesieve.adapters.disk.key_text import KeyKind, recipient_of
from platesieve.audit.note import NoteSigner
from platesieve.domain.errors import KeyFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def audit_key_name(device_path: str) -> str:
    """Return the name of a device's audit key, which is the origin of its log: `platesieve/agency/site/device`."""
    return f"platesieve/{device_path}"


def load_or_create_audit_key(folder: Path, name: str) -> NoteSigner:
    """Return the audit key of this device; made on first use, with its public half beside it.

    Args:
        folder: where `audit.key` and `audit.vkey` are; made with mode 0700.
        name: `audit_key_name` of the device.

    Raises:
        KeyFileError: others can read the key, it is damaged, it is of a device with another name, or the
            folder cannot be written.
    """
    file = folder / "audit.key"
    with as_key_error(file):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_mode & OTHERS:
            raise KeyFileError("others can look into the folder of the audit key", f"run: chmod 700 {folder}")
        with _alone_in(folder):
            if not file.exists():
                create(file, NoteSigner.generate(name).skey, 0o600)
        signer = NoteSigner.from_skey(read_secret_line(file))
        if signer.name != name:
            raise KeyFileError(
                f"{file} belongs to the log of {signer.name}",
                "give the device its old name back, or a state folder of its own",
            )
        with _alone_in(folder):
            if not (folder / "audit.vkey").exists():
                create(folder / "audit.vkey", signer.verifier.vkey, 0o644)
    return signer


def load_or_create_device_key(folder: Path) -> bytes:
    """Return the secret to which commands with a plate in them are sealed; made on first use, public half beside it.

    Raises:
        KeyFileError: others can read it, it is damaged, or the folder cannot be written.
    """
    file = folder / f"{KeyKind.DEVICE}.key"
    with as_key_error(file):
        there = file.exists()
    return load_secret(file if there else new_key_files(KeyKind.DEVICE, folder)[0], KeyKind.DEVICE)


def load_or_create_lists_key(folder: Path) -> str:
    """Return the age identity that opens hot lists for this device; made on first use, public half beside it.

    Raises:
        KeyFileError: others can read it, it is damaged, or the folder cannot be written.
    """
    file = folder / f"{KeyKind.LISTS}.key"
    with as_key_error(file):
        if not file.exists():
            new_key_files(KeyKind.LISTS, folder)
        line = read_secret_line(file)
    recipient_of(line, file)
    return line


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep others out who make keys here: collector and dashboard may start for the first time at once."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # lets go of the lock
