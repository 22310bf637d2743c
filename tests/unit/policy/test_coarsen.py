"""Coarser values contain the finer one and tell no more."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platesieve.domain.instant import NS_PER_S
from platesieve.policy import coarsen
from platesieve.policy.actions import ToCell
from platesieve.policy.duration import parse_duration, write_duration

latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180)


@given(st.integers(0, 4 * 10**18), st.sampled_from([60, 900, 3600, 86_400]))
def test_a_period_holds_its_moment(wall_ns: int, period_s: int) -> None:
    """The beginning is a multiple of the period, and the moment lies within."""
    start_ns = coarsen.floor_to(wall_ns, period_s)

    assert start_ns % (period_s * NS_PER_S) == 0
    assert 0 <= wall_ns - start_ns < period_s * NS_PER_S


@given(st.floats(-80, 80), st.floats(-179, 179), st.sampled_from([100.0, 500.0, 2000.0]))
def test_a_cell_holds_its_place_and_its_centre_is_its_own(latitude: float, longitude: float, size_m: float) -> None:
    """The centre is at most a cell away, and coarsening it again changes nothing."""
    cell = ToCell(size_m, "m")
    north, east = coarsen.cell_centre(latitude, longitude, cell)
    metres_north = abs(north - latitude) * coarsen.METRES_PER_DEGREE
    metres_east = abs(east - longitude) * coarsen.METRES_PER_DEGREE * math.cos(math.radians(north))

    assert metres_north <= size_m / 2 + 0.2
    assert metres_east <= size_m / 2 + 0.2
    assert coarsen.cell_centre(north, east, cell) == pytest.approx((north, east), abs=2e-6)


@given(latitudes, longitudes, st.sampled_from([ToCell(10**6, "m"), ToCell(90.0, "deg"), ToCell(0.3, "deg")]))
def test_a_cell_stays_on_the_globe(latitude: float, longitude: float, cell: ToCell) -> None:
    """At the poles and at the date line too."""
    north, east = coarsen.cell_centre(latitude, longitude, cell)

    assert -90 <= north <= 90
    assert -180 <= east <= 180


@pytest.mark.parametrize(
    ("number", "step", "down"), [(0.97, 0.1, 0.9), (0.3, 0.1, 0.3), (1.0, 1.0, 1.0), (0.99, 0.5, 0.5)]
)
def test_a_number_is_rounded_down(number: float, step: float, down: float) -> None:
    """Never up: a read must not look surer than it was."""
    assert coarsen.round_down(number, step) == down


@pytest.mark.parametrize(
    ("region", "country"),
    [
        ("US-MN", "US"),
        ("US", "US"),
        ("de", "DE"),
        ("ß", None),
        ("GB-ENG", "GB"),
        ("Minnesota", None),
        ("", None),
        ("US-", None),
    ],
)
def test_only_a_code_has_a_country(region: str, country: str | None) -> None:
    """Text of another form is dropped, because a piece of it could tell more than a country."""
    assert coarsen.country_of(region) == country


@given(st.integers(-(10**20), 10**20))
def test_no_clock_breaks_a_timestamp(wall_ns: int) -> None:
    """Whatever a clock says, the text is RFC 3339 with a four-digit year."""
    assert len(coarsen.timestamp(wall_ns)) == 24


@given(st.integers(0, 3660 * 86_400))
def test_durations_are_read_as_they_are_written(seconds: int) -> None:
    """A round trip, where six digits are enough."""
    text = write_duration(seconds)
    if len(text) <= 7:
        assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "1", "h", "1.5h", "-1s", "1w", "1h ", "9999999s", "3661d", "\u0663h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """A number and one unit, nothing else."""
    with pytest.raises(ValueError, match="is"):
        parse_duration(text)
