"""Files that are to be gone: written over, removed, and the free blocks given back to the card.

On flash nothing written over is certain to be gone, because the card moves blocks on its own. Personal data is
therefore never stored unsealed in the first place; what is destroyed here is keys, and a key that a card kept by chance
opens nothing that the device ever stored. What this promises is tested at the level of the block device.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
from typing import TYPE_CHECKING, Final

from platesieve.adapters.disk.whole_file import sync_folder
from platesieve.domain.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_FITRIM: Final = 0xC0185879  # <linux/fs.h>: _IOWR('X', 121, struct fstrim_range)
_CHUNK_BYTES: Final = 1 << 20


def destroy(paths: Iterable[Path]) -> int:
    """Write over and remove files, and folders with all that is in them; return how many files there were.

    Raises:
        StorageError: one of them resists; those before it are gone.
    """
    count = 0
    for path in paths:
        try:
            if path.is_dir() and not path.is_symlink():
                count += destroy(sorted(path.iterdir()))
                path.rmdir()
            elif path.is_symlink() or path.exists():
                _write_over(path)
                path.unlink()
                count += 1
        except OSError as error:
            raise StorageError(f"{path} cannot be destroyed: {error.strerror}", "run it as root") from error
        if path.parent.exists():
            sync_folder(path.parent)
    return count


def give_back(folder: Path) -> bool:
    """Tell the card which blocks are free, so that it may forget them; return whether it was told."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # not root, or a card that has no such command
            fcntl.ioctl(descriptor, _FITRIM, struct.pack("QQQ", 0, (1 << 64) - 1, 0))
            return True
        return False
    finally:
        os.close(descriptor)


def _write_over(path: Path) -> None:
    """Write noise over a file, in place: ext4 keeps the blocks of a file that does not change its size."""
    if not path.is_file() or path.is_symlink():
        return
    with path.open("r+b", buffering=0) as file:
        left = os.fstat(file.fileno()).st_size
        while left > 0:
            left -= file.write(os.urandom(min(left, _CHUNK_BYTES)))
        os.fsync(file.fileno())
