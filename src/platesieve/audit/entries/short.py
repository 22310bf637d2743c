"""The short form of a batch: a device writes half a million a year, nearly all of them mostly zeroes (FORMAT 2.10).

In the short form `seconds` stands for `start`, a count that is 0 and a table that is empty are left out, and so is
`sightings` where it is the sum of misses, unsure and hits. The long form is that of earlier logs; it stays for a
batch that did not record everything.
"""

from __future__ import annotations

from typing import Any

from platesieve.audit.words import COUNT, MOMENT, NS_PER_S, refuse

COUNTS = ("disclosed", "dropped_frames", "frames", "misses", "plates_found", "reads", "tallied", "unsure")
TABLES = ("hits", "suppressed")
_TYPE = "batch"


def shortened(document: dict[str, Any]) -> dict[str, Any]:
    """Return the short form of a batch, where it has one; anything else as it is."""
    if document["type"] != _TYPE or not document.keys() >= {*COUNTS, *TABLES, "sightings"}:
        return document
    lasted_ns = MOMENT.read(document["time"]) - MOMENT.read(document["start"])
    if lasted_ns < 0:
        return document
    short = {key: value for key, value in document.items() if value or key not in {*COUNTS, *TABLES}}
    del short["start"]
    if document["sightings"] == _vehicles(document):
        del short["sightings"]
    return {**short, "seconds": lasted_ns // NS_PER_S}


def lengthened(document: dict[str, Any]) -> dict[str, Any]:
    """Return the long form of what may be the short form of a batch; anything else as it is.

    Raises:
        AuditError: what it is made from is missing or of another kind.
    """
    if document["type"] != _TYPE or "seconds" not in document:
        return document
    if "start" in document:
        raise refuse("a batch in two forms")
    end_ns, lasted_ns = MOMENT.read(document.get("time")), COUNT.admit(document["seconds"]) * NS_PER_S
    start = MOMENT.write(MOMENT.admit(end_ns - lasted_ns))
    known = {key: value for key, value in document.items() if key != "seconds"}
    long = {**dict.fromkeys(COUNTS, 0), **{key: {} for key in TABLES}, **known, "start": start}
    return {"sightings": _vehicles(long), **long}


def _vehicles(document: dict[str, Any]) -> int:
    """Return how many passes there were, if none met two lists."""
    if not isinstance(document["hits"], dict):
        raise refuse("counts that are no table")
    return sum(COUNT.admit(n) for n in (document["misses"], document["unsure"], *document["hits"].values()))
