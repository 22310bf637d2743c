"""Which commands were followed already: a memory that never forgets what could still be replayed.

Each followed command leaves its nonce and its expiry, nothing else. Only so many are kept; of those that are
forgotten the latest expiry stays as a mark, and whatever expires at or before the mark is refused unseen. So neither
a full memory nor a clock that is set back lets a command count twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

KEPT = 256  # far more than an agency signs in an hour
_ROW = re.compile(r"(\d{1,12}) ([0-9a-f]{32}|forgotten)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Nonces:
    """A memory of commands; `Nonces()` is empty.

    Attributes:
        expiry_s: when each command expires, in seconds since the Unix epoch, by its nonce.
        forgotten_s: the latest expiry among those that are no longer in it.
    """

    expiry_s: Mapping[str, int] = field(default_factory=dict)
    forgotten_s: int = 0

    def knows(self, nonce: str, expiry_s: int) -> bool:
        """Return whether a command was followed already, or could have been."""
        return nonce in self.expiry_s or expiry_s <= self.forgotten_s

    def with_one(self, nonce: str, expiry_s: int) -> Nonces:
        """Return the memory with one more command; the earliest to expire goes where it is full."""
        ordered = sorted({**self.expiry_s, nonce: expiry_s}.items(), key=lambda row: row[1])
        gone, kept = ordered[:-KEPT], ordered[-KEPT:]
        return Nonces(dict(kept), max([self.forgotten_s, *(expiry for _, expiry in gone)]))

    def to_text(self) -> str:
        """Return it as lines."""
        rows = [f"{self.forgotten_s} forgotten", *(f"{expiry} {nonce}" for nonce, expiry in self.expiry_s.items())]
        return "".join(f"{row}\n" for row in rows)

    @classmethod
    def from_text(cls, text: str) -> Nonces | None:
        """Return what `to_text` wrote, or None where it is something else."""
        rows = [_ROW.fullmatch(line) for line in text.splitlines()]
        if not rows or None in rows or not text.endswith("\n"):
            return None
        expiry_s = {row[2]: int(row[1]) for row in rows if row}
        forgotten_s = expiry_s.pop("forgotten", None)
        return None if forgotten_s is None else cls(expiry_s, forgotten_s)
