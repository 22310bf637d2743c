"""One device's connection to the broker, kept up by two threads: nothing that paho dies of can stop it.

One thread of ours connects, with pauses; paho's thread carries bytes and its callbacks only note what happened.
"""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING

from platesieve.adapters.mqtt.line import Attempt, Down, Line, hang_up
from platesieve.adapters.mqtt.link import explain

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    import paho.mqtt.client as paho

    from platesieve.adapters.mqtt import wire
    from platesieve.settings import Uplink

_PARTING_S = 1.0  # how long the broker may take to see us off


class Connection(Line):
    """Keeps a connection to the broker up, from the moment it is built.

    Args:
        settings: see Line, as the others.
        address: who we are.
        tls: the TLS context.
        on_event: called from any thread when there is something new.
        retry_s: first and longest pause between attempts; it doubles, with jitter, so that a fleet does
            not come back all at once.
        probing: beside an uplink that runs.
    """

    def __init__(
        self,
        settings: Uplink,
        address: wire.Address,
        tls: ssl.SSLContext | None,
        on_event: Callable[[], None],
        retry_s: tuple[float, float],
        *,
        probing: bool = False,
    ) -> None:
        super().__init__(settings, address, tls, on_event, probing=probing)
        self._retry_s = retry_s
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="platesieve-mqtt", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Disconnect for good. Safe to call twice."""
        self._closing.set()
        self._attempt.over.set()
        self._thread.join(_PARTING_S + 2)

    def _run(self) -> None:
        shortest_s, longest_s = self._retry_s
        pause_s = shortest_s
        while not self._closing.is_set():
            self._attempt = attempt = Attempt(self._attempt.number + 1)
            spoken = self._protocol
            try:
                self._connect_and_wait(attempt)
            except Exception as error:  # noqa: BLE001 - this thread ending would end all sending in silence
                attempt.trouble = explain(error)
            self.happenings.put(Down(attempt.number))
            if self._closing.is_set():
                break
            self._ended(attempt, spoken)
            pause_s = shortest_s if attempt.accepted else min(pause_s * 2, longest_s)
            self._closing.wait(pause_s * random.SystemRandom().uniform(0.75, 1.25))
        self.state = "closed"

    def _connect_and_wait(self, attempt: Attempt) -> None:
        client = self._client(attempt)
        try:
            self._dial(client)
            client.loop_start()
            while not attempt.over.wait(0.5) and not self._closing.is_set():
                if not self._network_thread_lives():
                    attempt.trouble = attempt.trouble or "the network thread died"
                    break
            if self._closing.is_set():
                self._part(client)
        finally:
            hang_up(client)

    def _network_thread_lives(self) -> bool:
        # paho's thread can end without any callback (issue 894); its name is the public way to see that.
        name = f"paho-mqtt-client-{self._client_id}"
        return any(thread.name == name for thread in threading.enumerate())

    def _part(self, client: paho.Client) -> None:
        """Send DISCONNECT, so that the last will is not published, and wait a moment for the broker's end."""
        client.disconnect()
        deadline_s = time.monotonic() + _PARTING_S
        while self._network_thread_lives() and time.monotonic() < deadline_s:
            time.sleep(0.01)
