"""What every outbox promises: the same cases on the one in memory and on SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.disk.outbox_sqlite import SqliteOutbox
from platesieve.domain.disclosure import Kind, Stretch
from platesieve.domain.instant import NS_PER_S
from tests.fakes.clock import START_WALL_NS as NOW
from tests.fakes.disclosures import a_health, a_hit, an_event, with_receipt
from tests.fakes.outbox import FakeOutbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from platesieve.ports import Outbox


@pytest.fixture(params=["fake", "sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[int], Outbox]]:
    """Return a function that opens an outbox with a quota."""
    opened: list[Outbox] = []

    def open_outbox(quota_bytes: int = 1 << 20) -> Outbox:
        fake = request.param == "fake"
        outbox: Outbox = FakeOutbox(quota_bytes) if fake else SqliteOutbox(tmp_path / "outbox.db", quota_bytes)
        opened.append(outbox)
        return outbox

    yield open_outbox
    for outbox in opened:
        outbox.close()


@pytest.fixture
def outbox(make: Callable[..., Outbox]) -> Outbox:
    """Return an outbox with room."""
    return make()


def ids(outbox: Outbox, now_wall_ns: int = NOW, limit: int = 100) -> list[str]:
    """Return the ids that are due."""
    return [disclosure.id for disclosure in outbox.due(now_wall_ns, limit)]


def test_what_is_stored_is_due_with_everything_it_came_with(outbox: Outbox) -> None:
    """A Disclosure comes out as it went in."""
    stored = with_receipt(a_hit("h1"))
    assert outbox.store([stored]) == 0
    assert list(outbox.due(NOW, 10)) == [stored]
    assert outbox.unsent() == 1


def test_storing_the_same_id_again_changes_nothing(outbox: Outbox) -> None:
    """The camera process may send again what it does not know to be stored."""
    outbox.store([a_hit("h1"), a_hit("h1")])
    outbox.store([a_hit("h1")])
    assert ids(outbox) == ["h1"]


def test_hits_go_first_then_word_of_the_device_then_counts_then_reads(outbox: Outbox) -> None:
    """After an outage the urgent does not wait behind the bulk; within a kind the oldest goes first."""
    outbox.store([an_event(Kind.READ, "r"), an_event(Kind.COUNT, "c"), a_health("reading"), a_hit("h1"), a_hit("h2")])
    assert ids(outbox) == ["h1", "h2", "health", "c", "r"]


def test_excluded_ones_do_not_use_up_the_limit(outbox: Outbox) -> None:
    """Events in flight do not hide those behind them."""
    outbox.store([a_hit(f"h{i}") for i in range(5)])
    assert [d.id for d in outbox.due(NOW, 2, {"h0", "h1", "h2"})] == ["h3", "h4"]


def test_a_delivered_event_is_gone(outbox: Outbox) -> None:
    """Also when the answer comes twice or for an unknown id."""
    outbox.store([a_hit("h1")])
    outbox.delivered(["h1", "h1", "nobody"], NOW)
    assert ids(outbox) == []
    assert outbox.unsent() == 0


def test_one_that_awaits_a_receipt_stays_and_is_due_again_after_ten_minutes(outbox: Outbox) -> None:
    """The broker's answer is not delivery."""
    outbox.store([with_receipt(a_hit("h1"))])
    outbox.delivered(["h1"], NOW)
    assert outbox.unsent() == 0
    assert ids(outbox, NOW + 599 * NS_PER_S) == []
    assert ids(outbox, NOW + 600 * NS_PER_S) == ["h1"]


def test_of_a_lasting_kind_the_newest_stays(outbox: Outbox) -> None:
    """One health, whatever happened to the earlier ones."""
    outbox.store([a_health("reading", "one"), a_health("suspended", "two")])
    assert ids(outbox) == ["two"]
    outbox.delivered(["two"], NOW)
    assert ids(outbox) == []
    outbox.renew_lasting()
    assert ids(outbox) == ["two"]
    outbox.forget(Kind.HEALTH)
    assert ids(outbox) == []


def test_the_expired_are_never_due_and_are_erased_by_a_purge(outbox: Outbox) -> None:
    """Not even between expiry and purge; what has less than a second left is as good as expired."""
    outbox.store([a_hit("short", expires_in_s=10), a_hit("long", expires_in_s=100), a_health("reading")])
    assert ids(outbox, NOW + 9 * NS_PER_S) == ["long", "health"]
    assert ids(outbox, NOW + 11 * NS_PER_S) == ["long", "health"]
    assert outbox.purge_expired(NOW + 9 * NS_PER_S) == 0
    assert outbox.purge_expired(NOW + 10 * NS_PER_S) == 1
    assert outbox.purge_expired(NOW + 10 * NS_PER_S) == 0


def test_a_postponed_event_waits_unless_the_clock_was_wrong(outbox: Outbox) -> None:
    """A time far ahead was set by a clock that has since been corrected."""
    outbox.store([a_hit("h1"), a_hit("h2")])
    outbox.postpone(["h1"], NOW + 60 * NS_PER_S)
    outbox.postpone(["h2"], NOW + 10**9 * NS_PER_S)
    assert ids(outbox) == ["h2"]
    assert sorted(ids(outbox, NOW + 60 * NS_PER_S)) == ["h1", "h2"]


def test_above_the_quota_reads_go_first_then_counts_then_hits(make: Callable[..., Outbox]) -> None:
    """Oldest first within a kind; every drop is counted; word of the device stays."""
    outbox = make(3000)
    outbox.store([a_health("reading"), a_hit("h"), an_event(Kind.COUNT, "c")])
    dropped = outbox.store([an_event(Kind.READ, f"r{i}") for i in range(10)])
    left = ids(outbox)
    assert left[:3] == ["h", "health", "c"]
    assert left[3:] == [f"r{i}" for i in range(dropped, 10)]
    dropped += outbox.store([a_hit(f"more{i}") for i in range(20)])
    left = ids(outbox)
    assert "c" not in left
    assert "health" in left
    assert "more19" in left
    assert dropped + len(left) == 33


def test_only_the_receipt_of_its_collector_lets_an_event_go(outbox: Outbox) -> None:
    """The broker's answer does not, another collector's receipt does not, and one that came early does."""
    outbox.store([with_receipt(a_hit("h1")), with_receipt(a_hit("early")), a_hit("without")])
    outbox.delivered(["h1", "without"], NOW)
    later = NOW + 700 * NS_PER_S

    assert sorted(ids(outbox, later)) == ["early", "h1"]
    assert outbox.receipted(["h1", "unknown"], "state") == 0
    assert sorted(ids(outbox, later)) == ["early", "h1"]
    assert outbox.receipted(["h1", "early"], "agency") == 2
    outbox.delivered(["early"], NOW)
    assert ids(outbox, later) == []


def test_what_is_held_stays_longer_and_nothing_else_does(outbox: Outbox) -> None:
    """Rows of the kind whose expiry lies in the span; never to an earlier moment, and only to the hold's end."""
    hour_ns = 3600 * NS_PER_S
    outbox.store(
        [a_hit("in", expires_in_s=3600), a_hit("before", expires_in_s=1800), a_hit("later", expires_in_s=9000)]
    )
    outbox.store([an_event(Kind.READ, "read", expires_in_s=3600)])
    asked = Stretch("hold", Kind.HIT, NOW + hour_ns, NOW + 2 * hour_ns, NOW + 5 * hour_ns)

    assert outbox.stretch(asked) == 1
    assert outbox.stretch(asked) == 0
    assert outbox.purge_expired(NOW + 3 * hour_ns) == 3
    assert ids(outbox, NOW + 3 * hour_ns) == ["in"]
    assert outbox.purge_expired(NOW + 5 * hour_ns) == 1
