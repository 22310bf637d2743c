"""C2SP tlog-tiles v0.1.0: which files hold a log, and what a growing log writes next (FORMAT 3.2 to 3.6).

`Edge` is all that a writer remembers: the rightmost, not yet full tile of each level. `Edge.extended` is the whole
of appending, without touching a disk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from platesieve.audit.tree import HASH_BYTES, Frontier, join_peaks, leaf_hash
from platesieve.domain.errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CHECKPOINT = "checkpoint"
WIDTH = 256  # hashes in a full tile, entries in a full bundle
MAX_ENTRY_BYTES = 0xFFFF
_LENGTH_BYTES = 2
_NAME = re.compile(
    r"tile/(?:entries|[0-9]|[1-5][0-9]|6[0-3])/(?:x[0-9]{3}/)*[0-9]{3}(?:\.p/[1-9][0-9]{0,2})?", re.ASCII
)


def tile_name(level: int, index: int, width: int = WIDTH) -> str:
    """Return the path of a tile of hashes; a width below 256 makes it a partial one."""
    return f"tile/{level}/{_index(index)}{_partial(width)}"


def bundle_name(index: int, width: int = WIDTH) -> str:
    """Return the path of a bundle of entries."""
    return f"tile/entries/{_index(index)}{_partial(width)}"


def is_log_name(name: str) -> bool:
    """Return whether a path can be a tile or bundle of some log."""
    return _NAME.fullmatch(name) is not None


def is_beyond(name: str, size: int) -> bool:
    """Return whether a tile or bundle holds more than a log of this size has, so that no checkpoint refers to it."""
    _, level, *parts = name.split("/")
    width = int(parts.pop()) if parts[-2:-1] and parts[-2].endswith(".p") else WIDTH
    index = int("".join(parts).replace("x", "").removesuffix(".p"))
    depth = 0 if level == "entries" else int(level)
    hashes: int = size // WIDTH**depth  # on this level
    return index * WIDTH + width > hashes


def log_names(size: int) -> Iterator[tuple[str, int | None]]:
    """Yield every file of a log with `size` entries and its length in bytes; None for bundles, whose varies."""
    level, count = 0, size
    while count:
        for index in range(-(-count // WIDTH)):
            width = min(WIDTH, count - index * WIDTH)
            if level == 0:
                yield bundle_name(index, width), None
            yield tile_name(level, index, width), width * HASH_BYTES
        level, count = level + 1, count // WIDTH


def edge_names(size: int) -> list[str]:
    """Return the partial tile of each level that has one, lowest level first; the entries' bundle before them."""
    names, level, count = [], 0, size
    while count:
        if width := count % WIDTH:
            if level == 0:
                names.append(bundle_name(count // WIDTH, width))
            names.append(tile_name(level, count // WIDTH, width))
        level, count = level + 1, count // WIDTH
    return names


def pack_bundle(entries: Sequence[bytes]) -> bytes:
    """Return entries, each behind its length in two bytes, big-endian.

    Raises:
        AuditError: an entry is longer than 65,535 bytes.
    """
    if any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise AuditError("an entry is longer than a bundle can hold", f"keep entries below {MAX_ENTRY_BYTES} bytes")
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def unpack_bundle(bundle: bytes) -> list[bytes]:
    """Return the entries of a bundle.

    Raises:
        AuditError: the bundle ends within an entry.
    """
    entries, at = [], 0
    while at < len(bundle):
        length = int.from_bytes(bundle[at : at + _LENGTH_BYTES], "big")
        entry = bundle[at + _LENGTH_BYTES : at + _LENGTH_BYTES + length]
        if len(bundle) - at < _LENGTH_BYTES or len(entry) < length:
            raise AuditError("a bundle of entries ends within an entry", "treat the log as cut off or altered")
        entries.append(entry)
        at += _LENGTH_BYTES + length
    return entries


def unpack_tile(tile: bytes) -> list[bytes]:
    """Return the hashes of a tile."""
    return [tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES)]


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of a log: what its next entries are added to.

    Attributes:
        size: entries in the log.
        rows: per level the hashes of its partial tile, level 0 first; empty where the tile is just full.
        bundle: the entries of the partial bundle, as many as hashes in row 0.
    """

    size: int = 0
    rows: tuple[tuple[bytes, ...], ...] = ()
    bundle: tuple[bytes, ...] = ()

    def root(self) -> bytes:
        """Return the root over the whole log."""
        return join_peaks([peak for row in reversed(self.rows) for peak in Frontier(row).peaks])

    def extended(self, entries: Sequence[bytes]) -> tuple[Edge, Mapping[str, bytes]]:
        """Return the edge after these entries, and the files to write for it: name to content."""
        rows, bundle, size = [list(row) for row in self.rows], list(self.bundle), self.size
        files: dict[str, bytes] = {}
        for entry in entries:
            bundle.append(entry)
            size += 1
            _put(rows, 0, leaf_hash(entry))
            if len(bundle) == WIDTH:
                files[bundle_name(size // WIDTH - 1)] = pack_bundle(bundle)
                bundle.clear()
            _fold_full(rows, size, files)
        for level, row in enumerate(rows):
            if row and (level >= len(self.rows) or tuple(row) != self.rows[level]):
                files[tile_name(level, size // WIDTH ** (level + 1), len(row))] = b"".join(row)
        if bundle:
            files[bundle_name(size // WIDTH, len(bundle))] = pack_bundle(bundle)
        return Edge(size, tuple(tuple(row) for row in rows), tuple(bundle)), files


def _put(rows: list[list[bytes]], level: int, hashed: bytes) -> None:
    if level == len(rows):
        rows.append([])
    rows[level].append(hashed)


def _fold_full(rows: list[list[bytes]], size: int, files: dict[str, bytes]) -> None:
    """Close tiles that have become full: each becomes one hash in the tile above."""
    level = 0
    while level < len(rows) and len(rows[level]) == WIDTH:
        files[tile_name(level, size // WIDTH ** (level + 1) - 1)] = b"".join(rows[level])
        _put(rows, level + 1, Frontier(rows[level]).root())
        rows[level].clear()
        level += 1


def _index(index: int) -> str:
    digits = f"{index:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


def _partial(width: int) -> str:
    return "" if width == WIDTH else f".p/{width}"
