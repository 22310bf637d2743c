"""The audit log on a disk: tlog-tiles in a folder, where renaming the checkpoint is the one moment of commit.

Order of one append (FORMAT 7): tiles and bundles are written under names that no checkpoint refers to yet, each
is forced to the disk, then their folders; then the new checkpoint is written beside the old one, forced, renamed
over it, and the folder is forced. A crash before the rename leaves strays: the next start logs that, then removes
them, so that a crash in between leaves either the entry or something to log.

After any error nothing in RAM is believed: the next append begins with the recovery that a start begins with,
because a second fsync may report success for pages that the first one lost.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from platesieve.audit.checkpoint import Checkpoint
from platesieve.audit.entry import LogRepaired, Updated, decode, encode
from platesieve.audit.log_files import read_checkpoint
from platesieve.audit.tiles import (
    CHECKPOINT,
    WIDTH,
    Edge,
    bundle_name,
    edge_names,
    is_beyond,
    is_log_name,
    log_names,
    tile_name,
    unpack_bundle,
    unpack_tile,
)
from platesieve.audit.tree import leaf_hash, root_of
from platesieve.domain.errors import AuditError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from platesieve.audit.entry import Entry
    from platesieve.audit.note import NoteSigner

_LOCK = "lock"
_PENDING = "checkpoint.new"
_RESTORE = "restore the folder from a copy, or move it aside for the auditor and start a new log"


class FolderFiles:
    """The files of a log in a folder, for `audit.verify`: read only."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, name: str) -> bytes | None:
        """Return a file's bytes, or None where there is no such file.

        Raises:
            InputError: it is there and cannot be read.
        """
        try:
            return (self._path / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise InputError(f"{name} cannot be read: {error.strerror}", "make the log readable for you") from error

    def names(self) -> Iterable[str]:
        """Return the paths of all files below the folder."""
        for folder, _, files in os.walk(self._path):
            for file in files:
                yield (Path(folder) / file).relative_to(self._path).as_posix()


class AuditFolder:
    """The log of this device; the only writer, for as long as it lives.

    Args:
        path: folder of the log; made with mode 0700 where there is none.
        signer: the device's audit key.
        origin: first line of every checkpoint; the name of the key unless given.
        now_ns: the wall clock, for the one entry that the log writes of itself: `log-repaired`.

    Raises:
        AuditError: another instance writes this log, it cannot be written, or it is not what this key signed.
    """

    def __init__(
        self,
        path: Path,
        signer: NoteSigner,
        origin: str | None = None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._path = path
        self._signer = signer
        self._verifier = signer.verifier
        self._origin = origin or signer.name
        self._now_ns = now_ns
        self._files = FolderFiles(path)
        self._note = b""
        self._outdated: set[str] = set()  # what no checkpoint refers to any more
        self._edge: Edge | None = None  # None: what is on the disk must be looked at first
        with _as_audit_error("the audit log cannot be opened"):
            _make_folder(path)
            self._lock: int | None = _lock(path / _LOCK)
        try:
            self._edge = self._recovered()
        except BaseException:
            self.close()
            raise

    @property
    def path(self) -> Path:
        """Return the folder."""
        return self._path

    @property
    def signer(self) -> NoteSigner:
        """Return the device's audit key."""
        return self._signer

    @property
    def checkpoint(self) -> str:
        """Return the newest signed checkpoint."""
        return self._note.decode()

    @property
    def size(self) -> int:
        """Return the number of entries under the newest checkpoint."""
        return int(self._note.split(b"\n")[1])

    @property
    def suspended(self) -> bool:
        """Return whether the last command in the log suspended this device: a restart does not lift that.

        Raises:
            AuditError: a bundle of entries cannot be read.
        """
        for bundle in self._newest_bundles():
            # Canonical JSON without free text: these bytes stand nowhere but in the type of an entry.
            suspended, resumed = bundle.rfind(b'"type":"suspended"'), bundle.rfind(b'"type":"resumed"')
            if suspended != resumed:
                return suspended > resumed
        return False

    def system_updates(self) -> Iterator[Updated]:
        """Yield what the log says of the system's version, the newest first, reading no further back than is asked.

        Raises:
            AuditError: a bundle of entries cannot be read.
        """
        named = b'"component":"system"'
        for bundle in self._newest_bundles():
            for encoded in reversed(unpack_bundle(bundle) if named in bundle else ()):
                if named in encoded and isinstance(entry := decode(encoded), Updated):
                    yield entry

    def append(self, entries: Sequence[Entry]) -> str:
        """Add entries under a new signed checkpoint and return its text; both survive power loss on return.

        Raises:
            AuditError: they could not be made durable. Either none of them is in the log or, where only the
                very last step failed, all of them are; whatever the log then holds still verifies.
        """
        if self._lock is None:
            raise AuditError("the audit log is closed", "open it again")
        encoded = [encode(entry) for entry in entries]
        before = self._edge or self._recovered()
        if not encoded:
            return self.checkpoint
        self._edge = None
        self._sweep(self._outdated)  # only now: together with new files it costs the card half of what it costs alone
        with _as_audit_error("the audit log cannot be written"):
            self._edge = self._extended(before, encoded)
        self._outdated = set(edge_names(before.size)) - set(edge_names(self._edge.size))
        return self.checkpoint

    def close(self) -> None:
        """Let another instance write. Safe to call twice."""
        if self._lock is not None:
            self._sweep(self._outdated)
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _newest_bundles(self) -> Iterator[bytes]:
        for index in reversed(range(-(-self.size // WIDTH))):
            with _as_audit_error("the audit log cannot be read"):
                bundle = self._files.read(bundle_name(index, min(WIDTH, self.size - index * WIDTH))) or b""
            yield bundle

    def _extended(self, before: Edge, encoded: Sequence[bytes]) -> Edge:
        """Write entries and commit them (FORMAT 7.2)."""
        after, files = before.extended(encoded)
        note = self._signer.sign(Checkpoint(self._origin, after.size, after.root()).text)
        _write_tree(self._path, files)
        _commit(self._path, note)
        self._note = note
        return after

    def _recovered(self) -> Edge:
        """Return the right edge as the checkpoint on the disk has it, verified; log and remove what is beyond it."""
        with _as_audit_error("the audit log cannot be read or written"):
            if not (self._path / CHECKPOINT).exists():
                return self._begun()
            checkpoint = read_checkpoint(self._files, self._verifier, self._origin)
            _check_lengths(self._path, checkpoint.size)
            edge = _read_edge(self._files, checkpoint)
            note = self._files.read(CHECKPOINT) or b""
            _commit(self._path, note)  # the rename may be in the page cache alone, after a crash or an error
            self._note = note
            strays = self._strays(edge.size)
            if torn := sum(is_beyond(name, edge.size) for name in strays):
                edge = self._extended(edge, [encode(LogRepaired(self._now_ns(), torn))])
                strays = self._strays(edge.size)
            self._sweep(strays)
            return edge

    def _strays(self, size: int) -> set[str]:
        """Return tiles and bundles that a log of this size does not have."""
        expected = {name for name, _ in log_names(size)}
        return {name for name in self._files.names() if is_log_name(name) and name not in expected}

    def _begun(self) -> Edge:
        """Begin a log, but never on top of entries: they would be lost without a trace."""
        if any(is_log_name(name) for name in self._files.names()):
            raise AuditError("the audit log has entries but no checkpoint", _RESTORE)
        edge = Edge()
        note = self._signer.sign(Checkpoint(self._origin, edge.size, edge.root()).text)
        _commit(self._path, note)
        self._note = note
        return edge

    def _sweep(self, names: Iterable[str]) -> None:
        """Remove files that no checkpoint refers to any more; what cannot be removed now is at the next start."""
        for name in names:
            with suppress(OSError):
                (self._path / name).unlink()
            with suppress(OSError):
                (self._path / name).parent.rmdir()  # only an empty one goes


def _read_edge(files: FolderFiles, checkpoint: Checkpoint) -> Edge:
    """Read the rightmost tiles; each is believed only after it led to the signed root (FORMAT 7.4)."""
    rows: list[tuple[bytes, ...]] = []
    count = checkpoint.size
    while count:
        width = count % WIDTH
        rows.append(tuple(_tile(files, len(rows), count // WIDTH, width)) if width else ())
        count //= WIDTH
    edge = Edge(checkpoint.size, tuple(rows))
    if edge.root() != checkpoint.root:
        raise AuditError("the newest tiles of the audit log were altered or cut off", _RESTORE)
    bundle = _last_bundle(files, edge)
    return Edge(edge.size, edge.rows, tuple(bundle) if rows and rows[0] else ())


def _last_bundle(files: FolderFiles, edge: Edge) -> list[bytes]:
    """Return the entries of the last bundle, checked against the hashes above them, level by level."""
    if not edge.size:
        return []
    hashes: Sequence[bytes] = edge.rows[-1]
    for level in reversed(range(len(edge.rows) - 1)):
        row: Sequence[bytes] = edge.rows[level]
        if not row:
            row = _tile(files, level, edge.size // WIDTH ** (level + 1) - 1, WIDTH)
            if root_of(row) != hashes[-1]:
                raise AuditError("the newest tiles of the audit log were altered or cut off", _RESTORE)
        hashes = row
    width = edge.size % WIDTH or WIDTH
    entries = unpack_bundle(files.read(bundle_name((edge.size - 1) // WIDTH, width)) or b"")
    if [leaf_hash(entry) for entry in entries] != list(hashes):
        raise AuditError("the newest entries of the audit log were altered or cut off", _RESTORE)
    return entries


def _tile(files: FolderFiles, level: int, index: int, width: int) -> list[bytes]:
    return unpack_tile(files.read(tile_name(level, index, width)) or b"")


def _check_lengths(path: Path, size: int) -> None:
    """Refuse a log that lacks files; what they hold is for `platesieve audit verify`, which reads all of them."""
    for name, length in log_names(size):
        try:
            found = (path / name).stat().st_size
        except FileNotFoundError as error:
            raise AuditError(f"the audit log is truncated: {name} is missing", _RESTORE) from error
        if found != length and (length is not None or not found):
            raise AuditError(f"the audit log is truncated or altered: {name} has {found} bytes", _RESTORE)


def _make_folder(path: Path) -> None:
    """Make a folder and its parents, each durable in the folder above it."""
    if path.is_dir():
        return
    _make_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    _force_folder(path.parent)


def _lock(path: Path) -> int:
    """Take the lock that the kernel drops with the process: after a power cut nothing is left to clean up."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise AuditError(
            "another platesieve writes this audit log", "stop it first, or give this one a state folder of its own"
        ) from error
    return descriptor


def _write_tree(path: Path, files: Mapping[str, bytes]) -> None:
    """Write files and force them, then their folders, to the disk."""
    folders = set()
    for name, content in files.items():
        file = path / name
        _make_folder(file.parent)
        _write(file, content)
        folders.add(file.parent)
    for folder in sorted(folders):
        _force_folder(folder)


def _commit(path: Path, note: bytes) -> None:
    """Put a checkpoint in the place of the last one: after the rename the log is the new one, before it the old."""
    _write(path / _PENDING, note)
    (path / _PENDING).rename(path / CHECKPOINT)
    _force_folder(path)


def _write(file: Path, content: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        if file.name != _PENDING:
            os.utime(descriptor, ns=(0, 0))  # the time of a file would tell what the time of its entry hides
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _force_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _as_audit_error(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AuditError(
            f"{what}: {error.strerror or type(error).__name__}", "free space and make the state folder writable"
        ) from error
    except InputError as error:
        raise AuditError(f"{what}: {error.message}", error.hint) from error
