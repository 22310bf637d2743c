"""What policy answers for a Sighting."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from platesieve.domain.disclosure import Disclosure
    from platesieve.domain.match import Disposition


class Reason(StrEnum):
    """Why a Decision is what it is. A closed list: no free text reaches the audit log."""

    POLICY_EVENT = "policy-event"
    POLICY_AGGREGATE = "policy-aggregate"
    POLICY_NONE = "policy-none"
    POLICY_EXPIRED = "policy-expired"
    POLICY_NOT_YET_EFFECTIVE = "policy-not-yet-effective"
    NO_POLICY = "no-policy"
    RETENTION_OVER = "retention-over"
    CLOCK_NOT_TRUSTED = "clock-not-trusted"
    RAW_LIFETIME_OVER = "raw-lifetime-over"
    SUSPENDED = "suspended"
    AUDIT_UNAVAILABLE = "audit-unavailable"


@dataclass(frozen=True, slots=True)
class Suppress:
    """Nothing leaves for this Sighting."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Disclose:
    """This Disclosure leaves, after its audit entry is durable."""

    disclosure: Disclosure
    reason: Reason = Reason.POLICY_EVENT


@dataclass(frozen=True, slots=True)
class Tally:
    """One is added to the count of a window; `group` holds the fields the policy lets a count be split by."""

    disposition: Disposition
    group: tuple[tuple[str, str], ...]
    reason: Reason = Reason.POLICY_AGGREGATE


Decision: TypeAlias = Suppress | Disclose | Tally
