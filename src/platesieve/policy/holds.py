"""Preservation holds: what was let out already is kept for longer, because somebody signed for it.

A hold lets nothing more out, and keeps nothing that was not let out: it moves the moment at which a read is erased.
It is about a period of this camera or about one plate, ends on its own, and means nothing under a policy without
`[holds]`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from platesieve.domain.disclosure import Kind, Stretch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from platesieve.domain.disclosure import Disclosure
    from platesieve.domain.instant import Instant
    from platesieve.domain.plate import PlateText
    from platesieve.policy.language import Policy


@dataclass(frozen=True, slots=True)
class Preservation:
    """One hold.

    Attributes:
        id: nonce of the command that placed it, 32 hex digits.
        plate: the plate it is about, in RAM only; None for everything that this camera lets out.
        from_ns: reads of vehicles last seen from this moment on, nanoseconds since the Unix epoch.
        to_ns: ... and before this one.
        until_ns: are kept until then.
    """

    id: str
    plate: PlateText | None
    from_ns: int
    to_ns: int
    until_ns: int

    def over(self, now: Instant) -> bool:
        """Return whether it ended on its own."""
        return now.wall_ns >= self.until_ns


def preserved(
    disclosure: Disclosure, plate: PlateText, seen_ns: int, policy: Policy, holds: Iterable[Preservation]
) -> Disclosure:
    """Return a Disclosure with the expiry that the holds give it: never an earlier one."""
    if policy.holds is None or disclosure.expires_wall_ns is None:
        return disclosure
    longest = policy.holds.longest_s * 10**9 + seen_ns
    untils = [
        min(hold.until_ns, longest)
        for hold in holds
        if hold.from_ns <= seen_ns < hold.to_ns and hold.plate in {None, plate}
    ]
    return replace(disclosure, expires_wall_ns=max([disclosure.expires_wall_ns, *untils]))


def stretches(hold: Preservation, policy: Policy) -> Iterator[Stretch]:
    """Yield what is asked of the outbox when a period of the camera is held."""
    if hold.plate is not None or policy.holds is None:
        return  # what is sealed or under a pseudonym there cannot be searched for a plate
    retentions_s = {
        Kind.HIT: (policy.hit.retention_s,),
        Kind.READ: (policy.miss.retention_s, policy.unsure.retention_s),
    }
    for kind, lengths_s in retentions_s.items():
        for retention_s in sorted({length for length in lengths_s if length}):
            # An expiry is rounded down by up to half a retention, so that a read goes before its time.
            early_ns = hold.from_ns + retention_s * 10**9 // 2
            name = f"{hold.id}-{kind}-{retention_s}"
            yield Stretch(name, kind, early_ns, hold.to_ns + retention_s * 10**9, hold.until_ns)
