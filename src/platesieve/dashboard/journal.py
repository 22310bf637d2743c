"""What happened at the door: sign-ins, refusals, sessions and accounts. Closed words; never a password or a plate.

Who opened which alert is not here but in the collector's transparency log, which is written before anything opens.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Act(StrEnum):
    """What somebody did."""

    SIGNED_IN = "signed in"
    REFUSED = "sign-in refused"
    LOCKED_OUT = "too many sign-ins"
    SIGNED_OUT = "signed out"
    ENROLLED = "chose password and second factor"
    INVITED = "invited"
    SUSPENDED = "suspended account of"
    ENDED_SESSION = "ended a session of"
    TOO_MANY_REVEALS = "too many reveals"
    HELD = "kept an alert for case"
    LIFTED = "ended the holds of case"
    EXPORTED = "exported case"
    TOO_MANY_EXPORTS = "too many exports"


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the journal.

    Attributes:
        at_ns: when.
        actor: account that did it; empty where no account of that name exists, because people type passwords there.
        act: what.
        subject: account it was done to, or empty.
        address: where the request came from.
    """

    at_ns: int
    actor: str
    act: Act
    subject: str = ""
    address: str = ""
