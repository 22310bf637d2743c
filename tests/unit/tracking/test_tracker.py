"""Passes: when they end, what is reported, and what is not reported twice."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from platesieve.domain.crop import Crop, Crops
from platesieve.domain.instant import Instant
from platesieve.domain.plate import Glyph, PlateText
from platesieve.domain.sighting import Direction
from platesieve.settings import Tracking
from platesieve.tracking.state import MAX_MEMORIES, MAX_TRACKS, TrackerState
from platesieve.tracking.tracker import finish, step
from tests.unit.tracking.scene import FRAME_S, SETTINGS, SIZE_PX, Drive, fingerprint, plate


def private_parts(value: Any) -> list[Any]:
    """Return every text, glyph and picture that can be reached from a value."""
    if isinstance(value, PlateText | Glyph | Crop):
        return [value]
    if isinstance(value, str):
        return [value]
    if is_dataclass(value) and not isinstance(value, type):
        return [part for field in fields(value) for part in private_parts(getattr(value, field.name))]
    if isinstance(value, tuple | list | frozenset | set):
        return [part for item in value for part in private_parts(item)]
    if isinstance(value, dict):
        return [part for item in value.items() for part in private_parts(item)]
    return []


def test_one_pass_is_one_sighting() -> None:
    """A plate seen in ten frames and then gone is reported once, with what was seen of it."""
    drive = Drive()
    for i in range(10):
        assert drive.frame(plate("AB12CDE", x=100 + 20 * i)) == ()
    drive.wait(1.0)

    (sighting,) = drive.sightings
    assert sighting.text == PlateText("AB12CDE")
    assert (sighting.frames, sighting.agreeing_frames) == (10, 10)
    assert sighting.frame_size_px == SIZE_PX
    assert round(sighting.last_seen.seconds_since(sighting.first_seen), 6) == round(9 * FRAME_S, 6)


def test_a_pass_ends_after_quiet_s() -> None:
    """Not before, not much later."""
    drive = Drive()
    drive.frame(plate("AB12CDE"))
    drive.frame(after_s=SETTINGS.quiet_s)
    assert drive.sightings == []
    drive.frame(after_s=0.01)
    assert drive.texts == ["AB12CDE"]


def test_a_long_pass_is_cut_and_reported_once() -> None:
    """A plate that stays is reported after max_pass_s and never again while it stays, moving or not."""
    drive = Drive()
    for i in range(300):
        drive.frame(plate("AB12CDE", x=100 + 3 * i))
        if i * FRAME_S < SETTINGS.max_pass_s:
            assert drive.sightings == []
    assert drive.texts == ["AB12CDE"]
    drive.wait(2)
    assert drive.end() == ["AB12CDE"]


def test_a_parked_car_that_flickers_is_reported_once() -> None:
    """Geometry decides: what is read on a parked plate after its report changes nothing."""
    drive = Drive()
    for i in range(200):
        drive.frame(plate(("AB12CDE", "AB12CDF", "AB1ZCDE", "A812CDE")[i % 4]))
    for i in range(100):  # the gate now looks once per second
        drive.frame(plate(("AB12CDF", "AB12CDE")[i % 2]), after_s=1.0)

    assert len(drive.sightings) == 1
    assert drive.end() == drive.texts


def test_a_parked_car_behind_a_passing_truck_is_not_reported_again() -> None:
    """After a gap its place and a like text recognise it."""
    drive = Drive()
    for _ in range(60):
        drive.frame(plate("AB12CDE"))
    drive.wait(5)
    for _ in range(20):
        drive.frame(plate("AB12CDF"))
    drive.wait(2)

    assert drive.end() == ["AB12CDE"]


def test_another_car_at_the_same_stop_line_is_reported() -> None:
    """The control: the place alone does not silence a different plate."""
    drive = Drive()
    for _ in range(60):
        drive.frame(plate("AB12CDE"))
    drive.wait(3)
    for _ in range(20):
        drive.frame(plate("ZZ98XYW"))
    drive.wait(2)

    assert drive.end() == ["AB12CDE", "ZZ98XYW"]


def test_another_car_in_place_of_one_in_view_is_reported() -> None:
    """Where several confident reads in a row say quite another plate, another vehicle stands there."""
    drive = Drive()
    for text in ["AB12CDE"] * 60 + ["ZZ98XYW"] * 20:
        drive.frame(plate(text))

    assert drive.end() == ["AB12CDE", "ZZ98XYW"]


def test_a_lone_misread_does_not_split_a_pass() -> None:
    """One frame with quite another text is outvoted."""
    drive = Drive()
    for text in ["AB12CDE"] * 5 + ["TRUCKS"] + ["AB12CDE"] * 5:
        drive.frame(plate(text))

    assert drive.end() == ["AB12CDE"]


def test_a_plate_that_comes_back_is_silent_for_repeat_s() -> None:
    """Elsewhere in the picture too; after repeat_s unseen it is news again."""
    drive = Drive()
    drive.frame(plate("AB12CDE", x=100))
    drive.wait(10)
    drive.frame(plate("AB12CDE", x=900))
    drive.wait(40)
    assert drive.texts == ["AB12CDE"]
    drive.frame(plate("AB12CDE", x=500), after_s=1)
    drive.wait(2)
    assert drive.texts == ["AB12CDE"]
    drive.wait(SETTINGS.repeat_s)
    drive.frame(plate("AB12CDE", x=500))
    drive.wait(2)
    assert drive.texts == ["AB12CDE", "AB12CDE"]


def test_a_like_plate_elsewhere_is_another_vehicle() -> None:
    """Two vans of one fleet differ in one character: both are reported."""
    drive = Drive()
    drive.frame(plate("AB12CDE", x=100))
    drive.wait(10)
    drive.frame(plate("AB12CDF", x=900))
    drive.wait(2)

    assert drive.texts == ["AB12CDE", "AB12CDF"]


def test_two_cars_side_by_side_are_two() -> None:
    """However alike their plates."""
    drive = Drive()
    for i in range(20):
        drive.frame(plate("AB12CDE", x=100, y=100 + 10 * i), plate("AB12CDF", x=500, y=100 + 10 * i))
    drive.wait(2)

    assert sorted(drive.texts) == ["AB12CDE", "AB12CDF"]


def test_unreadable_frames_keep_a_pass_together() -> None:
    """A second without a readable text is no gap while the plate is found."""
    drive = Drive()
    for i in range(40):
        drive.frame(plate("AB12CDE" if i in {0, 39} else None, x=100 + 15 * i))
    drive.wait(2)

    (sighting,) = drive.sightings
    assert (sighting.frames, sighting.agreeing_frames) == (2, 2)


def test_a_plate_never_read_is_not_reported() -> None:
    """There is nothing to say about it, and its waiting does not use up the pass."""
    drive = Drive()
    for _ in range(100):
        drive.frame(plate(None))
    for _ in range(20):
        drive.frame(plate("AB12CDE"))
    assert drive.sightings == []
    assert drive.end() == ["AB12CDE"]


def test_a_pass_without_agreement_is_read_afresh_once() -> None:
    """A far plate whose reads all differ when the pass must end is not reported yet; what follows decides."""
    drive = Drive()
    for text in ("QW34RTY", "ZX98CVB", "MN56LKJ", "PO12IUH", "AS78DFG", "TR56NML"):
        drive.frame(plate(text, confidence=0.3), after_s=0.7)
    assert drive.sightings == []
    for _ in range(20):
        drive.frame(plate("AB12CDE"))

    assert drive.end() == ["AB12CDE"]


def test_a_pass_without_agreement_is_not_put_off_for_ever() -> None:
    """The second cut reports whatever there is: a plate that never agrees must not keep the search running."""
    drive = Drive()
    for i in range(12):
        drive.frame(plate(f"Q{i}W{9 - i % 9}R{i}Y", confidence=0.3), after_s=0.7)

    assert len(drive.sightings) == 1


def test_what_nobody_could_read_is_not_reported() -> None:
    """A grille that was taken for a plate for a moment is no vehicle; a doubtful plate is one (the control)."""
    for confidence, reported in ((0.3, 0), (0.5, 1)):
        state, seen = TrackerState(), [plate("AB12CDE", confidence=confidence)]
        for frame in range(3):
            state, _ = step(state, seen, Instant(0, frame * 100_000_000), SIZE_PX, Tracking(), fingerprint)
        _, sightings = finish(state, Tracking(), fingerprint)

        assert len(sightings) == reported


def test_what_reads_differently_each_time_is_not_reported() -> None:
    """A grille gives another text in every frame; two frames that agree (the control) are a plate."""
    for texts, reported in ((("QWX7", "ZH4P", "8KLM", "R2D2"), 0), (("QWX7", "ZH4P", "ZH4P", "R2D2"), 1)):
        state = TrackerState()
        for frame, text in enumerate(texts):
            seen, now = [plate(text, confidence=0.6)], Instant(0, frame * 100_000_000)
            state, _ = step(state, seen, now, SIZE_PX, Tracking(), fingerprint)
        _, sightings = finish(state, Tracking(), fingerprint)

        assert len(sightings) == reported


def test_direction_follows_growth() -> None:
    """A growing plate approaches, a shrinking one recedes, a steady one says nothing."""
    for growth, direction in ((1.03, Direction.APPROACHING), (0.97, Direction.RECEDING), (1.0, Direction.UNKNOWN)):
        drive = Drive()
        for i in range(15):
            drive.frame(plate("AB12CDE", width=100 * growth**i))
        drive.end()

        assert [s.direction for s in drive.sightings] == [direction]


def test_nothing_private_is_left_when_passes_have_ended() -> None:
    """Memory holds places and digests only: no text, no glyph, no picture."""
    drive = Drive()
    crops = Crops(Crop(b"plate"), Crop(b"scene"))
    for i in range(10):
        seen = plate("AB12CDE", x=100 + 20 * i)
        assert seen.read is not None
        drive.frame(replace(seen, read=replace(seen.read, crops=crops)))
    assert len(private_parts(drive.state)) > 3  # the control: the walk finds them while the pass is open
    drive.wait(1)

    assert drive.sightings[0].crops == crops
    assert drive.state.memories
    assert private_parts(drive.state) == []


def test_nothing_private_is_kept_of_a_parked_plate() -> None:
    """After its report a plate in view is followed without keeping what is read on it."""
    drive = Drive()
    for _ in range(100):
        drive.frame(plate("AB12CDE"))

    assert drive.texts == ["AB12CDE"]
    assert private_parts(drive.state) == []


def test_memories_go_after_repeat_s() -> None:
    """Then not even a digest is left."""
    drive = Drive()
    drive.frame(plate("AB12CDE"))
    drive.wait(2)
    assert drive.state.memories
    drive.frame(after_s=SETTINGS.repeat_s)

    assert drive.state.memories == ()


def test_a_wall_of_lettering_does_not_grow_the_state() -> None:
    """A thousand different texts in a thousand places leave bounded tracks and memories."""
    drive = Drive()
    for i in range(40):
        drive.frame(*(plate(f"A{i:02}B{j:03}", x=20 * j, y=15 * (i % 40), width=15) for j in range(50)), after_s=0.5)

    assert len(drive.state.tracks) <= MAX_TRACKS
    assert len(drive.state.memories) <= MAX_MEMORIES
