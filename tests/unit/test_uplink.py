"""The loop of the uplink process, over fakes: store before saying so, never send what expired, count every loss."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from platesieve.domain.disclosure import Kind
from platesieve.domain.notice import Command, Erased
from platesieve.policy.receipt import ReceiptBook, sign_receipt
from platesieve.ports import Receipted
from platesieve.settings import Device
from platesieve.uplink import Uplink, run_uplink
from tests.fakes.clock import FakeClock
from tests.fakes.disclosures import a_health, a_hit, with_receipt
from tests.fakes.intake import FakeIntake
from tests.fakes.outbox import FakeOutbox
from tests.fakes.publisher import FakePublisher

if TYPE_CHECKING:
    from collections.abc import Sequence

SECRET = bytes(range(32))
PUBLIC = Ed25519PrivateKey.from_private_bytes(SECRET).public_key().public_bytes_raw()


@dataclass
class World:
    """An Uplink with fakes on every side, and time that passes with every step."""

    intake: FakeIntake = field(default_factory=FakeIntake)
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    publisher: FakePublisher = field(default_factory=FakePublisher)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.uplink = Uplink(
            self.intake, self.outbox, self.publisher, self.clock, ReceiptBook(Device(), {"agency": PUBLIC})
        )

    def steps(self, count: int = 3, each_s: float = 0.1) -> None:
        """Let the loop go round."""
        for _ in range(count):
            self.uplink.step(0)
            self.clock.advance(each_s)

    def sent(self) -> list[str]:
        """Return the ids the broker saw, in order, duplicates too."""
        return [disclosure.id for disclosure in self.publisher.received]


class Counting(FakeOutbox):
    """Keeps how many were let go at once."""

    def __init__(self) -> None:
        super().__init__()
        self.recorded: list[int] = []

    def delivered(self, ids: Sequence[str], now_wall_ns: int) -> None:
        """Let them go."""
        self.recorded.append(len(ids))
        super().delivered(ids, now_wall_ns)


def test_answers_are_recorded_together() -> None:
    """Each record writes to the card: sixty events that go out twenty at a time are let go in one."""
    outbox = Counting()
    world = World(outbox=outbox)
    world.publisher.connect()
    world.intake.camera += [a_hit(f"h{number}") for number in range(60)]
    world.steps(6)

    assert outbox.recorded == [60]
    assert outbox.rows == {}


def test_answers_do_not_wait_for_one_that_does_not_come() -> None:
    """A second later what was answered is recorded, whatever is still on its way."""
    world = World()
    world.publisher.connect()
    world.intake.camera += [a_hit("h1")]
    world.steps(1)
    world.publisher.answers = "nothing"
    world.intake.camera += [a_hit("h2")]
    world.steps(5)
    assert set(world.outbox.rows) == {"h1", "h2"}
    world.steps(10)

    assert set(world.outbox.rows) == {"h2"}


def test_an_event_is_stored_acknowledged_published_and_let_go() -> None:
    """The whole way of one hit, ending in an empty outbox."""
    world = World()
    world.publisher.connect()
    world.intake.camera.append(a_hit("h1"))
    world.steps()
    assert world.intake.acknowledged == ["h1"]
    assert world.sent() == ["h1"]
    assert world.outbox.rows == {}


def test_nothing_is_acknowledged_that_could_not_be_stored() -> None:
    """With a full disk the pipe is hung up, the camera sends again, and nothing is lost or said too early."""
    world = World()
    world.intake.camera.append(a_hit("h1"))
    world.outbox.disk_full = True
    world.steps(5)
    assert world.intake.acknowledged == []
    assert world.intake.resets >= 1
    world.outbox.disk_full = False
    world.publisher.connect()
    world.steps(5, each_s=1)
    assert world.intake.acknowledged == ["h1"]
    assert world.sent() == ["h1"]


def test_an_answer_that_the_disk_refused_to_note_is_noted_later_and_nothing_is_sent_twice() -> None:
    """A broker's answer is not lost with a failed commit."""
    world = World()
    world.publisher.connect()
    world.intake.camera.append(a_hit("h1"))
    world.uplink.step(0)
    world.outbox.disk_full = True
    world.steps(5)
    world.outbox.disk_full = False
    world.steps(5, each_s=1)
    assert world.sent() == ["h1"]
    assert world.outbox.rows == {}


def test_what_expired_is_erased_counted_and_never_sent() -> None:
    """An hour without a broker: the hit that lived a minute is gone and the camera process is told."""
    world = World()
    world.intake.camera += [a_hit("short", expires_in_s=60), a_hit("long", expires_in_s=7200)]
    world.steps()
    world.clock.advance(3600)
    world.steps()
    world.publisher.connect()
    world.steps()
    assert world.sent() == ["long"]
    assert world.intake.told == [Erased(1, "expired")]


def test_an_event_in_its_last_second_is_not_sent() -> None:
    """MQTT counts whole seconds, so that less than one cannot be enforced by the broker."""
    world = World()
    world.publisher.connect()
    world.intake.camera.append(a_hit("late", expires_in_s=0.9))
    world.steps(2, each_s=0.01)
    assert world.sent() == []


def test_what_was_in_flight_when_the_connection_went_is_sent_again() -> None:
    """Only the broker's answer lets go of an event."""
    world = World()
    world.publisher.connect()
    world.publisher.answers = "nothing"
    world.intake.camera.append(a_hit("h1"))
    world.steps()
    assert world.sent() == ["h1"]
    world.publisher.disconnect()
    world.publisher.answers = "take"
    world.publisher.connect()
    world.steps()
    assert world.sent() == ["h1", "h1"]
    assert world.outbox.rows == {}


def test_no_more_than_the_window_is_in_flight() -> None:
    """A slow broker has `window` events to answer, the others wait on the disk."""
    world = World(publisher=FakePublisher(window=3))
    world.publisher.connect()
    world.publisher.answers = "nothing"
    world.intake.camera += [a_hit(f"h{i}") for i in range(10)]
    world.steps(5)
    assert len(world.sent()) == 3


def test_a_refused_event_is_kept_and_offered_again_later() -> None:
    """A broker with the wrong access list costs time, not events."""
    world = World()
    world.publisher.connect()
    world.publisher.answers = "refuse"
    world.intake.camera.append(a_hit("h1"))
    world.steps(50)
    assert world.sent() == ["h1"]
    world.publisher.answers = "take"
    world.clock.advance(61)
    world.steps()
    assert world.sent() == ["h1", "h1"]


def test_with_a_collector_named_an_event_stays_until_it_expires() -> None:
    """The broker's answer is not delivery: the event is offered again every ten minutes."""
    world = World()
    world.publisher.connect()
    world.intake.camera.append(with_receipt(a_hit("h1", expires_in_s=1500)))
    world.steps(1400, each_s=1)
    assert world.sent() == ["h1"] * 3
    world.steps(200, each_s=1)
    assert world.outbox.rows == {}
    assert world.intake.told == [Erased(1, "expired")]


def test_health_is_said_again_on_every_connection() -> None:
    """The last will may have replaced it."""
    world = World()
    world.publisher.connect()
    world.intake.camera.append(a_health("reading"))
    world.steps()
    assert world.sent() == ["health"]
    world.publisher.disconnect()
    world.publisher.connect()
    world.steps()
    assert world.sent() == ["health", "health"]


def test_health_of_an_earlier_run_is_forgotten() -> None:
    """Nobody knows whether yesterday's `reading` is true."""
    world = World()
    world.outbox.store([a_health("reading")])
    world.publisher.connect()
    world.steps()
    assert world.sent() == []


def test_a_camera_process_that_is_gone_makes_the_device_offline_once() -> None:
    """Without the camera process the retained `reading` would be a lie; it is corrected after ten seconds."""
    world = World()
    world.publisher.connect()
    world.intake.camera.append(a_health("reading"))
    world.steps()
    world.intake.camera_present = False
    world.steps(9, each_s=1)
    assert world.publisher.offline_said == 0
    world.steps(30, each_s=1)
    assert world.publisher.offline_said == 1
    assert Kind.HEALTH not in {row.disclosure.kind for row in world.outbox.rows.values()}


def test_commands_are_ferried_as_they_came() -> None:
    """The uplink does not look into them."""
    world = World()
    world.publisher.connect()
    world.publisher.happen(Command(b"signed bytes"))
    world.steps()
    assert world.intake.told == [Command(b"signed bytes")]


def test_the_quota_is_counted_back() -> None:
    """Every drop reaches the camera process, whose audit log it belongs in."""
    world = World(outbox=FakeOutbox(quota_bytes=2000))
    world.intake.camera += [a_hit(f"h{i}") for i in range(10)]
    world.steps()
    (notice,) = world.intake.told
    assert notice == Erased(10 - len(world.outbox.rows), "quota")


def test_a_draining_run_ends_when_the_camera_has_left_and_all_is_sent() -> None:
    """The demo ends by itself, with every event delivered and the camera's last word standing."""
    world = World()
    world.publisher.connect()
    world.intake.camera += [a_hit("h1"), a_health("stopped")]
    rounds = 0

    def leave_later(_timeout_s: float) -> None:
        nonlocal rounds
        rounds += 1
        world.clock.advance(0.1)
        world.intake.goodbye = rounds > 3

    world.intake.on_take = leave_later
    left = run_uplink(world.intake, world.outbox, world.publisher, world.clock, lambda: rounds > 1000, lambda: True)
    assert left == 0
    assert rounds < 20
    assert world.publisher.offline_said == 0
    assert (world.intake.closed, world.outbox.closed, world.publisher.closed) == (True, True, True)


def test_a_draining_run_without_a_broker_goes_on_until_it_is_stopped() -> None:
    """What could not be sent stays stored, and its number is returned."""
    world = World()
    world.intake.camera.append(a_hit("h1"))
    rounds = 0

    def leave(_timeout_s: float) -> None:
        nonlocal rounds
        rounds += 1
        world.clock.advance(0.2)
        world.intake.goodbye = True

    world.intake.on_take = leave
    left = run_uplink(world.intake, world.outbox, world.publisher, world.clock, lambda: rounds >= 25, lambda: True)
    assert rounds == 25
    assert left == 1
    assert set(world.outbox.rows) == {"h1"}


def test_a_stop_says_offline_where_the_camera_did_not_say_goodbye() -> None:
    """A clean disconnect suppresses the last will, so its word is said before."""
    world = World()
    world.publisher.connect()
    assert run_uplink(world.intake, world.outbox, world.publisher, world.clock, lambda: True) == 0
    assert world.publisher.offline_said == 1


def test_the_signed_receipt_of_its_collector_lets_an_event_go() -> None:
    """The broker's answer does not, a forged receipt does not, the true one does, and twice is harmless."""
    world = World()
    world.publisher.connect()
    world.intake.camera.append(with_receipt(a_hit("h1")))
    world.steps()
    assert list(world.outbox.rows) == ["h1"]
    forged, true = (
        sign_receipt("agency", ["h1"], secret, Device(), world.clock.now().wall_ns, os.urandom)
        for secret in (bytes(32), SECRET)
    )
    world.publisher.happen(Receipted(forged))
    world.steps()
    assert list(world.outbox.rows) == ["h1"]
    world.publisher.happen(Receipted(true))
    world.publisher.happen(Receipted(true))
    world.steps()
    assert world.outbox.rows == {}


def test_a_receipt_that_the_disk_refused_to_note_counts_later() -> None:
    """A full disk delays letting go, and loses no receipt."""
    world = World()
    world.publisher.connect()
    world.intake.camera.append(with_receipt(a_hit("h1")))
    world.steps()
    world.outbox.disk_full = True
    world.publisher.happen(
        Receipted(sign_receipt("agency", ["h1"], SECRET, Device(), world.clock.now().wall_ns, os.urandom))
    )
    world.steps()
    world.outbox.disk_full = False
    world.steps()
    assert world.outbox.rows == {}
