"""A transparency log that several processes of one agency write, one append at a time (ports.AuditLog).

The dashboard logs accesses, the collector deletions. Each opens the log for one append, which also looks at what the
other wrote; people and purges are rare enough for that.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from platesieve.adapters.disk.audit_folder import AuditFolder
from platesieve.domain.errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from platesieve.audit.entry import Entry
    from platesieve.audit.note import NoteSigner

_WAIT_S = 5.0
_PAUSE_S = 0.02
_IN_USE = "another platesieve writes this audit log"


class SharedLog:
    """Appends to a log that nobody holds for longer than an append.

    Args:
        folder: of the log.
        signer: the collector's audit key.
    """

    def __init__(self, folder: Path, signer: NoteSigner) -> None:
        self._folder = folder
        self._signer = signer
        self._lock = threading.Lock()  # flock lets two threads of one process wait for each other only by polling

    def append(self, entries: Sequence[Entry]) -> str:
        """Add entries under a new signed checkpoint; see ports.AuditLog.

        Raises:
            AuditError: they could not be made durable.
        """
        with self._lock, self._opened() as folder:
            return folder.append(entries)

    def _opened(self) -> AuditFolder:
        end_s = time.monotonic() + _WAIT_S
        while True:
            try:
                return AuditFolder(self._folder, self._signer)
            except AuditError as error:
                if error.message != _IN_USE or time.monotonic() > end_s:
                    raise
            time.sleep(_PAUSE_S)
