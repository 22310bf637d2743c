"""An alert as it is shown: which fields stand there in clear, which are sealed, and what an opened one says.

Pure. What a device wrote is never trusted: only fields that this system knows are shown, pictures are shown only where
they are JPEG of a sane size, and the notice is ours, whatever the message says.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from platesieve.collector.records import is_sealed
from platesieve.dashboard.wording import FIELDS, ordered, plain
from platesieve.domain.folding import CLASSES
from platesieve.policy.decide import NOTICE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platesieve.collector.records import Stored
    from platesieve.domain.access import OutcomeCode
    from platesieve.domain.disclosure import Json

PICTURES = ("plate_crop", "scene_crop")
SPECIAL = frozenset({"alternatives", *PICTURES})  # shown in a way of their own, if at all
CERTAIN = 0.98  # a glyph as probable as this has no alternatives worth a glance
MAX_ALTERNATIVES = 3
_MATCHES = {"exact": "exact", "lookalike": "lookalike", "partial-jurisdiction": "partial"}
_MAX_GLYPHS = 12
_MAX_PICTURE = 2 << 20


@dataclass(frozen=True, slots=True)
class Shown:
    """One field of an alert: its text, or that it is sealed and to whom."""

    name: str
    text: str
    sealed: bool

    @property
    def label(self) -> str:
        """Return what people call it."""
        return FIELDS[self.name]


@dataclass(frozen=True, slots=True)
class Mark:
    """One character of an opened plate: what else it may be. Without probabilities where the device sent none."""

    character: str = field(repr=False)
    probability: float | None
    others: tuple[tuple[str, float | None], ...] = field(repr=False)

    @property
    def unsure(self) -> bool:
        """Return whether somebody should look twice at it."""
        return bool(self.others) and (self.probability is None or self.probability < CERTAIN)


@dataclass(frozen=True, slots=True)
class Reading:
    """A plate in clear with its characters; `measured` where the device said how sure it is of each."""

    marks: tuple[Mark, ...] = field(repr=False)
    measured: bool


@dataclass(frozen=True, slots=True)
class Alert:
    """A stored hit for a page."""

    cursor: int
    id: str
    device: str
    received_ns: int
    expires_ns: int | None
    match: str
    shown: Mapping[str, Shown]
    sealed: tuple[str, ...]
    policy: str
    policy_sha256: str
    outcome: OutcomeCode | None
    held: bool
    reading: Reading | None = None
    notice: str = NOTICE

    @property
    def title(self) -> str:
        """Return what the alert is about, as far as that is not sealed."""
        category = self.shown.get("category")
        return category.text.replace("-", " ").capitalize() if category and not category.sealed else "Hot-list alert"

    @property
    def heading(self) -> str:
        """Return direction and lane, as far as they are not sealed."""
        told = (self.shown.get(name) for name in ("direction", "lane"))
        return ", ".join(one.text for one in told if one and not one.sealed)


@dataclass(frozen=True, slots=True)
class Opened:
    """What a reveal shows; in RAM for one page, and its repr shows nothing."""

    plate: str | None = field(repr=False)
    reading: Reading
    pictures: Mapping[str, str] = field(repr=False)
    others: tuple[Shown, ...] = field(repr=False)
    closed: tuple[str, ...] = ()


def alert_of(stored: Stored) -> Alert:
    """Return a stored hit for a page."""
    event = stored.event
    data = event.data
    policy = data.get("policy")
    plate, told = data.get("plate"), data.get("alternatives")
    named: Mapping[str, Json] = policy if isinstance(policy, dict) else {}
    shown = {
        name: Shown(name, "" if is_sealed(data[name]) else plain(data[name]), is_sealed(data[name]))
        for name in FIELDS
        if data.get(name) is not None and (name not in SPECIAL or is_sealed(data[name]))
    }
    return Alert(
        cursor=stored.cursor,
        id=event.id,
        device=event.device,
        received_ns=event.received_ns,
        expires_ns=event.expires_ns,
        match=_MATCHES.get(str(data.get("match")), "unknown"),
        shown=shown,
        sealed=ordered(event.sealed_fields),
        policy=plain(named.get("id", "unnamed")),
        policy_sha256=plain(named.get("sha256", "")),
        outcome=stored.outcome,
        held=stored.held,
        reading=reading_of(plate, told) if isinstance(plate, str) else None,
    )


def opened(alert: Alert, clear: Mapping[str, Json]) -> Opened:
    """Return what the fields of a reveal say, ready for a page."""
    plate = clear.get("plate")
    text = plate if isinstance(plate, str) else None
    return Opened(
        plate=None if text is None else plain(text),
        reading=reading_of(text or "", clear.get("alternatives")),
        pictures={name: picture for name in PICTURES if (picture := jpeg_address(clear.get(name)))},
        others=tuple(
            Shown(name, plain(value), sealed=False)
            for name, value in clear.items()
            if name in FIELDS and name not in {"plate", *SPECIAL} and name in alert.sealed
        ),
        closed=tuple(name for name in alert.sealed if name not in clear),
    )


def reading_of(text: str, alternatives: Json) -> Reading:
    """Return a plate with what its characters may be; alternatives of another plate are not believed."""
    measured = marks_of(alternatives)
    fits = bool(measured) and "".join(mark.character for mark in measured) == text
    return Reading(measured if fits else confusable(text), fits)


def marks_of(value: Json) -> tuple[Mark, ...]:
    """Return the characters of a plate with what else each may be.

    Args:
        value: for each character its alternatives, best first, as `[["8", 0.91], ["B", 0.07]]`; probabilities 0..1.
            Anything else gives nothing.
    """
    if not isinstance(value, list):
        return ()
    marks = [_mark(glyph) for glyph in value[:_MAX_GLYPHS]]
    return tuple(mark for mark in marks if mark) if all(marks) else ()


def confusable(text: str) -> tuple[Mark, ...]:
    """Return for each character those that readers confuse it with (`domain.folding`), without probabilities."""
    classes = {glyph: group for group in CLASSES for glyph in group}
    return tuple(
        Mark(plain(one), None, tuple((other, None) for other in classes.get(one, one) if other != one))
        for one in text[:_MAX_GLYPHS]
    )


def jpeg_address(value: Json) -> str | None:
    """Return a picture as an address that a page can hold, or None where it is no JPEG of a sane size."""
    if not isinstance(value, str) or len(value) > _MAX_PICTURE:
        return None
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not raw.startswith(b"\xff\xd8\xff"):
        return None
    return f"data:image/jpeg;base64,{base64.b64encode(raw).decode()}"


def _mark(glyph: Json) -> Mark | None:
    pairs: list[tuple[str, float]] = []
    for pair in glyph if isinstance(glyph, list) else ():
        match pair:
            case [str() as character, (int() | float()) as probability] if (
                len(character) == 1 and 0 <= probability <= 1
            ):
                pairs.append((plain(character), float(probability)))
            case _:
                return None
    if not pairs:
        return None
    (character, probability), *others = pairs
    return Mark(character, probability, tuple(others[:MAX_ALTERNATIVES]))
