"""A subscriber that only notes which events came and when; of a simulation, which counts them."""

from __future__ import annotations

import json
import queue
import secrets
import threading
import time
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from platesieve.adapters.mqtt.link import tls_context
from platesieve.domain.errors import LinkError

if TYPE_CHECKING:
    from collections.abc import Callable

    from platesieve.settings import Uplink

_WITHIN_S = 15.0


class Ear:
    """Listens to an agency's events without a session: what comes while it is away is not for it.

    Args:
        settings: where the broker is, and the certificate of the agency's dashboard.
        agency: whose topics.
        kind: `hit` or `read`.
        wanted: whether an `agency/site/device` is one to listen to; of others nothing is looked at.

    Raises:
        LinkError: the broker does not take it, or not the subscription.
        KeyFileError: the certificate cannot be used.
    """

    def __init__(self, settings: Uplink, agency: str, kind: str, wanted: Callable[[str], bool]) -> None:
        self.heard: queue.SimpleQueue[tuple[str, float]] = queue.SimpleQueue()
        """Id and moment (time.monotonic) of each event, in order of arrival."""
        self._filter = f"platesieve/{agency}/+/+/{kind}"
        self._wanted = wanted
        self._subscribed = threading.Event()
        version = MQTTProtocolVersion.MQTTv5 if settings.protocol == "5" else MQTTProtocolVersion.MQTTv311
        self._client = client = paho.Client(
            CallbackAPIVersion.VERSION2, f"dashboard:{agency}:simulation-{secrets.token_hex(4)}", protocol=version
        )
        client.suppress_exceptions = True
        if (tls := tls_context(settings)) is not None:
            client.tls_set_context(tls)
        client.on_connect = lambda client, *_: client.subscribe(self._filter, 1)
        client.on_subscribe = lambda _c, _d, _m, reasons, _p: None if reasons[0].is_failure else self._subscribed.set()
        client.on_message = self._note
        host, port = settings.brokers[0]
        client.connect_async(host, port, settings.keepalive_s)
        client.loop_start()
        if not self._subscribed.wait(_WITHIN_S):
            self.close()
            raise LinkError(
                f"{host}:{port} takes no subscriber to the events of {agency}",
                f"see that dashboard.{agency}.crt is there and may read {self._filter}",
            )

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def _note(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        at_s = time.monotonic()
        if self._wanted("/".join(message.topic.split("/")[1:4])):
            self.heard.put((str(json.loads(message.payload)["id"]), at_s))
