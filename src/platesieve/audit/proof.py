"""Proofs out of the tiles of a log, and C2SP tlog-proof@v1: one file that shows that an entry is in it (FORMAT 8).

A proof reads a few tiles and not the log. Tiles are not believed: whoever makes a proof checks it against the
signed root before handing it on.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from platesieve.audit.checkpoint import Checkpoint
from platesieve.audit.note import decode_base64
from platesieve.audit.tiles import WIDTH, bundle_name, tile_name, unpack_bundle, unpack_tile
from platesieve.audit.tree import HASH_BYTES, leaf_hash, node_hash, root_of, verify_consistency, verify_inclusion
from platesieve.domain.errors import AuditError

if TYPE_CHECKING:
    from platesieve.audit.log_files import LogFiles
    from platesieve.audit.note import NoteVerifier

PROOF_HEADER = "c2sp.org/tlog-proof@v1"
_TILE_HEIGHT = 8
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)
_MAX_HASHES = 63
_VERIFY = "run platesieve audit verify: the log is cut off or altered"


class TiledTree:
    """The tree of a log of `size` entries, read from its tiles as far as a question needs them."""

    def __init__(self, files: LogFiles, size: int) -> None:
        self._files = files
        self._size = size
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def entry(self, index: int) -> bytes:
        """Return the encoded entry at `index`.

        Raises:
            AuditError: its bundle is missing or too short.
        """
        first = index // WIDTH * WIDTH
        name = bundle_name(index // WIDTH, min(WIDTH, self._size - first))
        entries = unpack_bundle(self._files.read(name) or b"")
        if not 0 <= index < self._size or len(entries) <= index - first:
            raise AuditError(f"{name} does not hold entry {index}", _VERIFY)
        return entries[index - first]

    def root(self, size: int | None = None) -> bytes:
        """Return the root over the first `size` entries, or over all."""
        return self._range(0, self._size if size is None else size)

    def inclusion(self, index: int) -> tuple[bytes, ...]:
        """Return the audit path of the entry at `index` (RFC 6962, 2.1.1)."""
        low, high, path = 0, self._size, list[bytes]()
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                path.append(self._range(middle, high))
                high = middle
            else:
                path.append(self._range(low, middle))
                low = middle
        return tuple(reversed(path))

    def consistency(self, first: int) -> tuple[bytes, ...]:
        """Return the proof that the first `first` entries are a prefix (RFC 6962, 2.1.2); `first` is above 0."""
        low, high, whole, path = 0, self._size, True, list[bytes]()
        while first < high:
            middle = low + _split(high - low)
            if first <= middle:
                path.append(self._range(middle, high))
                high = middle
            else:
                path.append(self._range(low, middle))
                low, whole = middle, False
        if not whole:
            path.append(self._range(low, high))
        return tuple(reversed(path))

    def _range(self, low: int, high: int) -> bytes:
        """Return the root over entries `low` to `high`, not included; `low` is where such a subtree can begin."""
        width = high - low
        if not width:
            return root_of(())
        height = width.bit_length() - 1
        if width == 1 << height:
            return self._perfect(height, low >> height)
        middle = low + _split(width)
        return node_hash(self._range(low, middle), self._range(middle, high))

    def _perfect(self, height: int, number: int) -> bytes:
        """Return the root of the perfect subtree with this number among those of its height."""
        level, within = divmod(height, _TILE_HEIGHT)
        first = number << within
        tile = self._tile(level, first // WIDTH)
        return root_of(tile[first % WIDTH : first % WIDTH + (1 << within)])

    def _tile(self, level: int, index: int) -> list[bytes]:
        if (level, index) not in self._tiles:
            width = min(WIDTH, (self._size >> level * _TILE_HEIGHT) - index * WIDTH)
            name = tile_name(level, index, width)
            hashes = unpack_tile(self._files.read(name) or b"")
            if len(hashes) != width:
                raise AuditError(f"{name} is missing or too short", _VERIFY)
            self._tiles[level, index] = hashes
        return self._tiles[level, index]


@dataclass(frozen=True, slots=True)
class LoggedProof:
    """That an entry stands at `index` in the log of `note`, as c2sp.org/tlog-proof@v1.

    Attributes:
        index: from 0.
        path: inclusion proof, from the leaf's sibling upwards.
        note: the signed checkpoint, as the log has it.
    """

    index: int
    path: tuple[bytes, ...]
    note: bytes

    @property
    def text(self) -> str:
        """Return the file; there is no `extra` line, because nothing would vouch for it."""
        hashes = "".join(f"{base64.b64encode(step).decode()}\n" for step in self.path)
        return f"{PROOF_HEADER}\nindex {self.index}\n{hashes}\n{self.note.decode()}"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Build from the file.

        Raises:
            AuditError: it is none, has an `extra` line, or base64 that is not canonical.
        """
        head, separator, note = text.partition("\n\n")
        lines = head.split("\n")
        index = _INDEX.fullmatch(lines[1]) if len(lines) > 1 else None
        if lines[0] != PROOF_HEADER or index is None or not separator or len(lines) > _MAX_HASHES + 2:
            raise _malformed()
        path = [decode_base64(line) for line in lines[2:]]
        if any(step is None or len(step) != HASH_BYTES for step in path):
            raise _malformed()
        return cls(int(index[1]), tuple(step for step in path if step is not None), note.encode())

    def proves(self, entry: bytes, checkpoint: Checkpoint) -> bool:
        """Return whether it shows that these bytes stand at `index` under a checkpoint."""
        return verify_inclusion(leaf_hash(entry), self.index, checkpoint.size, self.path, checkpoint.root)


def prove_logged(files: LogFiles, note: bytes, index: int) -> tuple[bytes, LoggedProof]:
    """Return an entry and the proof that it is in the log.

    Args:
        files: the log.
        note: its checkpoint, which the caller has verified.
        index: of the entry, from 0.

    Raises:
        AuditError: the tiles are cut off or do not lead to the signed root.
    """
    checkpoint = Checkpoint.from_text(note.decode().rpartition("\n\n")[0] + "\n")
    tree = TiledTree(files, checkpoint.size)
    entry, proof = tree.entry(index), LoggedProof(index, tree.inclusion(index), note)
    if not proof.proves(entry, checkpoint):
        raise AuditError(f"entry {index} does not lead to the signed root", _VERIFY)
    return entry, proof


def check_logged(proof: LoggedProof, entry: bytes, verifier: NoteVerifier) -> Checkpoint:
    """Return the checkpoint under which the entry stands, signature and proof verified.

    Raises:
        AuditError: another key signed it, or the proof does not hold.
    """
    checkpoint = Checkpoint.from_text(verifier.open(proof.note))
    if checkpoint.origin != verifier.name:
        raise AuditError("the checkpoint is of another log", "give the .vkey file of the same device")
    if not proof.proves(entry, checkpoint):
        raise AuditError("the proof does not lead from the entry to the signed root", "treat it as altered")
    return checkpoint


def is_prefix(files: LogFiles, newer: Checkpoint, older: Checkpoint) -> bool:
    """Return whether the log of `newer` begins with the log of `older`; both were verified.

    Raises:
        AuditError: tiles are missing.
    """
    if older.size == 0 or older.size > newer.size:
        return older.size == 0 and older.root == root_of(())
    path = TiledTree(files, newer.size).consistency(older.size)
    return verify_consistency(older.size, newer.size, older.root, newer.root, path)


def _split(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)


def _malformed() -> AuditError:
    return AuditError("this is no c2sp.org/tlog-proof@v1 without extra data", "copy the file again, byte for byte")
