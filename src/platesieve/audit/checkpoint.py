"""C2SP tlog-checkpoint v1.0.0: the size and root of a log, as the text of a signed note (FORMAT 4.5 to 4.7)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Self

from platesieve.audit.note import decode_base64
from platesieve.audit.tree import HASH_BYTES
from platesieve.domain.errors import AuditError

MAX_SIZE = 2**63 - 1
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_LINES = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log commits to: who it is, how many entries it has, and the root over them (32 bytes)."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Build from the three lines of a note's text.

        Raises:
            AuditError: another number of lines (extension lines cannot be audited), a size with leading
                zeroes, or a root that is not canonical base64 of 32 bytes.
        """
        lines = text.split("\n")
        if len(lines) != _LINES + 1 or lines[-1]:
            raise _malformed("it has not three lines")
        origin, size, root = lines[:_LINES]
        decoded = decode_base64(root)
        if not origin:
            raise _malformed("its origin is empty")
        if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
            raise _malformed("its size is not a decimal number without leading zeroes")
        if decoded is None or len(decoded) != HASH_BYTES:
            raise _malformed("its root is not canonical base64 of 32 bytes")
        return cls(origin, int(size), decoded)

    @property
    def text(self) -> str:
        """Return the three lines."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def _malformed(why: str) -> AuditError:
    return AuditError(f"this is not a checkpoint: {why}", "copy the file again, byte for byte")
