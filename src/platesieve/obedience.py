"""What comes back through the pipe: commands, of which only the agency's count, and what became of events."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING

from platesieve.audit import entry as log
from platesieve.audit.verify import read_entries
from platesieve.domain.decision import Reason
from platesieve.domain.errors import PlatesieveError
from platesieve.domain.notice import Command, Erased, Verb
from platesieve.policy.command import verify_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.audit.entry import Entry
    from platesieve.audit.verify import LogFiles
    from platesieve.books import Books
    from platesieve.domain.instant import Instant
    from platesieve.domain.notice import Notice
    from platesieve.settings import Device

_log = logging.getLogger(__name__)


def was_suspended(files: LogFiles, size: int) -> bool:
    """Return whether the newest run in a log ended suspended, reading as little of it as it takes.

    A run that begins suspended says so after its Boot, so nothing older than the newest Boot matters.
    """
    last = 256
    while True:
        for _, entry in reversed(list(read_entries(files, size, last=last))):
            if isinstance(entry, log.Suspended | log.Resumed | log.Boot):
                return isinstance(entry, log.Suspended)
        if last >= size:
            return False
        last *= 8


class Obedience:
    """Whether this device is suspended, and by which commands.

    Args:
        device: who we are; a command for another device does not count.
        command_key: Ed25519 public key of whoever may command, 32 bytes; None: nobody may.
        suspended: how the last run ended. A suspension survives a restart, because the log says so.
    """

    def __init__(self, device: Device, command_key: bytes | None, *, suspended: bool) -> None:
        self._device = device
        self._command_key = command_key
        self._suspended = suspended
        self._seen_nonces: dict[str, int] = {}

    def opening(self, now: Instant) -> list[Entry]:
        """Return what the log must say at the start of a run, so that the next start finds it."""
        return [log.Suspended(now.wall_ns)] if self._suspended else []

    @property
    def suspended(self) -> Reason | None:
        """Return the reason why nothing may be read, where there is one."""
        return Reason.SUSPENDED if self._suspended else None

    def heed(self, notices: Sequence[Notice], books: Books, now: Instant) -> None:
        """Take in what came back; what matters is noted for the log."""
        for notice in notices:
            match notice:
                case Erased(count, reason):
                    books.note(log.Erased(now.wall_ns, count, log.ErasedReason(reason)))
                case Command(document):
                    self._obey(document, books, now)

    def _obey(self, document: bytes, books: Books, now: Instant) -> None:
        if self._command_key is None:
            _log.warning("a command came, but no key of the agency is set; it was not followed")
            return
        try:
            verb = verify_command(document, self._command_key, self._device, now, self._seen_nonces)
        except PlatesieveError as error:
            _log.warning("a command was not followed: %s", error)
            return
        sha256 = hashlib.sha256(document).hexdigest()
        match verb:
            case Verb.SUSPEND:
                self._suspended = True
                books.note(log.Suspended(now.wall_ns, sha256))
            case Verb.RESUME:
                self._suspended = False
                books.note(log.Resumed(now.wall_ns, sha256))
            case Verb.REFRESH:
                books.refresh()
