"""From logits to text: against sums written out by hand over every alignment."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from platesieve.domain.plate import ALPHABET
from platesieve.vision.decode_text import BLANK, best_path, decode, log_softmax, read_text, text_log_probabilities
from platesieve.vision.patterns import load_formats

STEPS = 40


def _codes(text: str) -> tuple[int, ...]:
    return tuple(1 + ALPHABET.index(c) for c in text)


def _logits(text: str, height: float = 9.0) -> np.ndarray:
    """Write a text as one peak each five columns, all other columns blank."""
    logits = np.zeros((STEPS, 37), np.float32)
    logits[:, BLANK] = height / 2
    for i, code in enumerate(_codes(text)):
        logits[3 * i + 2, code] = height
    return logits


def _collapse(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(c for i, c in enumerate(path) if c != BLANK and (i == 0 or path[i - 1] != c))


def test_a_clear_text_is_read_with_high_probability() -> None:
    """Peaks far above everything else give their text, and a probability near one for each character."""
    found = decode(_logits("AB12CD3", 14.0))
    assert found is not None
    text, glyphs = found
    assert text.reveal() == "AB12CD3"
    assert [g.best for g in glyphs] == list("AB12CD3")
    assert min(g.probability for g in glyphs) > 0.98


def test_the_same_character_twice_needs_a_blank_between() -> None:
    """Two peaks of one character with a blank between are two characters; without it they are one."""
    found = decode(_logits("8811"))
    assert found is not None
    assert found[0].reveal() == "8811"
    logits = _logits("81")
    logits[3] = logits[2]
    joined = decode(logits)
    assert joined is not None
    assert joined[0].reveal() == "81"


@pytest.mark.parametrize("text", ["", "7"], ids=["blank", "one_character"])
def test_a_blank_or_a_single_character_is_no_plate(text: str) -> None:
    """Fewer than two characters: None."""
    assert decode(_logits(text)) is None


def test_more_characters_than_a_plate_has_is_no_plate() -> None:
    """Thirteen characters are lettering, not a plate."""
    assert decode(_logits("ABCDEFGHIJKLM")) is None
    assert decode(_logits("ABCDEFGHIJKL")) is not None


def test_a_rival_appears_among_the_alternatives_with_its_share() -> None:
    """A column torn between B and 8 names both, best first, and their probabilities add up to at most one."""
    logits = _logits("AB12", 12.0)
    logits[5, _codes("8")[0]] = 11.5
    found = decode(logits)
    assert found is not None
    second = found[1][1]
    assert [c for c, _ in second.alternatives[:2]] == ["B", "8"]
    assert second.alternatives[0][1] == pytest.approx(1 / (1 + np.exp(-0.5)), abs=0.02)
    assert sum(p for _, p in second.alternatives) <= 1 + 1e-9
    assert len(second.alternatives) == 2, "what the picture gives less than 1 in 10,000 is no alternative"


def test_no_more_than_three_alternatives_are_named() -> None:
    """The likeliest three of four, in their order."""
    logits = _logits("AB12", 12.0)
    for character, logit in (("8", 11.5), ("E", 11.0), ("R", 10.5)):
        logits[5, _codes(character)[0]] = logit
    found = decode(logits)
    assert found is not None
    assert [c for c, _ in found[1][1].alternatives] == ["B", "8", "E"]


def test_temperature_makes_probabilities_humbler_and_keeps_the_text() -> None:
    """Dividing the logits flattens each character's probability."""
    plain, humble = decode(_logits("AB12")), decode(_logits("AB12"), temperature=2.0)
    assert plain is not None
    assert humble is not None
    assert plain[0] == humble[0]
    assert all(h.probability < p.probability for p, h in zip(plain[1], humble[1], strict=True))


def test_log_probabilities_may_be_given_instead_of_logits() -> None:
    """Normalising twice changes nothing."""
    logits = np.random.default_rng(3).normal(0, 3, (STEPS, 37))
    logits[::2, BLANK] += 30
    logits[20:, BLANK] += 30
    once, twice = decode(logits), decode(log_softmax(logits))
    assert once is not None
    assert twice is not None
    assert once[0] == twice[0]
    assert [g.probability for g in once[1]] == pytest.approx([g.probability for g in twice[1]])


def test_the_sum_over_alignments_equals_counting_them_all() -> None:
    """For a small net of 5 columns and 3 classes, each text's probability is the sum over its paths."""
    scores = log_softmax(np.random.default_rng(5).normal(0, 1, (5, 3)))
    totals: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(3), repeat=5):
        p = float(np.exp(sum(scores[t, c] for t, c in enumerate(path))))
        totals[_collapse(path)] = totals.get(_collapse(path), 0.0) + p
    texts = sorted(totals)
    sums = np.exp(text_log_probabilities(scores, texts))
    assert sums == pytest.approx([totals[t] for t in texts])
    assert float(sums.sum()) == pytest.approx(1.0)


def test_a_text_whose_sum_beats_the_best_path_wins() -> None:
    """The best path says B, but more of all alignments together say 8."""
    logits = _logits("AXC", 20.0)
    chances = np.full((2, 37), 1e-9)
    b, eight = _codes("B")[0], _codes("8")[0]
    chances[0, [b, eight, BLANK]] = 0.40, 0.35, 0.25
    chances[1, [b, eight, BLANK]] = 0.25, 0.35, 0.40
    logits[5:7] = np.log(chances)
    scores = log_softmax(logits.astype(np.float64))
    assert best_path(scores)[0] == _codes("ABC")
    found = decode(logits)
    assert found is not None
    assert found[0].reveal() == "A8C"
    assert [c for c, _ in found[1][1].alternatives[:2]] == ["8", "B"]


def test_no_probability_is_lost_to_underflow() -> None:
    """Forty very confident columns still give finite sums."""
    found = decode(_logits("AB12CD", 400.0))
    assert found is not None
    assert all(np.isfinite(g.probability) for g in found[1])


def test_formats_change_text_and_alternatives_together() -> None:
    """A reader that cannot tell 0 from O reads the letter of the format, and names both, the letter first."""
    logits = _logits("BA123A0", 14.0)
    logits[20, _codes("O")[0]] = 13.5
    alone, known = read_text(logits), read_text(logits, formats=load_formats())
    assert alone is not None
    assert known is not None
    assert alone.text.reveal() == "BA123A0"
    assert known.text.reveal() == "BA123AO"
    assert [c for c, _ in known.glyphs[6].alternatives[:2]] == ["O", "0"]
    assert known.glyphs[6].probability > 0.7
    assert all(sum(p for _, p in glyph.alternatives) <= 1 + 1e-9 for glyph in known.glyphs)


def test_a_text_against_nothing_tells_plates_from_lettering() -> None:
    """Clear characters in a format are far from no text; a whisper in no format is near it."""
    formats = load_formats()
    clear = read_text(_logits("BA123AO", 14.0), formats=formats)
    whisper = np.zeros((STEPS, 37))
    whisper[:, BLANK] = 6.0
    for column, code in ((4, "R"), (20, "E"), (30, "0")):
        whisper[column, _codes(code)[0]] = 7.0
    faint = read_text(whisper, formats=formats)
    assert clear is not None
    assert faint is not None
    assert clear.plateness > 6
    assert faint.plateness < 1.5
