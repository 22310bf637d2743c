"""Both ends of the pipe between the camera process and the uplink process: one Unix stream socket.

The uplink process listens (`PipeIntake`, no thread of its own); the camera process connects (`PipeOutlet`,
one thread) and reconnects for ever. Everything that was not said to be stored is sent again after a
reconnect; ids make that harmless.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import socket
import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from platesieve.adapters.local import pipe_frames as frames
from platesieve.domain.errors import LinkError
from platesieve.domain.notice import Arrived, Command, Erased, TurnedAway

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from platesieve.domain.disclosure import Disclosure, Kind, Stretch
    from platesieve.domain.notice import Notice
    from platesieve.ports import Clock

_log = logging.getLogger(__name__)
_CHUNK_BYTES = 1 << 18
_WINDOW = 64  # unanswered frames on the wire: their answers always fit the socket's buffer, so neither end blocks
_SWEEP_S = 0.5  # a full buffer is long: it is not searched for expired ones at every answer
_SEND_LIMIT_S = 5.0  # a peer that reads nothing for this long is hung up on
_START_S = 5.0  # both processes start together: that the other one is not there yet is no news
_MAX_COMMANDS = 32  # a broker that floods us with commands fills this and no more
_MAX_SOCKET_PATH_BYTES = 107  # unix(7)


class _Waker:
    """Lets any thread end another one's select()."""

    def __init__(self) -> None:
        self.reader, self._writer = socket.socketpair()
        self.reader.setblocking(False)
        self._writer.setblocking(False)

    def wake(self) -> None:
        with contextlib.suppress(OSError):  # full: a wake-up is pending already; closed: nobody waits any more
            self._writer.send(b"\0")

    def clear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self.reader.recv(4096):
                pass

    def close(self) -> None:
        self.reader.close()
        self._writer.close()


class _Ledger:
    """Notices that were not handed on yet: counts add up per reason, commands are few. Not thread-safe."""

    def __init__(self) -> None:
        self._erased: dict[str, int] = {}
        self._commands: deque[Command] = deque()
        self._delivery: dict[type, Arrived | TurnedAway] = {}  # the last word of each counts

    def add(self, notice: Notice) -> None:
        if isinstance(notice, Erased):
            self._erased[notice.reason] = self._erased.get(notice.reason, 0) + notice.count
        elif isinstance(notice, (Arrived, TurnedAway)):
            self._delivery[type(notice)] = notice
        elif len(self._commands) < _MAX_COMMANDS:
            self._commands.append(notice)
        else:
            _log.warning("a command was dropped: %d wait already", _MAX_COMMANDS)

    def take(self) -> list[Notice]:
        taken: list[Notice] = [*self._commands, *self._delivery.values()]
        taken += [Erased(n, reason) for reason, n in self._erased.items()]
        self._delivery.clear()
        self._commands.clear()
        self._erased.clear()
        return taken


def _address(path: Path) -> str:
    if len(os.fsencode(path)) > _MAX_SOCKET_PATH_BYTES:
        raise LinkError(
            f"the path of the pipe is longer than the {_MAX_SOCKET_PATH_BYTES} bytes a socket may have",
            "choose a state folder with a shorter path",
        )
    return str(path)


class PipeIntake:
    """The uplink process's end: listens at `path`, takes one camera process at a time.

    Args:
        path: the socket file, in the state folder. The caller holds the InstanceLock, so that a file
            left there belongs to nobody.
        peer_uids: users that may connect; None for our own. With others, the file's group may connect too.
    """

    def __init__(self, path: Path, peer_uids: frozenset[int] | None = None) -> None:
        address = _address(path)
        self._path = path
        self._peer_uids = peer_uids
        self._waker = _Waker()
        self._ledger = _Ledger()
        self._connection: socket.socket | None = None
        self._reader = frames.FrameReader()
        self._goodbye = False
        self._stretches: list[Stretch] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            path.unlink(missing_ok=True)
            mask = os.umask(0o177 if peer_uids is None else 0o117)  # the file is never wider, not for a moment
            try:
                self._listener.bind(address)
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
            frames.check_peer(connection, self._peer_uids)
        except LinkError as error:
            _log.warning("%s", error)
            connection.close()
            return
        self.reset()  # a camera process that comes again has lost its earlier connection
        connection.settimeout(_SEND_LIMIT_S)
        self._connection, self._reader, self._goodbye = connection, frames.FrameReader(), False
        self._flush()

    def _receive(self) -> list[Disclosure]:
        assert self._connection is not None  # noqa: S101 - take() looked; this is for the type checker
        arrived = []
        try:
            data = self._connection.recv(_CHUNK_BYTES)
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


@dataclass(frozen=True, slots=True, repr=False)
class _Held:
    frame: bytes
    kind: Kind | None
    expires_wall_ns: int | None


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
        self._address = _address(path)
        self._clock = clock
        self._max_buffer_bytes = max_buffer_bytes
        self._peer_uids = peer_uids
        self._retry_s = (retry_min_s, retry_max_s)
        self._changed = threading.Condition()  # guards everything below
        self._buffer: OrderedDict[str, _Held] = OrderedDict()
        self._bytes = 0
        self._on_wire: set[str] = set()
        self._ledger = _Ledger()
        self._swept_s = 0.0
        self._closing = False
        self._waker = _Waker()
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
            if disclosure.kind.lasting:
                for older in [id_ for id_, held in self._buffer.items() if held.kind is disclosure.kind]:
                    self._forget(older)
            self._buffer[disclosure.id] = _Held(frame, disclosure.kind, disclosure.expires_wall_ns)
            self._bytes += len(frame)
            self._keep_bound()
        self._waker.wake()

    def stretch(self, stretches: Sequence[Stretch]) -> None:
        """Ask for a longer stay; see ports.Outlet."""
        with self._changed:
            for one in stretches:
                frame = frames.encode(frames.stretch_to_document(one))
                self._forget(one.id)
                self._buffer[one.id] = _Held(frame, None, one.until_ns)
                self._bytes += len(frame)
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
            return sum(held.kind is not None and not held.kind.lasting for held in self._buffer.values())

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
        self._thread.join(_SEND_LIMIT_S)
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
                    connection.settimeout(_SEND_LIMIT_S)
                    connection.connect(self._address)
                    frames.check_peer(connection, self._peer_uids)
                    said, quiet_until_s = "", 0.0
                    self._serve(connection)
            except Exception as error:  # noqa: BLE001 - a thread that ended here would lose every later event in silence
                trouble = str(error) if isinstance(error, LinkError) else type(error).__name__
                if trouble != said and time.monotonic() >= quiet_until_s:
                    _log.warning("the pipe to the uplink process is down: %s", trouble)
                    said = trouble
            with self._changed:
                self._on_wire.clear()
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
                data = connection.recv(_CHUNK_BYTES)
                if not data:
                    raise LinkError("the uplink process hung up", "see its log")
                for document in reader.feed(data):
                    self._heard(document)

    def _next_frames(self) -> list[bytes]:
        with self._changed:
            self._drop_expired()
            waiting = [id_ for id_ in self._first_ids(_WINDOW) if id_ not in self._on_wire]
            chosen = waiting[: max(_WINDOW - len(self._on_wire), 0)]
            self._on_wire.update(chosen)
            return [self._buffer[id_].frame for id_ in chosen]

    def _first_ids(self, waiting: int) -> list[str]:
        """Return the oldest ids: those on the wire, and up to `waiting` more."""
        found: list[str] = []
        for id_ in self._buffer:
            if len(found) >= waiting + len(self._on_wire):
                break
            found.append(id_)
        return found

    def _heard(self, document: dict[str, Any]) -> None:
        with self._changed:
            if "stored" in document:
                for id_ in document["stored"]:
                    self._forget(id_)
            else:
                self._ledger.add(frames.notice_from_document(document))
            self._changed.notify_all()

    def _forget(self, id_: str) -> None:
        held = self._buffer.pop(id_, None)
        self._on_wire.discard(id_)
        if held is not None:
            self._bytes -= len(held.frame)

    def _keep_bound(self) -> None:
        while self._bytes > self._max_buffer_bytes:
            # What is on the wire may be stored already; it goes only when nothing else is left.
            ids = [id_ for id_ in self._first_ids(1) if id_ not in self._on_wire] or list(self._buffer)
            self._forget(ids[0])
            self._ledger.add(Erased(1, "pipe-full"))

    def _drop_expired(self) -> None:
        if time.monotonic() - self._swept_s < _SWEEP_S:
            return
        self._swept_s = time.monotonic()
        now_ns = self._clock.now().wall_ns
        expired = [
            id_
            for id_, held in self._buffer.items()
            if held.expires_wall_ns is not None and held.expires_wall_ns <= now_ns and id_ not in self._on_wire
        ]
        for id_ in expired:  # one on the wire may be stored already, and is then counted by the uplink process
            self._forget(id_)
        if expired:
            self._ledger.add(Erased(len(expired), "expired"))
            self._changed.notify_all()
