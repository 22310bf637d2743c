"""Calibration, and how right the most confident answers are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platesieve.evaluation.confidence import (
    Answer,
    calibration_error,
    precision_of_most_confident,
    reliability,
)

answers = st.lists(st.builds(Answer, st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def test_a_reader_that_keeps_what_it_promises_has_no_error() -> None:
    """Nine of ten answers that claim 0.9 are right: nothing is over- or understated."""
    kept = [Answer(0.9, right=number < 9) for number in range(10)]

    assert calibration_error(kept) == pytest.approx(0.0)


def test_a_reader_that_is_sure_and_wrong_has_the_largest_error() -> None:
    """The control: promising everything and keeping nothing is an error of one."""
    assert calibration_error([Answer(1.0, right=False)] * 5) == pytest.approx(1.0)
    assert calibration_error([]) is None


@given(answers)
def test_every_answer_stands_in_one_bin(given_answers: list[Answer]) -> None:
    """The rows of the diagram hold all answers, and the error is a share."""
    rows = reliability(given_answers)
    counted = [row["kept"]["n"] for row in rows if isinstance(row["kept"], dict)]

    assert sum(counted) == len(given_answers)
    assert 0.0 <= (calibration_error(given_answers) or 0.0) <= 1.0


def test_doubtful_answers_do_not_count_against_the_most_confident() -> None:
    """One wrong answer of ten, the least confident one, leaves the best nine without a fault."""
    given_answers = [Answer(0.9, right=True)] * 9 + [Answer(0.2, right=False)]

    assert precision_of_most_confident(given_answers, 0.9).value == 1.0
    assert precision_of_most_confident(given_answers, 1.0).value == 0.9
