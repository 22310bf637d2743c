"""Whether a log is what its device signed, and whether it contradicts an earlier checkpoint (FORMAT 6).

`verify_log` re-derives everything from the entries and believes nothing else. Its steps, numbered as in FORMAT:

6.1  the checkpoint is a note signed by the expected key, and its origin is the expected one;
6.2  every bundle and tile that a log of this size has is there, with its exact length;
6.3  every entry is one that FORMAT 2 allows, in canonical form;
6.4  every tile holds the hashes that follow from the entries;
6.5  the root over the entries is the signed one;
6.6  time does not run backwards without a clock-step (a warning: a device without a clock may start in the past);
6.7  a witnessed checkpoint is signed by the same key and its root is that of our first entries.

A lone log can never show that nothing was cut off its end: only 6.7 can, with a checkpoint kept elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from platesieve.audit import words
from platesieve.audit.checkpoint import Checkpoint
from platesieve.audit.entry import ClockStep, Publish, decode
from platesieve.audit.note import parse_note
from platesieve.audit.shape import seen_at
from platesieve.audit.tiles import (
    CHECKPOINT,
    WIDTH,
    bundle_name,
    is_log_name,
    log_names,
    tile_name,
    unpack_bundle,
)
from platesieve.audit.tree import HASH_BYTES, Frontier, join_peaks, leaf_hash, perfect_root
from platesieve.domain.errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from platesieve.audit.entry import Entry
    from platesieve.audit.note import NoteVerifier

MAX_FINDINGS = 100  # a log that is altered everywhere needs no longer list


class LogFiles(Protocol):
    """The files of a log, wherever they are."""

    def read(self, name: str) -> bytes | None:
        """Return a file's bytes, or None where there is no such file."""

    def names(self) -> Iterable[str]:
        """Return the paths of all files, relative to the log, with slashes."""


class Outcome(StrEnum):
    """What a verification ends with."""

    INTACT = "intact"
    ALTERED = "altered"
    CONTRADICTS_WITNESS = "contradicts-witness"


class Fault(StrEnum):
    """What a finding is about."""

    SIGNATURE = "signature"
    ORIGIN = "origin"
    MISSING = "missing"
    LENGTH = "length"
    ENTRY = "entry"
    TILE = "tile"
    ROOT = "root"
    TIME = "time"
    STRAY = "stray"
    ROLLED_BACK = "rolled-back"
    FORKED = "forked"
    OTHER_KEY = "other-key"


_WARNINGS = {Fault.TIME, Fault.STRAY}
_AGAINST_WITNESS = {Fault.ROLLED_BACK, Fault.FORKED, Fault.OTHER_KEY}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be; `step` is the clause of FORMAT.md."""

    step: str
    fault: Fault
    text: str

    @property
    def warning(self) -> bool:
        """Return whether an intact log may have it."""
        return self.fault in _WARNINGS


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found, and in one sentence what it means."""

    outcome: Outcome
    sentence: str
    findings: tuple[Finding, ...]
    checkpoint: Checkpoint | None

    @property
    def ok(self) -> bool:
        """Return whether the log is what its device signed, and contradicts no witness."""
        return self.outcome is Outcome.INTACT

    @property
    def remedy(self) -> str:
        """Return what to do about it; nothing where nothing is wrong."""
        return "" if self.ok else "keep the folder as it is for the auditor, and compare it with a witnessed checkpoint"


@dataclass(slots=True)
class _Findings:
    """Collects findings, up to a bound."""

    found: list[Finding] = field(default_factory=list)

    def add(self, step: str, fault: Fault, text: str) -> None:
        if len(self.found) < MAX_FINDINGS:
            self.found.append(Finding(step, fault, text))


def verify_log(
    files: LogFiles, verifier: NoteVerifier, witnessed: bytes | None = None, origin: str | None = None
) -> Verdict:
    """Return whether the log is intact.

    Args:
        files: the log.
        verifier: the device's audit key, noted when the device was enrolled and not taken from the log itself.
        witnessed: an earlier checkpoint (signed note) of this device, kept elsewhere.
        origin: the expected origin; the name of the key unless given.

    Raises:
        AuditError: `witnessed` is not a checkpoint at all.
    """
    found = _Findings()
    witness = _open_witness(witnessed, verifier, found)
    checkpoint = _open_checkpoint(files, verifier, origin or verifier.name, found)
    if checkpoint is not None:
        earlier_root = _verify_tree(files, checkpoint, witness.size if witness else None, found)
        if witness is not None:
            _compare(checkpoint, witness, earlier_root, found)
    return _verdict(checkpoint, witness, tuple(found.found))


def read_checkpoint(files: LogFiles, verifier: NoteVerifier, origin: str) -> Checkpoint:
    """Return the log's checkpoint, its signature and origin verified (FORMAT 6.1).

    Raises:
        AuditError: there is none, it is malformed, or somebody else signed it.
    """
    note = files.read(CHECKPOINT)
    if note is None:
        raise AuditError("the audit log has no checkpoint", "restore the log from a copy; never start it anew in place")
    checkpoint = Checkpoint.from_text(verifier.open(note))
    if checkpoint.origin != origin:
        raise AuditError("the checkpoint is of another log", "give the .vkey file and folder of the same device")
    return checkpoint


def read_entries(files: LogFiles, size: int, last: int | None = None) -> Iterator[tuple[int, Entry]]:
    """Yield number and entry of the last `last` entries, or of all.

    Raises:
        AuditError: a bundle is missing or cut off, or an entry is not allowed.
    """
    first = 0 if last is None else max(0, size - last)
    for index in range(first // WIDTH, -(-size // WIDTH)):
        name = bundle_name(index, min(WIDTH, size - index * WIDTH))
        bundle = files.read(name)
        if bundle is None:
            raise AuditError(f"{name} is missing", "treat the log as cut off; platesieve audit verify says more")
        for number, encoded in enumerate(unpack_bundle(bundle), index * WIDTH):
            if number >= first:
                yield number, decode(encoded)


def _open_checkpoint(files: LogFiles, verifier: NoteVerifier, origin: str, found: _Findings) -> Checkpoint | None:
    """6.1: nothing else means anything without a signed size and root."""
    note = files.read(CHECKPOINT)
    if note is None:
        found.add("6.1", Fault.MISSING, "there is no checkpoint")
        return None
    try:
        checkpoint = Checkpoint.from_text(verifier.open(note))
    except AuditError as error:
        found.add("6.1", Fault.SIGNATURE, error.message)
        return None
    if checkpoint.origin != origin:
        found.add("6.1", Fault.ORIGIN, "the checkpoint is of another log")
    return checkpoint


def _open_witness(witnessed: bytes | None, verifier: NoteVerifier, found: _Findings) -> Checkpoint | None:
    """6.7, first half: a checkpoint that this key did not sign tells of another key."""
    if witnessed is None:
        return None
    from_witness = Checkpoint.from_text(parse_note(witnessed)[0])
    try:
        verifier.open(witnessed)
    except AuditError:
        found.add("6.7", Fault.OTHER_KEY, "the witnessed checkpoint was not signed with the key of this log")
        return None
    return from_witness


def _verify_tree(files: LogFiles, checkpoint: Checkpoint, earlier_size: int | None, found: _Findings) -> bytes | None:
    """6.2 to 6.6; return the root over the first `earlier_size` entries where there are so many."""
    _verify_lengths(files, checkpoint.size, found)
    full, rest, clock = Frontier(), Frontier(), _Clock(found)  # roots of full bundles; entries of the last one
    earlier_root = full.root() if earlier_size == 0 else None
    rows: list[bytes] = []
    for index in range(-(-checkpoint.size // WIDTH)):
        first, width = index * WIDTH, min(WIDTH, checkpoint.size - index * WIDTH)
        leaves = _verify_bundle(files, index, width, clock, found)
        if leaves is None:
            return None  # what follows cannot be hashed without it, and the finding stands
        if earlier_size is not None and first < earlier_size <= first + width:
            earlier_root = join_peaks((*full.peaks, *Frontier(leaves[: earlier_size - first]).peaks))
        _verify_tile(files, 0, index, leaves, found)
        if width == WIDTH:
            rows.append(perfect_root(leaves))
            full.append(rows[-1])
        else:
            rest = Frontier(leaves)
    _verify_upper(files, rows, found)
    if join_peaks((*full.peaks, *rest.peaks)) != checkpoint.root:
        found.add("6.5", Fault.ROOT, "the entries do not have the root that was signed")
    return earlier_root


def _verify_lengths(files: LogFiles, size: int, found: _Findings) -> None:
    """6.2: what is missing or too short is named before anything is hashed."""
    expected, there = dict(log_names(size)), set(files.names())
    for name in sorted(there - expected.keys()):
        if is_log_name(name):
            found.add("6.2", Fault.STRAY, f"{name} is beyond the checkpoint")
    for name, length in expected.items():
        content = files.read(name) if length is not None else None  # bundles are read once, by _verify_bundle
        if name not in there or (length is not None and content is None):
            found.add("6.2", Fault.MISSING, _missing(name))
        elif content is not None and len(content) != length:
            found.add("6.2", Fault.LENGTH, f"{name} has {len(content)} bytes instead of {length}")


def _verify_bundle(files: LogFiles, index: int, width: int, clock: _Clock, found: _Findings) -> list[bytes] | None:
    """6.3: return the leaf hashes of a bundle, or None where it cannot be taken apart."""
    name = bundle_name(index, width)
    bundle = files.read(name)
    if bundle is None:
        if _missing(name) not in {finding.text for finding in found.found}:
            found.add("6.2", Fault.MISSING, _missing(name))
        return None
    try:
        encoded = unpack_bundle(bundle)
    except AuditError as error:
        found.add("6.3", Fault.LENGTH, f"{name}: {error.message}")
        return None
    if len(encoded) != width:
        found.add("6.3", Fault.LENGTH, f"{name} has {len(encoded)} entries instead of {width}")
        return None
    for number, line in enumerate(encoded, index * WIDTH):
        try:
            clock.see(number, *(seen_at(line) or _decoded(line)))
        except AuditError as error:
            found.add("6.3", Fault.ENTRY, f"entry {number}: {error.message}")
    return [leaf_hash(line) for line in encoded]


def _decoded(line: bytes) -> tuple[type[Entry], bytes]:
    """Return what `shape.seen_at` does, with the one judge of what is allowed."""
    entry = decode(line)
    return type(entry), words.MOMENT.write(entry.time_ns).encode()


def _missing(name: str) -> str:
    return f"{name} is missing: the log is truncated or was pruned"


def _verify_tile(files: LogFiles, level: int, index: int, hashes: list[bytes], found: _Findings) -> None:
    """6.4: a tile is a copy of hashes that we have ourselves."""
    name = tile_name(level, index, len(hashes))
    content = files.read(name)
    if content is not None and len(content) == len(hashes) * HASH_BYTES and content != b"".join(hashes):
        found.add("6.4", Fault.TILE, f"{name} does not follow from the entries")


def _verify_upper(files: LogFiles, row: list[bytes], found: _Findings) -> None:
    """6.4 for the levels above the first."""
    level = 1
    while row:
        for index in range(-(-len(row) // WIDTH)):
            _verify_tile(files, level, index, row[index * WIDTH : (index + 1) * WIDTH], found)
        full = range(0, len(row) - len(row) % WIDTH, WIDTH)
        row, level = [perfect_root(row[at : at + WIDTH]) for at in full], level + 1


class _Clock:
    """6.6: remembers the latest time. A publish is left out: its time is coarse on purpose.

    Times are RFC 3339 of one form, so that their bytes are in the order of time.
    """

    def __init__(self, found: _Findings) -> None:
        self._latest = b""
        self._found = found

    def see(self, number: int, kind: type[Entry], time: bytes) -> None:
        """Take the next entry."""
        if kind is Publish:
            return
        if time < self._latest and kind is not ClockStep:
            self._found.add(
                "6.6", Fault.TIME, f"entry {number} is earlier than the one before it, without a clock-step"
            )
        self._latest = time


def _compare(checkpoint: Checkpoint, witness: Checkpoint, earlier_root: bytes | None, found: _Findings) -> None:
    """6.7, second half: an append-only log has whatever it once had."""
    if witness.origin != checkpoint.origin:
        found.add("6.7", Fault.FORKED, "the witnessed checkpoint is of another log")
    elif witness.size > checkpoint.size:
        gone = witness.size - checkpoint.size
        found.add("6.7", Fault.ROLLED_BACK, f"a witness saw {witness.size} entries; the last {gone} are gone")
    elif earlier_root is not None and witness.root != earlier_root:
        found.add("6.7", Fault.FORKED, f"the first {witness.size} entries are not those that a witness saw")


def _verdict(checkpoint: Checkpoint | None, witness: Checkpoint | None, findings: tuple[Finding, ...]) -> Verdict:
    faults = [finding for finding in findings if not finding.warning]
    against = [finding for finding in faults if finding.fault in _AGAINST_WITNESS]
    if against:
        sentence = f"the log contradicts a checkpoint that a witness holds: {against[0].text}"
        return Verdict(Outcome.CONTRADICTS_WITNESS, sentence, findings, checkpoint)
    if faults:
        more = f" (and {len(faults) - 1} more findings)" if len(faults) > 1 else ""
        sentence = f"the log is not what its device signed: {faults[0].text}{more}"
        return Verdict(Outcome.ALTERED, sentence, findings, checkpoint)
    size = checkpoint.size if checkpoint else 0
    seen = f"; its first {witness.size} entries are those that a witness saw" if witness else ""
    unsaid = "" if witness else "; without a witnessed checkpoint nothing is known about entries cut off its end"
    return Verdict(
        Outcome.INTACT, f"the log is intact: {size} entries, signed by its device{seen}{unsaid}", findings, checkpoint
    )
