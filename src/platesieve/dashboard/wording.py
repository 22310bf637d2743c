"""How values are said to people: moments, spans, codes, and whatever a device put into a message.

Nothing of a message is believed to be text that is fit to be shown: characters that control a screen or turn the
direction of writing are replaced, and length is bounded. Escaping for HTML is the templates' business, always on.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from platesieve.domain.access import OutcomeCode, Purpose
from platesieve.domain.instant import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_SHOWN = 160
_FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_FAR = datetime(9999, 1, 1, tzinfo=UTC)

PURPOSES: Mapping[Purpose, str] = {
    Purpose.ALERT_CHECK: "Check a live alert by eye",
    Purpose.STOLEN_VEHICLE: "Stolen vehicle",
    Purpose.WANTED_PERSON: "Wanted person, warrant",
    Purpose.MISSING_PERSON: "Missing person",
    Purpose.INVESTIGATION: "Active criminal investigation",
    Purpose.COURT_ORDER: "Court order",
    Purpose.RECORDS_REQUEST: "Request by the person concerned",
    Purpose.AUDIT: "Audit",
}
OUTCOMES: Mapping[OutcomeCode, tuple[str, str]] = {
    OutcomeCode.CONFIRMED: ("Confirmed", "the picture shows the wanted plate"),
    OutcomeCode.DOES_NOT_CORRELATE: ("Does not correlate", "misread, or not the wanted vehicle"),
    OutcomeCode.NOT_FOUND: ("Not found", "the vehicle could not be located"),
    OutcomeCode.STOPPED: ("Stopped", "after it was confirmed by eye"),
    OutcomeCode.RECOVERED: ("Recovered", "vehicle or person found"),
    OutcomeCode.ARREST: ("Arrest", "followed from this alert"),
    OutcomeCode.LIST_OUTDATED: ("List out of date", "not wanted any more"),
}
TONES: Mapping[OutcomeCode, str] = {
    OutcomeCode.DOES_NOT_CORRELATE: "bad",
    OutcomeCode.LIST_OUTDATED: "bad",
    OutcomeCode.NOT_FOUND: "",
}
FIELDS: Mapping[str, str] = {
    "plate": "Plate",
    "alternatives": "Other readings",
    "plate_region": "Region",
    "time": "Seen",
    "location": "Place",
    "device": "Camera",
    "direction": "Direction",
    "lane": "Lane",
    "confidence": "Confidence",
    "category": "Category",
    "list": "List",
    "plate_crop": "Picture of the plate",
    "scene_crop": "Picture of the vehicle",
    "time_quality": "Clock",
}


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Return names of fields as `FIELDS` has them, those that it does not know last."""
    known = {name: at for at, name in enumerate(FIELDS)}
    return tuple(sorted(names, key=lambda name: (known.get(name, len(known)), name)))


def capital(text: str) -> str:
    """Return a sentence with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def plain(value: object) -> str:
    """Return anything as one line of text that is fit to be shown."""
    text = value if isinstance(value, str) else _said(value)
    shown = "".join("\ufffd" if unicodedata.category(c) in _FORBIDDEN else c for c in text[: MAX_SHOWN + 1])
    return f"{shown[:MAX_SHOWN]}…" if len(shown) > MAX_SHOWN else shown


def _said(value: object) -> str:  # noqa: PLR0911 - one line for each form that fields take
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case {"latitude": int() | float() as latitude, "longitude": int() | float() as longitude}:
            return degrees(latitude, longitude)
        case {"start": str() as start, "end": str() as end}:
            return f"{start} to {end}"
        case {"pseudonym": str() as pseudonym}:
            return f"pseudonym {pseudonym[:12]}"
        case dict():
            return ", ".join(
                f"{key}: {_said(inner) if not isinstance(inner, str) else inner}" for key, inner in value.items()
            )
        case list():
            return ", ".join(_said(inner) if not isinstance(inner, str) else inner for inner in value)
        case _:
            return str(value)


def degrees(latitude: float, longitude: float) -> str:
    """Return a place to three decimals, which is about 100 m."""
    north, east = "N" if latitude >= 0 else "S", "E" if longitude >= 0 else "W"
    return f"{abs(latitude):.3f}° {north}, {abs(longitude):.3f}° {east}"


def moments_told(text: str, zone: tzinfo) -> str:
    """Return text of a device in which every RFC 3339 moment is said as people say it, in a time zone."""
    return _RFC_3339.sub(lambda found: _told(found[0], zone), text)


def _told(written: str, zone: tzinfo) -> str:
    try:
        return datetime.fromisoformat(written).astimezone(zone).strftime("%-d %b %Y, %H:%M:%S %Z")
    except (ValueError, OverflowError):
        return written


def moment(at_ns: int | None, zone: tzinfo) -> datetime:
    """Return a moment in a time zone; one that no calendar has becomes the last one."""
    try:
        return datetime.fromtimestamp((at_ns or 0) / NS_PER_S, UTC).astimezone(zone)
    except (OverflowError, ValueError, OSError):
        return _FAR


def iso(at_ns: int | None) -> str:
    """Return a moment as RFC 3339, UTC, whole seconds."""
    return moment(at_ns, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def span(seconds: float) -> str:
    """Return a length of time in its two largest units."""
    left = max(round(seconds), 0)
    parts: list[str] = []
    for name, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or (name == "s" and not parts):
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])


def ago(at_ns: int | None, now_ns: int) -> str:
    """Return how long ago something was."""
    if at_ns is None:
        return "never"
    seconds = (now_ns - at_ns) / NS_PER_S
    return "just now" if seconds < 5 else f"{span(seconds)} ago"  # noqa: PLR2004 - seconds nobody counts
