"""The reports themselves: which figures and tables answer which duty.

Each takes the entries of the period (`history.relevant`) and says where it comes from. What the log does not hold is
said too, so that nobody takes silence for zero. Duties: Minn. Stat. 13.824 subd. 5 and 6, Neb. Rev. Stat. 60-3206,
Ark. Code 12-12-1805, N.H. Saf-C 7204.01, and the public part of the 2013 Minnesota ruling on reader data.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from platesieve.audit import entry as e
from platesieve.report.counts import (
    by_day,
    days_table,
    figures,
    known,
    spoken_s,
    table_of,
    totals,
)
from platesieve.report.document import NS_PER_S, Figure, Report, Source, Table, day_of, written
from platesieve.report.history import STILL, active, end_of, falls_due, in_force
from platesieve.report.people import access, records_request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from platesieve.audit.entry import Entry
    from platesieve.report.counts import Counts

_E = TypeVar("_E", bound="Entry")
LIST_LIMIT_S = 24 * 3600  # Ark. Code 12-12-1804 and N.H. RSA 261:75-b IV: lists are renewed daily
_TWICE = "A vehicle that met two lists counts in both."
_NOT_HERE = (
    "Confirmed and refuted alerts, manual entries and holds are those that this device was told of; the agency adds "
    "what it was not."
)
_FRAMES = "A reason for not reading at all, such as suspended, counts pictures; the others count vehicles."
_BATCHES = "Counts are sums of the log's batches; a batch belongs to the day, in UTC, on which it began."


def log_of_use(entries: Sequence[Entry], source: Source) -> Report:
    """When plates were read, how many, against which lists, with what result."""
    counts, reading = totals(entries), active(entries, source)
    spells = tuple((written(s.start_ns), written(s.end_ns), s.seconds // 60, s.ended) for s in reading.spells)
    columns = (("start", "From"), ("end", "To"), ("minutes", "Minutes"), ("ended", "Ended by"))
    return Report(
        "log-of-use",
        "Log of use",
        "When plates were read, how many, against which lists, and with what result.",
        source,
        (
            *figures(counts, reading),
            Figure("frames", "Pictures looked at", counts.frames),
            Figure("tallied", "Vehicles that were only counted", counts.tallied),
            Figure("manual", "Wanted plates entered by hand", len(_within(entries, source, e.ManualEntryAdded))),
            Figure("holds", "Holds begun", len(_within(entries, source, e.Hold))),
            Figure("destroyed", "Records erased before anybody had them", _erased(entries, source).total()),
            Figure("deleted", "Kept records deleted", sum(x.count for x in _within(entries, source, e.Deletion))),
        ),
        (
            days_table(by_day(entries), reading),
            Table("active", "Times of use", columns, spells, empty="Plates were not read."),
            _lists_compared(entries, source),
            table_of("hits", "Alerts by list and category", ("list", "List/category"), counts.hits, _TWICE),
            table_of("categories", "Alerts by category", ("category", "Category"), counts.by_category, _TWICE),
            _checked(entries, source),
            _tests(entries, source),
            table_of("suppressed", "What did not leave, and why", ("reason", "Reason"), counts.suppressed, _FRAMES),
        ),
        (_BATCHES, _NOT_HERE, *_clock_notes(entries, source)),
    )


def list_hygiene(entries: Sequence[Entry], source: Source) -> Report:
    """Which hot lists were in force, how large and how old they became."""
    loads = in_force(entries, e.HotListLoaded, source)
    rows = tuple(
        (written(load.time_ns), ", ".join(load.lists), load.count, load.sha256, age_s // 3600, _over(age_s))
        for load, spell in loads
        for age_s in [max(0, spell.end_ns - load.time_ns) // NS_PER_S]
    )
    stale = [x for x in _within(entries, source, e.ReadingStopped) if x.reason is e.StopReason.HOTLIST_STALE]
    ages = [max(0, spell.end_ns - load.time_ns) // NS_PER_S for load, spell in loads]
    columns = (
        ("loaded", "Loaded"),
        ("lists", "Lists"),
        ("count", "Entries"),
        ("sha256", "SHA-256"),
        ("age_h", "Age when replaced, h"),
        ("over", "Over 24 h"),
    )
    return Report(
        "list-hygiene",
        "Hot lists",
        "Which lists were in force, how many entries they had, and how old they became.",
        source,
        (
            Figure("loads", "Lists loaded", len(_within(entries, source, e.HotListLoaded))),
            Figure("distinct", "Different lists among them", len({load.sha256 for load, _ in loads})),
            Figure("oldest", "Oldest while in force", spoken_s(max(ages, default=0))),
            Figure("over_limit", "Became older than 24 h", sum(age > LIST_LIMIT_S for age in ages)),
            Figure("stale_stops", "Reading stopped because a list was stale", len(stale)),
        ),
        (Table("lists", "Lists in force", columns, rows, charted="age_h", labelled="loaded"),),
        ("A list that was loaded again without a change, as by a restart, counts as not renewed.", _NOT_HERE),
    )


def deletions(entries: Sequence[Entry], source: Source) -> Report:
    """What was destroyed, what is due to be destroyed by now, and which keys are gone."""
    erased, end = _erased(entries, source), end_of(entries, source)
    created = {x.epoch: x for x in entries if isinstance(x, e.EpochKeyCreated)}
    gone = {x.epoch: x.time_ns for x in entries if isinstance(x, e.EpochKeyDestroyed)}
    keys = tuple(
        (epoch, key.purpose.value, written(key.time_ns), written(gone[epoch]) if epoch in gone else None)
        for epoch, key in created.items()
        if source.covers(key.time_ns) or source.covers(gone.get(epoch, end))
    )
    published = [x for x in _within(entries, source, e.Publish) if x.expires_ns is not None]
    due = Counter(
        day_of(x.expires_ns)
        for x in entries
        if isinstance(x, e.Publish) and x.expires_ns is not None and x.expires_ns <= end and falls_due(x, source)
    )
    counts = totals(entries)
    columns = (("epoch", "Epoch"), ("purpose", "Links within"), ("created", "Created"), ("destroyed", "Destroyed"))
    return Report(
        "deletions",
        "Deletions",
        "What was never kept, what was destroyed, and what had to be destroyed by the end of the period.",
        source,
        (
            Figure("never_left", "Vehicles of which no record left", known(_never_left(counts))),
            Figure("published", "Records that left with a deadline", len(published)),
            Figure("due", "Records whose deadline came in the period", due.total()),
            Figure("erased", "Records erased before anybody had them", erased.total()),
            Figure("keys_destroyed", "Pseudonym keys destroyed", sum(source.covers(at) for at in gone.values())),
            Figure("keys_alive", "Pseudonym keys still there", len(created.keys() - gone.keys())),
        ),
        (
            table_of("erased", "Erased before anybody had them", ("reason", "Reason"), erased),
            Table(
                "due",
                "Records by the day on which they had to be gone",
                (("day", "Day (UTC)"), ("count", "Records")),
                tuple(sorted(due.items())),
                charted="count",
                labelled="day",
            ),
            table_of("suppressed", "What did not leave, and why", ("reason", "Reason"), counts.suppressed, _FRAMES),
            Table("keys", "Pseudonym keys", columns, keys),
        ),
        ("The device erases its own copy and tells others by when they must; that they did is theirs to show.",),
    )


def policy_history(entries: Sequence[Entry], source: Source) -> Report:
    """Which policy was in force when, what left under it, and everything else that was changed."""
    left = Counter(x.policy_sha256 for x in _within(entries, source, e.Publish))
    rows = tuple(
        (written(s.start_ns), None if s.ended == STILL else written(s.end_ns), p.id, p.version, p.sha256)
        for p, s in in_force(entries, e.PolicyLoaded, source)
    )
    columns = (("from", "From"), ("to", "To"), ("id", "Policy"), ("version", "Version"), ("sha256", "SHA-256"))
    names = {x.sha256: f"{x.id} {x.version}" for x in entries if isinstance(x, e.PolicyLoaded)}
    under = Counter({f"{names.get(sha256, 'unknown')} ({sha256[:8]})": count for sha256, count in left.items()})
    changes = tuple(
        (written(x.time_ns), e.type_of(x), told) for x in entries if source.covers(x.time_ns) and (told := _told(x))
    )
    refused = _within(entries, source, e.PolicyRefused)
    return Report(
        "policy-history",
        "Policies and changes",
        "Which policy was in force when, what left under it, and what else was changed on the device.",
        source,
        (
            Figure("policies", "Different policies in force", len({row[4] for row in rows})),
            Figure("refused", "Policies refused", len(refused)),
            Figure("starts", "Starts of the device", len(_within(entries, source, e.Boot))),
            Figure("suspensions", "Suspensions", len(_within(entries, source, e.Suspended))),
            Figure("clock_steps", "Times the clock was set", len(_within(entries, source, e.ClockStep))),
        ),
        (
            Table("policies", "Policies in force", columns, rows),
            table_of("left", "Records that left", ("policy", "Under policy"), under),
            Table("changes", "Changes", (("time", "Time"), ("type", "What"), ("says", "Details")), changes),
        ),
        ("Each change was in the log before it took effect.",),
    )


def public(entries: Sequence[Entry], source: Source) -> Report:
    """What may be published as it is: times, counts by day and category, policies; nothing finer than a day."""
    counts, reading = totals(entries), active(entries, source)
    policies = tuple(
        (day_of(s.start_ns), p.id, p.version, p.sha256) for p, s in in_force(entries, e.PolicyLoaded, source)
    )
    columns = (("from", "From"), ("id", "Policy"), ("version", "Version"), ("sha256", "SHA-256"))
    return Report(
        "public",
        "What this reader did",
        "For the public: how much was read, by category, under which rules, and what became of it.",
        source,
        (
            *figures(counts, reading),
            Figure("erased", "Records erased before anybody had them", _erased(entries, source).total()),
        ),
        (
            days_table(by_day(entries), reading),
            table_of("categories", "Alerts by category", ("category", "Category"), counts.by_category, _TWICE),
            table_of("suppressed", "What did not leave, and why", ("reason", "Reason"), counts.suppressed, _FRAMES),
            Table("policies", "Rules in force", columns, policies),
        ),
        (
            _BATCHES,
            "An alert is a reading that a machine took for a wanted plate; it is not a finding about anybody.",
            "The log that this was made from holds no plate, no picture and no place of any vehicle.",
        ),
    )


REPORTS: dict[str, Callable[[Sequence[Entry], Source], Report]] = {
    "log-of-use": log_of_use,
    "list-hygiene": list_hygiene,
    "deletions": deletions,
    "policy-history": policy_history,
    "public": public,
    "access": access,
    "records-request": records_request,
}


def _within(entries: Sequence[Entry], source: Source, kind: type[_E]) -> list[_E]:
    return [entry for entry in entries if isinstance(entry, kind) and source.covers(entry.time_ns)]


def _erased(entries: Sequence[Entry], source: Source) -> Counter[str]:
    counts: Counter[str] = Counter()
    for entry in _within(entries, source, e.Erased):
        counts[entry.reason.value] += entry.count
    return counts


def _never_left(counts: Counts) -> int | None:
    """Each vehicle was let out, counted or kept back: what was not let out."""
    return None if counts.sightings is None else counts.sightings - counts.disclosed


def _lists_compared(entries: Sequence[Entry], source: Source) -> Table:
    rows = tuple(
        (written(s.start_ns), written(s.end_ns), ", ".join(x.lists) or "none", x.count, x.sha256)
        for x, s in in_force(entries, e.HotListLoaded, source)
    )
    columns = (("from", "From"), ("to", "To"), ("lists", "Lists"), ("count", "Entries"), ("sha256", "SHA-256"))
    return Table("lists", "Lists compared", columns, rows, empty="No list was in force.")


def _checked(entries: Sequence[Entry], source: Source) -> Table:
    """Return what people found out about alerts, by list and category."""
    confirmed: Counter[str] = Counter()
    refuted: Counter[str] = Counter()
    for x in _within(entries, source, e.AlertsChecked):
        confirmed[x.list] += x.confirmed
        refuted[x.list] += x.refuted
    rows = tuple((name, confirmed[name], refuted[name]) for name in sorted({*confirmed, *refuted}))
    columns = (("list", "List/category"), ("confirmed", "Confirmed"), ("refuted", "Did not correlate"))
    return Table("checked", "Alerts that were checked", columns, rows, empty="This device was told of none.")


def _tests(entries: Sequence[Entry], source: Source) -> Table:
    """Return self-tests and calibrations, by part and result."""
    kinds = e.SelfTest | e.Calibrated
    done = Counter(
        (e.type_of(x), x.part.value, x.result.value)
        for x in entries
        if isinstance(x, kinds) and source.covers(x.time_ns)
    )
    columns = (("what", "What"), ("part", "Part"), ("result", "Result"), ("count", "Times"))
    rows = tuple((*key, count) for key, count in sorted(done.items()))
    return Table("tests", "Self-tests and calibrations", columns, rows, empty="None was logged.")


def _over(age_s: int) -> str:
    return "yes" if age_s > LIST_LIMIT_S else "no"


def _clock_notes(entries: Sequence[Entry], source: Source) -> tuple[str, ...]:
    steps = len(_within(entries, source, e.ClockStep))
    return (f"The clock was set {steps} times; times before and after do not add up.",) if steps else ()


def _told(entry: Entry) -> str:  # noqa: C901, PLR0911, PLR0912 - one line for each kind of change
    """Return what a change says, or nothing where the entry is none."""
    match entry:
        case e.Boot():
            return f"version {entry.version} of {entry.device}"
        case e.PolicyLoaded():
            return f"{entry.id} {entry.version}"
        case e.PolicyRefused() | e.ReadingStopped():
            return entry.reason.value
        case e.HotListLoaded():
            return f"{', '.join(entry.lists) or 'none'}: {entry.count} entries"
        case e.ModelsLoaded():
            return f"detector {entry.detector_sha256[:8]}, reader {entry.reader_sha256[:8]}"
        case e.RecipientKey():
            return f"{entry.name}: {entry.sha256[:8]}"
        case e.ClockStep():
            return f"from {written(entry.before_ns)}"
        case e.Suspended() | e.Resumed():
            return f"command {entry.command_sha256[:8]}" if entry.command_sha256 else "by a command"
        case e.ReadingStarted():
            return "plates are read"
        case e.Shutdown():
            return "on purpose"
        case e.KeyTrusted() | e.KeyDistrusted():
            return f"{entry.role.value}: {entry.sha256[:8]}"
        case e.ConfigLoaded():
            return f"settings {entry.sha256[:8]}"
        case e.Updated():
            before = entry.from_version and f"from {entry.from_version}"
            return " ".join(filter(None, (entry.component.value, entry.stage.value, entry.version, before)))
        case e.AimingOpened():
            return f"the installer's page, for {entry.minutes} minutes"
        case e.AimingClosed():
            return f"{entry.reason.value}, {entry.entered} came in"
        case e.LogRepaired():
            return f"{entry.files} files of an append that was cut short"
        case e.Retired():
            return entry.reason.value
    return ""
