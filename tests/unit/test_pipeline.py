"""The flow of the camera process: order, fail-closed behaviour, and what is written down."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from platesieve.audit import entry as log
from platesieve.domain.decision import Reason, Suppress
from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import AuditError, CameraError
from platesieve.domain.instant import NS_PER_S, Instant, TimeQuality
from platesieve.domain.match import Disposition
from platesieve.domain.notice import Command, Erased, Verb
from platesieve.pipeline import RETRY_S
from platesieve.policy.command import sign_command
from tests.fakes.station import INTERVAL_S, Station

if TYPE_CHECKING:
    from platesieve.vision.frame import Frame

PLATE = "CANARY7"
PASSING = [[(PLATE, 100.0 + 6 * n)] for n in range(5)]
WANTED = f"{PLATE},stolen,state,"
OPEN_POLICY = b"""
format = 1
id = "open"
title = "Keeps hits and misses in clear, for tests of the flow"
version = "1.0"
jurisdiction = "XX"
sources = [{ url = "https://example.org/", read = "2026-11-22", verified = "M: made up" }]
effective = 2020-01-01
mounts = ["fixed"]
[reading]
min_agreeing_frames = 2
min_confidence = 0.5
raw_lifetime = "3s"
[hit]
publish = "event"
retention = "1h"
[hit.fields]
plate = { action = "keep" }
time = { action = "keep" }
[miss]
publish = "aggregate"
aggregate = { window = "1h", suppress_below = 0, retention = "30d" }
[unsure]
publish = "none"
"""


def test_an_entry_is_durable_before_the_disclosure_leaves() -> None:
    """For every disclosure the log speaks first; here the story is told by the fakes as it happens."""
    station = Station(OPEN_POLICY, PASSING, hotlist=WANTED)
    station.play()

    assert (
        station.story.index("logged Publish") < station.story.index("sent hit") < station.story.index("sent checkpoint")
    )


def test_without_an_audit_log_nothing_leaves_and_nothing_is_read() -> None:
    """The disk is full: the hit is forgotten and counted, and plates are not looked at until the log works again."""
    station = Station(OPEN_POLICY, PASSING, hotlist=WANTED)
    for _ in range(4):
        station.step()
    station.log.fail = True
    station.play()
    searched = station.eyes.searched

    assert not station.outlet.of_kind(Kind.HIT)

    station.step()
    assert searched == station.eyes.searched, "a frame was searched while the log could not be written"

    station.log.fail = False
    station.clock.advance(RETRY_S)
    station.step()
    station.step()
    assert station.eyes.searched > searched
    assert [entry.reason for entry in station.log.entries if isinstance(entry, log.ReadingStopped)] == [
        log.StopReason.AUDIT_UNAVAILABLE
    ]
    assert isinstance(station.log.entries[-1], log.ReadingStarted)


def test_the_control_of_the_test_above_lets_the_same_hit_leave() -> None:
    """With a log that works the very same frames give a hit, so the test above is not empty."""
    station = Station(OPEN_POLICY, PASSING, hotlist=WANTED)
    station.play()

    assert len(station.outlet.of_kind(Kind.HIT)) == 1


def test_a_log_that_fails_at_the_start_stops_the_start() -> None:
    """No audit, no read: `run` refuses before the first frame."""
    station = Station(OPEN_POLICY, PASSING)
    station.log.fail = True

    class NeverAsked:
        dropped = 0

        def read(self) -> None:
            raise AssertionError("a frame was taken")

        def close(self) -> None:
            """Nothing to give back."""

    with pytest.raises(AuditError):
        station.pipeline.run(NeverAsked(), lambda: False)


class Vanishing:
    """A camera that shows what a station shows, and is then unplugged."""

    dropped = 0

    def __init__(self, station: Station, frames: int) -> None:
        self._station, self._left = station, frames

    def read(self) -> Frame:
        """Return the next frame while there are any."""
        self._left -= 1
        if self._left < 0:
            raise CameraError("the camera went away", "plug it in")
        return self._station.frame()

    def close(self) -> None:
        """Nothing to give back."""


def test_a_camera_that_goes_away_takes_no_vehicle_with_it() -> None:
    """A pass under way is judged with what was seen of it, logged and let go, and the books are closed."""
    station = Station(OPEN_POLICY, PASSING, hotlist=WANTED)
    with pytest.raises(CameraError):
        station.pipeline.run(Vanishing(station, len(PASSING)), lambda: False)

    assert len(station.outlet.of_kind(Kind.HIT)) == 1
    assert station.log.kinds()[-1] == "Shutdown"
    assert station.outlet.of_kind(Kind.HEALTH)[-1].body["state"] == "stopped"


def test_a_policy_that_expires_while_running_stops_the_reading() -> None:
    """The day on which it expires begins: from that frame on nothing is looked at, and the log says why."""
    station = Station(
        OPEN_POLICY.replace(b"effective = 2020-01-01", b"effective = 2020-01-01\nexpires = 2099-01-01"), PASSING
    )
    station.step()
    station.clock.step_wall(100 * 366 * 86_400)
    searched = station.eyes.searched
    station.step()

    assert searched == station.eyes.searched
    stopped = [entry for entry in station.log.entries if isinstance(entry, log.ReadingStopped)]
    assert [entry.reason for entry in stopped] == [log.StopReason.POLICY_EXPIRED]
    assert station.outlet.of_kind(Kind.HEALTH)[-1].body["state"] == "not-reading"


def test_misses_are_dropped_while_the_clock_is_not_trusted() -> None:
    """A count in the wrong hour is wrong; a wanted vehicle is still wanted, and says that its time is doubtful."""
    for hotlist, kind in (("", Suppress), (WANTED, None)):
        station = Station(OPEN_POLICY, PASSING, hotlist=hotlist)
        station.clock.time_quality = TimeQuality.UNKNOWN
        (judgement,) = station.play()
        if kind is Suppress:
            assert Suppress(Reason.CLOCK_NOT_TRUSTED) == judgement.decision
        else:
            assert len(station.outlet.of_kind(Kind.HIT)) == 1


def test_a_hot_list_that_is_too_old_gives_no_alerts() -> None:
    """The policy's default is 24 hours; after that the same plate is a miss, and health says that the list is stale."""
    station = Station(OPEN_POLICY, PASSING, hotlist=WANTED)
    station.clock.advance(25 * 3600)
    (judgement,) = station.play()

    assert judgement.disposition is Disposition.MISS
    hotlist = station.outlet.of_kind(Kind.HEALTH)[-1].body["hotlist"]
    assert isinstance(hotlist, dict)
    assert hotlist["stale"] is True


def test_a_clock_that_is_set_has_an_entry_of_its_own() -> None:
    """Retention is counted on the wall clock, so the log tells when somebody moved it, and how far."""
    station = Station(OPEN_POLICY, PASSING)
    station.step()
    station.clock.step_wall(-3600)
    station.step()

    (step,) = (entry for entry in station.log.entries if isinstance(entry, log.ClockStep))
    assert step.before_ns - step.after_ns == 3600 * NS_PER_S


def test_what_was_erased_behind_the_pipe_is_in_the_log() -> None:
    """The uplink process purges and counts; the log is the camera process's."""
    station = Station(OPEN_POLICY, [])
    station.outlet.coming_back.append(Erased(3, "expired"))
    station.step()

    assert any(isinstance(entry, log.Erased) and entry.count == 3 for entry in station.log.entries)


def test_an_agency_suspends_and_resumes_its_device_and_nobody_else_does() -> None:
    """A signed command for this device counts once; a forged, replayed or foreign one does not."""
    key, stranger = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    station = Station(OPEN_POLICY, PASSING, command_key=key.public_key().public_bytes_raw())

    def command(verb: Verb, signer: Ed25519PrivateKey, device: str = "cam-1") -> Command:
        now = station.clock.now()
        until = Instant(now.wall_ns + 600 * NS_PER_S, now.monotonic_ns)
        whom = replace(station.device, device=device)
        return Command(sign_command(verb, signer.private_bytes_raw(), whom, until, os.urandom))

    def state_after(*commands: Command) -> object:
        station.outlet.coming_back += commands
        station.step()
        return station.outlet.of_kind(Kind.HEALTH)[-1].body["state"]

    suspend = command(Verb.SUSPEND, key)
    assert state_after(command(Verb.SUSPEND, stranger)) == "reading"
    assert state_after(command(Verb.SUSPEND, key, "cam-2")) == "reading"
    assert state_after(suspend) == "suspended"
    searched = station.eyes.searched
    station.step()
    assert searched == station.eyes.searched, "a suspended device looked at a frame"
    assert state_after(command(Verb.RESUME, key)) == "reading"
    assert state_after(suspend) == "reading", "a replayed command was followed"
    assert {"Suspended", "Resumed"} <= set(station.log.kinds())


def test_a_suspension_survives_a_restart() -> None:
    """The log says how the last run ended, and the next one begins like that."""
    station = Station(OPEN_POLICY, PASSING, hotlist=WANTED, suspended=True)
    station.play()

    assert station.eyes.searched == 0
    assert not station.outlet.of_kind(Kind.HIT)


def test_counts_come_in_batches_and_hold_nothing_about_one_vehicle() -> None:
    """One entry a minute with numbers; the plate is in none of the bytes of the log or of what left."""
    station = Station("us-mn", PASSING, recipients={"agency": os.urandom(32)})
    station.play(quiet_frames=int(70 / INTERVAL_S))

    batches = [entry for entry in station.log.entries if isinstance(entry, log.Batch)]
    assert sum(batch.misses for batch in batches) == 1
    assert sum(batch.frames for batch in batches) > 500
    written = b"".join(log.encode(entry) for entry in station.log.entries)
    assert PLATE.encode() not in written
    assert PLATE not in repr([dict(disclosure.body) for disclosure in station.outlet.sent])


READS_POLICY = OPEN_POLICY.replace(
    b'publish = "aggregate"\naggregate = { window = "1h", suppress_below = 0, retention = "30d" }',
    b'publish = "event"\nretention = "1h"\n[miss.fields]\ntime = { action = "coarsen", to = "1m" }',
)


def test_reads_that_are_no_hits_leave_together_once_a_batch() -> None:
    """An append for each would say when every vehicle passed, and wear the card out."""
    others = [[("OTHER99", 100.0 + 6 * n)] for n in range(5)]
    quiet: list[list[tuple[str, float]]] = [[] for _ in range(15)]
    station = Station(READS_POLICY, [*PASSING, *quiet, *others], hotlist=WANTED)
    station.play(quiet_frames=100)
    assert len(station.outlet.of_kind(Kind.HIT)) == 1, "a hit waits for nothing"
    assert station.outlet.of_kind(Kind.READ) == []

    station.play(quiet_frames=int(60 / INTERVAL_S))
    assert len(station.outlet.of_kind(Kind.READ)) == 1
    kinds = station.log.kinds()
    assert kinds[kinds.index("Batch") - 1] == "Publish", "both under one checkpoint"


def test_a_read_that_does_not_live_that_long_leaves_at_once() -> None:
    """Waiting must not outlive what it waits with."""
    short = READS_POLICY.replace(
        b'publish = "event"\nretention = "1h"\n[miss', b'publish = "event"\nretention = "90s"\n[miss'
    )
    station = Station(short, PASSING)
    station.play()

    assert len(station.outlet.of_kind(Kind.READ)) == 1


def test_the_end_of_a_run_lets_go_of_reads_that_wait() -> None:
    """What was decided leaves, logged before it, although the batch is not over."""
    station = Station(READS_POLICY, PASSING)
    with pytest.raises(CameraError):
        station.pipeline.run(Vanishing(station, len(PASSING) + 10), lambda: False)

    assert len(station.outlet.of_kind(Kind.READ)) == 1
    assert station.log.kinds()[-1] == "Shutdown"


def test_the_control_a_policy_that_keeps_a_plate_shows_it() -> None:
    """The canary is really on its way: under a policy that keeps it, it is in what leaves."""
    station = Station(OPEN_POLICY, PASSING, hotlist=WANTED)
    station.play()

    (hit,) = station.outlet.of_kind(Kind.HIT)
    assert hit.body["plate"] == PLATE
