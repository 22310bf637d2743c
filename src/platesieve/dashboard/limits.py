"""How often somebody may try. Pure: moments in, an answer out; kept in RAM, so a restart forgives."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Lock

_MAX_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `times` within `within_s` seconds."""

    times: int
    within_s: float


SIGN_IN_BY_NAME = Limit(5, 15 * 60)
SIGN_IN_BY_ADDRESS = Limit(30, 15 * 60)
EXPORTS = Limit(6, 60 * 60)  # an export opens every event of its case
REVEALS = Limit(60, 60 * 60)  # nobody looks at more than one alert a minute for an hour; a scraper does


class Limiter:
    """Counts what was done under a key; safe to use from several threads."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._done: dict[str, deque[float]] = {}
        self._lock = Lock()

    def wait_s(self, key: str, now_s: float) -> float:
        """Return how long `key` must wait until it may try again; 0 where it may now."""
        with self._lock:
            done = self._recent(key, now_s)
            return max(done[0] + self._limit.within_s - now_s, 0.0) if len(done) >= self._limit.times else 0.0

    def count(self, key: str, now_s: float) -> None:
        """Remember one try."""
        with self._lock:
            if len(self._done) >= _MAX_KEYS and key not in self._done:
                self._done.pop(next(iter(self._done)))  # somebody invents names; the oldest is forgotten first
            self._recent(key, now_s).append(now_s)

    def forgive(self, key: str) -> None:
        """Forget the tries of `key`."""
        with self._lock:
            self._done.pop(key, None)

    def _recent(self, key: str, now_s: float) -> deque[float]:
        done = self._done.setdefault(key, deque(maxlen=self._limit.times))
        while done and done[0] + self._limit.within_s <= now_s:
            done.popleft()
        return done
