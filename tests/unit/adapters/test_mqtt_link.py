"""Whether a broker may be talked to at all, and what is said when it cannot: all of it without a broker."""

from __future__ import annotations

import logging
import socket
import ssl
import time
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.mqtt.link import explain, explain_text, tls_context
from platesieve.adapters.mqtt.publisher import MqttPublisher, NoBroker, open_publisher, probe
from platesieve.adapters.mqtt.wire import Address
from platesieve.domain.errors import KeyFileError, LinkError
from platesieve.settings import Device, Uplink
from tests.fakes.clock import START_WALL_NS as NOW
from tests.fakes.disclosures import a_hit

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = Address.from_device(Device())


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_plain_mqtt_stays_on_this_machine(host: str) -> None:
    """Loopback needs no TLS."""
    assert tls_context(Uplink(host=host)) is None


@pytest.mark.parametrize("host", ["broker.example", "192.0.2.1", "0.0.0.0", "localhost.example", "2001:db8::1"])  # noqa: S104 - not bound to
def test_plain_mqtt_to_anywhere_else_is_refused_unless_called_unsafe(host: str) -> None:
    """Before a single packet: the constructor of the publisher refuses too."""
    with pytest.raises(LinkError, match="unencrypted"):
        tls_context(Uplink(host=host))
    with pytest.raises(LinkError, match="unencrypted"):
        MqttPublisher(Uplink(host=host), ADDRESS, lambda: None)
    assert tls_context(Uplink(host=host, unsafe_plaintext=True)) is None


def test_a_missing_or_wrong_file_is_named_with_a_hint(tmp_path: Path) -> None:
    """Not a bare SSLError; and the constructor raises it, not a thread."""
    with pytest.raises(KeyFileError, match="cannot be read"):
        tls_context(Uplink(host="broker.example", ca_file=str(tmp_path / "none.crt")))
    wrong = tmp_path / "wrong.crt"
    wrong.write_text("not a certificate")
    with pytest.raises(KeyFileError, match="cannot be used"):
        tls_context(Uplink(host="broker.example", ca_file=str(wrong)))


def test_tls_is_at_least_1_2_and_verifies_the_name() -> None:
    """The context of a device that trusts the system's CAs, and has a certificate to show, is strict."""
    context = tls_context(Uplink(host="broker.example", ca_file=ssl.get_default_verify_paths().openssl_cafile))
    assert context is not None
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError(111, "refused"), "nothing listens"),
        (TimeoutError(), "does not answer"),
        (socket.gaierror(-2, "unknown"), "cannot be resolved"),
        (OSError(113, "No route to host"), "No route to host"),
        (ssl.SSLError(1, "[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca"), "does not know the CA"),
        (ZeroDivisionError("secret"), "unexpected fault: ZeroDivisionError"),
    ],
)
def test_every_failure_has_a_sentence(error: Exception, said: str) -> None:
    """What health and doctor show; never the text of an unknown error."""
    assert said in explain(error)
    assert "secret" not in explain(error)


def test_an_alert_is_found_in_a_log_line() -> None:
    """TLS 1.3 refuses a client certificate after the handshake; only paho's log line tells."""
    line = "failed to receive on socket: [SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required"
    assert explain_text(line) == "the broker asks for a client certificate"
    assert explain_text("failed to receive on socket: connection reset") is None


def test_a_closed_port_is_one_log_line_and_nothing_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    """It tries again and again, says so once, and `publish` never pretends."""
    caplog.set_level(logging.INFO)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        settings = Uplink(host="127.0.0.1", port=unused.getsockname()[1])
        publisher = MqttPublisher(settings, ADDRESS, lambda: None, retry_s=(0.01, 0.02))
        time.sleep(0.5)
        assert publisher.state == "nothing listens on the broker's port"
        assert publisher.free == 0
        assert not publisher.publish(a_hit("h1"), NOW)
        assert publisher.events() == []
        publisher.close()
    assert [record.getMessage() for record in caplog.records] == ["broker: nothing listens on the broker's port"]


def test_without_a_broker_nothing_is_taken() -> None:
    """Everything waits in the outbox until it expires."""
    assert not NoBroker().publish(a_hit("h1"), NOW)
    assert NoBroker().free == 0
    assert isinstance(open_publisher(Uplink(), ADDRESS, lambda: None), NoBroker)
    assert probe(Uplink(), ADDRESS) == "no broker is configured"
