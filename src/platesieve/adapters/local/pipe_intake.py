"""The uplink process's end of the pipe (see `pipe_socket`)."""

from __future__ import annotations

import logging
import os
import select
import socket
from typing import TYPE_CHECKING, Any

from platesieve.adapters.local import pipe_frames as frames
from platesieve.adapters.local.pipe_ledger import Ledger
from platesieve.adapters.local.pipe_socket import CHUNK_BYTES, SEND_LIMIT_S, Waker, address, check_peer
from platesieve.domain.errors import LinkError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from platesieve.domain.disclosure import Disclosure, Stretch
    from platesieve.domain.notice import Notice

_log = logging.getLogger(__name__)


class PipeIntake:
    """The uplink process's end: listens at `path`, takes one camera process at a time.

    Args:
        path: the socket file, in the state folder. The caller holds the InstanceLock, so that a file
            left there belongs to nobody.
        peer_uids: users that may connect; None for our own. With others, the file's group may connect too.
    """

    def __init__(self, path: Path, peer_uids: frozenset[int] | None = None) -> None:
        at = address(path)
        self._path = path
        self._peer_uids = peer_uids
        self._waker = Waker()
        self._ledger = Ledger()
        self._connection: socket.socket | None = None
        self._reader = frames.FrameReader()
        self._goodbye = False
        self._stretches: list[Stretch] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            path.unlink(missing_ok=True)
            mask = os.umask(0o177 if peer_uids is None else 0o117)  # the file is never wider, not for a moment
            try:
                self._listener.bind(at)
            finally:
                os.umask(mask)
            self._listener.listen(1)
        except OSError as error:
            self._listener.close()
            self._waker.close()
            raise LinkError(
                f"the pipe cannot be made in the state folder: {error.strerror}", "make the state folder writable"
            ) from error

    @property
    def camera_present(self) -> bool:
        """Return whether a camera process is connected."""
        return self._connection is not None

    @property
    def goodbye(self) -> bool:
        """Return whether the camera process ended on purpose and has not come back."""
        return self._goodbye

    def take(self, timeout_s: float) -> Sequence[Disclosure]:
        """Return Disclosures that came; wait for one, for `wake()`, or for `timeout_s` seconds."""
        sockets = [self._listener, self._waker.reader, *([self._connection] if self._connection else [])]
        ready, _, _ = select.select(sockets, [], [], timeout_s)
        if self._waker.reader in ready:
            self._waker.clear()
        arrived = self._receive() if self._connection in ready else []
        if self._listener in ready:
            self._accept()
        return arrived

    def stretches(self) -> Sequence[Stretch]:
        """Return, once each, what is to be kept for longer."""
        taken, self._stretches = self._stretches, []
        return taken

    def stored(self, ids: Sequence[str]) -> None:
        """Tell the camera process that these are durable, so that it forgets them."""
        if ids:
            self._send({"stored": list(ids)})

    def notify(self, notice: Notice) -> None:
        """Hand a Notice to the camera process, now or when it comes back."""
        self._ledger.add(notice)
        self._flush()

    def wake(self) -> None:
        """End a `take` that waits. Any thread may call this."""
        self._waker.wake()

    def reset(self) -> None:
        """Hang up, so that the camera process sends again what was not stored."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Hang up and remove the socket file. Safe to call twice."""
        self.reset()
        self._listener.close()
        self._waker.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        try:
            check_peer(connection, self._peer_uids)
        except LinkError as error:
            _log.warning("%s", error)
            connection.close()
            return
        self.reset()  # a camera process that comes again has lost its earlier connection
        connection.settimeout(SEND_LIMIT_S)
        self._connection, self._reader, self._goodbye = connection, frames.FrameReader(), False
        self._flush()

    def _receive(self) -> list[Disclosure]:
        assert self._connection is not None  # noqa: S101 - take() looked; this is for the type checker
        arrived = []
        try:
            data = self._connection.recv(CHUNK_BYTES)
            if not data:
                self.reset()
            for document in self._reader.feed(data):
                if "goodbye" in document:
                    self._goodbye = True
                elif "stretch" in document:
                    self._stretches.append(frames.stretch_from_document(document["stretch"]))
                else:
                    arrived.append(frames.disclosure_from_document(document.get("disclosure")))
        except OSError:
            self.reset()
        except LinkError as error:
            _log.warning("%s", error)
            self.reset()
        return arrived

    def _flush(self) -> None:
        if self._connection is not None:
            for notice in self._ledger.take():
                if not self._send(frames.notice_to_document(notice)):
                    self._ledger.add(notice)

    def _send(self, document: dict[str, Any]) -> bool:
        if self._connection is None:
            return False
        try:
            self._connection.sendall(frames.encode(document))
        except OSError:
            self.reset()
            return False
        return True
