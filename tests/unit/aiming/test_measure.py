"""The numbers on the installer's page, against a pinhole camera that is simulated."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platesieve.aiming.measure import (
    EU_PLATE_M,
    US_PLATE_M,
    Pass,
    Seen,
    angle_deg,
    blur_px,
    focal_px,
    follow,
    good_for_km_h,
    path_m,
    seen,
)
from platesieve.domain.geometry import Detection

SIZE = (1280, 720)
S = 1_000_000_000


def at(place: tuple[float, float, float], at_ns: int, f: float) -> Seen:
    """Return what a pinhole camera sees of a European plate at a place in metres."""
    x, y, z = place
    return Seen(at_ns, SIZE[0] / 2 + f * x / z, SIZE[1] / 2 + f * y / z, f * EU_PLATE_M / z, EU_PLATE_M, 0.0)


places = st.tuples(st.floats(-5, 5), st.floats(-3, 3), st.floats(3, 60))


@given(places, places, st.floats(20, 120))
def test_the_path_is_the_one_that_was_driven(start: tuple[float, ...], end: tuple[float, ...], fov: float) -> None:
    """Whatever the direction and the lens: distance and sideways from the plate's width."""
    f = focal_px(SIZE[0], fov)
    one = Pass(at(start, 0, f), at(end, S, f), 9)  # type: ignore[arg-type] # three numbers

    assert path_m(one, SIZE, f) == pytest.approx(math.dist(start, end), rel=1e-6, abs=1e-6)


@given(st.floats(0.5, 50), st.floats(1, 60), st.floats(0, 1), st.floats(0.1, 3))
def test_good_for_is_the_speed_at_which_three_frames_are_sure(
    length_m: float, fps: float, phase: float, factor: float
) -> None:
    """At most that speed: three frames or more wherever the first one falls. Above F L / 2: never three."""
    limit_m_s = good_for_km_h(length_m, fps) / 3.6
    speed = limit_m_s * factor
    in_view_s = length_m / speed
    frames = math.floor(in_view_s * fps - phase + 1e-9) + 1  # moments (phase + k) / fps within the time in view

    if factor <= 1:
        assert frames >= 3
    if factor > 1.51:
        assert frames <= 2


@given(st.floats(0, 0.1), st.floats(0, 5000), st.floats(1, 4))
def test_blur_grows_with_exposure_and_speed(exposure_s: float, speed: float, more: float) -> None:
    """In proportion to both, and none without either."""
    assert blur_px(exposure_s * more, speed) == pytest.approx(more * blur_px(exposure_s, speed))
    assert blur_px(exposure_s, speed * more) == pytest.approx(more * blur_px(exposure_s, speed))
    assert blur_px(0.0, speed) == 0.0


@given(st.floats(-60, 60), st.floats(40, 200))
def test_a_turned_plate_says_its_angle_and_its_width(degrees: float, wide: float) -> None:
    """Both shapes; the real width follows from the shape."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    for ratio, real_m in ((4.7, EU_PLATE_M), (2.0, US_PLATE_M)):
        high = wide / ratio
        flat = ((0.0, 0.0), (wide, 0.0), (wide, high), (0.0, high))
        turned = tuple((300 + x * c - y * s, 300 + x * s + y * c) for x, y in flat)
        one = seen(Detection(turned, 0.9), 5)  # type: ignore[arg-type] # four corners

        assert angle_deg(turned) == pytest.approx(degrees, abs=1e-6)  # type: ignore[arg-type] # four corners
        assert one.width_px == pytest.approx(wide)
        assert one.real_m == real_m


def test_a_plate_is_followed_until_it_was_gone_for_a_second() -> None:
    """Two plates stay two passes; dwell and speed come from first and last frame."""
    going: tuple[Pass, ...] = ()
    for k in range(11):
        found = [Seen(k * S // 10, 100 + 20 * k, y, 100, EU_PLATE_M, 0) for y in (100.0, 500.0)]
        going, over = follow(going, found, k * S // 10)
        assert over == ()
    going, over = follow(going, [], 3 * S)

    assert going == ()
    assert [(one.frames, one.dwell_s, one.speed_px_s) for one in over] == [(11, 1.0, 200.0)] * 2
