"""The attack table: whatever is done to a log is seen, and named for what it is."""

from __future__ import annotations

from collections import Counter

import pytest

from platesieve.audit.verdict import Outcome
from platesieve.audit.verify import verify_log
from tests.attacks.log import table
from tests.fakes.log_files import SIGNER, LogInMemory
from tests.vectors.audit.tampered_logs import Case, attacks, valid


def outcome(case: Case) -> Outcome:
    """Return what the verifier says to a case."""
    log = LogInMemory()
    log.content = case.files
    return verify_log(log, SIGNER.verifier, case.witness).outcome


@pytest.mark.parametrize("case", list(valid()), ids=lambda case: case.name)
def test_nothing_is_found_where_nothing_was_done(case: Case) -> None:
    """The controls."""
    assert outcome(case) is Outcome.INTACT


def test_every_attack_is_seen() -> None:
    """All of them, none left out: the table is what was promised."""
    wrong = [(case.name, found) for case in attacks() if (found := outcome(case)) is not case.outcome]

    assert wrong == []


def test_what_only_a_witness_sees_is_intact_without_one() -> None:
    """The control of the witness: these logs are what their device signed."""
    cases = [case for case in attacks() if case.outcome is Outcome.CONTRADICTS_WITNESS]
    alone = Counter(outcome(Case(case.name, case.files, Outcome.INTACT)) for case in cases)

    assert alone == {Outcome.INTACT: len(cases)}


def test_the_printed_table_counts_what_only_a_witness_sees() -> None:
    """Alone nothing, with a cosigned checkpoint everything; each kind has a name in words."""
    rows = table(case for case in attacks() if case.outcome is Outcome.CONTRADICTS_WITNESS)

    assert all(row.witnessed == row.total > row.alone == 0 for row in rows.values()), rows
