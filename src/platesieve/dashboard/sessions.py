"""How long somebody stays signed in. Pure: a session and a moment in, an answer out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from platesieve.domain.instant import NS_PER_S

IDLE_S = 30 * 60
SHIFT_S = 12 * 3600
ENROL_S = 15 * 60


class Stage(StrEnum):
    """What a session is good for: choosing secrets once, or working."""

    ENROL = "enrol"
    WORK = "work"


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in on one browser.

    Attributes:
        id: what people name it by; random, and not the secret in the cookie.
        account: whose it is.
        stage: what it is good for.
        started_ns: when it began, wall clock.
        seen_ns: when it was last used.
        address: where it came from.
        browser: what the browser said of itself, cut short.
    """

    id: str
    account: str
    stage: Stage
    started_ns: int
    seen_ns: int
    address: str
    browser: str

    def alive(self, now_ns: int) -> bool:
        """Return whether it may still be used: neither idle nor old, nor from a future that a clock came back from."""
        idle_s, whole_s = (IDLE_S, SHIFT_S) if self.stage is Stage.WORK else (ENROL_S, ENROL_S)
        return 0 <= now_ns - self.started_ns < whole_s * NS_PER_S and now_ns - self.seen_ns < idle_s * NS_PER_S

    def ends_ns(self) -> int:
        """Return when it ends if nothing more is done."""
        idle_s, whole_s = (IDLE_S, SHIFT_S) if self.stage is Stage.WORK else (ENROL_S, ENROL_S)
        return min(self.started_ns + whole_s * NS_PER_S, self.seen_ns + idle_s * NS_PER_S)
