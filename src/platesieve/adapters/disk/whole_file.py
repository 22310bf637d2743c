"""A file that is replaced as a whole, or not at all: after a power cut the old or the new one is there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from platesieve.domain.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path


def write_whole(path: Path, content: bytes, mode: int = 0o600, owner: tuple[int, int] | None = None) -> None:
    """Put `content` under `path`, durable on return.

    Args:
        path: its folder must be there.
        content: all of it.
        mode: of the new file; it has it from its first moment.
        owner: user and group of the new file, for whoever may give files away.

    Raises:
        StorageError: the disk or the folder refuses; what was there before is still there.
    """
    pending = path.with_name(f"{path.name}.new")
    try:
        pending.unlink(missing_ok=True)
        descriptor = os.open(pending, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)  # a umask may have taken away what others are to read
            file.write(content)
            if owner is not None:
                os.fchown(descriptor, *owner)
            file.flush()
            os.fsync(descriptor)
        pending.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror}", "make room, or see who owns the folder"
        ) from error


def sync_folder(path: Path) -> None:
    """Make what was renamed or removed in a folder durable."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
