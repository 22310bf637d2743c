"""Many devices' lines to the broker, turned by one loop in one thread: for a machine that plays a whole fleet.

A device by itself has two threads (`connection`), which is right on a Pi and too much a thousand times over. Here
paho's clients are turned from outside, as its documentation offers (`loop_read`, `loop_write`, `loop_misc`). Dialling
blocks, so a few threads do that; nobody else touches a client before its dialling is done.
"""

from __future__ import annotations

import random
import selectors
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeAlias, cast

from paho.mqtt.enums import MQTTErrorCode

from platesieve.adapters.mqtt.line import Attempt, Down, Line, hang_up
from platesieve.adapters.mqtt.link import explain

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

    import paho.mqtt.client as paho

    from platesieve.adapters.mqtt import wire
    from platesieve.settings import Uplink

Dialled: TypeAlias = "Future[paho.Client | None]"
DIALLERS = 16
_CARE_S = 0.5  # how often pings, ended connections and pauses are looked after
_PAUSES_S = (1.0, 30.0)
_READS = 32  # packets of one client in a row, before the others have their turn


class Crowd:
    """Turns every line that joins it. Use `turn` from one thread alone.

    Usage::

        line = crowd.join(settings, address, tls, on_event)
        while ...: crowd.turn(0.05)
        crowd.close()
    """

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._pool = ThreadPoolExecutor(DIALLERS, thread_name_prefix="platesieve-dial")
        self._lines: list[CrowdLine] = []
        self._listening: dict[CrowdLine, socket.socket] = {}
        self._unwritten: set[CrowdLine] = set()
        self._next_care_s = 0.0

    def join(
        self, settings: Uplink, address: wire.Address, tls: ssl.SSLContext | None, on_event: Callable[[], None]
    ) -> CrowdLine:
        """Return a line of its own for one more device, which begins to dial."""
        line = CrowdLine(settings, address, tls, on_event, self)
        self._lines.append(line)
        line.dial(self._pool)
        return line

    def turn(self, timeout_s: float) -> None:
        """Carry what is to be carried, waiting at most `timeout_s` seconds for it."""
        for key, _ in self._selector.select(0 if self._unwritten else timeout_s):
            cast("CrowdLine", key.data).read()
        waiting, self._unwritten = self._unwritten, set()
        for line in waiting:
            line.write()
        now_s = time.monotonic()
        if now_s >= self._next_care_s:
            self._next_care_s = now_s + _CARE_S
            for line in self._lines:
                line.care(now_s, self._pool)

    def attach(self, line: CrowdLine, client: paho.Client) -> None:
        """Listen to a client that has been dialled."""
        open_socket = cast("socket.socket | None", client.socket())
        if open_socket is not None:
            self._selector.register(open_socket, selectors.EVENT_READ, line)
            self._listening[line] = open_socket

    def detach(self, line: CrowdLine) -> None:
        """Listen no more to a line; at once when it ends, because its socket's number may be given out again."""
        open_socket = self._listening.pop(line, None)
        if open_socket is not None:
            self._selector.unregister(open_socket)

    def has_more_to_write(self, line: CrowdLine) -> None:
        """Come back to a line whose socket was full."""
        self._unwritten.add(line)

    def close(self) -> None:
        """See everybody off."""
        for line in self._lines:
            line.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._selector.close()


class CrowdLine(Line):
    """One device's line within a crowd; see `Line`."""

    def __init__(
        self,
        settings: Uplink,
        address: wire.Address,
        tls: ssl.SSLContext | None,
        on_event: Callable[[], None],
        crowd: Crowd,
    ) -> None:
        super().__init__(settings, address, tls, on_event)
        self._crowd = crowd
        self._paho: paho.Client | None = None
        self._dialling: Dialled | None = None
        self._spoken = self._protocol
        self._again_s: float | None = None  # when to dial again, monotonic
        self._pause_s = _PAUSES_S[0]
        self._closed = False

    def dial(self, pool: ThreadPoolExecutor) -> None:
        """Begin a connection."""
        self._again_s = None
        self._attempt = Attempt(self._attempt.number + 1)
        self._spoken = self._protocol
        self._dialling = pool.submit(self._dialled, self._attempt)

    def read(self) -> None:
        """Take in what has come."""
        client = self._paho
        if client is None:
            return
        # TLS may hold whole records that no selector knows of: `pending`, and paho reads packet by packet.
        for _ in range(_READS):
            if client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._broke()
                return
            if not _pending(client):
                break
        self.write()

    def write(self) -> None:
        """Send what waits."""
        client = self._paho
        if client is None or not client.want_write():
            return
        if client.loop_write() != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._broke()
        elif client.want_write():
            self._crowd.has_more_to_write(self)

    def care(self, now_s: float, pool: ThreadPoolExecutor) -> None:
        """Ping, take over what was dialled, end what is over, and dial again in time."""
        if self._dialling is not None and self._dialling.done():
            client, self._dialling = self._dialling.result(), None
            if client is not None:
                self._paho = client
                self._crowd.attach(self, client)
            else:
                self._attempt.over.set()
        if self._paho is not None:
            if self._paho.loop_misc() == MQTTErrorCode.MQTT_ERR_SUCCESS:
                self.write()
            else:
                self._broke()
        if self._attempt.over.is_set() and self._dialling is None and self._again_s is None and not self._closed:
            self._end(now_s)
        if self._again_s is not None and now_s >= self._again_s and not self._closed:
            self.dial(pool)

    def close(self) -> None:
        """Disconnect for good, so that the last will is not published."""
        self._closed = True
        if self._dialling is not None and not self._dialling.cancel():
            self._paho = self._dialling.result()
        if self._paho is not None:
            self._crowd.detach(self)
            self._paho.disconnect()
            hang_up(self._paho)
            self._paho = None
        self.state = "closed"

    def _dialled(self, attempt: Attempt) -> paho.Client | None:
        client = self._client(attempt)
        try:
            self._dial(client)
        except Exception as error:  # noqa: BLE001 - told as this line's state, whatever it was
            attempt.trouble = explain(error)
            return None
        return client

    def _broke(self) -> None:
        self._crowd.detach(self)
        self._attempt.over.set()

    def _end(self, now_s: float) -> None:
        if self._paho is not None:
            self._crowd.detach(self)
            hang_up(self._paho)
            self._paho = None
        self.happenings.put(Down(self._attempt.number))
        self._ended(self._attempt, self._spoken)
        self._pause_s = _PAUSES_S[0] if self._attempt.accepted else min(2 * self._pause_s, _PAUSES_S[1])
        self._again_s = now_s + self._pause_s * random.SystemRandom().uniform(0.75, 1.25)


def _pending(client: paho.Client) -> bool:
    pending = getattr(client.socket(), "pending", None)
    return pending is not None and pending() > 0
