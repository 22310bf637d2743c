"""What holds for the tracker whatever is driven past it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from platesieve.domain.crop import Crop
from platesieve.domain.instant import NS_PER_S, Instant
from platesieve.domain.plate import ALPHABET, Glyph, PlateText
from platesieve.settings import Tracking
from platesieve.tracking.likeness import alike, neighbourhood
from platesieve.tracking.state import MAX_DIGESTS, MAX_MEMORIES, MAX_TRACKS, Observation, TrackerState
from platesieve.tracking.tracker import step
from platesieve.tracking.vote import MAX_VARIANTS, Variant, add_read, vote
from tests.unit.tracking.scene import SIZE_PX, Drive, fingerprint, plate

TEXTS = st.text(ALPHABET, min_size=5, max_size=8)
CONFIDENCES = st.floats(0.3, 1.0)
OBSERVATIONS = st.builds(
    plate,
    st.one_of(st.none(), TEXTS),
    x=st.floats(0, 1200),
    y=st.floats(0, 700),
    width=st.floats(20, 200),
    confidence=CONFIDENCES,
)
SCENES = st.lists(
    st.tuples(st.floats(0.01, 2.0), st.lists(OBSERVATIONS, max_size=5)), min_size=1, max_size=25
)  # seconds since the frame before, and its plates


def instant(seconds: float) -> Instant:
    """Return a moment on both clocks."""
    return Instant(round(seconds * NS_PER_S), round(seconds * NS_PER_S))


def play(scenes: list[tuple[float, list[Observation]]]) -> Drive:
    """Show scenes to a new tracker."""
    drive = Drive()
    for after_s, seen in scenes:
        drive.frame(*seen, after_s=after_s)
    return drive


def texts_in(value: Any) -> int:
    """Return how many texts, glyphs and pictures can be reached from a value."""
    if isinstance(value, PlateText | Glyph | Crop | str):
        return 1
    if is_dataclass(value) and not isinstance(value, type):
        return sum(texts_in(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, tuple | list | frozenset | set):
        return sum(texts_in(item) for item in value)
    return 0


@given(SCENES)
def test_the_same_scenes_give_the_same_answer(scenes: list[tuple[float, list[Observation]]]) -> None:
    """The step is a function of its arguments."""
    one, other = play(scenes), play(scenes)

    assert one.state == other.state
    assert one.sightings == other.sightings


@given(SCENES, st.randoms(use_true_random=False))
def test_the_order_of_plates_in_a_frame_does_not_matter(
    scenes: list[tuple[float, list[Observation]]], rng: Any
) -> None:
    """However the finder lists them."""
    shuffled = [(after_s, rng.sample(seen, len(seen))) for after_s, seen in scenes]

    assert play(scenes).state == play(shuffled).state
    assert play(scenes).sightings == play(shuffled).sightings


@given(SCENES)
def test_no_text_outlives_its_pass(scenes: list[tuple[float, list[Observation]]]) -> None:
    """Once everything was quiet, only places and digests are left; and after repeat_s nothing at all."""
    drive = play(scenes)
    drive.frame(after_s=1.0)
    assert texts_in(drive.state) == 0
    drive.frame(after_s=46.0)
    assert drive.state == TrackerState(stepped=drive.state.stepped)


@given(SCENES)
def test_no_read_outlives_max_pass_s_in_the_state(scenes: list[tuple[float, list[Observation]]]) -> None:
    """After each step no track holds a read older than the longest pass."""
    drive = Drive()
    for after_s, seen in scenes:
        drive.frame(*seen, after_s=after_s)
        for track in drive.state.tracks:
            assert track.began is None or instant(drive.seconds).seconds_since(track.began) < 3.0


@given(SCENES)
def test_the_state_is_bounded(scenes: list[tuple[float, list[Observation]]]) -> None:
    """Tracks, their variants, memories and their digests all have a limit."""
    state = play(scenes).state

    assert len(state.tracks) <= MAX_TRACKS
    assert len(state.memories) <= MAX_MEMORIES
    assert all(len(track.variants) <= MAX_VARIANTS for track in state.tracks)
    assert all(len(m.near) <= MAX_DIGESTS and len(m.exact) <= MAX_DIGESTS for m in state.memories)


@given(
    TEXTS,
    st.lists(st.one_of(st.none(), st.tuples(st.integers(0, 20), st.sampled_from(ALPHABET))), min_size=5, max_size=120),
    st.floats(-600, 600),
    st.floats(0.97, 1.03),
    CONFIDENCES,
)
@settings(deadline=None)
def test_a_plate_that_stays_visible_is_reported_once(
    text: str, faults: list[tuple[int, str] | None], speed_px_s: float, growth: float, confidence: float
) -> None:
    """Whatever its speed and growth, with any single misread character in any frame, cut passes included."""
    drive = Drive()
    width = 60.0
    for i, fault in enumerate(faults):
        read = text
        if fault is not None:
            at = fault[0] % len(text)
            read = text[:at] + fault[1] + text[at + 1 :]
        width = min(max(width * growth, 20.0), 300.0)
        drive.frame(plate(read, x=600 + speed_px_s * i / 15, width=width, confidence=confidence))
    drive.wait(1.0)

    assert len(drive.end()) == 1


@given(
    TEXTS,
    st.lists(st.tuples(st.integers(0, 7), st.sampled_from(ALPHABET)), max_size=9),
    st.floats(0.3, 1.0),
)
def test_single_faults_in_a_minority_of_frames_change_nothing(
    text: str, faults: list[tuple[int, str]], confidence: float
) -> None:
    """However the faults are spread, more right frames than wrong ones give the right text."""
    wrong = [text[: at % len(text)] + glyph + text[at % len(text) + 1 :] for at, glyph in faults]
    reads = [text] * (len(faults) + 1) + wrong
    variants: tuple[Variant, ...] = ()
    for read in reads:
        seen = plate(read, confidence=confidence).read
        assert seen is not None
        variants = add_read(variants, seen, SIZE_PX)

    answer = vote(variants)
    assert answer.text == PlateText(text)
    assert answer.agreeing_frames == sum(read == text for read in reads)


@given(
    TEXTS,
    TEXTS,
    st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=60),
    st.floats(-300, 300),
    st.floats(3.1, 12.0),
)
@settings(deadline=None)
def test_two_plates_apart_are_never_mixed(
    one: str, other: str, visible: list[tuple[bool, bool]], speed_px_s: float, apart_widths: float
) -> None:
    """Side by side, each now and then unseen, their plates alike or not: every pass has the text of one of them."""
    if one == other:
        return
    drive = Drive()
    for i, (first, second) in enumerate(visible):
        x = 400 + speed_px_s * i / 15
        seen = [plate(one, x=x, y=300)] * first + [plate(other, x=x + 100 * apart_widths, y=300)] * second
        drive.frame(*seen)
        for track in drive.state.tracks:
            assert len(track.variants) <= 1
    drive.end()

    shown = {text for text, side in ((one, 0), (other, 1)) if any(pair[side] for pair in visible)}
    assert set(drive.texts) == shown


@given(TEXTS, st.integers(0, 7), st.sampled_from(ALPHABET))
def test_digests_recognise_every_single_substitution(text: str, at: int, glyph: str) -> None:
    """A flicker of one character never escapes the memory of a parked plate."""
    place = at % len(text)
    misread = PlateText(text[:place] + glyph + text[place + 1 :])

    assert alike(PlateText(text), misread)
    assert neighbourhood(PlateText(text), fingerprint) & neighbourhood(misread, fingerprint)


@given(st.lists(OBSERVATIONS, max_size=4))
def test_a_step_changes_nothing_it_was_given(seen: list[Observation]) -> None:
    """The old state is still the old state: a failed frame can be dropped without a trace."""
    before = TrackerState()
    step(before, seen, instant(5.0), SIZE_PX, Tracking(), fingerprint)

    assert before == TrackerState()
