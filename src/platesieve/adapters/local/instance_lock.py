"""One running instance per state folder: the kernel holds the lock and drops it with the process."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from platesieve.domain.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def instance_lock(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock file at `path` (mode 0600) for the time of a `with` block; with `wait`, as soon as it is free.

    flock(2) and not a file that exists: after kill -9 or a power cut nothing is left to clean up.

    Raises:
        StorageError: another instance holds it, or the folder cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StorageError(
            f"the state folder cannot be written: {error.strerror}", "make it writable for the user of platesieve"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StorageError(
                "another platesieve uses this state folder",
                "stop it first (systemctl stop platesieve-camera), or give this one a folder of its own",
            ) from error
        yield
    finally:
        os.close(descriptor)
