"""Plates added by hand and holds: on a signed and sealed order alone, only as the policy allows, and with an end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from platesieve.adapters.disk.command_memory import CommandMemory
from platesieve.audit import entry as log
from platesieve.domain.disclosure import Kind
from platesieve.domain.instant import NS_PER_S, Instant
from platesieve.domain.notice import Command, Verb
from platesieve.policy.coarsen import whole_second
from platesieve.policy.command import nonce_of, sign_command
from platesieve.policy.load import load_pack
from platesieve.policy.orders import written_terms
from platesieve.policy.packs import pack_text
from tests.fakes.passages import AGENCY_PRIVATE, AGENCY_PUBLIC
from tests.fakes.station import Station

if TYPE_CHECKING:
    from pathlib import Path

    from platesieve.domain.disclosure import Disclosure

COMMAND_SECRET = bytes(range(32))
COMMAND_PUBLIC = Ed25519PrivateKey.from_private_bytes(COMMAND_SECRET).public_key().public_bytes_raw()
PLATE = "CANARY7"
PASS = [[(PLATE, 100.0 + 6 * n)] for n in range(5)]
QUIET: list[list[tuple[str, float]]] = [[] for _ in range(15)]
HOUR_S = 3600.0


def a_station(policy: str | bytes = "us-mn", passes: int = 1, **settings: Any) -> Station:
    """Return a station with one vehicle to pass, that obeys the agency and can open what is sealed to it."""
    return Station(
        policy,
        [*PASS, *QUIET] * passes,
        recipients={"agency": AGENCY_PUBLIC},
        command_key=COMMAND_PUBLIC,
        device_secret=AGENCY_PRIVATE,  # any X25519 key will do
        **settings,
    )


def at(station: Station, seconds: float) -> str:
    """Return a moment from now as commands write it."""
    return whole_second(station.clock.now().wall_ns + int(seconds * NS_PER_S))


def order(station: Station, verb: Verb, **terms: str) -> str:
    """Send a signed command; return its id."""
    now = station.clock.now()
    expires = Instant(now.wall_ns + 600 * NS_PER_S, now.monotonic_ns)
    sealed = (written_terms(verb, terms), AGENCY_PUBLIC)
    document = sign_command(verb, COMMAND_SECRET, station.device, expires, os.urandom, sealed)
    station.outlet.coming_back.append(Command(document))
    return nonce_of(document)


def add_plate(station: Station, plate: str = PLATE, shift_s: float = HOUR_S, **changed: str) -> str:
    """Add a plate by hand until the end of a shift."""
    terms = {"plate": plate, "category": "stolen", "reason": "stolen-vehicle", "case": "26-004711"}
    return order(station, Verb.ADD_PLATE, **{**terms, "ends": at(station, shift_s), **changed})


def hold(station: Station, **changed: str) -> str:
    """Hold what passes within an hour of now for a hundred days."""
    period = {"from": at(station, -HOUR_S), "to": at(station, HOUR_S), "until": at(station, 100 * 24 * HOUR_S)}
    return order(station, Verb.HOLD, **{"plate": "", "case": "26-004711", "signer": "Sgt. Miller", **period, **changed})


def hits(station: Station) -> list[Disclosure]:
    """Return the alerts that left."""
    return station.outlet.of_kind(Kind.HIT)


def entries(station: Station, kind: Any) -> list[Any]:
    """Return the entries of one kind."""
    return [entry for entry in station.log.entries if isinstance(entry, kind)]


def test_a_plate_added_by_hand_is_wanted_and_the_log_says_so_without_it() -> None:
    """An alert for the list `by-hand`; its entry comes before, has reason and end, and no byte of plate or case."""
    station = a_station()
    id_ = add_plate(station)
    station.play()

    (added,) = entries(station, log.ManualEntryAdded)
    assert (added.id, added.reason.value) == (id_, "stolen-vehicle")
    assert [one.body["list"] for one in hits(station)] == ["by-hand"]
    kinds = station.log.kinds()
    assert kinds.index("ManualEntryAdded") < kinds.index("Publish")
    written = b"".join(log.encode(entry) for entry in station.log.entries)
    assert PLATE.encode() not in written
    assert b"004711" not in written


def test_without_an_order_nobody_is_wanted() -> None:
    """The control."""
    station = a_station()
    station.play()

    assert not hits(station)


@pytest.mark.parametrize(
    "changed",
    [
        {"reason": ""},
        {"reason": "because"},
        {"case": ""},
        {"case": "-"},
        {"category": "Stolen"},
        {"plate": ""},
        {"plate": "NO PLATE AT ALL, NONE"},
        {"ends": "2020-01-01T00:00:00Z"},
        {"ends": "2099-01-01T00:00:00Z"},
        {"ends": "soon"},
    ],
)
def test_an_order_without_reason_case_or_end_of_shift_is_not_followed(changed: dict[str, Any]) -> None:
    """Each of them alone is enough; nothing is logged as added."""
    station = a_station()
    add_plate(station, **changed)
    station.play()

    assert not hits(station)
    assert not entries(station, log.ManualEntryAdded)


def test_an_entry_ends_with_the_shift_or_when_it_is_withdrawn() -> None:
    """On its own, and the log says which of the two."""
    for ended_by in ("expired", "withdrawn"):
        station = a_station(passes=2)
        id_ = add_plate(station)
        for _ in range(20):
            station.step()
        station.clock.advance(2 * HOUR_S) if ended_by == "expired" else order(station, Verb.END, id=id_)
        station.play(0)

        (removed,) = entries(station, log.ManualEntryRemoved)
        assert (removed.id, removed.reason.value) == (id_, ended_by)
        assert not station.pipeline._parts.judge.orders.by_hand.entries
        assert len(hits(station)) == 1


def test_a_policy_that_does_not_name_entries_by_hand_takes_none() -> None:
    """What a policy does not name is not done."""
    text = pack_text("us-mn")
    line = next(row for row in text.splitlines() if row.startswith(b"manual_entries"))
    station = a_station(text.replace(line, b""))
    add_plate(station)
    station.play()

    assert not hits(station)


def test_while_the_log_cannot_be_written_no_order_takes_effect() -> None:
    """The entry is durable first; when the log is back, the order takes effect once."""
    station = a_station(passes=3)
    station.log.fail = True
    add_plate(station)
    station.step()
    assert not station.pipeline._parts.judge.orders.by_hand.entries

    station.log.fail = False
    station.clock.advance(6.0)
    station.play()
    assert len(entries(station, log.ManualEntryAdded)) == 1
    assert hits(station)


def test_an_order_that_this_device_cannot_open_is_not_followed() -> None:
    """Its terms are sealed to another device's key."""
    station = a_station()
    station.pipeline._parts.obedience._device_secret = bytes(range(2, 34))
    add_plate(station)
    station.play()

    assert not hits(station)


def test_a_hold_keeps_what_leaves_for_longer_and_asks_the_outbox_too() -> None:
    """Only what the policy lets out anyway; the entry says until when; the outbox keeps what is in it."""
    plain, held = (a_station(hotlist=f"{PLATE},stolen,state,") for _ in range(2))
    id_ = hold(held)
    plain.play()
    held.play()

    (before,), (after,) = hits(plain), hits(held)
    assert before.expires_wall_ns is not None
    assert after.expires_wall_ns is not None
    assert after.expires_wall_ns > before.expires_wall_ns
    assert after.body.keys() == before.body.keys()
    (placed,) = entries(held, log.Hold)
    assert (placed.id, placed.until_ns) == (id_, after.expires_wall_ns)
    assert {one.kind for one in held.outlet.stretched} == {Kind.HIT}
    assert not plain.outlet.stretched


@pytest.mark.parametrize(
    "changed",
    [
        {"case": ""},
        {"signer": ""},
        {"until": "2020-01-01T00:00:00Z"},
        {"until": "2099-01-01T00:00:00Z"},
        {"from": "2026-11-22T13:00:00Z", "to": "2026-11-22T13:00:00Z"},
    ],
)
def test_a_hold_without_case_signer_or_end_is_not_followed(changed: dict[str, str]) -> None:
    """Nor one for longer than the policy allows."""
    station = a_station()
    hold(station, **changed)
    station.play()

    assert not entries(station, log.Hold)


def test_a_hold_is_refused_where_the_policy_has_none() -> None:
    """`hits-only` says nothing of holds."""
    assert load_pack("hits-only").holds is None
    station = a_station("hits-only")
    hold(station)
    station.play()

    assert not entries(station, log.Hold)


def test_a_hold_of_one_plate_is_about_that_plate() -> None:
    """Another vehicle goes when it always goes; what is sealed in the outbox cannot be searched."""
    for held, longer in ((PLATE, True), ("OTHER99", False)):
        station = a_station(hotlist=f"{PLATE},stolen,state,")
        hold(station, plate=held)
        station.play()
        (alert,) = hits(station)
        assert alert.expires_wall_ns is not None
        days = (alert.expires_wall_ns - station.clock.now().wall_ns) / (24 * HOUR_S * NS_PER_S)
        assert (days > 90) is longer
        assert not station.outlet.stretched


def test_a_hold_ends_on_its_own_and_when_it_is_released() -> None:
    """And the log says which."""
    for ended_by in ("expired", "released"):
        station = a_station()
        id_ = hold(station, until=at(station, HOUR_S))
        station.step()
        assert station.pipeline._parts.judge.orders.holds
        station.clock.advance(2 * HOUR_S) if ended_by == "expired" else order(station, Verb.END, id=id_)
        station.step()

        (lifted,) = entries(station, log.HoldLifted)
        assert (lifted.id, lifted.reason.value) == (id_, ended_by)
        assert not station.pipeline._parts.judge.orders.holds


def test_a_held_period_survives_a_restart_and_an_order_about_a_plate_does_not(tmp_path: Path) -> None:
    """Nothing about a plate is on the disk; a period is no plate."""
    station = a_station(memory=CommandMemory(tmp_path))
    hold(station)
    hold(station, plate=PLATE)
    add_plate(station)
    station.play()
    on_disk = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    again = a_station(memory=CommandMemory(tmp_path))
    again.step()

    assert len(station.pipeline._parts.judge.orders.holds) == 2
    assert [one.plate for one in again.pipeline._parts.judge.orders.holds] == [None]
    assert not again.pipeline._parts.judge.orders.by_hand.entries
    assert PLATE.encode() not in on_disk


def test_the_batch_counts_what_is_in_force() -> None:
    """How many entries by hand and holds, for the log of use."""
    station = a_station()
    add_plate(station)
    hold(station)
    station.play()
    station.clock.advance(61)
    station.play(1)

    assert [(batch.manual, batch.holds) for batch in entries(station, log.Batch)][-1] == (1, 1)
