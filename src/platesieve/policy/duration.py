"""Lengths of time as policies write them: "3s", "10m", "24h", "60d"."""

from __future__ import annotations

import re

PATTERN = r"^[0-9]{1,6}(s|m|h|d)$"
MAX_S = 3660 * 86_400  # ten years: longer than any law that we read keeps a read
DAY_S = 86_400
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": DAY_S}


def parse_duration(written: str) -> int:
    """Return seconds.

    Raises:
        ValueError: it is not a number and s, m, h or d, or longer than ten years.
    """
    if not re.fullmatch(PATTERN, written, re.ASCII):
        raise ValueError(f"{written[:20]!r} is no length of time")
    seconds = int(written[:-1]) * _SECONDS[written[-1]]
    if seconds > MAX_S:
        raise ValueError(f"{written} is longer than ten years")
    return seconds


def write_duration(seconds: int) -> str:
    """Return the shortest way to write a length of time; `parse_duration` reads it."""
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"


def say_duration(seconds: int) -> str:
    """Return a length of time as people say it: "1 hour", "60 days"."""
    written = write_duration(seconds)
    number, unit = written[:-1], {"s": "second", "m": "minute", "h": "hour", "d": "day"}[written[-1]]
    return f"{number} {unit}" if number == "1" else f"{number} {unit}s"


def divides_time(seconds: int) -> bool:
    """Return whether windows of this length begin at the same times of every day, or of every nth day."""
    return seconds > 0 and (DAY_S % seconds == 0 or seconds % DAY_S == 0)
