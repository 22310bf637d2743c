"""What comes back through the pipe: commands, of which only the agency's count, and what became of events."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING

from platesieve.audit import entry as log
from platesieve.domain.decision import Reason
from platesieve.domain.errors import PlatesieveError
from platesieve.domain.notice import Command, Erased, Verb
from platesieve.policy.command import verify_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.domain.instant import Instant
    from platesieve.domain.notice import Notice
    from platesieve.flow.books import Books
    from platesieve.settings import Device

_log = logging.getLogger(__name__)


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
        self._seen_nonces: set[str] = set()

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
