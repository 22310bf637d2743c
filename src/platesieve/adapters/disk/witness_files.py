"""Witness files and enrolled audit keys in folders (collector.witness.WitnessFiles): one of each for every device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platesieve.adapters.disk.key_files import load_vkey
from platesieve.adapters.disk.key_line import refuse_readable_by_others, write_new
from platesieve.adapters.disk.witness_file import WitnessFile
from platesieve.audit.cosignature import CosignerKey
from platesieve.audit.thinning import due
from platesieve.domain.errors import KeyFileError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from platesieve.audit.note import NoteVerifier
    from platesieve.audit.thinning import Spacing
    from platesieve.audit.witness import Kept


class FolderOfWitness:
    """See collector.witness.WitnessFiles.

    Args:
        folder: of the witness files `AGENCY_SITE_DEVICE.witness`; made with mode 0700.
        keys: folder of `AGENCY_SITE_DEVICE.vkey` files, or None: no device is enrolled.
    """

    def __init__(self, folder: Path, keys: Path | None) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._keys = keys

    def verifier(self, device: str) -> NoteVerifier | None:
        """Return the audit key of a device, or None; read anew each time, so that a device can be enrolled any time."""
        file = self._keys / f"{_stem(device)}.vkey" if self._keys is not None else None
        return load_vkey(file) if file is not None and file.exists() else None

    def kept(self, device: str) -> Sequence[Kept]:
        """Return the lines of its witness file, read as far as they are looked at: there may be tens of thousands."""
        return self._file(device).kept

    def alone(self, device: str) -> AbstractContextManager[None]:
        """Keep out all other writers of its witness file: what is added must follow from what was read."""
        return self._file(device).alone()

    def add(self, device: str, line: Kept) -> None:
        """Add a line and force it to the disk; called within `alone`."""
        self._file(device).add(line)

    def due(self, since_ns: int, until_ns: int) -> Sequence[str]:
        """Return whose files are to be thinned now, as `thin` takes it."""
        stems = sorted(path.stem for path in self._folder.glob("*.witness"))
        return [stem for stem in stems if due(stem, since_ns, until_ns)]

    def thin(self, device: str, spacing: Spacing) -> None:
        """Leave the lines that last (FORMAT 9.8)."""
        self._file(device).thin(spacing)

    def _file(self, device: str) -> WitnessFile:
        return WitnessFile(self._folder / f"{_stem(device)}.witness")


def load_or_create_cosigner(file: Path, name: str) -> CosignerKey:
    """Return the key with which this collector cosigns; made on first use, its public half beside it (`.vkey`).

    Raises:
        KeyFileError: others can read it, it is damaged, of another name, or cannot be written.
    """
    try:
        if not file.exists():
            key = CosignerKey.generate(name)
            write_new(file, key.skey, 0o600)
            write_new(file.with_suffix(".vkey"), key.verifier.vkey, 0o644)
        refuse_readable_by_others(file)
        key = CosignerKey.from_skey(file.read_text(encoding="ascii"))
    except OSError as error:
        raise KeyFileError(
            f"the witness key {file} cannot be used: {error.strerror}", "check its owner and its folder"
        ) from error
    if key.name != name:
        raise KeyFileError(
            f"{file} belongs to the witness {key.name}", "give the collector its old name, or a new folder"
        )
    return key


def _stem(device: str) -> str:
    return device.replace("/", "_")
