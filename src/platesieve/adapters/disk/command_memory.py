"""What has to survive a power cut so that commands keep their meaning: nonces, and the periods that are held.

Two small files in the camera process's folder, each replaced as a whole and forced out before a command takes effect.
Neither holds a plate: an order about one plate lives in RAM, and ends with the power.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from platesieve.domain.errors import StorageError
from platesieve.policy.holds import Preservation
from platesieve.policy.nonces import Nonces

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MAX_BYTES = 1 << 20


class CommandMemory:
    """The files of one device (ports.Memory); owned by its camera process, which holds the instance lock.

    Args:
        folder: of the camera process.

    Raises:
        StorageError: a file is damaged or cannot be read. It is not begun anew: then commands could be replayed.
    """

    def __init__(self, folder: Path) -> None:
        self._nonces_file, self._holds_file = folder / "commands.seen", folder / "holds.json"
        self._nonces = self._load_nonces()

    def knows(self, nonce: str, expiry_s: int) -> bool:
        """Return whether a command was followed already."""
        return self._nonces.knows(nonce, expiry_s)

    def remember(self, nonce: str, expiry_s: int) -> None:
        """Remember a command; durable on return.

        Raises:
            StorageError: the disk refuses; then the command must not be followed.
        """
        nonces = self._nonces.with_one(nonce, expiry_s)
        _replace(self._nonces_file, nonces.to_text())
        self._nonces = nonces

    def holds(self) -> tuple[Preservation, ...]:
        """Return the periods that were held when the device was last on.

        Raises:
            StorageError: the file is damaged or cannot be read.
        """
        text = _read(self._holds_file)
        if text is None:
            return ()
        try:
            rows = json.loads(text)
            return tuple(Preservation(str(i), None, int(since), int(to), int(until)) for i, since, to, until in rows)
        except (ValueError, TypeError, RecursionError) as error:
            raise _damaged(self._holds_file) from error

    def keep_holds(self, holds: Sequence[Preservation]) -> None:
        """Write down the periods that are held; those of one plate are left out.

        Raises:
            StorageError: the disk refuses.
        """
        rows = [[hold.id, hold.from_ns, hold.to_ns, hold.until_ns] for hold in holds if hold.plate is None]
        _replace(self._holds_file, json.dumps(rows) + "\n")

    def _load_nonces(self) -> Nonces:
        text = _read(self._nonces_file)
        if text is None:
            return Nonces()
        nonces = Nonces.from_text(text)
        if nonces is None:
            raise _damaged(self._nonces_file)
        return nonces


def _read(file: Path) -> str | None:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES).decode("ascii")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise _damaged(file) from error
    except OSError as error:
        raise StorageError(f"{file.name} cannot be read: {error.strerror}", "make the state folder readable") from error


def _replace(file: Path, text: str) -> None:
    pending = file.with_name(f"{file.name}.new")
    try:
        descriptor = os.open(pending, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(text.encode("ascii"))
            opened.flush()
            os.fsync(descriptor)
        pending.replace(file)
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise StorageError(
            f"{file.name} cannot be written: {error.strerror}", "free space, and make the state folder writable"
        ) from error


def _damaged(file: Path) -> StorageError:
    return StorageError(
        f"{file.name} in the camera's state folder is damaged",
        "wait an hour, in which commands end, then move the file away and place the holds again",
    )
