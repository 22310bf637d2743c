"""Who may look: whoever reads the code at the device, one at a time, for as long as the page is open. Pure."""

from __future__ import annotations

import hmac
import secrets
from threading import Lock
from typing import TYPE_CHECKING, Final

from platesieve.dashboard.credentials import new_token
from platesieve.dashboard.limits import Limit, Limiter

if TYPE_CHECKING:
    from collections.abc import Callable

LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that looks like another one
TRIES: Final = Limit(5, 60.0)  # for everybody together: there is one installer
MOST_WRONG: Final = 20  # then the page ends: 20 of 2^40 codes


def new_code() -> str:
    """Return 40 random bits as people type them: two groups of four."""
    drawn = "".join(secrets.choice(LETTERS) for _ in range(8))
    return f"{drawn[:4]}-{drawn[4:]}"


class Door:
    """Lets in whoever has the present code. Each code counts once; then the device shows the next one.

    Args:
        show: tells the person at the device the code.
        code: the first one; drawn unless the person brought one along on the card.
    """

    def __init__(self, show: Callable[[str], None], code: str | None = None) -> None:
        self._show, self._code = show, code or new_code()
        self._lock = Lock()
        self._limiter = Limiter(TRIES)
        self._session = ""
        self._wrong = 0
        self.entered = 0
        show(self._code)

    @property
    def shut(self) -> bool:
        """Return whether there were so many wrong codes that nobody is let in any more."""
        return self._wrong >= MOST_WRONG

    def enter(self, code: str, now_s: float) -> str | None:
        """Return the cookie of a new session, which ends the one before; None for a wrong code, or too many."""
        with self._lock:
            if self.shut or self._limiter.wait_s("", now_s) > 0:
                return None
            if not hmac.compare_digest(_plain(code), _plain(self._code)):
                self._limiter.count("", now_s)
                self._wrong += 1
                return None
            self._code, self._session = new_code(), new_token()
            self.entered += 1
            self._show(self._code)
            return self._session

    def wait_s(self, now_s: float) -> float:
        """Return how long nobody may try."""
        return self._limiter.wait_s("", now_s)

    def knows(self, cookie: str) -> bool:
        """Return whether a cookie is that of the one session."""
        return bool(self._session) and hmac.compare_digest(cookie.encode(), self._session.encode())


def _plain(code: str) -> bytes:
    return "".join(code.upper().split()).replace("-", "").encode()
