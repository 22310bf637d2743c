"""One witness file: read from its end, added to, and thinned; whoever writes has it alone."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, overload

from platesieve.adapters.disk.whole_file import sync_folder
from platesieve.audit.thinning import Line, lasting
from platesieve.audit.witness import read_witness_file
from platesieve.domain.errors import InputError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platesieve.audit.thinning import Spacing
    from platesieve.audit.witness import Kept

_BLOCK_BYTES = 4096  # about ten lines
_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True)
class Thinned:
    """How many lines and bytes a file had, and has."""

    lines_before: int
    lines: int
    bytes_before: int
    bytes: int


class WitnessFile:
    """The file of one device.

    Args:
        path: its folder must be there; the file need not be.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def kept(self) -> Lines:
        """Return its lines, read as far as they are looked at."""
        return Lines(self._path)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep out all other writers, of this process and of others, from the reading to the adding.

        The lock is on the file itself. It may be replaced while one waits for it, then the wait begins again.

        Raises:
            StorageError: the file cannot be made or opened.
        """
        descriptor = self._locked()
        try:
            yield
        finally:
            if os.fstat(descriptor).st_size == 0:  # nothing was worth a line
                self._path.unlink(missing_ok=True)
            os.close(descriptor)

    def add(self, line: Kept) -> None:
        """Add a line and force it to the disk: what was seen must not be forgotten. Called within `alone`.

        Raises:
            StorageError: the disk refuses; the file is as it was.
        """
        with self._written():
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _FLAGS, 0o600)
            try:
                before = os.fstat(descriptor).st_size
                try:
                    _write(descriptor, line.line.encode())
                    os.fsync(descriptor)
                except OSError:
                    os.ftruncate(descriptor, before)  # half a line would make all of them unreadable
                    raise
                if before == 0:
                    sync_folder(self._path.parent)
            finally:
                os.close(descriptor)

    def thin(self, spacing: Spacing, *, dry_run: bool = False) -> Thinned:
        """Leave the lines that last, byte for byte; after a crash the old file is there or the new one.

        Raises:
            StorageError: it cannot be read or written; all lines are still there.
        """
        with self.alone():
            with _told(self._path), self._path.open("rb") as opened:
                numbered = [_line(number, text) for number, text in enumerate(opened)]
                size = opened.tell()
                stays = lasting(numbered, spacing)
                opened.seek(0)
                lasts = [text for number, text in enumerate(opened) if number in stays]
            if len(lasts) < len(numbered) and not dry_run:
                with self._written():
                    self._replace(lasts)
        return Thinned(len(numbered), len(lasts), size, sum(map(len, lasts)))

    def _locked(self) -> int:
        with self._written():
            while True:
                descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX)
                    if os.path.samestat(os.fstat(descriptor), self._path.stat()):
                        return descriptor
                except FileNotFoundError:
                    pass
                except BaseException:
                    os.close(descriptor)
                    raise
                os.close(descriptor)

    def _replace(self, lasts: list[bytes]) -> None:
        """Put the new file in the place of the old one. It is locked until its name is durable: nobody adds before."""
        old, pending = self._path.stat(), self._path.with_name(f"{self._path.name}.new")
        pending.unlink(missing_ok=True)  # of a crash: whoever writes it has the file alone
        descriptor = os.open(pending, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.fchmod(descriptor, old.st_mode & 0o777)
            if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, old.st_uid, old.st_gid)  # an administrator thins what a service writes
            _write(descriptor, b"".join(lasts))
            os.fsync(descriptor)
            pending.replace(self._path)
            sync_folder(self._path.parent)
        finally:
            pending.unlink(missing_ok=True)
            os.close(descriptor)

    @contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"the witness file {self._path.name} cannot be written: {error.strerror}",
                "free space on the disk, and make its folder writable",
            ) from error


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
        with _told(self._file):
            try:
                with self._file.open("rb") as opened:
                    for line in _lines_from_the_end(opened):
                        yield from read_witness_file(line.decode("utf-8"))
            except FileNotFoundError:
                return

    def _all(self) -> tuple[Kept, ...]:
        if self._whole is None:
            with _told(self._file):
                text = self._file.read_text(encoding="utf-8") if self._file.exists() else ""
                self._whole = read_witness_file(text)
        return self._whole


@contextmanager
def _told(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeDecodeError, InputError) as error:
        raise StorageError(
            f"the witness file {file.name} cannot be read", "restore it from a copy; it is what proves a fork"
        ) from error


def _line(number: int, text: bytes) -> Line:
    kept = read_witness_file(text.decode("utf-8"))
    if len(kept) != 1 or not text.endswith(b"\n"):
        raise InputError("a line of the witness file is cut off", "restore the file from a copy")
    return Line(number, kept[0].seen, kept[0].seen_ns, kept[0].checkpoint.size)


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


def _write(descriptor: int, content: bytes) -> None:
    """Write all of it: the kernel may take less at a time."""
    while content:
        content = content[os.write(descriptor, content) :]
