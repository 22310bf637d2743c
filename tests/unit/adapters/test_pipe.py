"""The pipe between the processes: nothing lost over reconnects, nothing kept beyond bounds, nobody else let in."""

from __future__ import annotations

import json
import os
import socket
import stat
import struct
import threading
import time
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.local import pipe_frames as frames
from platesieve.adapters.local.pipe_intake import PipeIntake
from platesieve.adapters.local.pipe_outlet import PipeOutlet
from platesieve.domain.disclosure import Kind, Stretch
from platesieve.domain.errors import LinkError
from platesieve.domain.notice import Command, Erased
from tests.fakes.clock import FakeClock
from tests.fakes.disclosures import a_health, a_hit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from platesieve.domain.disclosure import Disclosure
    from platesieve.domain.notice import Notice

LIMIT_S = 5.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the socket is."""
    return tmp_path / "uplink.sock"


@pytest.fixture
def clock() -> FakeClock:
    """Return the camera process's clock."""
    return FakeClock()


@pytest.fixture
def make_outlet(path: Path, clock: FakeClock) -> Iterator[Callable[..., PipeOutlet]]:
    """Return a function that starts a camera end, closed at the end of the test."""
    made: list[PipeOutlet] = []

    def make(max_buffer_bytes: int = 1 << 20) -> PipeOutlet:
        made.append(PipeOutlet(path, clock, max_buffer_bytes=max_buffer_bytes, retry_min_s=0.01, retry_max_s=0.05))
        return made[-1]

    yield make
    for outlet in made:
        outlet.close()


def take(intake: PipeIntake, count: int) -> list[Disclosure]:
    """Take until `count` Disclosures came, or time is over."""
    taken: list[Disclosure] = []
    end_s = time.monotonic() + LIMIT_S
    while len(taken) < count and time.monotonic() < end_s:
        taken += intake.take(0.05)
    return taken


def take_while(intake: PipeIntake, done: Callable[[], bool]) -> list[Disclosure]:
    """Take and store until something is the case."""
    taken: list[Disclosure] = []
    end_s = time.monotonic() + LIMIT_S
    while not done() and time.monotonic() < end_s:
        arrived = intake.take(0.02)
        taken += arrived
        intake.stored([disclosure.id for disclosure in arrived])
    return taken


def heard(outlet: PipeOutlet, count: int = 1) -> set[Notice]:
    """Wait for notices."""
    notices: set[Notice] = set()
    end_s = time.monotonic() + LIMIT_S
    while len(notices) < count and time.monotonic() < end_s:
        notices |= set(outlet.notices())
        time.sleep(0.01)
    return notices


def test_disclosures_go_up_and_answers_come_down(path: Path, make_outlet: Callable[..., PipeOutlet]) -> None:
    """Both directions, and the buffer is empty when all is stored."""
    outlet, intake = make_outlet(), PipeIntake(path)
    sent = [a_hit("h1"), a_health("reading")]
    for disclosure in sent:
        outlet.send(disclosure)
    assert take(intake, 2) == sent
    assert not outlet.drain(0.05)
    intake.stored(["h1", "health"])
    assert outlet.drain(LIMIT_S)
    intake.notify(Command(b"\x00signed"))
    intake.notify(Erased(2, "expired"))
    assert heard(outlet, 2) == {Command(b"\x00signed"), Erased(2, "expired")}
    assert outlet.notices() == []
    intake.close()


def test_what_was_not_stored_comes_again_after_a_reconnect(path: Path, make_outlet: Callable[..., PipeOutlet]) -> None:
    """In the order it was sent; what was stored does not come again."""
    outlet, intake = make_outlet(), PipeIntake(path)
    for i in range(5):
        outlet.send(a_hit(f"h{i}"))
    assert len(take(intake, 5)) == 5
    intake.stored(["h0", "h1"])
    time.sleep(0.05)
    intake.close()
    intake = PipeIntake(path)
    assert [d.id for d in take(intake, 3)] == ["h2", "h3", "h4"]
    intake.close()


def test_a_hold_goes_up_until_it_is_said_to_be_done(path: Path, make_outlet: Callable[..., PipeOutlet]) -> None:
    """Like a Disclosure: again after a reconnect, and gone once it is durable; it is no event that could be lost."""
    outlet, intake = make_outlet(), PipeIntake(path)
    asked = Stretch("hold-hit-60", Kind.HIT, 1, 2, 3 * 10**18)
    outlet.stretch([asked])
    assert outlet.waiting == 0
    found: list[Stretch] = []

    def heard(times: int) -> bool:
        found.extend(intake.stretches())
        return len(found) >= times

    take_while(intake, lambda: heard(1))
    intake.reset()
    take_while(intake, lambda: heard(2))
    assert found == [asked, asked]
    intake.stored([asked.id])
    assert outlet.drain(LIMIT_S)
    intake.close()


def test_what_is_not_stored_at_the_end_can_be_counted(make_outlet: Callable[..., PipeOutlet]) -> None:
    """Events that would be lost, without health, which is said again anyway."""
    outlet = make_outlet()
    for one in (a_hit("h1"), a_hit("h2"), a_health("reading")):
        outlet.send(one)

    assert not outlet.drain(0.01)
    assert outlet.waiting == 2


def test_thousands_pass_with_few_on_the_wire(path: Path, make_outlet: Callable[..., PipeOutlet]) -> None:
    """The window keeps either end from blocking on the other, and the order stays."""
    outlet = make_outlet()
    ids = [f"h{i}" for i in range(2000)]
    for id_ in ids:
        outlet.send(a_hit(id_))
    intake = PipeIntake(path)
    taken = take_while(intake, lambda: outlet.drain(0))
    assert [d.id for d in taken] == ids
    intake.close()


def test_above_its_bound_the_buffer_drops_the_oldest_and_counts(make_outlet: Callable[..., PipeOutlet]) -> None:
    """Without an uplink process the camera process does not grow."""
    outlet = make_outlet(3000)
    for i in range(50):
        outlet.send(a_hit(f"h{i}"))
    (notice,) = outlet.notices()
    assert isinstance(notice, Erased)
    assert notice.reason == "pipe-full"
    assert outlet._buffer.size_bytes <= 3000
    assert list(outlet._buffer) == [f"h{i}" for i in range(notice.count, 50)]


def test_an_expired_one_leaves_the_buffer_and_is_counted(
    clock: FakeClock, make_outlet: Callable[..., PipeOutlet]
) -> None:
    """Waiting for the uplink process does not lengthen a life."""
    outlet = make_outlet()
    outlet.send(a_hit("short", expires_in_s=10))
    outlet.send(a_hit("long", expires_in_s=100))
    clock.advance(11)
    assert heard(outlet) == {Erased(1, "expired")}
    assert list(outlet._buffer) == ["long"]


def test_the_newest_health_replaces_the_one_before_it(make_outlet: Callable[..., PipeOutlet]) -> None:
    """An outage does not fill the buffer with old states."""
    outlet = make_outlet()
    for i in range(10):
        outlet.send(a_health("reading", f"health{i}"))
    assert list(outlet._buffer) == ["health9"]


def test_a_disclosure_too_large_for_a_frame_is_counted_as_lost(make_outlet: Callable[..., PipeOutlet]) -> None:
    """It could never be sent; the camera process goes on."""
    outlet = make_outlet(1 << 30)
    outlet.send(a_hit("huge", size=frames.MAX_FRAME_BYTES))
    assert outlet.notices() == [Erased(1, "pipe-full")]


def test_notices_wait_for_the_camera_process_and_add_up(path: Path, make_outlet: Callable[..., PipeOutlet]) -> None:
    """Losses while it was away are not forgotten; a flood of commands is."""
    intake = PipeIntake(path)
    for i in range(100):
        intake.notify(Erased(1, "expired"))
        intake.notify(Command(bytes([i])))
    outlet = make_outlet()
    notices: list[Notice] = []
    end_s = time.monotonic() + LIMIT_S
    while Erased(100, "expired") not in notices and time.monotonic() < end_s:
        intake.take(0.02)
        notices += outlet.notices()
    assert Erased(100, "expired") in notices
    assert len(notices) == 33
    intake.close()


def test_a_goodbye_is_known_from_a_crash(path: Path, make_outlet: Callable[..., PipeOutlet]) -> None:
    """Only `close` says goodbye; a connection that just ends does not, and a new one takes it back."""
    intake = PipeIntake(path)
    crashed = socket.socket(socket.AF_UNIX)
    crashed.connect(str(path))
    take_while(intake, lambda: intake.camera_present)
    crashed.close()
    take_while(intake, lambda: not intake.camera_present)
    assert not intake.goodbye
    outlet = make_outlet()
    take_while(intake, lambda: intake.camera_present)
    outlet.close()
    take_while(intake, lambda: intake.goodbye)
    assert intake.goodbye
    make_outlet()
    take_while(intake, lambda: not intake.goodbye)
    assert not intake.goodbye
    intake.close()


def test_a_closed_outlet_refuses(make_outlet: Callable[..., PipeOutlet]) -> None:
    """What can no longer be sent is said to whoever sends it."""
    outlet = make_outlet()
    outlet.close()
    with pytest.raises(LinkError, match="closed"):
        outlet.send(a_hit("h1"))


@pytest.mark.parametrize(
    "junk",
    [
        struct.pack(">I", frames.MAX_FRAME_BYTES + 1),
        struct.pack(">I", 4) + b"\xff\xff\xff\xff",
        struct.pack(">I", 2) + b"[]",
        struct.pack(">I", 2) + b"{}",
        struct.pack(">I", 100_000) + b"[" * 100_000,
        frames.encode(
            {"disclosure": {"id": "h", "kind": "hit", "body": {}, "expires_wall_ns": None, "receipt_from": None}}
        ),
    ],
    ids=["too long", "not utf-8", "not an object", "no disclosure", "deep", "a hit that never expires"],
)
def test_junk_ends_the_connection_and_nothing_else(
    path: Path, junk: bytes, make_outlet: Callable[..., PipeOutlet]
) -> None:
    """The listener goes on, and the camera process that comes after is served."""
    intake = PipeIntake(path)
    bad = socket.socket(socket.AF_UNIX)
    bad.connect(str(path))
    bad.sendall(junk)
    take_while(intake, lambda: intake.camera_present)
    assert take_while(intake, lambda: not intake.camera_present) == []
    bad.close()
    make_outlet().send(a_hit("h1"))
    assert [d.id for d in take(intake, 1)] == ["h1"]
    intake.close()


def test_junk_from_below_does_not_end_the_camera_side(path: Path, make_outlet: Callable[..., PipeOutlet]) -> None:
    """Its thread hangs up, comes again and delivers."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    outlet = make_outlet()
    outlet.send(a_hit("h1"))
    for junk in (b'{"stored": 7}', b'{"stored": [[]]}', b'{"erased": {"count": -1, "reason": "x"}}', b"{}"):
        connection, _ = listener.accept()
        connection.sendall(struct.pack(">I", len(junk)) + junk)
        connection.recv(1)
        connection.close()
    listener.close()
    intake = PipeIntake(path)
    assert [d.id for d in take(intake, 1)] == ["h1"]
    intake.close()


def test_frames_survive_any_cut() -> None:
    """A stream knows no frames: byte by byte they come out whole."""
    documents: list[dict[str, object]] = [{"stored": ["a"]}, {"goodbye": True}, {"command": "é"}]
    stream = b"".join(frames.encode(document) for document in documents)
    reader = frames.FrameReader()
    found = [document for byte in stream for document in reader.feed(bytes([byte]))]
    assert json.dumps(found) == json.dumps(documents)


def test_the_socket_is_the_owners_alone(path: Path) -> None:
    """Whatever the mask of the process."""
    before = os.umask(0)
    try:
        intake = PipeIntake(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    intake.close()
    assert not path.exists()


def test_another_user_is_hung_up_on(path: Path, make_outlet: Callable[..., PipeOutlet]) -> None:
    """The kernel says who is there; here the intake expects somebody else than us."""
    intake = PipeIntake(path, peer_uids=frozenset({os.geteuid() + 1}))
    make_outlet().send(a_hit("h1"))
    end_s = time.monotonic() + 0.3
    while time.monotonic() < end_s:
        assert intake.take(0.02) == []
        assert not intake.camera_present
    intake.close()


def test_a_path_too_long_for_a_socket_is_said(tmp_path: Path) -> None:
    """The kernel's limit is 107 bytes."""
    with pytest.raises(LinkError, match="longer"):
        PipeIntake(tmp_path / ("x" * 200))


def test_take_ends_when_another_thread_wakes_it(path: Path) -> None:
    """An answer of the broker does not wait for the next Disclosure."""
    intake = PipeIntake(path)
    threading.Timer(0.05, intake.wake).start()
    began_s = time.monotonic()
    assert intake.take(LIMIT_S) == []
    assert time.monotonic() - began_s < LIMIT_S / 2
    intake.close()
