"""Reports count exactly what the log says, for any period, and say what it does not hold."""

from __future__ import annotations

from itertools import pairwise

import pytest

from platesieve.audit import entry as e
from platesieve.domain.disclosure import Kind
from platesieve.report.chart import round_up
from platesieve.report.document import Report, Source
from platesieve.report.history import CUT_OFF, STILL, relevant
from platesieve.report.page import as_page
from platesieve.report.people import access, records_request
from platesieve.report.reports import REPORTS
from tests.fakes.log_files import one_of_each
from tests.fakes.simulated_log import DAY_S, FIRST_DAY_NS, Plan, S, simulated

HOUR_NS = 3600 * S


@pytest.fixture(scope="module")
def month() -> tuple[list[e.Entry], Plan]:
    """Return a month of entries, and what was put into it."""
    return simulated(30)


def made(name: str, entries: list[e.Entry], since_ns: int | None = None, until_ns: int | None = None) -> Report:
    """Return a report as the command makes it."""
    source = Source("platesieve/metro-pd/bridge-7/cam-1", len(entries), "5a" * 32, since_ns, until_ns)
    return REPORTS[name](relevant(entries, source), source)


def figures(report: Report) -> dict[str, int | str]:
    """Return the figures by key."""
    return {figure.key: figure.value for figure in report.figures}


def test_a_month_is_counted_exactly(month: tuple[list[e.Entry], Plan]) -> None:
    """Every vehicle that was put in, once, in total, by day and by category."""
    entries, plan = month
    report = made("log-of-use", entries)
    found, tables = figures(report), report.document["tables"]

    assert (found["vehicles"], found["misses"], found["unsure"]) == (plan.vehicles, plan.misses, plan.unsure)
    assert found["wanted"] == found["disclosed"] == plan.hits.total() == plan.vehicles - plan.misses - plan.unsure
    assert found["frames"] == plan.frames
    assert found["destroyed"] == plan.erased
    assert [row["vehicles"] for row in tables["days"]] == list(plan.vehicles_by_day.values())
    assert {row["list"]: row["count"] for row in tables["hits"]} == plan.hits
    assert sum(row["count"] for row in tables["categories"]) == plan.hits.total()
    assert sum(row["active_min"] for row in tables["days"]) == plan.active_s // 60


@pytest.mark.parametrize("name", ["log-of-use", "public"])
def test_parts_of_a_month_add_up_to_it(month: tuple[list[e.Entry], Plan], name: str) -> None:
    """Nothing is counted twice or not at all where two periods meet."""
    entries, _ = month
    cuts = [FIRST_DAY_NS + hour * HOUR_NS for hour in (-9, 5, 240, 241, 500, 10_000)]
    whole = figures(made(name, entries))
    parts = [figures(made(name, entries, a, b)) for a, b in pairwise(cuts)]

    for key in ("vehicles", "wanted", "misses", "unsure", "disclosed"):
        assert sum(int(part[key]) for part in parts) == whole[key]


def test_a_report_of_a_day_is_about_that_day(month: tuple[list[e.Entry], Plan]) -> None:
    """With the list and the policy that were in force when it began."""
    entries, plan = month
    since = FIRST_DAY_NS + 3 * DAY_S * S
    report = made("log-of-use", entries, since, since + DAY_S * S)
    tables = report.document["tables"]

    assert [row["day"] for row in tables["days"]] == ["2026-09-04"]
    assert figures(report)["vehicles"] == plan.vehicles_by_day["3"]
    assert [row["from"] for row in tables["lists"]] == ["2026-09-04T00:00:00Z"]
    assert figures(made("policy-history", entries, since, since + DAY_S * S))["policies"] == 1


def test_times_of_use_say_what_ended_them() -> None:
    """A stop, a suspension, a power cut, and what goes on."""
    at = FIRST_DAY_NS

    def after(hours: int) -> int:
        return at + hours * HOUR_NS

    entries: list[e.Entry] = [
        e.ReadingStarted(at),
        e.ReadingStopped(after(1), e.StopReason.SUSPENDED),
        e.ReadingStarted(after(2)),
        e.ReadingStarted(after(3)),
        e.Erased(after(4), 1, e.ErasedReason.QUOTA),
        e.Boot(after(9), "0.1.0", "a/b/c", "c3" * 16),
        e.ReadingStarted(after(30)),
        e.Erased(after(32), 1, e.ErasedReason.QUOTA),
    ]
    report = made("log-of-use", entries)

    rows = report.document["tables"]["active"]
    assert [(row["minutes"], row["ended"]) for row in rows] == [(60, "suspended"), (120, CUT_OFF), (120, STILL)]
    assert figures(report)["active_s"] == "5 h 00 min"
    days = {row["day"]: row["active_min"] for row in report.document["tables"]["days"]}
    assert days == {"2026-09-01": 180, "2026-09-02": 120}


def test_a_clock_that_was_set_back_gives_no_negative_time() -> None:
    """And the reader is told."""
    at = FIRST_DAY_NS
    entries: list[e.Entry] = [
        e.ReadingStarted(at),
        e.ClockStep(at + HOUR_NS, at - HOUR_NS),
        e.ReadingStopped(at - HOUR_NS, e.StopReason.CAMERA),
    ]
    report = made("log-of-use", entries)

    assert figures(report)["active_s"] == "0 h 00 min"
    assert any("clock was set 1 times" in note for note in report.notes)


def test_old_lists_are_named(month: tuple[list[e.Entry], Plan]) -> None:
    """The days on which nobody brought one; a restart with the same list renews nothing."""
    entries, plan = month
    report = made("list-hygiene", entries)
    found = figures(report)

    assert (found["loads"], found["over_limit"], found["oldest"]) == (plan.lists, 3, "48 h 00 min")
    at = FIRST_DAY_NS
    same = [e.HotListLoaded(at + hour * HOUR_NS, ("ncic",), "5a" * 32, 5) for hour in (0, 20, 40)]
    assert figures(made("list-hygiene", [*same, e.Shutdown(at + 50 * HOUR_NS)]))["oldest"] == "50 h 00 min"


def test_deletions_are_counted_by_reason_and_deadline(month: tuple[list[e.Entry], Plan]) -> None:
    """What is due is due by the end of the period, no later."""
    entries, plan = month
    report = made("deletions", entries)
    found = figures(report)
    end = next(entry.time_ns for entry in reversed(entries) if isinstance(entry, e.Shutdown))
    published = [entry for entry in entries if isinstance(entry, e.Publish)]

    assert found["erased"] == plan.erased
    assert found["published"] == len(published) == plan.hits.total()
    assert found["due"] == sum(entry.expires_ns is not None and entry.expires_ns <= end for entry in published)
    assert found["never_left"] == plan.vehicles - plan.hits.total()


def test_what_left_earlier_is_due_in_the_period_in_which_it_has_to_go(month: tuple[list[e.Entry], Plan]) -> None:
    """Deadlines of two halves add up to those of the whole, although most records left before theirs."""
    entries, _ = month
    middle = FIRST_DAY_NS + 15 * DAY_S * S
    halves = [figures(made("deletions", entries, *cut)) for cut in ((None, middle), (middle, None))]
    whole = figures(made("deletions", entries))

    for key in ("due", "published", "erased", "never_left"):
        assert sum(int(half[key]) for half in halves) == whole[key]


def test_keys_that_are_gone_and_keys_that_are_not() -> None:
    """Each epoch once."""
    at = FIRST_DAY_NS
    entries: list[e.Entry] = [
        e.EpochKeyCreated(at, "aa" * 16, e.KeyPurpose.DEVICE),
        e.EpochKeyDestroyed(at + HOUR_NS, "aa" * 16),
        e.EpochKeyCreated(at + HOUR_NS, "bb" * 16, e.KeyPurpose.DEVICE),
    ]
    report = made("deletions", entries)

    assert (figures(report)["keys_destroyed"], figures(report)["keys_alive"]) == (1, 1)
    assert [row["destroyed"] for row in report.document["tables"]["keys"]] == ["2026-09-01T01:00:00Z", None]


def test_what_left_is_told_under_its_policy(month: tuple[list[e.Entry], Plan]) -> None:
    """Two policies, each with its own records."""
    entries, plan = month
    report = made("policy-history", entries)
    rows = report.document["tables"]["left"]

    assert sum(row["count"] for row in rows) == plan.hits.total()
    assert {row["policy"].split(" (")[0] for row in rows} == {"us-mn 2026.9", "us-mn 2026.10"}
    assert figures(report)["starts"] == 2


def test_the_public_report_tells_no_time_finer_than_a_day(month: tuple[list[e.Entry], Plan]) -> None:
    """Of anything: it can be published as it is."""
    assert not [cell for *_, cell in made("public", month[0]).cells if isinstance(cell, str) and "T" in cell[10:]]


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("entries", [[], one_of_each()], ids=["empty", "every-type"])
def test_every_report_of_every_log_can_be_made(name: str, entries: list[e.Entry]) -> None:
    """Of an empty one too; JSON, CSV and the page hold the same numbers."""
    report = made(name, entries)
    page = as_page(report)

    assert set(report.document["figures"]) == {column for table, _, column, _ in report.cells if table == "figures"}
    assert all(f"<b>{figure.value:,}</b>" in page for figure in report.figures if isinstance(figure.value, int))


@pytest.mark.parametrize("name", REPORTS)
def test_a_page_fetches_nothing_and_runs_nothing(month: tuple[list[e.Entry], Plan], name: str) -> None:
    """One file for ever, also where it is opened from a stick."""
    page = as_page(made(name, month[0]))

    for forbidden in ("<script", "<link", "<img", "url(", "http:", "https:", "@import", "javascript:", "<iframe"):
        assert forbidden not in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_a_page_cannot_be_broken_by_a_name() -> None:
    """Whatever stands in a cell is text."""
    source = Source("platesieve/<b>/&/x", 0, "")

    assert "<b>/" not in as_page(REPORTS["public"]([], source))


def test_what_one_batch_did_not_record_is_not_summed() -> None:
    """Older devices left it out: the sum is unknown, not too small."""
    batch = next(entry for entry in one_of_each() if isinstance(entry, e.Batch))
    without = e.Batch(
        batch.start_ns,
        batch.end_ns,
        frames=1,
        plates_found=1,
        hits={},
        misses=1,
        unsure=0,
        suppressed={},
        tallied=0,
        disclosed=0,
    )

    assert figures(made("log-of-use", [batch]))["vehicles"] == 23
    assert figures(made("log-of-use", [batch, without]))["vehicles"] == "not recorded"


def test_axes_end_at_round_numbers() -> None:
    """Never below the largest value."""
    assert [round_up(value) for value in (0, 1, 3, 7, 11, 199, 200, 201)] == [1, 1, 5, 10, 20, 200, 200, 500]


def test_access_is_told_sealed_and_opened_only_by_its_own_record(month: tuple[list[e.Entry], Plan]) -> None:
    """Case and user come from the agency; what fits no commitment opens nothing."""
    entries, _ = month
    first = next(entry for entry in entries if isinstance(entry, e.Access))
    sealed = made("access", entries)
    source = Source("platesieve/metro-pd/bridge-7/cam-1", len(entries), "5a" * 32)
    opened = access(entries, source, {first.commitment: {"user": "jdoe", "case": "2026-17"}, "00" * 32: {"case": "X"}})

    assert {row["case"] for row in sealed.document["tables"]["accesses"]} == {"sealed"}
    assert (figures(sealed)["accesses"], figures(sealed)["people"]) == (15, 3)
    assert [row["case"] for row in opened.document["tables"]["accesses"]].count("2026-17") == 1
    assert opened.document["tables"]["accesses"][0]["actor"] == "jdoe"
    assert figures(opened)["proven"] == 1


def test_a_records_request_is_answered_alike_for_every_plate(month: tuple[list[e.Entry], Plan]) -> None:
    """Nothing of a miss; the clause of the policy that says so; the receipts of what was kept."""
    entries, plan = month
    sha256 = next(entry.sha256 for entry in entries if isinstance(entry, e.PolicyLoaded))
    source = Source("platesieve/metro-pd/bridge-7/cam-1", len(entries), "5a" * 32)
    report = records_request(entries, source, {sha256: {"[miss]": 'retention = "0s"'}})
    tables = report.document["tables"]

    assert tables["answers"][0] == {"kind": "met no list", "vehicles": plan.misses, "held": "nothing"}
    assert 'retention = "0s"' in {row["says"] for row in tables["clauses"]}
    assert figures(report)["receipts"] == plan.erased + 15
    assert figures(report)["never_left"] == plan.misses + plan.unsure


def test_records_of_misses_that_left_are_not_denied() -> None:
    """The control: under a policy that lets reads out, `nothing` would be a lie."""
    left = e.Publish(FIRST_DAY_NS, Kind.READ, "5a" * 32, "5a" * 32, FIRST_DAY_NS + S)
    rows = made("records-request", [left]).document["tables"]["answers"]

    assert rows[0]["held"].startswith("1 records left")
