"""What comes back through the pipe: commands, of which only the agency's count, and what became of events."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, Protocol

from platesieve.audit import entry as log
from platesieve.domain.decision import Reason
from platesieve.domain.errors import PlatesieveError
from platesieve.domain.notice import Command, Erased, Verb
from platesieve.flow.orders import Orders
from platesieve.policy.command import CommandError, Memory, RamMemory, terms_info, verify_command
from platesieve.policy.orders import ended, read_terms
from platesieve.policy.seal import open_sealed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.domain.instant import Instant
    from platesieve.domain.notice import Notice
    from platesieve.flow.books import Books
    from platesieve.policy.command import Believed
    from platesieve.policy.holds import Preservation
    from platesieve.policy.language import Policy
    from platesieve.settings import Device

_log = logging.getLogger(__name__)


class LastingMemory(Memory, Protocol):
    """A memory of commands that also keeps which periods are held."""

    def holds(self) -> tuple[Preservation, ...]:
        """Return the periods that were held when the device was last on."""

    def keep_holds(self, holds: Sequence[Preservation]) -> None:
        """Write down the periods that are held; durable on return."""


class ForgetfulMemory(RamMemory):
    """A lasting memory that does not last, for tests and for a look."""

    def holds(self) -> tuple[Preservation, ...]:
        """Return none."""
        return ()

    def keep_holds(self, holds: Sequence[Preservation]) -> None:
        """Keep nothing."""


class Obedience:
    """Whether this device is suspended, what else was ordered, and by which commands.

    Args:
        device: who we are; a command for another device does not count.
        command_key: Ed25519 public key of whoever may command, 32 bytes; None: nobody may.
        suspended: how the last run ended. A suspension survives a restart, because the log says so.
        device_secret: raw private key to which terms of commands are sealed; None: none can be opened.
        memory: which commands were followed, and which periods are held; survives a restart.
    """

    def __init__(
        self,
        device: Device,
        command_key: bytes | None,
        *,
        suspended: bool,
        device_secret: bytes | None = None,
        memory: LastingMemory | None = None,
    ) -> None:
        self._device = device
        self._command_key = command_key
        self._suspended = suspended
        self._device_secret = device_secret
        self._memory = memory or ForgetfulMemory()
        self.orders = Orders(holds=self._memory.holds())

    @property
    def suspended(self) -> Reason | None:
        """Return the reason why nothing may be read, where there is one."""
        return Reason.SUSPENDED if self._suspended else None

    def heed(self, notices: Sequence[Notice], policy: Policy, books: Books, now: Instant) -> None:
        """Take in what came back; what matters is noted for the log.

        What was ordered stands in `orders`, and takes effect when the flow makes it part of the rules in force.
        """
        for notice in notices:
            match notice:
                case Erased(count, reason):
                    books.note(log.Erased(now.wall_ns, count, log.ErasedReason(reason)))
                case Command(document):
                    self._obey(document, policy, books, now)
        left, told = self.orders.without_over(now)
        if told:
            self._take(left, *told, books=books)

    def _obey(self, document: bytes, policy: Policy, books: Books, now: Instant) -> None:
        if self._command_key is None:
            _log.warning("a command came, but no key of the agency is set; it was not followed")
            return
        try:
            believed = verify_command(document, self._command_key, self._device, now, self._memory)
            self._follow(believed, hashlib.sha256(document).hexdigest(), policy, books, now)
        except PlatesieveError as error:
            _log.warning("a command was not followed: %s", error)

    def _follow(self, believed: Believed, sha256: str, policy: Policy, books: Books, now: Instant) -> None:
        match believed.verb:
            case Verb.SUSPEND:
                self._suspended = True
                books.note(log.Suspended(now.wall_ns, sha256))
            case Verb.RESUME:
                self._suspended = False
                books.note(log.Resumed(now.wall_ns, sha256))
            case Verb.REFRESH:
                books.refresh()
            case Verb.ADD_PLATE:
                added = self.orders.add(self._terms(believed), believed.nonce, policy, now)
                self._take(*added, books=books)
            case Verb.HOLD:
                held = self.orders.hold(self._terms(believed), believed.nonce, sha256, policy, now)
                self._take(*held, books=books)
            case Verb.END:
                self._take(*self.orders.end(ended(self._terms(believed)), now), books=books)

    def _terms(self, believed: Believed) -> dict[str, str]:
        if self._device_secret is None or believed.sealed is None:
            raise CommandError("a command has terms that this device cannot open", "give it a key of its own")
        info = terms_info(believed.verb, believed.nonce, self._device)
        return dict(read_terms(believed.verb, open_sealed(self._device_secret, believed.sealed, info)))

    def _take(self, orders: Orders, *entries: log.Entry, books: Books) -> None:
        """Note what was ordered, or ended, and let held periods survive a restart."""
        if orders.holds != self.orders.holds:
            self._memory.keep_holds(orders.holds)
        self.orders = orders
        for entry in entries:
            books.note(entry)
