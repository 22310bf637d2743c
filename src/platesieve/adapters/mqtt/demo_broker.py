"""A broker for the demo: mosquitto where it is installed, else amqtt, which is pure Python and speaks MQTT 3.1.1.

It listens on loopback only and dies with the demo.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from platesieve.domain.errors import LinkError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_WITHIN_S = 15.0
_AMQTT = """
import asyncio, logging, sys
from amqtt.broker import Broker
logging.disable(logging.CRITICAL)
plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
listener = {"type": "tcp", "bind": "127.0.0.1:" + sys.argv[1]}
async def serve():
    await Broker({"listeners": {"default": listener}, "plugins": plugins}).start()
    await asyncio.Event().wait()
asyncio.run(serve())
"""


@dataclass(frozen=True, slots=True)
class DemoBroker:
    """Where the demo's broker listens and what it speaks."""

    port: int
    name: str
    protocol: Literal["5", "3.1.1"]
    host: str = "127.0.0.1"


def find_mosquitto() -> str | None:
    """Return the path of mosquitto; Debian keeps it where only root's PATH looks."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def demo_broker(folder: Path) -> Iterator[DemoBroker]:
    """Run a broker for the time of a `with` block.

    Args:
        folder: scratch folder for its configuration.

    Raises:
        LinkError: no broker is installed, or it does not start.
    """
    port = _free_port()
    mosquitto = find_mosquitto()
    if mosquitto is not None:
        configuration = folder / "mosquitto.conf"
        configuration.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_type none\n")
        broker = DemoBroker(port, f"mosquitto ({mosquitto})", "5")
        command = [mosquitto, "-c", str(configuration)]
    else:
        broker = DemoBroker(port, "amqtt (mosquitto is not installed)", "3.1.1")
        command = [sys.executable, "-c", _AMQTT, str(port)]
    process = subprocess.Popen(  # noqa: S603 - the broker just found, or our own interpreter
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _wait_until_open(port, process)
        yield broker
    finally:
        process.terminate()
        try:
            process.wait(5.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    end_s = time.monotonic() + START_WITHIN_S
    while time.monotonic() < end_s and process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise LinkError(
        "the demo's broker did not start", "apt install mosquitto, or pip install 'platesieve[demo]', and try again"
    )
