"""From frames to Sightings: when a frame is searched, and that a quiet road costs nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from platesieve.domain.geometry import Detection
from platesieve.domain.instant import NS_PER_S
from platesieve.flow.sight import Looked, Sight
from platesieve.settings import Tracking, Vision
from platesieve.vision.frame import Frame
from tests.unit.tracking.scene import fingerprint, read_of

if TYPE_CHECKING:
    from platesieve.domain.plate import PlateRead

ROAD = np.kron(np.random.default_rng(1).integers(40, 180, (36, 64)), np.ones((5, 5))).astype(np.uint8)
PLATE = Detection(((100, 90), (140, 90), (140, 98), (100, 98)), 0.9)


@dataclass
class Eyes:
    """A finder and a reader that see one plate whenever `text` is set."""

    text: str | None = "AB12CDE"
    searched: int = 0
    seen: tuple[Detection, ...] = field(default=(PLATE,))
    legible: bool = True

    def find(self, frame: Frame) -> tuple[Detection, ...]:  # noqa: ARG002 - the port's signature
        """Return the plate, if there is one."""
        self.searched += 1
        return self.seen if self.text else ()

    def read(self, frame: Frame, detection: Detection) -> PlateRead | None:  # noqa: ARG002 - as above
        """Return the text."""
        return read_of(self.text, detection) if self.text and self.legible else None


def sight_of(eyes: Eyes, vision: Vision | None = None, *, keep_pictures: bool = False) -> Sight:
    """Return a Sight with these eyes."""
    return Sight(eyes, eyes, vision or Vision(), Tracking(), fingerprint, keep_pictures=keep_pictures)


def frame_at(seconds: float, *, car: int | None = None) -> Frame:
    """Return the road at a time, with a dark car at a column or without."""
    luma = ROAD.copy()
    if car is not None:
        luma[60:120, car : car + 60] = 10
    return Frame(luma, round(seconds * 100), round(seconds * NS_PER_S), round(seconds * NS_PER_S))


def test_a_still_road_is_searched_once_per_second() -> None:
    """Nothing moves, so nothing is looked for in between."""
    eyes = Eyes(text=None)
    sight = sight_of(eyes)
    for i in range(100):
        sight.look(frame_at(i * 0.05))

    assert eyes.searched == 5


def test_motion_opens_the_gate() -> None:
    """The control: each frame in which a car moves is searched."""
    eyes = Eyes(text=None)
    sight = sight_of(eyes)
    looked = [sight.look(frame_at(i * 0.05, car=10 * i)) for i in range(20)]

    assert all(look.searched for look in looked)


def test_a_pass_under_way_keeps_the_gate_open() -> None:
    """A car that stops is read on until its pass is over; then the gate shuts again."""
    eyes = Eyes()
    sight = sight_of(eyes)
    sightings = [s for i in range(200) for s in sight.look(frame_at(i * 0.05)).sightings]

    assert len(sightings) == 1
    assert sightings[0].agreeing_frames > 50
    assert eyes.searched < 80


def test_a_parked_car_is_reported_once_although_it_is_looked_at_each_second() -> None:
    """Ten minutes of the same plate are one Sighting."""
    eyes = Eyes()
    sight = sight_of(eyes)
    sightings = [s for i in range(1200) for s in sight.look(frame_at(i * 0.5)).sightings]

    assert len([*sightings, *sight.finish()]) == 1


def test_counts_of_one_look() -> None:
    """Plates found and plates read are two numbers."""
    eyes = Eyes()
    assert sight_of(eyes).look(frame_at(1)) == Looked((), 1, 1, searched=True)


def test_finish_reports_what_was_under_way() -> None:
    """The end of a clip loses nothing."""
    sight = sight_of(Eyes())
    sight.look(frame_at(1))

    assert len(sight.finish()) == 1
    assert sight.finish() == ()


def test_forget_drops_what_was_seen() -> None:
    """While reading is forbidden nothing is kept, and nothing is reported afterwards."""
    sight = sight_of(Eyes())
    sight.look(frame_at(1))
    sight.forget()

    assert sight.finish() == ()


def test_pictures_are_taken_only_where_they_may_be_disclosed() -> None:
    """By default no crop exists at all."""
    for wanted in (False, True):
        sight = sight_of(Eyes(), keep_pictures=wanted)
        sight.look(frame_at(1))
        (sighting,) = sight.finish()

        assert (sighting.crops is not None) == wanted


def test_another_picture_size_is_searched() -> None:
    """A folder of pictures of different sizes has no background to compare with."""
    eyes = Eyes(text=None)
    sight = sight_of(eyes)
    for i, size in enumerate([(180, 320), (90, 160), (200, 300)]):
        sight.look(Frame(np.full(size, 99, np.uint8), i, i, i))

    assert eyes.searched == 3


def test_a_faint_detection_counts_only_in_a_snapshot_where_a_plate_is_read() -> None:
    """A sure one counts in any case: a vehicle passed, legible or not."""
    counts = {}
    for snapshots, faint, legible in product((False, True), repeat=3):
        eyes = Eyes(seen=(replace(PLATE, faint=faint),), legible=legible)
        sight = sight_of(eyes, Vision(snapshots=snapshots, detector_tiles="1x1"))
        counts[snapshots, faint, legible] = sight.look(frame_at(0)).plates_found
    assert {case for case, count in counts.items() if count == 0} == {
        *((False, True, legible) for legible in (False, True)),
        (True, True, False),
    }
