"""What happens when a policy expires while the camera runs, and names the pack that takes over."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from platesieve.audit import entry as log
from platesieve.domain.disclosure import Kind
from platesieve.flow.judge import Judge
from platesieve.hotlist.hotlist import HotList
from platesieve.pipeline import RETRY_S
from platesieve.policy.load import load_pack
from tests.fakes.passages import DEVICE, SEEN, a_set_of_instruments
from tests.fakes.station import Station

if TYPE_CHECKING:
    from platesieve.domain.disclosure import Disclosure

PLATE = "CANARY7"
PASS = [[(PLATE, 100.0 + 6 * n)] for n in range(5)]
QUIET: list[list[tuple[str, float]]] = [[] for _ in range(15)]
SECOND_PASS = [[("OTHER99", 100.0 + 6 * n)] for n in range(5)]
BASE = b"""
format = 1
id = "first"
title = "Hits in clear and misses counted, until the next midnight"
version = "1.0"
jurisdiction = "XX"
sources = [{ url = "https://example.org/", read = "2026-11-22", verified = "M: made up" }]
effective = 2020-01-01
expires = 2026-11-23
on_expiry = "PACK"
mounts = ["fixed", "mobile"]
[reading]
min_agreeing_frames = 1
min_confidence = 0.0
raw_lifetime = "3s"
"""
LOOSE = (
    BASE
    + b"""
[hit]
publish = "aggregate"
aggregate = { window = "1h", suppress_below = 0, retention = "365d" }
fields = { direction = { action = "keep" }, lane = { action = "keep" } }
"""
) + b"".join(
    b'[%s]\npublish = "event"\nretention = "60d"\n'
    b'fields = { lane = { action = "keep" }, direction = { action = "keep" }, '
    b'plate = { action = "pseudonym", epoch = "1d" } }\n' % name
    for name in (b"miss", b"unsure")
)
COUNTS = (
    BASE
    + b"""
[miss]
publish = "aggregate"
aggregate = { window = "1h", suppress_below = 0, retention = "365d" }
fields = { direction = { action = "keep" }, lane = { action = "keep" } }
[hit]
publish = "aggregate"
aggregate = { window = "1h", suppress_below = 0, retention = "365d" }
fields = { direction = { action = "keep" }, lane = { action = "keep" } }
[unsure]
publish = "aggregate"
aggregate = { window = "1h", suppress_below = 0, retention = "365d" }
fields = { direction = { action = "keep" }, lane = { action = "keep" } }
"""
)
TO_MIDNIGHT_S = 12 * 3600.0


def a_station(text: bytes = COUNTS) -> Station:
    """Return a station whose policy ends at midnight, twelve hours after the beginning, with two vehicles to pass."""
    return Station(text.replace(b"PACK", b"count-only"), [*PASS, *QUIET, *SECOND_PASS])


def play(station: Station, frames: int) -> None:
    """Let some frames pass."""
    for _ in range(frames):
        station.step()


def loaded(station: Station) -> list[str]:
    """Return the policies that the log says were loaded while it ran."""
    return [entry.id for entry in station.log.entries if isinstance(entry, log.PolicyLoaded)]


def told_by(disclosures: list[Disclosure]) -> list[str]:
    """Return the policy that each Disclosure names."""
    return [str(one.body["policy"]["id"]) for one in disclosures]  # type: ignore[index, call-overload]


def test_at_expiry_the_stricter_pack_takes_over_and_reading_goes_on() -> None:
    """Midnight passes: the log names the pack, health names it, and frames are searched as before."""
    station = a_station()
    play(station, 20)
    station.clock.advance(TO_MIDNIGHT_S)
    searched = station.eyes.searched
    play(station, 20)

    assert loaded(station) == ["count-only"]
    assert told_by(station.outlet.of_kind(Kind.HEALTH))[-1] == "count-only"
    assert station.eyes.searched == searched + 20
    assert not any(isinstance(entry, log.ReadingStopped) for entry in station.log.entries)


def test_without_a_successor_reading_stops() -> None:
    """The control: the same policy without `on_expiry`."""
    station = a_station(COUNTS.replace(b'on_expiry = "PACK"\n', b""))
    play(station, 20)
    station.clock.advance(TO_MIDNIGHT_S)
    searched = station.eyes.searched
    play(station, 20)

    assert loaded(station) == []
    assert station.eyes.searched == searched
    assert any(isinstance(entry, log.ReadingStopped) for entry in station.log.entries)


def test_counts_of_two_policies_are_never_mixed() -> None:
    """The open window is told under the policy that counted it, and its entry stands before the new policy's."""
    station = a_station()
    play(station, 20)
    station.clock.advance(TO_MIDNIGHT_S)
    play(station, 1)
    (count,) = station.outlet.of_kind(Kind.COUNT)

    assert told_by([count]) == ["first"]
    rows = count.body["counts"]
    assert isinstance(rows, list)
    assert [(row["disposition"], row["count"]) for row in rows if isinstance(row, dict)] == [("miss", 1)]
    kinds = station.log.kinds()
    assert kinds.index("Publish") < kinds.index("PolicyLoaded")
    assert kinds[kinds.index("PolicyLoaded") - 1] == "Batch"


def test_the_entry_is_durable_before_the_successor_takes_effect() -> None:
    """While the log cannot be written the successor judges nothing; when it can, it is loaded once."""
    station = a_station(LOOSE)
    play(station, 20)
    station.log.fail = True
    station.clock.advance(TO_MIDNIGHT_S)
    searched = station.eyes.searched
    play(station, 3)

    assert station.eyes.searched == searched
    assert loaded(station) == []

    station.log.fail = False
    station.clock.advance(RETRY_S)
    play(station, 20)
    assert loaded(station) == ["count-only"]
    assert station.eyes.searched > searched


def test_keys_end_with_the_policy_that_needed_them() -> None:
    """The pseudonym key of the first policy is destroyed before the second is loaded, and none is made for it."""
    station = a_station(LOOSE)
    play(station, 20)
    station.clock.advance(TO_MIDNIGHT_S)
    play(station, 20)

    kinds = station.log.kinds()
    assert "EpochKeyDestroyed" in kinds[: kinds.index("PolicyLoaded")]
    assert "EpochKeyCreated" not in kinds[kinds.index("PolicyLoaded") :]
    assert len(station.outlet.of_kind(Kind.READ)) == 1, "a single read left under a policy that counts"


def test_a_clock_that_is_set_back_does_not_bring_the_old_policy_back() -> None:
    """The expired policy is over for this run."""
    station = a_station()
    station.clock.advance(TO_MIDNIGHT_S)
    play(station, 1)
    station.clock.step_wall(-TO_MIDNIGHT_S)
    play(station, 20)

    assert loaded(station) == ["count-only"]
    assert told_by(station.outlet.of_kind(Kind.HEALTH))[-1] == "count-only"


def test_a_successor_that_this_device_may_not_use_does_not_take_over() -> None:
    """A pack for readers on vehicles, at a reader on a pole: the old one stays, and under it nothing is read."""
    expired = replace(load_pack("us-nh"), id="ours", expires=date(2026, 11, 22), on_expiry="us-nh")
    on_wheels = Judge(expired, HotList.empty(), replace(DEVICE, mount="mobile"), a_set_of_instruments())
    on_a_pole = replace(on_wheels, device=DEVICE)
    taken = on_wheels.successor(SEEN)

    assert taken is not None
    assert taken.policy.id == "us-nh"
    assert on_a_pole.successor(SEEN) is None
    assert on_a_pole.forbids(SEEN)


def test_a_successor_that_tells_more_does_not_take_over() -> None:
    """Packs change with the product: what was stricter when the policy was written may not be any more."""
    expired = replace(load_pack("count-only"), id="ours", expires=date(2026, 11, 22), on_expiry="us-mn")
    judge = Judge(expired, HotList.empty(), DEVICE, a_set_of_instruments())

    assert judge.successor(SEEN) is None
    assert replace(judge, policy=replace(expired, on_expiry="count-only")).successor(SEEN) is not None


def test_pictures_are_no_longer_taken_once_nobody_may_have_them() -> None:
    """Before midnight a picture may leave sealed, after it none: the eyes are told."""
    sealed = b'plate_crop = { action = "seal", to = "agency" }, plate = { action = "pseudonym"'
    station = a_station(LOOSE.replace(b'plate = { action = "pseudonym"', sealed))
    sight = station.pipeline._parts.sight
    sight.keep_pictures = station.judge.policy.wants_pictures
    play(station, 1)
    before = sight.keep_pictures
    station.clock.advance(TO_MIDNIGHT_S)
    play(station, 1)

    assert (before, sight.keep_pictures) == (True, False)
