"""The attack table of the audit log: what was done to it, and how often that was seen, alone and with a witness.

`PYTHONPATH=src python -m tests.attacks.log [--json]`, from the checkout. Exit code 1 where an attack is missed once a
checkpoint was witnessed, or a valid log is refused. That a program which others wrote says the same of each of these
logs is tests/integration/test_audit_go.py.

The window before the first witnessing is the column `alone`: what is 0 there is seen by nobody until then.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from platesieve.audit.anchor import cosigned_anchors
from platesieve.audit.cosignature import Algorithm, CosignerKey, add_line
from platesieve.audit.note import parse_note
from platesieve.audit.verdict import Outcome
from platesieve.audit.verify import verify_log
from platesieve.domain.errors import AuditError
from tests.fakes.log_files import SIGNER, START_NS, LogInMemory, S, many
from tests.vectors.audit.tampered_logs import Case, attacks, valid

if TYPE_CHECKING:
    from collections.abc import Iterable

WITNESS = CosignerKey("collector.example/metro-pd", Algorithm.ED25519, bytes(range(7, 39)))
KINDS = {  # beginnings of the names of cases, the longest first
    "device-signs": "the device itself signs a wrong root, size or origin",
    "device-rewrites": "the device rewrites its entries and signs again",
    "flip": "one bit of each byte flipped",
    "cut": "truncated at each record and inside each file",
    "missing": "a file removed",
    "delete": "an entry deleted",
    "swap": "two entries swapped",
    "insert": "an entry inserted",
    "reorder": "the order reversed",
    "duplicate": "an entry twice",
    "edit": "an entry changed",
    "empty": "all entries removed",
    "tile": "the tiles of another log",
    "entry": "an entry that none may be, signed by the device",
    "checkpoint": "a malformed or foreign checkpoint",
    "rolled-back": "put back to an earlier state",
    "fork": "another history, of any length",
    "backdated": "an older entry slipped in or added later",
    "witness": "signed anew with a fresh key",
}


@dataclass(slots=True)
class Row:
    """How many logs of a kind there were, and how many of them were seen for what they are."""

    total: int = 0
    alone: int = 0
    witnessed: int = 0


def table(cases: Iterable[Case]) -> dict[str, Row]:
    """Return what the verifier sees, by kind: alone, and with the cosigned checkpoint of the log before the attack."""
    rows: defaultdict[str, Row] = defaultdict(Row)
    for case in cases:
        row = rows[_kind(case.name)]
        row.total += 1
        row.alone += not _ok(case, None)
        row.witnessed += not _ok(case, case.witness)
    late = Case("backdated", LogInMemory().grow(many(6)).content, Outcome.CONTRADICTS_WITNESS)
    rows[_kind(late.name)].total += 1
    rows[_kind(late.name)].witnessed += not _ok(late, LogInMemory().grow(many(5)).checkpoint, seen_ns=7200 * S)
    return dict(rows)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks.log")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = table(attacks())
    refused = [case.name for case in valid() if not _ok(case, case.witness)]
    if arguments.json:
        found = {kind: {"total": r.total, "alone": r.alone, "witnessed": r.witnessed} for kind, r in rows.items()}
        sys.stdout.write(json.dumps({"attacks": found, "valid_refused": refused}, indent=2) + "\n")
    else:
        lines = [f"{'what was done':<58} {'logs':>6} {'alone':>6} {'witnessed':>10}"]
        lines += [f"{kind:<58} {row.total:>6} {row.alone:>6} {row.witnessed:>10}" for kind, row in rows.items()]
        sys.stdout.write("\n".join([*lines, f"valid logs refused: {len(refused)}"]) + "\n")
    return int(bool(refused or any(row.witnessed < row.total for row in rows.values())))


def _ok(case: Case, witness: bytes | None, seen_ns: int = 0) -> bool:
    """Return whether a log is believed; what the witness holds is cosigned, where the device signed it."""
    log = LogInMemory()
    log.content = case.files
    if witness is None:
        return verify_log(log, SIGNER.verifier).ok
    try:
        note = add_line(witness, WITNESS.line(parse_note(witness)[0], (START_NS + seen_ns) // S))
        anchors = cosigned_anchors(note, SIGNER.verifier, [WITNESS.verifier])
    except AuditError:  # the witness holds the checkpoint of another key: the plain checkpoint shows it
        return verify_log(log, SIGNER.verifier, witness).ok
    return verify_log(log, SIGNER.verifier, anchors=anchors).ok


def _kind(name: str) -> str:
    return next(text for prefix, text in KINDS.items() if name.startswith(prefix))


if __name__ == "__main__":
    sys.exit(main())
