"""The pipe between the camera process and the uplink process: one Unix stream socket, and what both ends need of it.

The uplink process listens (`pipe_intake`, no thread of its own); the camera process connects (`pipe_outlet`, one
thread) and reconnects for ever. Everything that was not said to be stored is sent again after a reconnect; ids make
that harmless.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from typing import TYPE_CHECKING

from platesieve.domain.errors import LinkError

if TYPE_CHECKING:
    from pathlib import Path

CHUNK_BYTES = 1 << 18
SEND_LIMIT_S = 5.0  # a peer that reads nothing for this long is hung up on
_MAX_SOCKET_PATH_BYTES = 107  # unix(7)
_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid


class Waker:
    """Lets any thread end another one's select()."""

    def __init__(self) -> None:
        self.reader, self._writer = socket.socketpair()
        self.reader.setblocking(False)
        self._writer.setblocking(False)

    def wake(self) -> None:
        """Let whoever selects `reader` go on."""
        with contextlib.suppress(OSError):  # full: a wake-up is pending already; closed: nobody waits any more
            self._writer.send(b"\0")

    def clear(self) -> None:
        """Forget that it was woken."""
        with contextlib.suppress(BlockingIOError):
            while self.reader.recv(4096):
                pass

    def close(self) -> None:
        """Close both ends."""
        self.reader.close()
        self._writer.close()


def address(path: Path) -> str:
    """Return the path as a socket may have it.

    Raises:
        LinkError: it is too long.
    """
    if len(os.fsencode(path)) > _MAX_SOCKET_PATH_BYTES:
        raise LinkError(
            f"the path of the pipe is longer than the {_MAX_SOCKET_PATH_BYTES} bytes a socket may have",
            "choose a state folder with a shorter path",
        )
    return str(path)


def check_peer(connection: socket.socket, allowed_uids: frozenset[int] | None) -> None:
    """Make sure that the process at the other end runs as one of `allowed_uids` (None: as ourselves).

    The kernel vouches for it (SO_PEERCRED, unix(7)); file modes alone would not stop a process of root's.

    Raises:
        LinkError: it is somebody else.
    """
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(raw)
    if uid not in (allowed_uids or {os.geteuid()}):
        raise LinkError(
            f"the process at the other end of the pipe runs as user {uid}", "start both processes as the same user"
        )
