"""One generation of rules: policy, hot list and keys that an agency signed as they are together.

The camera process has one `Judge`, and a generation becomes part of it between two frames, as a whole, once the audit
log says so. Nothing here can be changed, so no decision can see half of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platesieve.domain.errors import DeliveryError
    from platesieve.hotlist.hotlist import HotList
    from platesieve.policy.language import Policy


@dataclass(frozen=True, slots=True, repr=False)
class Generation:
    """What is in force together.

    Attributes:
        policy: the law.
        hotlist: what is wanted; in RAM only.
        recipients: raw X25519 public keys by the names that the policy seals to.
        policy_until_ns: wall time from which nobody vouches for the policy; None where nobody had to.
        hotlist_until_ns: wall time from which nobody vouches for the hot list being the newest; None likewise.
        hotlist_from_ns: a wall clock before this one is wrong, for the list was here by then; None where that is not
            known. Otherwise whoever sets the clock back could make a list last for ever.
        sources: what the hot list was made of, to know it again: hash and expiry of each table.
    """

    policy: Policy
    hotlist: HotList
    recipients: Mapping[str, bytes]
    policy_until_ns: int | None = None
    hotlist_until_ns: int | None = None
    hotlist_from_ns: int | None = None
    sources: frozenset[tuple[str, int | None]] = frozenset()


class Deliveries(Protocol):
    """Signed documents as they come. Each method returns at once: what takes time happens in another thread."""

    def look(self) -> None:
        """See whether something has come."""

    def take(self) -> Generation | DeliveryError | None:
        """Return, once, a generation that is verified and fits this device, or why one was not accepted."""


class NoDeliveries:
    """A device whose rules come from its settings alone."""

    def look(self) -> None:
        """See nothing."""

    def take(self) -> None:
        """Return nothing."""
