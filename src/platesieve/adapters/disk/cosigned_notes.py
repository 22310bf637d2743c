"""What witnesses said of the log, as files beside it: `cosigned/<key id>`, one signed note each (FORMAT 9.7)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from platesieve.adapters.disk.audit_folder import FolderFiles
from platesieve.adapters.disk.whole_file import write_whole
from platesieve.audit.anchor import cosigned_anchors
from platesieve.audit.checkpoint import Checkpoint
from platesieve.audit.cosignature import CosignerVerifier, add_line, lines_of
from platesieve.audit.growth import proofs_document
from platesieve.audit.note import parse_note
from platesieve.audit.proof import TiledTree
from platesieve.domain.errors import AuditError, InputError, KeyFileError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from platesieve.adapters.disk.audit_folder import AuditFolder
    from platesieve.audit.anchor import Anchor
    from platesieve.audit.log_files import LogFiles
    from platesieve.audit.note import NoteVerifier
    from platesieve.domain.disclosure import Json

FOLDER = "cosigned"
MAX_PROOFS = 4
_NAME = re.compile(rf"{FOLDER}/[0-9a-f]{{8}}", re.ASCII)


class CosignedNotes:
    """See flow.witnessing.Testimony.

    Args:
        log: of this device, open.
        witnesses: whose cosignatures are believed.

    Raises:
        AuditError: a witness saw more, or something else, than the log has: it was put back or altered.
    """

    def __init__(self, log: AuditFolder, witnesses: Sequence[CosignerVerifier]) -> None:
        self._log = log
        self._signer = log.signer
        self._witnesses = tuple(witnesses)
        self._files = FolderFiles(log.path)
        self._seen: dict[str, Anchor] = {}
        for anchor in anchors_beside(self._files, log.signer.verifier, self._witnesses):
            self._hold_to(anchor)
            self._seen[anchor.by] = anchor

    def believe(self, note: bytes) -> None:
        """Keep a cosigned checkpoint; see flow.witnessing.Testimony.

        Raises:
            AuditError: as there.
            StorageError: the disk refuses.
        """
        text, _ = parse_note(note)
        ours = self._signer.sign(text)  # Ed25519 is deterministic: this is the very note that left, if it did
        for line in lines_of(note, self._witnesses):
            ours = add_line(ours, line)
        anchors = cosigned_anchors(ours, self._signer.verifier, self._witnesses)
        if not anchors:
            raise AuditError("no witness of this device made it", "name the witness's .vkey file in audit.witnesses")
        for anchor in anchors:
            self._hold_to(anchor)
            before = self._seen.get(anchor.by)
            if before is None or (before.size, before.time_ns or 0) <= (anchor.size, anchor.time_ns or 0):
                self._keep(anchor, ours)

    def proofs(self) -> Json:
        """Return proofs from what witnesses have; see flow.witnessing.Testimony."""
        size = self._log.size
        tree = TiledTree(self._files, size)
        known = sorted({anchor.size for anchor in self._seen.values() if 0 < anchor.size < size})[-MAX_PROOFS:]
        return proofs_document({old: tree.consistency(old) for old in known})

    def _hold_to(self, anchor: Anchor) -> None:
        size = self._log.size
        if anchor.checkpoint.origin != self._signer.name:
            raise AuditError("it is about the log of another device", "look at the broker's access list")
        if anchor.size > size:
            raise AuditError(
                f"a witness saw {anchor.size} entries of this log, which has {size}: it was put back",
                "keep the folder for the auditor, and restore the log from the newest copy",
            )
        if TiledTree(self._files, size).root(anchor.size) != anchor.checkpoint.root:
            raise AuditError("a witness saw another history of this log", "keep the folder for the auditor")

    def _keep(self, anchor: Anchor, note: bytes) -> None:
        (witness,) = [known for known in self._witnesses if known.name == anchor.by][:1]
        own = parse_note(note)[0]
        (line,) = lines_of(note, [witness])[:1]
        folder = self._log.path / FOLDER
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"what a witness said cannot be kept: {error.strerror}", "free space on the disk of the log"
            ) from error
        write_whole(folder / witness.key_id.hex(), add_line(self._signer.sign(own), line))
        self._seen[anchor.by] = anchor


def anchors_beside(files: LogFiles, device: NoteVerifier, witnesses: Iterable[CosignerVerifier]) -> tuple[Anchor, ...]:
    """Return what the files beside a log say, of the witnesses that are known.

    Raises:
        AuditError: a file is no checkpoint of this device, or a signature is wrong.
    """
    known = tuple(witnesses)
    notes = [files.read(name) for name in sorted(files.names()) if _NAME.fullmatch(name)]
    return tuple(anchor for note in notes if note for anchor in cosigned_anchors(note, device, known))


def names_beside(files: LogFiles) -> tuple[tuple[str, int], ...]:
    """Return whose cosignatures lie beside a log and over how many entries; nothing is verified."""
    found: list[tuple[str, int]] = []
    for name in sorted(files.names()):
        if _NAME.fullmatch(name) and (note := files.read(name)):
            text, lines = parse_note(note)
            checkpoint = Checkpoint.from_text(text)
            found += [(line.name, checkpoint.size) for line in lines if line.name != checkpoint.origin]
    return tuple(found)


def load_witnesses(paths: Iterable[Path]) -> tuple[CosignerVerifier, ...]:
    """Return the public keys of witnesses.

    Raises:
        InputError: a file cannot be read.
        KeyFileError: it holds no key of a witness.
    """
    found = []
    for path in paths:
        try:
            found.append(CosignerVerifier.from_vkey(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}", "give the witness's .vkey file") from error
        except UnicodeDecodeError as error:
            raise KeyFileError(f"{path} is no key", "give the witness's .vkey file") from error
    return tuple(found)
