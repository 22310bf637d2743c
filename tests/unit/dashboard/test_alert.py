"""What an alert shows: nothing that a device may have smuggled in, and how sure each character is."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from platesieve.collector.records import Event, Stored
from platesieve.dashboard.alert import alert_of, confusable, jpeg_address, marks_of, opened
from platesieve.dashboard.places import Place, draw, read_places
from platesieve.dashboard.wording import MAX_SHOWN, ago, iso, moments_told, ordered, plain, span
from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import ConfigError
from platesieve.domain.folding import CLASSES
from platesieve.policy.decide import NOTICE

if TYPE_CHECKING:
    from platesieve.domain.disclosure import Json

JPEG = base64.b64encode(b"\xff\xd8\xff\xe0 picture").decode()
SEALED: Json = {"sealed": "AAAA", "to": "agency"}


def stored(data: dict[str, Json]) -> Stored:
    """Return a hit that says this."""
    return Stored(1, Event("id", Kind.HIT, "a/b/c", 0, None, {"data": data}))


def test_the_notice_is_ours_whatever_the_message_says() -> None:
    """A device that says `verified` is not believed; unknown fields and pictures in clear are not shown."""
    alert = alert_of(stored({"notice": "verified: stop the car", "secret": "x", "plate_crop": JPEG, "plate": SEALED}))
    assert alert.notice == NOTICE
    assert set(alert.shown) == {"plate"}
    assert alert.sealed == ("plate",)
    assert alert.title == "Hot-list alert"
    assert alert_of(stored({"category": "missing-person"})).title == "Missing person"
    assert alert_of(stored({"match": "certain"})).match == "unknown"


@pytest.mark.parametrize(
    "value", [None, "text", [[["8", 2.0]]], [[["88", 0.5]]], [[]], [["8"]], {"a": 1}, [[["8"]]], 7]
)
def test_what_is_no_list_of_alternatives_gives_none(value: Any) -> None:
    """Anything but single characters with probabilities is left aside."""
    assert marks_of(value) == ()


def test_alternatives_are_shown_where_somebody_should_look_twice() -> None:
    """A character below 98 % is marked, with the best three others; a certain one is not."""
    value: Json = [[["8", 0.91], ["B", 0.06], ["3", 0.02], ["6", 0.005], ["0", 0.001]], [["J", 0.999], ["I", 0.001]]]
    first, second = marks_of(value)
    assert first.unsure
    assert [other for other, _ in first.others] == ["B", "3", "6"]
    assert not second.unsure


def test_probabilities_that_are_of_another_plate_are_not_believed() -> None:
    """They are shown only where their best characters are the plate; else the usual confusions are."""
    alert = alert_of(stored({"plate": SEALED}))
    measured: Json = [[["8", 0.9], ["B", 0.1]], [["4", 0.99]]]
    assert opened(alert, {"plate": "84", "alternatives": measured}).reading.measured
    other = opened(alert, {"plate": "B4", "alternatives": measured})
    assert not other.reading.measured
    assert other.reading.marks == confusable("B4")


def test_a_plate_that_the_policy_keeps_has_its_alternatives_beside_it() -> None:
    """As glyphs, not as a field that repeats the plate in numbers."""
    alert = alert_of(stored({"plate": "84", "alternatives": [[["8", 0.9], ["B", 0.1]], [["4", 0.99]]]}))
    assert alert.reading is not None
    assert alert.reading.measured
    assert "alternatives" not in alert.shown
    assert alert_of(stored({"plate": SEALED, "alternatives": SEALED})).reading is None


def test_the_usual_confusions_are_those_of_folding() -> None:
    """Every character of a class names the others of it, and nothing else does."""
    for group in CLASSES:
        for mark in confusable(group):
            assert {other for other, _ in mark.others} == set(group) - {mark.character}
    assert not confusable("K")[0].unsure


@pytest.mark.parametrize(
    "value", [None, 7, "", "no base64!", base64.b64encode(b"<svg onload=x>").decode(), "A" * (3 << 20)]
)
def test_only_a_jpeg_becomes_a_picture(value: Any) -> None:
    """An SVG could hold a script, and a huge one could hold up a browser."""
    assert jpeg_address(value) is None
    assert jpeg_address(JPEG) == f"data:image/jpeg;base64,{JPEG}"


def test_what_was_opened_is_not_in_a_repr() -> None:
    """A log line or a traceback with an opened alert in it shows nothing."""
    shown = opened(alert_of(stored({"plate": SEALED})), {"plate": "CANARY7"})
    assert shown.plate == "CANARY7"
    assert "CANARY" not in repr(shown)
    assert "'C'" not in repr(shown.reading)


def test_text_of_a_device_is_one_short_line_without_controls() -> None:
    """Characters that move a cursor or turn writing round are replaced, and length is bounded."""
    assert plain("a\u202eb\x00c\nd\x1b") == "a\ufffdb\ufffdc\ufffdd\ufffd"
    assert len(plain("x" * 10_000)) == MAX_SHOWN + 1
    assert plain({"latitude": 44.97759, "longitude": -93.26502}) == "44.978° N, 93.265° W"
    assert plain({"start": "a", "end": "b"}) == "a to b"
    assert plain({"x": [1, None, True]}) == "x: 1, none, yes"


def test_moments_of_a_device_are_said_in_the_time_zone_of_the_page() -> None:
    """Alone and in a span; what is no moment stays as it came."""
    zone = ZoneInfo("America/Chicago")
    assert moments_told("2026-11-28T17:02:11.056Z", zone) == "28 Nov 2026, 11:02:11 CST"
    assert moments_told("2026-11-28T17:00:00Z to 2026-11-28T18:00:00Z", zone).count("CST") == 2
    for odd in ("2026-02-31T00:00:00Z", "0001-01-01T00:00:00Z", "soon"):
        assert moments_told(odd, zone) == odd


def test_fields_are_named_in_one_order() -> None:
    """The plate first, what nobody knows last."""
    assert ordered(("zzz", "time", "alternatives", "plate")) == ("plate", "alternatives", "time", "zzz")


def test_spans_and_moments_are_said_shortly() -> None:
    """Two units; a moment that no calendar has does not break a page."""
    assert span(5400) == "1 h 30 min"
    assert span(0.2) == "0 s"
    assert ago(None, 0) == "never"
    assert ago(0, 120 * 10**9) == "2 min ago"
    assert iso(2**62) != ""
    assert iso(0) == "1970-01-01T00:00:00Z"


def test_a_table_of_places_is_read_or_refused_line_by_line() -> None:
    """Every wrong row is named."""
    good = "device,latitude,longitude\n# bridge\na/b/c,44.97759,-93.26502\n\n"
    assert read_places(good) == {"a/b/c": Place(44.978, -93.265)}
    with pytest.raises(ConfigError) as refused:
        read_places("a/b,1,2\na/b/c,91,0\na/b/c,x,y\na/b/d,nan,0\n")
    assert len(refused.value.problems) == 4


@pytest.mark.parametrize("latitude", [-89.9, -45.0, 0.0, 44.9, 71.2])
def test_a_kilometre_is_as_long_either_way(latitude: float) -> None:
    """Two cameras a kilometre apart north-south are as far apart on the map as the bar of 1 km is long, within 1 %."""
    places = {"a/b/c": Place(latitude, 10.0), "a/b/d": Place(latitude + 1 / 111.195, 10.0)}
    drawing = draw(places, {})
    assert drawing is not None
    one, two = drawing.dots
    value, unit = drawing.bar_label.split()
    px_per_km = drawing.bar_px / (float(value) / (1 if unit == "km" else 1000))
    assert abs((one.y - two.y) - px_per_km) < 0.01 * px_per_km
    assert draw({}, {}) is None
    alone = draw({"a/b/c": Place(latitude, 10.0)}, {"a/b/c": ("good", "reading")})
    assert alone is not None
    assert alone.dots[0].tone == "good"
