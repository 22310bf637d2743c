"""Rows of the collector's tables as the records they stand for, and back."""

from __future__ import annotations

import json
from dataclasses import fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from platesieve.collector.records import (
    Access,
    Camera,
    CheckpointStatus,
    Deletion,
    Event,
    Hold,
    ListFreshness,
    Outcome,
    Quarantined,
    Rejection,
    Stored,
)
from platesieve.domain.access import DeletionReason, OutcomeCode, Purpose
from platesieve.domain.disclosure import Kind
from platesieve.domain.instant import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Mapping

SILENT_AFTER_NS = 120 * NS_PER_S  # four times the longest that a device's health is due


def columns(record: Any) -> dict[str, Any]:
    """Return a record as the columns of its table, which have the names of its fields."""
    return {each.name: _column(getattr(record, each.name)) for each in fields(record)}


def stored(row: Any) -> Stored:
    """Return an event with what is known about it."""
    event = Event(row.id, Kind(row.kind), row.device, row.received_ns, row.expires_ns, json.loads(row.document))
    return Stored(row.cursor, event, bool(row.held), OutcomeCode(row.outcome) if row.outcome else None)


def outcome(row: Any) -> Outcome:
    """Return what a person found."""
    return Outcome(row.event_id, row.at_ns, row.user, OutcomeCode(row.code), row.device)


def access(row: Any) -> Access:
    """Return who opened what."""
    return Access(
        at_ns=row.at_ns,
        user=row.user,
        purpose=Purpose(row.purpose),
        case=row.case,
        event_id=row.event_id,
        device=row.device,
        fields=tuple(json.loads(row.fields)),
        salt=row.salt,
        commitment=row.commitment,
        log_index=row.log_index,
    )


def hold(row: Any) -> Hold:
    """Return a hold."""
    return Hold(row.event_id, row.at_ns, row.user, row.case, row.until_ns, row.lifted_ns)


def deletion(row: Any) -> Deletion:
    """Return a deletion receipt."""
    reason = DeletionReason(row.reason)
    return Deletion(row.event_id, Kind(row.kind), row.device, row.expired_ns, row.deleted_ns, reason, row.log_index)


def quarantined(row: Any) -> Quarantined:
    """Return what is kept of a message that was not believed."""
    return Quarantined(row.at_ns, Rejection(row.reason), row.sha256, row.size_bytes, row.device)


def camera(row: Any, now_ns: int) -> Camera:
    """Return a device as it was last heard."""
    return Camera(
        device=row.device,
        seen_ns=row.seen_ns,
        health=json.loads(row.health),
        health_ns=row.health_ns,
        strain=row.strain,
        checkpoint_status=CheckpointStatus(row.checkpoint_status),
        checkpoint_size=row.checkpoint_size,
        checkpoint_ns=row.checkpoint_ns,
        checkpoint_sentence=row.checkpoint_sentence,
        silent=now_ns - (row.health_ns or row.seen_ns) > SILENT_AFTER_NS,
    )


def freshness(of: Camera, now_ns: int) -> ListFreshness | None:
    """Return the hot list of a device, or None where it named none."""
    named = of.health.get("hotlist")
    if not isinstance(named, dict) or of.health_ns is None:
        return None
    age_s = named.get("age_s")
    passed_s = max(now_ns - of.health_ns, 0) / NS_PER_S
    aged_s = age_s + passed_s if isinstance(age_s, int | float) else None
    return ListFreshness(of.device, str(named.get("sha256", "")), _whole(named.get("count")), aged_s)


def strain(before: Mapping[str, Any], before_ns: int | None, after: Mapping[str, Any], after_ns: int) -> float | None:
    """Return the share of frames between two health events that nobody looked at, 0..1.

    `fps` counts frames that were looked at since the health event before, `dropped` all that were overtaken since the
    device started; fewer than before means that it started anew.
    """
    if before_ns is None or not all(isinstance(h.get("dropped"), int) for h in (before, after)):
        return None
    overtaken = int(after["dropped"]) - int(before["dropped"])
    looked_at = float(after.get("fps") or 0.0) * (after_ns - before_ns) / NS_PER_S
    if overtaken < 0 or overtaken + looked_at <= 0:
        return None
    return round(min(overtaken / (overtaken + looked_at), 1.0), 4)


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _column(value: object) -> object:
    match value:
        case StrEnum():
            return value.value
        case tuple():
            return json.dumps(value)
        case _:
            return value
