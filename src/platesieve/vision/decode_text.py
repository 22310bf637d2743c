"""Turn the reader's 40 x 37 logits into a plate's text, with a probability for each character.

The net is trained with CTC (A. Graves et al., "Connectionist Temporal Classification", ICML 2006): many ways of laying
a text over the 40 columns mean the same text, and the text's probability is their sum. Here that sum is computed
exactly, by the forward recursion, for the best path's text and for each text that differs from it in one position.
From these come

1. a better text, where a neighbour's sum beats the best path's own;
2. each position's alternatives: their share of the sum, all other positions held; patterns.py then weighs them;
3. how far the text is from no text at all, which tells plates from lettering.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from platesieve.domain.plate import ALPHABET, MAX_CHARACTERS, Glyph, PlateText

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from platesieve.vision.patterns import Formats

BLANK: Final = 0
"""Class of the CTC blank; class 1 + i is ALPHABET[i]."""
MIN_CHARACTERS: Final = 2
"""One character is far more often a piece of a picture than a plate."""
ALTERNATIVES: Final = 3

FIT_SHARE: Final = 0.2
LEAST_FIT: Final = -15.0
MOST_FIT: Final = 2.0
"""A text that fits no format has to be clearer. Chosen where most drawn lettering is refused per drawn plate lost."""

_RIVALS: Final = 4
_LEAST_RIVAL: Final = float(np.log(1e-4))
"""Glyphs that the picture gives less than this are not tried: a quarter less time, no share moves by 1 in 1,000."""
_RESCALED_EVERY: Final = 8
_TINY: Final = 1e-280

Codes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A text that was read.

    Attributes:
        text: two to twelve characters.
        glyphs: one a character, up to three alternatives each; the character that was read comes first.
        plateness: how much speaks for a plate and against lettering, higher is surer: natural logs a character.
    """

    text: PlateText
    glyphs: tuple[Glyph, ...]
    plateness: float


def decode(logits: NDArray[np.floating[Any]], temperature: float = 1.0) -> tuple[PlateText, tuple[Glyph, ...]] | None:
    """Return the text and a Glyph per character by the picture alone, or None where nothing stands; see `read_text`."""
    reading = read_text(logits, temperature)
    return None if reading is None else (reading.text, reading.glyphs)


def read_text(
    logits: NDArray[np.floating[Any]],
    temperature: float = 1.0,
    formats: Formats | None = None,
    countries: Mapping[str, float] | None = None,
) -> Reading | None:
    """Return what is read, or None for a blank picture and for a text outside 2 to 12 characters.

    Args:
        logits: T x 37, float; log-probabilities will do as well. Class 0 is the blank.
        temperature: divides the logits; above 1 makes probabilities humbler, never changes the best path.
        formats: what serials look like; None takes the picture's word alone.
        countries: how probable each country is (see `Formats.judge`).
    """
    scores = log_softmax(np.asarray(logits, np.float64) / temperature)
    codes, peaks = best_path(scores)
    if not MIN_CHARACTERS <= len(codes) <= MAX_CHARACTERS:
        return None
    codes, tried, sums = _climb(scores, codes, peaks)
    if not MIN_CHARACTERS <= len(codes) <= MAX_CHARACTERS:
        return None
    shares = _shares(codes, tried, sums)
    read = tuple(code - 1 for code in codes)
    # An empty text has one way to be written: blanks all along.
    plateness = float(sums[0] - scores[:, BLANK].sum()) / len(codes)
    if formats is not None:
        judged = formats.judge(shares, read, countries)
        shares, read = judged.shares, judged.best
        plateness += FIT_SHARE * min(max(judged.fit, LEAST_FIT), MOST_FIT)
    glyphs = tuple(_glyph(of_place, index) for of_place, index in zip(shares, read, strict=True))
    return Reading(PlateText("".join(glyph.best for glyph in glyphs)), glyphs, plateness)


def log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log-probabilities along the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), np.float64)


def best_path(scores: NDArray[np.float64]) -> tuple[Codes, list[NDArray[np.float64]]]:
    """Return the best path's text and, for each character, the scores of its columns' classes (their maximum)."""
    path = scores.argmax(axis=1)
    codes: list[int] = []
    peaks: list[NDArray[np.float64]] = []
    before = BLANK
    for t, code in enumerate(path):
        if code != BLANK and code == before:
            peaks[-1] = np.maximum(peaks[-1], scores[t])
        elif code != BLANK:
            codes.append(int(code))
            peaks.append(scores[t])
        before = code
    return tuple(codes), peaks


def text_log_probabilities(scores: NDArray[np.float64], texts: list[Codes]) -> NDArray[np.float64]:
    """Return the log of the sum over all alignments for each text: the CTC forward recursion."""
    longest = max(len(t) for t in texts)
    states = np.zeros((len(texts), 2 * longest + 1), np.int64)
    for row, text in zip(states, texts, strict=True):
        row[1 : 2 * len(text) : 2] = text
    # A character may be entered from the character before it, past the blank, unless the two are the same.
    leap = np.zeros(states.shape)
    leap[:, 2:] = (states[:, 2:] != BLANK) & (states[:, 2:] != states[:, :-2])
    tops = scores.max(axis=1)
    emit = np.exp(scores - tops[:, None])[:, states]  # T x texts x states
    alpha = np.zeros(states.shape)
    alpha[:, :2] = emit[0][:, :2]
    lost = np.zeros(len(texts))
    for column in range(1, len(emit)):
        reached = alpha.copy()
        reached[:, 1:] += alpha[:, :-1]
        reached[:, 2:] += alpha[:, :-2] * leap[:, 2:]
        alpha = reached * emit[column]
        if column % _RESCALED_EVERY == 0:  # many small factors underflow; the scale is put back at the end
            scale = np.maximum(alpha.sum(axis=1), _TINY)
            alpha /= scale[:, None]
            lost += np.log(scale)
    ends = 2 * np.asarray([len(t) for t in texts])
    rows = np.arange(len(texts))
    total = alpha[rows, ends] + np.where(ends > 0, alpha[rows, np.maximum(ends - 1, 0)], 0.0)
    return np.asarray(np.log(np.maximum(total, _TINY)) + lost + tops.sum(), np.float64)


def _climb(
    scores: NDArray[np.float64], codes: Codes, peaks: list[NDArray[np.float64]]
) -> tuple[Codes, list[tuple[int, int]], NDArray[np.float64]]:
    """Sum over each neighbour of the text; where one beats the text itself, move there once and sum again.

    Returns:
        The text, the (position, code) of each likely neighbour (code 0: left out), and each one's log-probability; the
        text itself comes first, at position -1.
    """
    for again in (True, False):
        tried = [(-1, BLANK)]
        for i, peak in enumerate(peaks):
            order = [int(c) for c in np.argsort(-peak[1:])[: _RIVALS + 1] + 1]
            rivals = [c for c in order if c != codes[i]][:_RIVALS]
            tried += [(i, c) for c in (*rivals, BLANK) if peak[c] > _LEAST_RIVAL]
        texts = [_changed(codes, i, c) for i, c in tried]
        sums = text_log_probabilities(scores, texts)
        best = int(sums.argmax())
        if best == 0 or not again:
            return codes, tried, sums
        i, code = tried[best]
        codes = texts[best]
        peaks = [p for k, p in enumerate(peaks) if code != BLANK or k != i]
    raise AssertionError("unreachable: the second round returns")


def _changed(codes: Codes, position: int, code: int) -> Codes:
    if position < 0:
        return codes
    middle = () if code == BLANK else (code,)
    return codes[:position] + middle + codes[position + 1 :]


def _shares(codes: Codes, tried: list[tuple[int, int]], sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each character's share of the probability of each position (n x 36); being left out has a share too."""
    shares = np.zeros((len(codes), len(ALPHABET) + 1))
    weights = np.exp(sums - sums.max())
    shares[np.arange(len(codes)), list(codes)] = weights[0]
    for (position, code), weight in zip(tried[1:], weights[1:], strict=True):
        shares[position, code] = weight
    return np.asarray(shares[:, 1:] / shares.sum(axis=1, keepdims=True), np.float64)


def _glyph(shares: NDArray[np.float64], read: int) -> Glyph:
    """Return what was read at a place, and its likeliest rivals."""
    rivals = [int(index) for index in np.argsort(-shares, kind="stable")[:ALTERNATIVES] if index != read]
    chosen = [read, *(index for index in rivals if shares[index] > 0)][:ALTERNATIVES]
    return Glyph(tuple((ALPHABET[index], float(shares[index])) for index in chosen))
