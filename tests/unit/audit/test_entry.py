"""Entries: one encoding, strict reading, and no room for a plate."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from platesieve.audit import entry as e
from platesieve.audit import words
from platesieve.audit.commitment import batch_root, commit
from platesieve.audit.tree import leaf_hash, root_of
from platesieve.domain.decision import Reason
from platesieve.domain.errors import AuditError
from tests.fakes.log_files import START_NS, LogInMemory, S, one_of_each

VECTORS = Path(__file__).parents[2] / "vectors/audit"
PLATES = ("A", "7", "ABC123", "1234567", "HELLO", "B0ND007", "KAXY1234", "WWWWWWWWWWWW", "000000000000")


@pytest.mark.parametrize("entry", one_of_each(), ids=e.type_of)
def test_what_was_encoded_is_decoded(entry: e.Entry) -> None:
    """Every type survives encode and decode."""
    assert e.decode(e.encode(entry)) == entry


def test_the_samples_hold_every_type() -> None:
    """The tests above would not notice a new type without a sample."""
    assert {e.type_of(entry) for entry in one_of_each()} == set(e.KINDS)


@pytest.mark.parametrize("path", sorted((VECTORS / "entries/accepted").glob("*.json")), ids=lambda path: path.stem)
def test_accepted_entries_have_these_very_bytes(path: Path) -> None:
    """The encoding is frozen: a change of it is a new format."""
    assert e.encode(e.decode(path.read_bytes())) == path.read_bytes()


@pytest.mark.parametrize("path", sorted((VECTORS / "entries/accepted_old").glob("*.json")), ids=lambda path: path.stem)
def test_entries_of_earlier_logs_are_still_read(path: Path) -> None:
    """As they were written, without the keys that came later; what they say can be written in the form of today."""
    entry = e.decode(path.read_bytes())

    assert e.decode(e.encode(entry)) == entry


@pytest.mark.parametrize(
    "counts",
    [
        {},
        {"misses": 3, "unsure": 1, "sightings": 4},
        {"misses": 3, "sightings": 9},
        {"hits": {"ncic/stolen": 2, "state/suspended": 1}, "sightings": 2},
        {"sightings": None},
        {"manual": 0, "holds": 2},
        {"hits": {"ncic/stolen": 0}, "frames": 2**53 - 1},
    ],
    ids=str,
)
def test_a_batch_in_short_says_the_same(counts: dict[str, Any]) -> None:
    """What is left out is what is zero or follows; a batch that did not record a count has the long form."""
    nothing: dict[str, Any] = {"frames": 0, "plates_found": 0, "hits": {}, "misses": 0, "unsure": 0, "suppressed": {},
                               "tallied": 0, "disclosed": 0, "dropped_frames": 0, "reads": 0,
                               "sightings": 0}  # fmt: skip
    batch = e.Batch(START_NS, START_NS + 60 * S, **{**nothing, **counts})
    encoded = e.encode(batch)

    assert e.decode(encoded) == batch
    assert (b'"seconds":60' in encoded) is (None not in counts.values())
    assert b":0" not in encoded.replace(b'"manual":0', b"").replace(b'"ncic/stolen":0', b"") or b"start" in encoded


@pytest.mark.parametrize("path", sorted((VECTORS / "entries/refused").glob("*.json")), ids=lambda path: path.stem)
def test_refused_entries(path: Path) -> None:
    """Each file has the one fault that its name says."""
    with pytest.raises(AuditError):
        e.decode(path.read_bytes())


def _texts() -> list[tuple[e.Entry, str]]:
    return [(entry, field.name) for entry in one_of_each() for field in fields(entry)]


@pytest.mark.parametrize("plate", PLATES)
@pytest.mark.parametrize(("entry", "field"), _texts(), ids=lambda value: getattr(value, "__name__", str(value)[:24]))
def test_no_field_holds_a_plate(entry: e.Entry, field: str, plate: str) -> None:
    """The canary: put into any field of any entry, as text, as key or in a list, a plate is refused."""
    values = {one.name: getattr(entry, one.name) for one in fields(entry)}
    for disguise in (plate, (plate,), {plate: 1}, plate.encode()):
        with pytest.raises(AuditError) as refused:
            type(entry)(**{**values, field: disguise})
        assert plate not in str(refused.value) or len(plate) == 1


def test_no_plate_is_in_the_bytes_of_a_log_of_everything() -> None:
    """Over the raw bytes of all files but hashes: a log of every type, after each field was offered each plate."""
    log = LogInMemory()
    for entry, name in _texts():
        for plate in PLATES:
            offered = {**{one.name: getattr(entry, one.name) for one in fields(entry)}, name: plate}
            with suppress(AuditError):
                log.grow([type(entry)(**offered)])
    log.grow(one_of_each())

    assert len(log.entries) == len(one_of_each())
    raw = b"".join(content for name, content in log.content.items() if name.startswith("tile/entries"))
    assert [plate for plate in PLATES if len(plate) > 1 and plate.encode() in raw] == []


def test_the_canary_is_able_to_die(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a field of any text would let the plate in, and the test above would see it."""
    monkeypatch.setattr(words, "NAME", words.Pattern("any text", ".*"))

    assert words.NAME.admit("ABC123") == "ABC123"


def test_a_name_written_like_a_plate_in_small_letters_is_a_name() -> None:
    """What the shapes cannot know: names come from settings, and PlateText is never small."""
    assert e.RecipientKey(START_NS, "abc123", "0" * 64).name == "abc123"


def test_times_are_whole_seconds_from_the_start() -> None:
    """An entry cannot even hold the nanoseconds that it was given."""
    assert e.Shutdown(START_NS + 999_999_999) == e.Shutdown(START_NS)
    assert json.loads(e.encode(e.Shutdown(0)))["time"] == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize("time", [-1, 253_402_300_800 * S, 1.5, "now", None, True])
def test_impossible_times_are_refused(time: Any) -> None:
    """Outside the years 1970 to 9999 there is no RFC 3339 with four digits."""
    with pytest.raises(AuditError):
        e.Shutdown(time)


@pytest.mark.parametrize("count", [-1, 1.0, True, "1", 2**53, None])
def test_impossible_counts_are_refused(count: Any) -> None:
    """A count is a whole number that JSON can hold exactly."""
    with pytest.raises(AuditError):
        e.Erased(START_NS, count, e.ErasedReason.QUOTA)


def test_reasons_may_be_given_as_members_or_as_their_values() -> None:
    """Counters are keyed by either; free text is neither."""
    sample = next(entry for entry in one_of_each() if isinstance(entry, e.Batch))
    values = {field.name: getattr(sample, field.name) for field in fields(sample)}

    by_member = e.Batch(**{**values, "suppressed": {Reason.SUSPENDED: 2}})
    by_value = e.Batch(**{**values, "suppressed": {"suspended": 2}})

    assert e.encode(by_member) == e.encode(by_value)
    with pytest.raises(AuditError):
        e.Batch(**{**values, "suppressed": {"the chief said so": 2}})


def test_an_entry_too_long_for_a_bundle_is_refused() -> None:
    """tlog-tiles has two bytes for the length."""
    lists = tuple(f"list-{number:050d}" for number in range(1300))

    with pytest.raises(AuditError, match="bytes"):
        e.encode(e.HotListLoaded(START_NS, lists, "0" * 64, 1))


def test_commitments_need_the_whole_salt() -> None:
    """SHA-256 over salt and record; a salt of another length could be guessed or clash."""
    assert commit(bytes(32), b"record") == sha256(bytes(32) + b"record").hexdigest()
    assert commit(bytes(32), b"record") != commit(b"\x01" + bytes(31), b"record")
    with pytest.raises(AuditError):
        commit(bytes(31), b"record")


def test_the_root_of_a_batch_is_over_its_commitments_in_order() -> None:
    """Leaves are the 32 bytes of each commitment; without any there is no root."""
    first, second = commit(bytes(32), b"1"), commit(bytes(32), b"2")

    assert batch_root([]) is None
    assert batch_root([first, second]) == root_of([leaf_hash(bytes.fromhex(c)) for c in (first, second)]).hex()
    assert batch_root([first, second]) != batch_root([second, first])
