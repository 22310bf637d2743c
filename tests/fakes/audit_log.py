"""An audit log in RAM that can be made to fail like a full disk.

Usage::

    log = FakeAuditLog(story)
    log.fail = True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platesieve.domain.errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.audit.entry import Entry


class FakeAuditLog:
    """Keeps entries in a list; tells the story that it is given when it becomes durable."""

    def __init__(self, story: list[str] | None = None) -> None:
        self.entries: list[Entry] = []
        self.fail = False
        self._story = story if story is not None else []

    def append(self, entries: Sequence[Entry]) -> str:
        """See ports.AuditLog."""
        if self.fail:
            raise AuditError("the audit log cannot be written: no space left on device", "make room")
        self.entries += entries
        self._story += [f"logged {type(entry).__name__}" for entry in entries]
        return f"platesieve/test\n{len(self.entries)}\nroot\n"

    def kinds(self) -> list[str]:
        """Return the names of the entries, oldest first."""
        return [type(entry).__name__ for entry in self.entries]
