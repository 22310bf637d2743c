"""An outbox through a whole life, for tests that break it: `outbox_process.py DATABASE [SYNCHRONOUS]`.

Every promise that was kept is one line on standard output, written before the next begins; a call the disk
refused is a line `refused`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from platesieve.adapters.disk.outbox_sqlite import SqliteOutbox
from platesieve.domain.disclosure import Disclosure, Kind
from platesieve.domain.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

FAR_NS, SOON_NS, NOW_NS = 4 * 10**18, 20 * 10**9, 10 * 10**9


def say(line: str) -> None:
    """Write one line straight to the kernel: what is in a buffer at a kill was never said."""
    os.write(1, f"{line}\n".encode())


def attempt(what: str, action: Callable[[], object]) -> None:
    """Do something; say that it is done, or that the disk refused."""
    try:
        action()
    except StorageError:
        say("refused")
    else:
        say(what)


def main(path: Path, synchronous: str) -> None:
    """Store six, one of them short-lived, let one go, purge, close."""
    opened: list[SqliteOutbox] = []
    attempt("open", lambda: opened.append(SqliteOutbox(path, 1 << 20, testing_only_synchronous=synchronous)))
    if not opened:
        return
    (outbox,) = opened
    for number in range(5):
        event = Disclosure(f"h{number}", Kind.HIT, {"n": number}, FAR_NS)
        attempt(f"stored h{number}", lambda event=event: outbox.store([event]))  # type: ignore[misc]  # bound now
    attempt("stored short", lambda: outbox.store([Disclosure("short", Kind.HIT, {}, SOON_NS)]))
    attempt("gone h0", lambda: outbox.delivered(["h0"], NOW_NS))
    attempt("gone short", lambda: outbox.purge_expired(SOON_NS))
    attempt("closed", outbox.close)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "FULL")
