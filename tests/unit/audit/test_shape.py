"""The quick yes: never for bytes that `decode` would refuse, and for what a device writes all day."""

from __future__ import annotations

from pathlib import Path

import pytest

from platesieve.audit import entry as e
from platesieve.audit.shape import seen_at
from platesieve.audit.words import MOMENT
from platesieve.domain.errors import AuditError
from tests.fakes.log_files import START_NS, S, one_of_each
from tests.fakes.simulated_log import simulated

REFUSED = sorted((Path(__file__).parents[2] / "vectors/audit/entries/refused").glob("*.json"))
BYTES = b'0x"{},:. A/-\x00\xff'


def decodes_alike(encoded: bytes) -> bool:
    """Return whether `decode` takes bytes too, for the same type and time."""
    seen = seen_at(encoded)
    if seen is None:
        return True
    entry = e.decode(encoded)
    return seen == (type(entry), MOMENT.write(entry.time_ns).encode())


@pytest.mark.parametrize("entry", one_of_each(), ids=e.type_of)
def test_no_changed_byte_gets_a_yes_that_decode_would_not_give(entry: e.Entry) -> None:
    """At every place: replaced, added, left out."""
    encoded = e.encode(entry)
    assert decodes_alike(encoded)
    for at in range(len(encoded)):
        changed = [encoded[:at] + bytes([byte]) + encoded[at + 1 :] for byte in BYTES]
        added = [encoded[:at] + bytes([byte]) + encoded[at:] for byte in BYTES]
        for altered in (*changed, *added, encoded[:at] + encoded[at + 1 :]):
            assert decodes_alike(altered), altered


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_what_is_refused_gets_no_yes(path: Path) -> None:
    """Each of the one-fault files."""
    assert seen_at(path.read_bytes()) is None


def test_days_that_do_not_exist_get_no_yes() -> None:
    """And those that do get one, but for 29 February."""
    encoded = e.encode(e.Shutdown(START_NS)).decode()
    for month in range(1, 14):
        for day in range(33):
            altered = encoded.replace("2026-09-21", f"2028-{month:02}-{day:02}").encode()
            try:
                e.decode(altered)
                exists = (month, day) != (2, 29)
            except AuditError:
                exists = False
            assert (seen_at(altered) is not None) is exists, (month, day)


def test_what_a_device_writes_all_day_gets_a_yes() -> None:
    """Otherwise it would be no quicker: all of two days, but for two alerts in one period, and for names in a list.

    Names stand in order, which takes a comparison: those of hot lists, and of the fields that somebody opened.
    """
    entries = simulated(2)[0]
    left = [entry for entry in entries if seen_at(e.encode(entry)) is None]

    assert {type(entry) for entry in left} <= {e.HotListLoaded, e.Access, e.Batch}
    assert len(left) < len(entries) / 50


def test_counts_out_of_order_or_twice_get_no_yes() -> None:
    """Canonical JSON has one order."""
    batch = e.Batch(START_NS, START_NS + S, frames=1, plates_found=1, hits={}, misses=1, unsure=0,
                    suppressed={"policy-none": 1, "no-policy": 2}, tallied=0, disclosed=0)  # fmt: skip
    encoded = e.encode(batch)
    assert seen_at(encoded) is not None

    swapped = encoded.replace(b'"no-policy":2,"policy-none":1', b'"policy-none":1,"no-policy":2')
    twice = encoded.replace(b'"no-policy":2', b'"no-policy":2,"no-policy":2')
    assert encoded not in (swapped, twice)
    assert seen_at(swapped) is None
    assert seen_at(twice) is None
