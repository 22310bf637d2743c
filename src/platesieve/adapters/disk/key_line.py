"""A file with one key in it: one line of text, whatever kind of key that is.

A secret is read only where nobody else could have read it, and no file is ever written over.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from platesieve.adapters.disk.whole_file import sync_folder
from platesieve.domain.errors import KeyFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_BYTES = 4096
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_line(file: Path) -> str:
    """Return the one line of a key file.

    Raises:
        KeyFileError: the file is missing, unreadable, or more than a line of text.
    """
    with as_key_error(file), file.open("rb") as opened:
        content = opened.read(MAX_BYTES + 1)
    try:
        lines = content.decode("ascii").splitlines()
    except UnicodeDecodeError as error:
        raise KeyFileError(f"{file} is not a key file", "give a file that platesieve keys new made") from error
    if len(lines) != 1 or len(content) > MAX_BYTES:
        raise KeyFileError(f"{file} is not one line of text", "give a file that platesieve keys new made")
    return lines[0].strip()


def read_secret_line(file: Path) -> str:
    """Return the one line of a secret key file.

    Raises:
        KeyFileError: as in `read_line`, or others can read it.
    """
    refuse_readable_by_others(file)
    return read_line(file)


def refuse_readable_by_others(file: Path) -> None:
    """Refuse a secret that others can read.

    Raises:
        KeyFileError: they can, or there is no such file.
    """
    with as_key_error(file):
        if file.stat().st_mode & OTHERS:
            raise KeyFileError(f"others can read the secret key {file}", f"run: chmod 600 {file}")


def refuse_existing(file: Path) -> None:
    """Refuse to write where a key is already.

    Raises:
        KeyFileError: there is one.
    """
    with as_key_error(file):
        if file.exists():
            raise KeyFileError(f"{file} is there already", "give another --out, or move the old key away yourself")


def create(file: Path, line: str, mode: int) -> None:
    """Write a key file that was not there, whole or not at all, in a folder of mode 0700.

    Raises:
        KeyFileError: it is there already, or cannot be written.
    """
    refuse_existing(file)
    with as_key_error(file):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_new(file, line, mode)


def write_new(file: Path, line: str, mode: int) -> None:
    """Write a file that was not there, whole or not at all: a key cut off by a power cut would stop the device.

    Raises:
        OSError: it is there already, or cannot be written.
    """
    pending = file.with_name(f"{file.name}.new")
    pending.unlink(missing_ok=True)
    descriptor = os.open(pending, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(f"{line}\n".encode())
        opened.flush()
        os.fsync(descriptor)
    os.link(pending, file)  # unlike a rename, a link never takes the place of another file
    pending.unlink()
    sync_folder(file.parent)


@contextmanager
def as_key_error(file: Path) -> Iterator[None]:
    """Turn what the disk refuses into a KeyFileError about `file`, with what mends it."""
    try:
        yield
    except FileNotFoundError as error:
        raise KeyFileError(f"key file {file} is missing", "make keys with: platesieve keys new --help") from error
    except OSError as error:
        raise KeyFileError(
            f"key file {file} cannot be used: {error.strerror}", "check its owner and its folder"
        ) from error
