"""The reliability diagram: valid SVG with one dot for each bin that has answers."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from platesieve.evaluation.confidence import Answer, calibration_error, reliability
from platesieve.evaluation.diagram import reliability_svg

NAME = "{http://www.w3.org/2000/svg}"


def test_each_bin_with_answers_is_a_dot_at_what_was_promised_and_kept() -> None:
    """Two bins: 0.95 promised and all kept, 0.55 promised and half kept."""
    answers = [Answer(0.95, right=True)] * 8 + [Answer(0.55, right=True), Answer(0.55, right=False)]
    svg = ET.fromstring(reliability_svg("set <A> & B", reliability(answers), calibration_error(answers)))  # noqa: S314 - our own
    dots = sorted((float(d.get("cx", 0)), float(d.get("cy", 0))) for d in svg.iter(f"{NAME}circle"))
    assert len(dots) == 2
    assert dots[0][1] > dots[1][1]  # half kept lies lower than all kept
    texts = [text.text for text in svg.iter(f"{NAME}text")]
    assert "set <A> & B" in texts
    assert "expected calibration error 0.050" in texts


def test_nothing_read_is_a_diagram_that_says_so() -> None:
    """No dots, no error."""
    svg = reliability_svg("empty", reliability([]), None)
    assert "<circle" not in svg
    assert "nothing was read" in svg
