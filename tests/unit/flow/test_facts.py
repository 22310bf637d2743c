"""What the operator says to have settled stands in the log before the first plate is looked at."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from platesieve.audit import entry as log
from platesieve.flow.facts import operator_facts
from tests.fakes.passages import DEVICE, SEEN
from tests.fakes.station import Station


def test_the_facts_are_in_the_log_as_choices_and_hashes() -> None:
    """The written policy as its hash was given; number, order and places as hashes; a place that moved is seen."""
    square = ((1.0, 1.0), (1.0, 2.0), (2.0, 2.0))
    device = replace(
        DEVICE,
        operator="police",
        policy_document_sha256="ab" * 32,
        registration="WA-0076",
        occasion="order 7",
        excluded_places=(square,),
    )
    told = operator_facts(device, SEEN)
    moved = operator_facts(replace(device, excluded_places=((*square[:2], (3.0, 3.0)),)), SEEN)

    assert (told.mount.value, told.places, told.policy_document_sha256) == ("fixed", 1, "ab" * 32)
    assert told.operator is log.OperatorKind.POLICE
    assert told.registration_sha256 == sha256(b"WA-0076").hexdigest()
    assert b"0076" not in log.encode(told)
    assert told.places_sha256 != moved.places_sha256
    assert told.registration_sha256 == moved.registration_sha256


def test_what_was_not_settled_is_left_out() -> None:
    """And a hash that is none is not written as one."""
    told = operator_facts(replace(DEVICE, policy_document_sha256="soon"), SEEN)

    assert log.encode(told).count(b"sha256") == 0


def test_the_facts_come_before_the_first_plate() -> None:
    """Among the first entries of a run, before reading starts."""
    station = Station("us-wa", [])
    kinds = [type(entry).__name__ for entry in station.pipeline._parts.books.opening(SEEN)]

    assert kinds.index("OperatorFacts") < kinds.index("ReadingStarted")
