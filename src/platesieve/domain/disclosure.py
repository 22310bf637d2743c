"""What may leave the device: the only types that can be stored or sent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Json: TypeAlias = "str | int | float | bool | list[Json] | Mapping[str, Json] | None"


class Kind(StrEnum):
    """What a Disclosure tells; also the last part of its topic."""

    HIT = "hit"
    READ = "read"
    COUNT = "count"
    HEALTH = "health"
    CHECKPOINT = "checkpoint"

    @property
    def lasting(self) -> bool:
        """Return whether the newest one replaces those before it (retained by the broker)."""
        return self in {Kind.HEALTH, Kind.CHECKPOINT}


@dataclass(frozen=True, slots=True, repr=False)
class Disclosure:
    """A minimised read, a count, or a word about the device itself.

    Built only by `policy.decide`, `policy.aggregate` and the accountability events of `pipeline`
    (tests/test_architecture.py holds the list), so that nothing else has a value that can be stored or sent.

    Attributes:
        id: random, so that ids neither order nor link events.
        kind: what it tells.
        body: the JSON of it, one key per field that the policy let through.
        expires_wall_ns: when it must be erased everywhere, nanoseconds since the Unix epoch;
            None for the lasting kinds.
        receipt_from: name of the collector whose signed receipt ends its stay in the outbox, or None.
    """

    id: str
    kind: Kind
    body: Mapping[str, Json]
    expires_wall_ns: int | None
    receipt_from: str | None = None

    def __repr__(self) -> str:
        return f"Disclosure({self.kind.value}, fields={sorted(self.body)})"


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a preservation hold asks of the outbox: what would be erased within a span stays until a later moment.

    Rows do not say in clear when a vehicle was seen, so the span is one of expiries, counted from it.

    Attributes:
        id: says the same stretch again by the same name.
        kind: of the rows that it is about.
        from_ns: expiries from this moment on, nanoseconds since the Unix epoch.
        to_ns: ... and before this one.
        until_ns: become this one, where it is later.
    """

    id: str
    kind: Kind
    from_ns: int
    to_ns: int
    until_ns: int
