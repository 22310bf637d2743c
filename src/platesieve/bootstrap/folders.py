"""Where things lie in the state folder of a device."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from platesieve.domain.errors import StorageError

if TYPE_CHECKING:
    from platesieve.settings import Settings


@dataclass(frozen=True, slots=True)
class Folders:
    """Where things lie in the state folder; each process owns its own, 0700, and both meet at the pipe."""

    state: Path

    @classmethod
    def of(cls, settings: Settings) -> Folders:
        """Return the folders of these settings, made where they are missing.

        Raises:
            StorageError: they cannot be made.
        """
        folders = cls(Path(settings.state).expanduser())
        try:
            for folder in (folders.state, folders.camera, folders.uplink):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"the state folder {folders.state} cannot be made: {error.strerror}",
                "give --state a folder that can be written",
            ) from error
        return folders

    def refuse_root(self) -> None:
        """Refuse to go on as root in another account's folder: what root writes there, the services cannot change.

        Raises:
            StorageError: we are root, and the folder is not root's.
        """
        owner = self.state.stat().st_uid
        if os.geteuid() == 0 and owner != 0:
            name = next((one.pw_name for one in pwd.getpwall() if one.pw_uid == owner), str(owner))
            raise StorageError(
                f"{self.state} belongs to the account {name}, which could not change what root writes there",
                f"put before the command: sudo -u {name}",
            )

    @property
    def camera(self) -> Path:
        """Return the folder of the camera process: audit log and audit key."""
        return self.state / "camera"

    @property
    def audit(self) -> Path:
        """Return the audit log."""
        return self.camera / "audit"

    @property
    def uplink(self) -> Path:
        """Return the folder of the uplink process: the outbox."""
        return self.state / "uplink"

    @property
    def spool(self) -> Path:
        """Return where the uplink process puts signed documents for the camera process to verify."""
        return self.state / "spool"

    @property
    def pipe(self) -> Path:
        """Return the socket where both meet."""
        return self.state / "pipe"
