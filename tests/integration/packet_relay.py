"""A relay that reads MQTT packets on their way to a device, and can lose, delay or cut.

Usage::

    with PacketRelay(plain_port) as relay:
        relay.lose(PUBACK, 10)            # the next ten answers never arrive, then the connection breaks
        relay.lose(PUBLISH, 5)            # the next five receipts never arrive; the broker believes that they did
        relay.bytes_per_s = 20_000
        relay.cut()
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Self

PUBLISH, PUBACK = 3, 4


class PacketRelay:
    """Relays a free loopback port to a plain MQTT listener."""

    def __init__(self, target_port: int) -> None:
        self.bytes_per_s: float | None = None
        self.lost = 0
        self._target = ("127.0.0.1", target_port)
        self._losing: dict[int, int] = {}
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # shut already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def lose(self, packet_type: int, count: int) -> None:
        """Lose the next packets of a type on their way to the device."""
        self._losing[packet_type] = count

    def cut(self) -> None:
        """Break every connection."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):  # gone already
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(self._target)
                except OSError:  # the broker is away
                    near.close()
                    continue
                self._pairs.append((near, far))
                threading.Thread(target=self._upwards, args=(near, far), daemon=True).start()
                threading.Thread(target=self._downwards, args=(near, far), daemon=True).start()

    def _upwards(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError):  # either end hung up
            while data := near.recv(4096):
                if self.bytes_per_s:
                    time.sleep(len(data) / self.bytes_per_s)
                far.sendall(data)
        self._end(near, far)

    def _downwards(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):  # either end hung up
            stream = far.makefile("rb")
            while True:
                packet_type, packet = _packet(stream.read)
                if self._losing.get(packet_type, 0) > 0:
                    self._lose(packet_type, packet, near, far)
                else:
                    near.sendall(packet)
        self._end(near, far)

    def _lose(self, packet_type: int, packet: bytes, near: socket.socket, far: socket.socket) -> None:
        self.lost += 1
        self._losing[packet_type] -= 1
        if packet_type == PUBLISH:
            far.sendall(b"\x40\x02" + _packet_identifier(packet))  # PUBACK: the broker thinks that it arrived
        elif not self._losing[packet_type]:
            self._end(near, far)

    @staticmethod
    def _end(*ends: socket.socket) -> None:
        for end in ends:
            with contextlib.suppress(OSError):  # gone already
                end.shutdown(socket.SHUT_RDWR)


def _packet(read: object) -> tuple[int, bytes]:
    """Return type and bytes of the next packet (MQTT 5, 2.1)."""
    first = _exactly(read, 1)
    length, shift, head = 0, 0, first
    while True:
        byte = _exactly(read, 1)
        head += byte
        length |= (byte[0] & 0x7F) << shift
        shift += 7
        if not byte[0] & 0x80:
            return first[0] >> 4, head + _exactly(read, length)


def _exactly(read: object, count: int) -> bytes:
    data: bytes = read(count)  # type: ignore[operator]  # of a file that was opened for reading bytes
    if len(data) != count:
        raise EOFError
    return data


def _packet_identifier(packet: bytes) -> bytes:
    """Return the identifier of a PUBLISH with QoS 1: behind the topic (MQTT 5, 3.3.2)."""
    at = 1
    while packet[at] & 0x80:
        at += 1
    at += 1
    topic_length = int.from_bytes(packet[at : at + 2], "big")
    at += 2 + topic_length
    return packet[at : at + 2]
