"""Whether a log is what its device signed, and whether it contradicts an earlier checkpoint (FORMAT 6).

`verify_log` re-derives everything from the entries and believes nothing else. Its steps, numbered as in FORMAT:

6.1  the checkpoint is a note signed by the expected key, and its origin is the expected one;
6.2  every bundle and tile that a log of this size has is there, with its exact length;
6.3  every entry is one that FORMAT 2 allows, in canonical form;
6.4  every tile holds the hashes that follow from the entries;
6.5  the root over the entries is the signed one;
6.6  time does not run backwards without a clock-step (a warning: a device without a clock may start in the past);
6.7  a witnessed checkpoint is signed by the same key and its root is that of our first entries;
6.8  no entry is older than a moment at which a witness had seen the log without it.

A lone log can never show that nothing was cut off its end: only 6.7 can, with a checkpoint kept elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platesieve.audit import words
from platesieve.audit.anchor import Anchor
from platesieve.audit.checkpoint import Checkpoint
from platesieve.audit.entry import decode
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
from platesieve.audit.times import Times
from platesieve.audit.tree import HASH_BYTES, Frontier, join_peaks, leaf_hash, perfect_root
from platesieve.audit.verdict import Fault, Findings, conclude
from platesieve.domain.errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.audit.entry import Entry
    from platesieve.audit.log_files import LogFiles
    from platesieve.audit.note import NoteVerifier
    from platesieve.audit.verdict import Verdict


def verify_log(
    files: LogFiles,
    verifier: NoteVerifier,
    witnessed: bytes | None = None,
    origin: str | None = None,
    anchors: Sequence[Anchor] = (),
) -> Verdict:
    """Return whether the log is intact.

    Args:
        files: the log.
        verifier: the device's audit key, noted when the device was enrolled and not taken from the log itself.
        witnessed: an earlier checkpoint (signed note) of this device, kept elsewhere.
        origin: the expected origin; the name of the key unless given.
        anchors: what others say they saw, their signatures verified.

    Raises:
        AuditError: `witnessed` is not a checkpoint at all.
    """
    found = Findings()
    anchors = (*_open_witness(witnessed, verifier, found), *anchors)
    checkpoint = _open_checkpoint(files, verifier, origin or verifier.name, found)
    if checkpoint is not None:
        times = Times(found, anchors)
        roots = _verify_tree(files, checkpoint, {anchor.size for anchor in anchors}, times, found)
        same = [_compare(checkpoint, anchor, roots.get(anchor.size), found) for anchor in anchors]
        if all(same):  # in another history the times are other ones too, and say nothing more
            times.finish()
    return conclude(checkpoint, tuple(anchors), tuple(found.found))


def _open_checkpoint(files: LogFiles, verifier: NoteVerifier, origin: str, found: Findings) -> Checkpoint | None:
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


def _open_witness(witnessed: bytes | None, verifier: NoteVerifier, found: Findings) -> tuple[Anchor, ...]:
    """6.7, first half: a checkpoint that this key did not sign tells of another key."""
    if witnessed is None:
        return ()
    from_witness = Checkpoint.from_text(parse_note(witnessed)[0])
    try:
        verifier.open(witnessed)
    except AuditError:
        found.add("6.7", Fault.OTHER_KEY, "the witnessed checkpoint was not signed with the key of this log")
        return ()
    return (Anchor(from_witness, "a witness"),)


def _verify_tree(
    files: LogFiles, checkpoint: Checkpoint, sizes: set[int], times: Times, found: Findings
) -> dict[int, bytes]:
    """6.2 to 6.6; return the roots over so many first entries as were asked for."""
    _verify_lengths(files, checkpoint.size, found)
    full, rest = Frontier(), Frontier()  # roots of full bundles; entries of the last one
    roots = {0: full.root()}
    rows: list[bytes] = []
    for index in range(-(-checkpoint.size // WIDTH)):
        first, width = index * WIDTH, min(WIDTH, checkpoint.size - index * WIDTH)
        leaves = _verify_bundle(files, index, width, times, found)
        if leaves is None:
            return roots  # what follows cannot be hashed without it, and the finding stands
        for size in sizes & set(range(first + 1, first + width + 1)):
            roots[size] = join_peaks((*full.peaks, *Frontier(leaves[: size - first]).peaks))
        _verify_tile(files, 0, index, leaves, found)
        if width == WIDTH:
            rows.append(perfect_root(leaves))
            full.append(rows[-1])
        else:
            rest = Frontier(leaves)
    _verify_upper(files, rows, found)
    if join_peaks((*full.peaks, *rest.peaks)) != checkpoint.root:
        found.add("6.5", Fault.ROOT, "the entries do not have the root that was signed")
    return roots


def _verify_lengths(files: LogFiles, size: int, found: Findings) -> None:
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


def _verify_bundle(files: LogFiles, index: int, width: int, times: Times, found: Findings) -> list[bytes] | None:
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
            times.see(number, *(seen_at(line) or _decoded(line)))
        except AuditError as error:
            found.add("6.3", Fault.ENTRY, f"entry {number}: {error.message}")
    return [leaf_hash(line) for line in encoded]


def _decoded(line: bytes) -> tuple[type[Entry], bytes]:
    """Return what `shape.seen_at` does, with the one judge of what is allowed."""
    entry = decode(line)
    return type(entry), words.MOMENT.write(entry.time_ns).encode()


def _missing(name: str) -> str:
    return f"{name} is missing: the log is truncated or was pruned"


def _verify_tile(files: LogFiles, level: int, index: int, hashes: list[bytes], found: Findings) -> None:
    """6.4: a tile is a copy of hashes that we have ourselves."""
    name = tile_name(level, index, len(hashes))
    content = files.read(name)
    if content is not None and len(content) == len(hashes) * HASH_BYTES and content != b"".join(hashes):
        found.add("6.4", Fault.TILE, f"{name} does not follow from the entries")


def _verify_upper(files: LogFiles, row: list[bytes], found: Findings) -> None:
    """6.4 for the levels above the first."""
    level = 1
    while row:
        for index in range(-(-len(row) // WIDTH)):
            _verify_tile(files, level, index, row[index * WIDTH : (index + 1) * WIDTH], found)
        full = range(0, len(row) - len(row) % WIDTH, WIDTH)
        row, level = [perfect_root(row[at : at + WIDTH]) for at in full], level + 1


def _compare(checkpoint: Checkpoint, anchor: Anchor, earlier_root: bytes | None, found: Findings) -> bool:
    """6.7, second half: an append-only log has whatever it once had; return whether it has."""
    if anchor.checkpoint.origin != checkpoint.origin:
        found.add("6.7", Fault.FORKED, "the witnessed checkpoint is of another log")
    elif anchor.size > checkpoint.size == 0:
        text = f"{anchor.by} saw {anchor.size} entries; the log was replaced by an empty one"
        found.add("6.7", Fault.ROLLED_BACK, text)
    elif anchor.size > checkpoint.size:
        gone = anchor.size - checkpoint.size
        found.add("6.7", Fault.ROLLED_BACK, f"{anchor.by} saw {anchor.size} entries; the last {gone} are gone")
    elif earlier_root is not None and anchor.checkpoint.root != earlier_root:
        text = f"the first {anchor.size} entries are not those that {anchor.by} saw"
        found.add("6.7", Fault.FORKED, text)
    else:
        return True
    return False
