"""What shows that a log only grew: a consistency proof that came along, or the log itself (FORMAT 9.2)."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Protocol

from platesieve.audit.entry import Publish
from platesieve.audit.log_files import read_entries
from platesieve.audit.note import decode_base64
from platesieve.audit.proof import is_prefix
from platesieve.audit.tree import EMPTY_ROOT, verify_consistency
from platesieve.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from platesieve.audit.checkpoint import Checkpoint
    from platesieve.audit.log_files import LogFiles
    from platesieve.domain.disclosure import Json

_MAX_HASHES = 2 * 63  # RFC 6962, 2.1.2, for the largest log there can be
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)


class Growth(Protocol):
    """What is known of how a log grew to its newest checkpoint."""

    def begins_with(self, older: Checkpoint, newer: Checkpoint) -> bool | None:
        """Return whether the log of `newer` begins with that of `older`; None where nothing shows it."""

    def earliest_since(self, older: Checkpoint, newer: Checkpoint) -> int | None:
        """Return the earliest time (ns) among the entries that came after `older`; None where unknown."""


class NoGrowth:
    """Nothing but the checkpoint came."""

    def begins_with(self, older: Checkpoint, newer: Checkpoint) -> bool | None:
        """Only of equal sizes, and of nothing, anything can be said."""
        if older.size == newer.size:
            return older.root == newer.root
        return older.root == EMPTY_ROOT if older.size == 0 else None

    def earliest_since(self, older: Checkpoint, newer: Checkpoint) -> int | None:  # noqa: ARG002 - the protocol's
        """Entries are not known."""
        return None


class GrowthByProofs(NoGrowth):
    """Consistency proofs came along, from the sizes that they name (RFC 6962, 2.1.2)."""

    def __init__(self, paths: Mapping[int, Sequence[bytes]]) -> None:
        self._paths = paths

    def begins_with(self, older: Checkpoint, newer: Checkpoint) -> bool | None:
        """Return whether the proof holds; None where none is from the size that is asked for."""
        if older.size in {0, newer.size} or older.size not in self._paths:
            return super().begins_with(older, newer)
        return verify_consistency(older.size, newer.size, older.root, newer.root, self._paths[older.size])


class GrowthByLog:
    """The whole log is at hand; `audit.verify` says whether its files are what was signed."""

    def __init__(self, files: LogFiles) -> None:
        self._files = files

    def begins_with(self, older: Checkpoint, newer: Checkpoint) -> bool | None:
        """Return whether the tiles show it."""
        return is_prefix(self._files, newer, older)

    def earliest_since(self, older: Checkpoint, newer: Checkpoint) -> int | None:
        """Return the earliest time; a publish is left out, because its time is coarse on purpose."""
        added = read_entries(self._files, newer.size, newer.size - older.size) if newer.size > older.size else ()
        return min((entry.time_ns for _, entry in added if not isinstance(entry, Publish)), default=None)


def parse_advance(text: str) -> tuple[Growth, bytes]:
    """Return proof and note of what C2SP tlog-witness sends to add-checkpoint; a note alone is taken too.

    The form is `old <size>`, the proof with one hash in base64 on each line, a blank line, the checkpoint.

    Raises:
        InputError: it begins like that and goes on differently.
    """
    head, separator, note = text.partition("\n\n")
    lines = head.split("\n")
    old = _OLD.fullmatch(lines[0])
    if old is None:
        return NoGrowth(), text.encode()
    path = [decode_base64(line) for line in lines[1:]]
    if not separator or None in path:
        raise InputError("this is no checkpoint with a consistency proof", "give what platesieve audit advance wrote")
    return GrowthByProofs({int(old[1]): [step for step in path if step is not None]}), note.encode()


def advance_text(old_size: int, path: Sequence[bytes], note: bytes) -> str:
    """Return a checkpoint with its consistency proof, as `parse_advance` takes it."""
    hashes = "".join(f"{base64.b64encode(step).decode()}\n" for step in path)
    return f"old {old_size}\n{hashes}\n{note.decode()}"


def parse_proofs(proofs: object) -> GrowthByProofs:
    """Return what a checkpoint event brought along: `[{"size": 5, "hashes": ["..."]}, ...]`.

    Raises:
        InputError: it is something else.
    """
    found: dict[int, list[bytes]] = {}
    for one in proofs if isinstance(proofs, list) else [None]:
        size, hashes = (one.get("size"), one.get("hashes")) if isinstance(one, dict) else (None, None)
        path = [decode_base64(step) for step in hashes if isinstance(step, str)] if isinstance(hashes, list) else [None]
        if type(size) is not int or None in path or len(path) > _MAX_HASHES:
            raise InputError("these are no consistency proofs", "give a checkpoint event as a device sent it")
        found[size] = [step for step in path if step is not None]
    return GrowthByProofs(found)


def proofs_document(paths: Mapping[int, Sequence[bytes]]) -> list[Json]:
    """Return consistency proofs as `parse_proofs` takes them."""
    return [
        {"size": size, "hashes": [base64.b64encode(step).decode() for step in path]} for size, path in paths.items()
    ]
