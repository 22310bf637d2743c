"""What a witness keeps of a log, and what it says to the next checkpoint it is shown (FORMAT 9).

A witness file has one line for each checkpoint, the newest last. Lines are only ever added, those of a
contradiction too: two signed checkpoints that cannot both be true are the proof that the device, or whoever has its
key, told two stories.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from platesieve.audit import words
from platesieve.audit.checkpoint import Checkpoint
from platesieve.audit.entry import Publish
from platesieve.audit.note import decode_base64, parse_note
from platesieve.audit.proof import is_prefix
from platesieve.audit.tree import EMPTY_ROOT, verify_consistency
from platesieve.audit.verify import read_entries
from platesieve.domain.errors import AuditError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.audit.note import NoteVerifier
    from platesieve.audit.verify import LogFiles

BACKDATED_S = 3600  # entries wait at most this long in a device whose log cannot be written, or have a coarse time
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)
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


class Growth(Protocol):
    """What is known of how a log grew to its newest checkpoint."""

    def begins_with(self, older: Checkpoint, newer: Checkpoint) -> bool | None:
        """Return whether the log of `newer` begins with that of `older`; None where nothing shows it."""

    def earliest_since(self, older: Checkpoint, newer: Checkpoint) -> int | None:
        """Return the earliest time (ns) among the entries that came after `older`; None where unknown."""


class NoGrowth:
    """Nothing but the checkpoint came."""

    def begins_with(self, older: Checkpoint, newer: Checkpoint) -> bool | None:
        """Only of equal sizes, and of nothing, anything can be said."""
        if older.size == newer.size:
            return older.root == newer.root
        return older.root == EMPTY_ROOT if older.size == 0 else None

    def earliest_since(self, older: Checkpoint, newer: Checkpoint) -> int | None:  # noqa: ARG002 - the protocol's
        """Entries are not known."""
        return None


class GrowthByProof(NoGrowth):
    """A consistency proof came along, from a size that it names (RFC 6962, 2.1.2)."""

    def __init__(self, old_size: int, path: Sequence[bytes]) -> None:
        self._old_size = old_size
        self._path = path

    def begins_with(self, older: Checkpoint, newer: Checkpoint) -> bool | None:
        """Return whether the proof holds; None where it is from another size than is asked for."""
        if older.size in {0, newer.size} or older.size != self._old_size:
            return super().begins_with(older, newer)
        return verify_consistency(older.size, newer.size, older.root, newer.root, self._path)


class GrowthByLog:
    """The whole log is at hand; `audit.verify` says whether its files are what was signed."""

    def __init__(self, files: LogFiles) -> None:
        self._files = files

    def begins_with(self, older: Checkpoint, newer: Checkpoint) -> bool | None:
        """Return whether the tiles show it."""
        return is_prefix(self._files, newer, older)

    def earliest_since(self, older: Checkpoint, newer: Checkpoint) -> int | None:
        """Return the earliest time; a publish is left out, because its time is coarse on purpose."""
        added = read_entries(self._files, newer.size, newer.size - older.size) if newer.size > older.size else ()
        return min((entry.time_ns for _, entry in added if not isinstance(entry, Publish)), default=None)


def read_witness_file(text: str) -> tuple[Kept, ...]:
    """Return what a witness kept.

    Raises:
        InputError: the text is no witness file.
    """
    try:
        return tuple(_kept(json.loads(line)) for line in text.splitlines())
    except (ValueError, KeyError, TypeError, AuditError) as error:
        raise InputError("this is no witness file", _NO_FILE) from error


def parse_advance(text: str) -> tuple[Growth, bytes]:
    """Return proof and note of what C2SP tlog-witness sends to add-checkpoint; a note alone is taken too.

    The form is `old <size>`, the proof with one hash in base64 on each line, a blank line, the checkpoint.

    Raises:
        InputError: it begins like that and goes on differently.
    """
    head, separator, note = text.partition("\n\n")
    lines = head.split("\n")
    old = _OLD.fullmatch(lines[0])
    if old is None:
        return NoGrowth(), text.encode()
    path = [decode_base64(line) for line in lines[1:]]
    if not separator or None in path:
        raise InputError("this is no checkpoint with a consistency proof", "give what platesieve audit advance wrote")
    return GrowthByProof(int(old[1]), [step for step in path if step is not None]), note.encode()


def advance_text(old_size: int, path: Sequence[bytes], note: bytes) -> str:
    """Return a checkpoint with its consistency proof, as `parse_advance` takes it."""
    hashes = "".join(f"{base64.b64encode(step).decode()}\n" for step in path)
    return f"old {old_size}\n{hashes}\n{note.decode()}"


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
    accepted = [line for line in kept if line.seen in _ACCEPTED]
    seen, sentence = _judged(accepted, newer, growth)
    try:
        verifier.open(note)
    except AuditError:
        seen = Seen.OTHER_KEY
        sentence = "the checkpoint was not signed with the key that was noted: the log was signed anew, or is forged"
    remember = seen not in {Seen.SAME, Seen.UNPROVEN} and all(line.note != note for line in kept)
    return Observation(seen, sentence, Kept(seen_ns, seen, note) if remember else None)


def _judged(  # noqa: PLR0911 - each finding ends it, in order
    accepted: Sequence[Kept], newer: Checkpoint, growth: Growth
) -> tuple[Seen, str]:
    if not accepted:
        return Seen.FIRST, f"the first checkpoint of this log that is kept: {newer.size} entries"
    last = accepted[-1].checkpoint
    if newer.size == 0 < last.size:
        return Seen.EMPTIED, f"the log was replaced by an empty one; {last.size} entries are gone"
    if newer.size < last.size:
        return _smaller(accepted, newer, last, growth)
    begins = growth.begins_with(last, newer)
    if begins is None:
        return Seen.UNPROVEN, "nothing shows that the log only grew: give its folder, or what audit advance wrote"
    if not begins:
        return Seen.FORKED, f"a fork: the first {last.size} entries are not those that were seen before"
    if newer.size == last.size:
        return Seen.SAME, f"the same checkpoint as before: {newer.size} entries"
    earliest_ns = growth.earliest_since(last, newer)
    if earliest_ns is not None and earliest_ns < accepted[-1].seen_ns - BACKDATED_S * words.NS_PER_S:
        when = words.MOMENT.write(earliest_ns)
        return Seen.BACKDATED, f"backdated: an entry of {when} was added after the log was seen without it"
    return Seen.GREW, f"the log grew from {last.size} to {newer.size} entries, and only grew"


def _smaller(accepted: Sequence[Kept], newer: Checkpoint, last: Checkpoint, growth: Growth) -> tuple[Seen, str]:
    """Tell an earlier state from another history: by the largest checkpoint that is not beyond it."""
    gone = last.size - newer.size
    earlier = [line.checkpoint for line in accepted if 0 < line.checkpoint.size <= newer.size]
    if earlier and growth.begins_with(earlier[-1], newer) is False:
        return Seen.FORKED, f"a fork, and shorter than before: not the first {earlier[-1].size} entries that were seen"
    return Seen.ROLLED_BACK, f"the log was put back to an earlier state: {last.size} entries were seen, {gone} are gone"


def _kept(document: dict[str, str]) -> Kept:
    line = Kept(words.MOMENT.read(document["seen"]), Seen(document["result"]), document["checkpoint"].encode())
    parse_note(line.note)
    return line
