"""What a witness keeps of a log, and what it says to the next checkpoint it is shown (FORMAT 9).

A witness file has one line for each checkpoint, the newest last. Lines are only ever added, those of a
contradiction too: two signed checkpoints that cannot both be true are the proof that the device, or whoever has its
key, told two stories.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from platesieve.audit import words
from platesieve.audit.checkpoint import Checkpoint
from platesieve.audit.cosignature import add_line
from platesieve.audit.note import parse_note
from platesieve.audit.times import BACKDATED_S
from platesieve.domain.errors import AuditError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.audit.cosignature import CosignerKey
    from platesieve.audit.growth import Growth
    from platesieve.audit.note import NoteVerifier

_NO_FILE = "give the witness file of this device, unaltered"


class Seen(StrEnum):
    """What a checkpoint is, beside those that the witness kept."""

    FIRST = "first"
    SAME = "same"
    GREW = "grew"
    ROLLED_BACK = "rolled-back"
    EMPTIED = "emptied"
    FORKED = "forked"
    OTHER_KEY = "other-key"
    BACKDATED = "backdated"
    UNPROVEN = "unproven"


_ACCEPTED = {Seen.FIRST, Seen.SAME, Seen.GREW}


@dataclass(frozen=True, slots=True)
class Kept:
    """One line of a witness file.

    Attributes:
        seen_ns: when the witness saw it, by the clock of the witness.
        seen: what it was.
        note: the checkpoint, byte for byte.
    """

    seen_ns: int
    seen: Seen
    note: bytes

    @property
    def line(self) -> str:
        """Return the line, with its end."""
        document = {
            "checkpoint": self.note.decode(),
            "result": self.seen.value,
            "seen": words.MOMENT.write(self.seen_ns),
        }
        return json.dumps(document, ensure_ascii=False) + "\n"

    @property
    def checkpoint(self) -> Checkpoint:
        """Return what the note says; its signature was verified when it was kept."""
        return Checkpoint.from_text(parse_note(self.note)[0])


@dataclass(frozen=True, slots=True)
class Observation:
    """What the witness says; `kept` is the line to add, or None where nothing new is to be remembered."""

    seen: Seen
    sentence: str
    kept: Kept | None

    @property
    def ok(self) -> bool:
        """Return whether the checkpoint continues what the witness knows."""
        return self.seen in _ACCEPTED


def read_witness_file(text: str) -> tuple[Kept, ...]:
    """Return what a witness kept.

    Raises:
        InputError: the text is no witness file.
    """
    try:
        return tuple(_kept(json.loads(line)) for line in text.splitlines())
    except (ValueError, KeyError, TypeError, AuditError) as error:
        raise InputError("this is no witness file", _NO_FILE) from error


def observe(kept: Sequence[Kept], note: bytes, seen_ns: int, verifier: NoteVerifier, growth: Growth) -> Observation:
    """Return what a witness says to a checkpoint.

    Args:
        kept: what the witness has, oldest first.
        note: the checkpoint that it is shown.
        seen_ns: now, by the clock of the witness.
        verifier: the key that was noted at enrolment.
        growth: what shows that the log only grew.

    Raises:
        AuditError: `note` is no checkpoint, or is of another log.
    """
    newer = Checkpoint.from_text(parse_note(note)[0])
    if newer.origin != verifier.name:
        raise AuditError("the checkpoint is of another log", "give the witness file and the key of the same device")
    seen, sentence = _judged(kept, newer, growth)
    try:
        verifier.open(note)
    except AuditError:
        seen = Seen.OTHER_KEY
        sentence = "the checkpoint was not signed with the key that was noted: the log was signed anew, or is forged"
    # What grew beyond the newest cannot be there already. All else is rare, and may look through a long file.
    new = seen in {Seen.FIRST, Seen.GREW} or all(line.note != note for line in kept)
    remember = new and seen not in {Seen.SAME, Seen.UNPROVEN}
    return Observation(seen, sentence, Kept(seen_ns, seen, note) if remember else None)


def newest_accepted(kept: Sequence[Kept]) -> Kept | None:
    """Return the newest line that continued what was known: of a long file only its end is looked at."""
    return next((line for line in reversed(kept) if line.seen in _ACCEPTED), None)


def cosign(
    kept: Sequence[Kept], note: bytes, seen_ns: int, verifier: NoteVerifier, growth: Growth, key: CosignerKey
) -> tuple[Observation, bytes | None]:
    """Return what a witness says to a checkpoint, and the cosigned checkpoint that goes back to the device.

    Nothing is cosigned that contradicts what was kept. Where nothing shows that the log only grew, the newest
    checkpoint that was kept is cosigned instead: the device learns from which size its next proof has to lead.
    Keep `Observation.kept` durably before the answer leaves (C2SP tlog-witness: never sign two histories).

    Args:
        kept: what the witness has, oldest first.
        note: the checkpoint that it is shown.
        seen_ns: now, by the clock of the witness; also the time of the cosignature.
        verifier: the device's key that was noted at enrolment.
        growth: what shows that the log only grew, for example `growth.parse_proofs(event["consistency"])`.
        key: of the witness.

    Raises:
        AuditError: `note` is no checkpoint, or is of another log.
    """
    observation = observe(kept, note, seen_ns, verifier, growth)
    if observation.ok:
        return observation, _cosigned(note, seen_ns, key)
    last = newest_accepted(kept)
    behind = observation.seen is Seen.UNPROVEN and last is not None
    return observation, _cosigned(last.note, seen_ns, key) if behind and last is not None else None


def _cosigned(note: bytes, seen_ns: int, key: CosignerKey) -> bytes:
    return add_line(note, key.line(parse_note(note)[0], seen_ns // words.NS_PER_S))


def _judged(  # noqa: PLR0911 - each finding ends it, in order
    kept: Sequence[Kept], newer: Checkpoint, growth: Growth
) -> tuple[Seen, str]:
    newest = newest_accepted(kept)
    if newest is None:
        return Seen.FIRST, f"the first checkpoint of this log that is kept: {newer.size} entries"
    last = newest.checkpoint
    if newer.size == 0 < last.size:
        return Seen.EMPTIED, f"the log was replaced by an empty one; {last.size} entries are gone"
    if newer.size < last.size:
        return _smaller(kept, newer, last, growth)
    begins = growth.begins_with(last, newer)
    if begins is None:
        return Seen.UNPROVEN, "nothing shows that the log only grew: give its folder, or what audit advance wrote"
    if not begins:
        return Seen.FORKED, f"a fork: the first {last.size} entries are not those that were seen before"
    if newer.size == last.size:
        return Seen.SAME, f"the same checkpoint as before: {newer.size} entries"
    earliest_ns = growth.earliest_since(last, newer)
    if earliest_ns is not None and earliest_ns < newest.seen_ns - BACKDATED_S * words.NS_PER_S:
        when = words.MOMENT.write(earliest_ns)
        return Seen.BACKDATED, f"backdated: an entry of {when} was added after the log was seen without it"
    return Seen.GREW, f"the log grew from {last.size} to {newer.size} entries, and only grew"


def _smaller(kept: Sequence[Kept], newer: Checkpoint, last: Checkpoint, growth: Growth) -> tuple[Seen, str]:
    """Tell an earlier state from another history: by the largest checkpoint that is not beyond it."""
    gone = last.size - newer.size
    accepted = (line.checkpoint for line in kept if line.seen in _ACCEPTED)
    earlier = [checkpoint for checkpoint in accepted if 0 < checkpoint.size <= newer.size]
    if earlier and growth.begins_with(earlier[-1], newer) is False:
        return Seen.FORKED, f"a fork, and shorter than before: not the first {earlier[-1].size} entries that were seen"
    return Seen.ROLLED_BACK, f"the log was put back to an earlier state: {last.size} entries were seen, {gone} are gone"


def _kept(document: dict[str, str]) -> Kept:
    line = Kept(words.MOMENT.read(document["seen"]), Seen(document["result"]), document["checkpoint"].encode())
    parse_note(line.note)
    return line
