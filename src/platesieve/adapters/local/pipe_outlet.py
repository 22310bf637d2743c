"""The camera process's end of the pipe (see `pipe_socket`)."""

from __future__ import annotations

import logging
import select
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from platesieve.adapters.local import pipe_frames as frames
from platesieve.adapters.local.pipe_buffer import Held, PipeBuffer
from platesieve.adapters.local.pipe_ledger import Ledger
from platesieve.adapters.local.pipe_socket import CHUNK_BYTES, SEND_LIMIT_S, Waker, address, check_peer
from platesieve.domain.errors import LinkError
from platesieve.domain.notice import Erased

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from platesieve.domain.disclosure import Disclosure, Stretch
    from platesieve.domain.notice import Notice
    from platesieve.ports import Clock

_log = logging.getLogger(__name__)
_SWEEP_S = 0.5  # a full buffer is long: it is not searched for expired ones at every answer
_START_S = 5.0  # both processes start together: that the other one is not there yet is no news


class PipeOutlet:
    """The camera process's end (ports.Outlet): connects to `path` and keeps what is not stored in RAM.

    Args:
        path: the socket file of the uplink process.
        clock: says when a Disclosure in the buffer has expired.
        max_buffer_bytes: bound of the buffer; above it the oldest are dropped and counted.
        peer_uids: users that may listen there; None for our own.
        retry_min_s: first pause between attempts to connect; doubles up to `retry_max_s`.
        retry_max_s: longest pause.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        max_buffer_bytes: int = 8 << 20,
        peer_uids: frozenset[int] | None = None,
        retry_min_s: float = 0.1,
        retry_max_s: float = 5.0,
    ) -> None:
        self._address = address(path)
        self._clock = clock
        self._peer_uids = peer_uids
        self._retry_s = (retry_min_s, retry_max_s)
        self._changed = threading.Condition()  # guards everything below
        self._buffer = PipeBuffer(max_buffer_bytes)
        self._ledger = Ledger()
        self._swept_s = 0.0
        self._closing = False
        self._waker = Waker()
        self._thread = threading.Thread(target=self._run, name="platesieve-pipe", daemon=True)
        self._thread.start()

    def send(self, disclosure: Disclosure) -> None:
        """Hand over a Disclosure; see ports.Outlet."""
        try:
            frame = frames.encode(frames.disclosure_to_document(disclosure))
        except LinkError as error:
            _log.warning("%s", error)
            with self._changed:
                self._ledger.add(Erased(1, "pipe-full"))
            return
        with self._changed:
            if not self._thread.is_alive() or self._closing:
                raise LinkError("the pipe to the uplink process is closed", "start platesieve again")
            self._buffer.hold(disclosure.id, Held(frame, disclosure.kind, disclosure.expires_wall_ns))
            if dropped := self._buffer.keep_bound():
                self._ledger.add(Erased(dropped, "pipe-full"))
        self._waker.wake()

    def stretch(self, stretches: Sequence[Stretch]) -> None:
        """Ask for a longer stay; see ports.Outlet."""
        with self._changed:
            for one in stretches:
                self._buffer.hold(one.id, Held(frames.encode(frames.stretch_to_document(one)), None, one.until_ns))
        self._waker.wake()

    def notices(self) -> Sequence[Notice]:
        """Return, once each, what came back since the last call."""
        with self._changed:
            self._drop_expired()
            return self._ledger.take()

    @property
    def waiting(self) -> int:
        """Return how many events were not stored by now; what is said again anyway, such as health, is not counted."""
        with self._changed:
            return self._buffer.events

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything sent is stored; return whether it was within `timeout_s` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._buffer, timeout_s)

    def close(self) -> None:
        """Say goodbye and close. What was not stored by now is lost: call `drain` before. Safe to call twice."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._waker.wake()
        self._thread.join(SEND_LIMIT_S)
        if not self._thread.is_alive():
            self._waker.close()

    def _run(self) -> None:
        """Connect, serve and connect again. Whatever goes wrong, this thread goes on until `close`."""
        shortest_s, longest_s = self._retry_s
        pause_s, said = shortest_s, ""
        quiet_until_s = time.monotonic() + _START_S
        while not self._closing:
            began = time.monotonic()
            try:
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                    connection.settimeout(SEND_LIMIT_S)
                    connection.connect(self._address)
                    check_peer(connection, self._peer_uids)
                    said, quiet_until_s = "", 0.0
                    self._serve(connection)
            except Exception as error:  # noqa: BLE001 - a thread that ended here would lose every later event in silence
                trouble = str(error) if isinstance(error, LinkError) else type(error).__name__
                if trouble != said and time.monotonic() >= quiet_until_s:
                    _log.warning("the pipe to the uplink process is down: %s", trouble)
                    said = trouble
            with self._changed:
                self._buffer.all_again()
                pause_s = shortest_s if time.monotonic() - began > longest_s else min(pause_s * 2, longest_s)
                self._changed.wait_for(lambda: self._closing, pause_s)

    def _serve(self, connection: socket.socket) -> None:
        reader = frames.FrameReader()
        while True:
            for frame in self._next_frames():
                connection.sendall(frame)
            if self._closing:
                connection.sendall(frames.encode(frames.GOODBYE))
                return
            ready, _, _ = select.select([connection, self._waker.reader], [], [], 0.5)
            self._waker.clear()
            if connection in ready:
                data = connection.recv(CHUNK_BYTES)
                if not data:
                    raise LinkError("the uplink process hung up", "see its log")
                for document in reader.feed(data):
                    self._heard(document)

    def _next_frames(self) -> list[bytes]:
        with self._changed:
            self._drop_expired()
            return self._buffer.next_frames()

    def _heard(self, document: dict[str, Any]) -> None:
        with self._changed:
            if "stored" in document:
                for id_ in document["stored"]:
                    self._buffer.forget(id_)
            else:
                self._ledger.add(frames.notice_from_document(document))
            self._changed.notify_all()

    def _drop_expired(self) -> None:
        if time.monotonic() - self._swept_s < _SWEEP_S:
            return
        self._swept_s = time.monotonic()
        if expired := self._buffer.drop_expired(self._clock.now().wall_ns):
            self._ledger.add(Erased(expired, "expired"))
            self._changed.notify_all()
