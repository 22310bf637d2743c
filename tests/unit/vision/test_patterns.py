"""Formats as a prior: they tell confusable glyphs apart where the picture cannot, and otherwise keep silent."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest

from models.datasets.formats import states, tables
from models.reader.patterns import PATTERNS, generate
from platesieve.domain.plate import ALPHABET
from platesieve.vision.patterns import CONFUSABLE, FREE, MOST_ODDS, SAME_SHAPE_ODDS, Formats, load_formats, places

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def formats(*entries: tuple[str | None, float, dict[str, float]], skip: str = "") -> Formats:
    """Return formats of a few countries: name, weight and series."""
    return Formats([{"country": c, "weight": w, "skip": skip, "series": s} for c, w, s in entries])


def seen(*rows: dict[str, float]) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return what a picture says of each place, and what is read there: the first of each row."""
    shares = np.zeros((len(rows), 36))
    for share, row in zip(shares, rows, strict=True):
        for glyph, probability in row.items():
            share[ALPHABET.index(glyph)] = probability
    return shares, tuple(ALPHABET.index(next(iter(row))) for row in rows)


def text(best: tuple[int, ...]) -> str:
    """Return glyphs as text."""
    return "".join(ALPHABET[index] for index in best)


BA123A = ({"B": 1.0}, {"A": 1.0}, {"1": 1.0}, {"2": 1.0}, {"3": 1.0}, {"A": 1.0})


def test_a_letter_where_a_letter_stands() -> None:
    """0 or O: the picture leans to 0, the format says letter."""
    known = formats(("SK", 1.0, {"@@###@@": 1.0}))
    judged = known.judge(*seen(*BA123A, {"0": 0.7, "O": 0.3}))
    assert text(judged.best) == "BA123AO"
    assert judged.fit > 0


def test_a_digit_where_a_digit_stands() -> None:
    """The same the other way round, for every group of confusable glyphs that has both."""
    known = formats(("SK", 1.0, {"@@###@@": 1.0}))
    for group in CONFUSABLE:
        letter = next((g for g in group if g in LETTERS), None)
        digit = next(g for g in group if g not in LETTERS)
        if letter is None:
            continue
        judged = known.judge(*seen(*BA123A[:4], {letter: 0.6, digit: 0.4}, *BA123A[5:], {"C": 1.0}))
        assert text(judged.best)[4] == digit


def test_a_letter_that_the_authority_leaves_out_is_not_read() -> None:
    """Q where there is none becomes the O that there is."""
    known = formats(("XX", 1.0, {"@@##": 1.0}), skip="Q")
    assert text(known.judge(*seen({"A": 1.0}, {"Q": 0.6, "O": 0.3}, {"1": 1.0}, {"2": 1.0})).best) == "AO12"


def test_a_clear_picture_is_believed() -> None:
    """Beyond MOST_ODDS the format loses, whatever it says: its table is not complete."""
    known = formats(("SK", 1.0, {"@@###@@": 1.0}))
    for digit, letter, odds in (("8", "B", MOST_ODDS), ("1", "I", MOST_ODDS), ("0", "O", SAME_SHAPE_ODDS)):
        edge = odds / (1 + odds)
        above, below = edge + 0.005, edge - 0.005
        assert text(known.judge(*seen(*BA123A, {digit: above, letter: 1 - above})).best) == f"BA123A{digit}"
        assert text(known.judge(*seen(*BA123A, {digit: below, letter: 1 - below})).best) == f"BA123A{letter}"


def test_a_glyph_that_is_not_to_be_seen_sets_no_bound() -> None:
    """D stands where O does, and comes before it; what it may take from a 0 says nothing of O."""
    known = formats(("SK", 1.0, {"@@###@@": 1.0}))
    below = SAME_SHAPE_ODDS / (1 + SAME_SHAPE_ODDS) - 0.005
    for trace in (0.0, 1e-9):
        rest = 1 - below - 2 * trace
        judged = known.judge(*seen(*BA123A, {"0": below, "O": rest, "D": trace, "Q": trace}))
        assert text(judged.best) == "BA123AO"


def test_a_vanity_plate_survives() -> None:
    """No pattern has it; the mixture's free part leaves each glyph as the picture says."""
    known = formats(("US", 1.0, {"@@@####": 1.0}))
    shares, read = seen({"G": 0.7, "6": 0.3}, {"0": 0.6, "O": 0.4}, *({g: 1.0} for g in "DAWGS"))
    judged = known.judge(shares, read)
    assert text(judged.best) == "G0DAWGS"
    assert judged.shares == pytest.approx(shares)
    assert judged.fit < -100


def test_only_confusable_glyphs_are_exchanged() -> None:
    """K and 4 are no pair: the format may want a digit as much as it likes."""
    known = formats(("XX", 1.0, {"##": 1.0}))
    assert text(known.judge(*seen({"K": 0.51, "4": 0.49}, {"7": 1.0})).best) == "K7"


def test_shares_stay_shares() -> None:
    """The sum of a place stays, whatever was moved inside; glyphs outside the group keep theirs."""
    known = formats(("SK", 1.0, {"@@###@@": 1.0}))
    shares, read = seen(*BA123A, {"0": 0.5, "O": 0.2, "C": 0.1})
    judged = known.judge(shares, read)
    assert judged.shares.sum(axis=1) == pytest.approx(shares.sum(axis=1))
    assert judged.shares[6, ALPHABET.index("C")] == pytest.approx(0.1)
    assert int(judged.shares[6].argmax()) == ALPHABET.index("O")


def test_a_length_without_patterns_changes_nothing() -> None:
    """And fits nothing."""
    shares, read = seen({"0": 0.6, "O": 0.4}, {"1": 1.0})
    judged = formats(("XX", 1.0, {"@@@": 1.0})).judge(shares, read)
    assert (text(judged.best), judged.shares.tolist()) == ("01", shares.tolist())
    assert judged.fit < -100


def test_the_country_decides_between_its_formats() -> None:
    """Two countries want opposite things; who it is from is told, or how often each is seen."""
    known = formats(("SK", 1.0, {"@@##": 1.0}), ("NL", 3.0, {"##@@": 1.0}), (None, 1.0, {"@#@#": 1.0}))
    shares, read = seen({"5": 0.5, "S": 0.5}, {"8": 0.5, "B": 0.5}, {"0": 0.5, "O": 0.5}, {"1": 0.5, "I": 0.5})
    assert text(known.judge(shares, read, {"SK": 1.0}).best) == "SB01"
    assert text(known.judge(shares, read, {"NL": 0.95, "SK": 0.05}).best) == "58OI"


def test_the_sum_over_texts_equals_counting_them_all() -> None:
    """Each glyph's posterior is the sum over all texts of picture x prior, written out."""
    known = formats(("XX", 2.0, {"@#": 0.75, "##": 0.25}), (None, 1.0, {"@@": 1.0}))
    rows = ({"0": 0.5, "O": 0.3, "D": 0.2}, {"8": 0.6, "B": 0.4})
    prior = {"@#": 2 / 3 * 0.75, "##": 2 / 3 * 0.25, "@@": 1 / 3}
    whole: dict[str, float] = {}
    for pair in itertools.product(*rows):
        chance = sum(
            weight * math.prod((g in p) / len(p) for g, p in zip(pair, places(w), strict=True))
            for w, weight in prior.items()
        )
        chance = (1 - FREE) * chance + FREE / 36**2
        whole["".join(pair)] = chance * rows[0][pair[0]] * rows[1][pair[1]]
    eight = sum(p for pair, p in whole.items() if pair[1] == "8") / sum(whole.values())
    judged = known.judge(*seen(*rows))
    assert judged.shares[1, ALPHABET.index("8")] == pytest.approx(eight)


def test_what_ships_is_what_the_drawings_know() -> None:
    """patterns.json is generated: `python -m models.reader.patterns`, after a change of formats.toml or states.toml."""
    assert PATTERNS.read_text() == generate(tables(), states())


def test_the_shipped_formats_know_their_countries() -> None:
    """Each country's serials of all lengths add up to one, and every place of a pattern has a glyph."""
    known = load_formats()
    assert {"US", "DE", "SK", "BR", ""} <= set(known.countries)
    whole = sum(of.share.sum(axis=0) for of in known._of_length.values())
    assert whole == pytest.approx(np.ones(len(known.countries)), abs=1e-3)
    assert all(of.glyphs.sum(axis=2) == pytest.approx(1.0) for of in known._of_length.values())


def test_districts_stay_whole_in_patterns() -> None:
    """Of BA, BL and CA the picture of CL is none; `&` is a letter that the serial behind it may not have."""
    table = {"weight": 1.0, "skip": "BO", "formats": ["{BA,BL,CA}-#@", "&:#"]}
    (entry,) = json.loads(generate({"AT": table}, {}))["entries"]
    assert entry["series"] == {"B[AL]#@": 0.33333, "CA#@": 0.16667, "[ABCDEFGHIJKLMNOPQRSTUVWXYZ]#": 0.5}
    known = Formats([entry])
    fits = {
        written: known.judge(*seen(*({glyph: 1.0} for glyph in written))).fit
        for written in ("BL7C", "CA7C", "CL7C", "BL7B")
    }
    assert min(fits["BL7C"], fits["CA7C"]) > 0 > max(fits["CL7C"], fits["BL7B"])
