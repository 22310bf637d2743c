"""The text of a plate, which nothing shows by accident."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback

import pytest

from platesieve.domain.crop import Crop
from platesieve.domain.errors import PlateTextError
from platesieve.domain.geometry import Detection
from platesieve.domain.plate import Glyph, PlateRead, PlateText

CANARY = "CANARY7"


def test_no_way_of_printing_shows_the_text(caplog: pytest.LogCaptureFixture) -> None:
    """repr, str, format, f-strings, containers and logging all hide it; reveal() alone does not."""
    plate = PlateText(CANARY)
    logging.getLogger("test").warning("read %s and %r", plate, [plate])

    shown = f"{plate} {plate!r} {plate!s} {[plate]} { {plate: plate} } " + caplog.text

    assert CANARY not in shown
    assert plate.reveal() == CANARY


def test_a_traceback_with_a_read_in_it_hides_the_text() -> None:
    """Reads travel through the whole flow: an exception that names one must not tell it."""
    glyphs = tuple(Glyph(((character, 0.9), ("O", 0.1))) for character in CANARY)
    corners = ((0.0, 0.0), (9.0, 0.0), (9.0, 3.0), (0.0, 3.0))
    read = PlateRead(PlateText(CANARY), glyphs, Detection(corners, 0.9))
    try:
        raise ValueError(read)  # noqa: TRY301 - the traceback of this very frame is what is looked at
    except ValueError as error:
        shown = "".join(traceback.format_exception(error))

    assert CANARY not in shown
    assert "'C'" not in shown


@pytest.mark.parametrize("hidden", [PlateText(CANARY), Crop(b"jpeg")], ids=["text", "crop"])
def test_private_values_are_not_pickled(hidden: object) -> None:
    """Pickling is how values reach other processes, caches and crash reports."""
    with pytest.raises(TypeError):
        pickle.dumps(hidden)
    with pytest.raises(TypeError):
        copy.deepcopy(hidden)


@pytest.mark.parametrize("text", ["", "abc", "AB-1", "A" * 13, "ÄB1", "AB 1", "AB\n1"])
def test_what_cannot_be_a_plate_is_refused_without_repeating_it(text: str) -> None:
    """A wrong text is nearly always nearly a plate."""
    with pytest.raises(PlateTextError) as refusal:
        PlateText(text)

    assert not text or text not in str(refusal.value)


@pytest.mark.parametrize("written", ["abc 123", "ABC-123", "a.b.c·1 2 3"])
def test_plates_as_people_write_them(written: str) -> None:
    """Lower case, spaces, dots and dashes are how people write plates."""
    assert PlateText.from_written(written) == PlateText("ABC123")


def test_the_weakest_character_is_the_confidence() -> None:
    """One doubtful glyph makes a doubtful plate, however sure the others are."""
    corners = ((0.0, 0.0), (9.0, 0.0), (9.0, 3.0), (0.0, 3.0))
    glyphs = (Glyph((("A", 0.99),)), Glyph((("8", 0.6), ("B", 0.4))))

    assert PlateRead(PlateText("A8"), glyphs, Detection(corners, 1.0)).confidence == pytest.approx(0.6)
