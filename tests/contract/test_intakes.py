"""What every intake promises: the same cases on the list and on the socket."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import pytest

from platesieve.adapters.local.pipe_intake import PipeIntake
from platesieve.adapters.local.pipe_outlet import PipeOutlet
from platesieve.domain.notice import Command, Erased
from tests.fakes.clock import FakeClock
from tests.fakes.disclosures import a_health, a_hit
from tests.fakes.intake import FakeIntake

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from platesieve.domain.disclosure import Disclosure
    from platesieve.domain.notice import Notice
    from platesieve.ports import Intake


class Camera(Protocol):
    """The other end, as far as these cases need it."""

    def send(self, disclosure: Disclosure) -> None:
        """Send a Disclosure."""

    def notices(self) -> Sequence[Notice]:
        """Return what came back."""


class ListCamera:
    """The other end of a FakeIntake."""

    def __init__(self, intake: FakeIntake) -> None:
        self._intake = intake

    def send(self, disclosure: Disclosure) -> None:
        """Put it where the next take() looks."""
        self._intake.camera.append(disclosure)

    def notices(self) -> Sequence[Notice]:
        """Return what the intake was told to hand on."""
        told, self._intake.told = self._intake.told, []
        return told


@pytest.fixture(params=["fake", "pipe"])
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Intake, Camera]]:
    """Return both ends."""
    if request.param == "fake":
        fake = FakeIntake()
        yield fake, ListCamera(fake)
        return
    intake = PipeIntake(tmp_path / "uplink.sock")
    outlet = PipeOutlet(tmp_path / "uplink.sock", FakeClock(), retry_min_s=0.01, retry_max_s=0.02)
    yield intake, outlet
    outlet.close()
    intake.close()


def take(intake: Intake, count: int) -> list[Disclosure]:
    """Take until `count` came or two seconds passed."""
    taken: list[Disclosure] = []
    end_s = time.monotonic() + 2
    while len(taken) < count and time.monotonic() < end_s:
        taken += intake.take(0.02)
    return taken


def test_disclosures_come_in_order_and_once(ends: tuple[Intake, Camera]) -> None:
    """Without a reset nothing is repeated."""
    intake, camera = ends
    sent = [a_hit("h1"), a_health("reading"), a_hit("h2")]
    for disclosure in sent:
        camera.send(disclosure)
    assert take(intake, 3) == sent
    assert intake.take(0.05) == []
    assert intake.camera_present
    assert not intake.goodbye


def test_after_a_reset_what_was_not_stored_comes_again(ends: tuple[Intake, Camera]) -> None:
    """And what was stored does not."""
    intake, camera = ends
    for id_ in ("h1", "h2", "h3"):
        camera.send(a_hit(id_))
    assert len(take(intake, 3)) == 3
    intake.stored(["h2"])
    time.sleep(0.05)
    intake.reset()
    assert [d.id for d in take(intake, 2)] == ["h1", "h3"]


def test_notices_reach_the_camera_process(ends: tuple[Intake, Camera]) -> None:
    """Commands as they came, losses with their reason."""
    intake, camera = ends
    intake.notify(Command(b"\xff\x00"))
    intake.notify(Erased(3, "quota"))
    got: set[Notice] = set()
    end_s = time.monotonic() + 2
    while len(got) < 2 and time.monotonic() < end_s:
        intake.take(0.02)
        got |= set(camera.notices())
    assert got == {Command(b"\xff\x00"), Erased(3, "quota")}


def test_closing_twice_is_harmless(ends: tuple[Intake, Camera]) -> None:
    """As the port says."""
    intake, _ = ends
    intake.close()
    intake.close()
