"""Every way to alter a small log, one fault each, with what a verifier must say: for ours and for that of others.

for case in attacks():
    case.files, case.witness, case.outcome
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from platesieve.audit.checkpoint import Checkpoint
from platesieve.audit.entry import Shutdown, encode
from platesieve.audit.tiles import bundle_name, pack_bundle, tile_name
from platesieve.audit.verdict import Outcome
from tests.fakes.log_files import OTHER_SIGNER, SIGNER, START_NS, LogInMemory, S, many, one_of_each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
SMALL = 5


@dataclass(frozen=True, slots=True)
class Case:
    """A log, perhaps altered, perhaps with what a witness holds."""

    name: str
    files: dict[str, bytes]
    outcome: Outcome
    witness: bytes | None = None


def valid() -> Iterator[Case]:
    """Yield logs that nobody altered: the controls."""
    for size in (0, 1, 2, 3, 255, 256, 257, 513, 600):
        yield Case(f"valid-{size}", LogInMemory().grow(many(size)).content, Outcome.INTACT)
    yield Case("valid-every-type", LogInMemory().grow(one_of_each()).content, Outcome.INTACT)
    earlier = [path.read_bytes() for path in sorted((HERE / "entries/accepted_old").glob("*.json"))]
    yield Case("valid-of-an-earlier-program", LogInMemory().grow_raw(earlier).content, Outcome.INTACT)
    log = LogInMemory()
    seen = [log.checkpoint, *(log.grow(many(number)).checkpoint for number in (1, 2, 253, 1, 300))]
    for number, witness in enumerate(seen):
        yield Case(f"valid-witnessed-{number}", log.content, Outcome.INTACT, witness)


def attacks() -> Iterator[Case]:
    """Yield one altered log after the other."""
    yield from _flipped_bytes()
    yield from _cut_off()
    yield from _edited()
    yield from _refused_entries()
    yield from _refused_checkpoints()
    yield from _against_a_witness()


def _altered(name: str, files: dict[str, bytes]) -> Case:
    return Case(name, files, Outcome.ALTERED)


def _flipped_bytes() -> Iterator[Case]:
    """Every byte of a small log, and one byte in each file of a log with tiles above the first level."""
    small = LogInMemory().grow(one_of_each()[:SMALL]).content
    for name, content in small.items():
        for at in range(len(content)):
            flipped = content[:at] + bytes([content[at] ^ 0x01]) + content[at + 1 :]
            yield _altered(f"flip-{name}-{at}", {**small, name: flipped})
    deep = LogInMemory().grow(many(600)).content
    for name, content in deep.items():
        yield _altered(f"flip-deep-{name}", {**deep, name: content[:-1] + bytes([content[-1] ^ 0x80])})


def _cut_off() -> Iterator[Case]:
    """The files of an earlier size under the later checkpoint, each file missing, each cut at every byte."""
    whole = LogInMemory().grow(many(SMALL)).content
    for kept in range(SMALL):
        files = LogInMemory().grow(many(kept)).content
        yield _altered(f"cut-{kept}-of-{SMALL}", {**files, "checkpoint": whole["checkpoint"]})
    for name, content in whole.items():
        yield _altered(f"missing-{name}", {other: whole[other] for other in whole if other != name})
        for length in range(0, len(content), 3):
            yield _altered(f"cut-{name}-{length}", {**whole, name: content[:length]})


EDITS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "swap": lambda lines: [lines[1], lines[0], *lines[2:]],
    "delete": lambda lines: [lines[0], *lines[2:]],
    "insert": lambda lines: [lines[0], encode(Shutdown(START_NS)), *lines[1:]],
    "reorder": lambda lines: lines[::-1],
    "duplicate": lambda lines: [lines[0], *lines],
    "edit": lambda lines: [encode(Shutdown(START_NS)), *lines[1:]],
    "empty": lambda _: [],
}


def _edited() -> Iterator[Case]:
    """Rewritten entries: alone, with tiles that follow from them, and re-signed with a fresh key."""
    log = LogInMemory().grow(many(SMALL))
    for name, edit in EDITS.items():
        lines = edit(log.entries)
        yield _altered(f"{name}-entries", {**log.content, bundle_name(0, SMALL): pack_bundle(lines)})
        rewritten = LogInMemory(OTHER_SIGNER).grow_raw(lines).content
        yield _altered(f"{name}-entries-and-tiles", {**rewritten, "checkpoint": log.checkpoint})
        yield _altered(f"{name}-re-signed", rewritten)
    yield _altered("tile-of-another-log", {**log.content, tile_name(0, 0, SMALL): bytes(32 * SMALL)})
    for size, root in ((SMALL, bytes(32)), (SMALL + 1, bytes(32)), (0, bytes(32))):
        signed = SIGNER.sign(Checkpoint(SIGNER.name, size, root).text)
        yield _altered(f"device-signs-{size}-wrongly", {**log.content, "checkpoint": signed})
    other = SIGNER.sign(Checkpoint("another/log", 0, LogInMemory().root).text)
    yield _altered("device-signs-another-origin", {**LogInMemory().content, "checkpoint": other})


def _refused_entries() -> Iterator[Case]:
    """A device that went bad and signs what no entry may say."""
    for path in sorted((HERE / "entries/refused").glob("*.json")):
        yield _altered(f"entry-{path.stem}", LogInMemory().grow_raw([path.read_bytes()]).content)


def _refused_checkpoints() -> Iterator[Case]:
    """The entries are right, the note is not."""
    log = LogInMemory().grow(many(3)).content
    for path in sorted((HERE / "checkpoints").glob("*.txt")):
        if not path.stem.startswith("accepted"):
            yield _altered(f"checkpoint-{path.stem}", {**log, "checkpoint": path.read_bytes()})


def _against_a_witness() -> Iterator[Case]:
    """Logs that are intact in themselves: only somebody who remembers can tell."""
    seen = LogInMemory().grow(many(SMALL)).checkpoint

    def contradicts(name: str, log: LogInMemory, witness: bytes = seen) -> Case:
        return Case(name, log.content, Outcome.CONTRADICTS_WITNESS, witness)

    for kept in range(SMALL):
        yield contradicts(f"rolled-back-to-{kept}", LogInMemory().grow(many(kept)))
    for size in (SMALL, SMALL + 1, 300):
        yield contradicts(f"fork-{size}", LogInMemory().grow(many(size, first=100)))
    for name, edit in EDITS.items():
        lines = edit(LogInMemory().grow(many(SMALL)).entries)
        yield contradicts(f"device-rewrites-{name}", LogInMemory().grow_raw(lines))
    backdated = [*many(2), Shutdown(START_NS + S), *many(SMALL, first=2)]
    yield contradicts("backdated", LogInMemory().grow(backdated))
    yield contradicts("witness-of-another-key", LogInMemory().grow(many(SMALL)), OTHER_SIGNER.sign(_text(seen)))


def _text(note: bytes) -> str:
    return note.decode().rpartition("\n\n")[0] + "\n"
