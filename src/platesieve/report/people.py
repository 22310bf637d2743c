"""Reports about people's hands on records: who had access, and what can be answered to somebody who asks.

Duties: Cal. Civ. Code 1798.90.52 (access record), Minn. Stat. 13.824 subd. 7 (audit trail), RCW 10.130 (search terms),
and public records and subject access requests everywhere.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from platesieve.audit import entry as e
from platesieve.domain.disclosure import Kind
from platesieve.report.counts import UNKNOWN, known, table_of, totals
from platesieve.report.document import Figure, Report, Source, Table, written
from platesieve.report.history import end_of, in_force

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from platesieve.audit.entry import Entry
    from platesieve.report.counts import Counts
    from platesieve.report.document import Cell

SEALED = "sealed"
_SEALED_NOTE = (
    "Case number, query and answer are sealed: the log holds a commitment to the agency's record of each access, which "
    "the agency can open and nobody can guess. Give its records to have them checked and shown."
)
_ANY_PLATE = (
    "No plate was asked for, and none could be looked up: the answer is the same for every plate. The log holds no "
    "plate and nothing made from one, and a miss is dropped or only counted before anything is written."
)
_RECORD_COLUMNS = (
    ("time", "Time"),
    ("action", "Did"),
    ("purpose", "Purpose"),
    ("role", "As"),
    ("actor", "Who"),
    ("organisation", "Agency"),
    ("fields", "Fields"),
    ("results", "Records"),
    ("case", "Case, query"),
    ("commitment", "Commitment"),
)


def access(entries: Sequence[Entry], source: Source, records: Mapping[str, Mapping[str, str]] | None = None) -> Report:
    """Who looked at records, when, as what, for what, with how many results.

    Args:
        entries: of the period.
        source: where they are from.
        records: by commitment, what the agency keeps of an access; each was checked against its commitment.
    """
    opened = records or {}
    seen = [x for x in entries if isinstance(x, e.Access) and source.covers(x.time_ns)]
    holds = [x for x in entries if isinstance(x, e.Hold | e.HoldLifted) and source.covers(x.time_ns)]
    proven = sum(x.commitment in opened for x in seen)
    return Report(
        "access",
        "Access to records",
        "Who searched, saw or took records, when, as what, for which purpose and with how many results.",
        source,
        (
            Figure("accesses", "Accesses", len(seen)),
            Figure("people", "Different people among them", len({x.actor for x in seen if x.actor is not None})),
            Figure("results", "Records found or seen", sum(x.results or 0 for x in seen)),
            Figure("proven", "With the agency's own record, proven", proven),
            Figure("holds", "Holds begun", sum(isinstance(x, e.Hold) for x in holds)),
        ),
        (
            table_of("purposes", "Accesses by purpose", ("purpose", "Purpose"), _by_purpose(seen)),
            Table("accesses", "Each access", _RECORD_COLUMNS, tuple(_row(x, opened) for x in seen)),
            Table(
                "holds",
                "Holds",
                (("time", "Time"), ("what", "What"), ("until", "Until"), ("scope", "Scope"), ("count", "Records")),
                tuple(_hold(x) for x in holds),
            ),
        ),
        (
            _SEALED_NOTE,
            "Accesses to copies that left the device are in the log of the collector that has them.",
        ),
    )


def records_request(
    entries: Sequence[Entry], source: Source, clauses: Mapping[str, Mapping[str, str]] | None = None
) -> Report:
    """What can be answered about one plate, or about the period: the answer is the same for every plate.

    Args:
        entries: of the period.
        source: where they are from.
        clauses: by hash of a policy and disposition, what that policy says, in its own words.
    """
    counts, end = totals(entries), end_of(entries, source)
    left = [
        x for x in entries if isinstance(x, e.Publish) and source.covers(x.time_ns) and x.kind in {Kind.HIT, Kind.READ}
    ]
    gone = sum(x.expires_ns is not None and x.expires_ns <= end for x in left)
    receipts = [x for x in entries if isinstance(x, e.Deletion | e.Erased) and source.covers(x.time_ns)]
    destroyed = [x for x in entries if isinstance(x, e.EpochKeyDestroyed) and source.covers(x.time_ns)]
    return Report(
        "records-request",
        "What can be answered",
        "What there is about any one vehicle that passed in this period, and what shows that there is no more.",
        source,
        (
            Figure("vehicles", "Vehicles that passed", known(counts.sightings)),
            Figure("never_left", "Vehicles of which no record left", known(_never_left(counts))),
            Figure("left", "Records that left, sealed or as the policy says", len(left)),
            Figure("gone", "Of these, past their deadline by now", gone),
            Figure("receipts", "Records with a deletion receipt here", sum(x.count for x in receipts)),
            Figure("keys_destroyed", "Pseudonym keys destroyed", len(destroyed)),
        ),
        (
            Table(
                "answers",
                "What became of them, by kind",
                (("kind", "Vehicles that"), ("vehicles", "How many"), ("held", "What there is")),
                _answers(counts, left, gone),
            ),
            Table(
                "clauses",
                "Under which rules",
                (
                    ("from", "From"),
                    ("policy", "Policy"),
                    ("kind", "For"),
                    ("says", "What it says"),
                    ("sha256", "SHA-256"),
                ),
                _clauses(entries, source, clauses or {}),
            ),
            table_of("suppressed", "What did not leave, and why", ("reason", "Reason"), counts.suppressed),
            Table(
                "receipts",
                "Deletion receipts",
                (("time", "Time"), ("reason", "Reason"), ("count", "Records"), ("root", "Root over their ids")),
                tuple(_receipt(x) for x in receipts),
                note=f"{gone} records are past their deadline; the receipts for copies are in the collector's log.",
            ),
        ),
        (
            _ANY_PLATE,
            "What a hit left behind is with the agency's collector until its deadline; it answers for that copy.",
        ),
    )


def _never_left(counts: Counts) -> int | None:
    return None if counts.sightings is None else counts.sightings - counts.disclosed


def _by_purpose(seen: Sequence[e.Access]) -> Counter[str]:
    return Counter(x.purpose.value for x in seen)


def _row(x: e.Access, opened: Mapping[str, Mapping[str, str]]) -> tuple[Cell, ...]:
    record = opened.get(x.commitment, {})
    return (
        written(x.time_ns),
        x.action.value if x.action else "open",
        x.purpose.value,
        x.role.value if x.role else None,
        record.get("user", x.actor),
        x.organisation,
        ", ".join(x.fields),
        x.results,
        ", ".join(record[key] for key in ("case", "event") if key in record) or SEALED,
        x.commitment,
    )


def _hold(x: e.Hold | e.HoldLifted) -> tuple[Cell, ...]:
    if isinstance(x, e.HoldLifted):
        return (written(x.time_ns), "lifted", None, x.reason.value if x.reason else None, x.count)
    return (written(x.time_ns), "begun", written(x.until_ns), x.scope.value if x.scope else None, x.count)


def _answers(counts: Counts, left: Sequence[e.Publish], gone: int) -> tuple[tuple[Cell, ...], ...]:
    """Say of each kind what there can be; records of kind `read` are of vehicles that met no list."""
    wanted = UNKNOWN if counts.sightings is None else counts.sightings - counts.misses - counts.unsure
    reads = sum(x.kind is Kind.READ for x in left)
    within, whose = ("1 record", "its") if len(left) - gone == 1 else (f"{len(left) - gone} records", "their")
    others = f"{reads} records left as the policy says, without saying which vehicles" if reads else "nothing"
    return (
        ("met no list", counts.misses, others),
        ("were read with too little certainty", counts.unsure, others),
        ("met a list", wanted, f"{within} within {whose} deadline: here until delivered, then there"),
    )


def _clauses(
    entries: Sequence[Entry], source: Source, clauses: Mapping[str, Mapping[str, str]]
) -> tuple[tuple[Cell, ...], ...]:
    return tuple(
        (written(spell.start_ns), f"{policy.id} {policy.version}", kind, says, policy.sha256)
        for policy, spell in in_force(entries, e.PolicyLoaded, source)
        for kind, says in clauses.get(policy.sha256, {"all": "its file with this hash says it"}).items()
    )


def _receipt(x: e.Deletion | e.Erased) -> tuple[Cell, ...]:
    root = x.root if isinstance(x, e.Deletion) else None
    return (written(x.time_ns), x.reason.value, x.count, root)
