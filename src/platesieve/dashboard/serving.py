"""Where the dashboard answers, and the refusal to do so in the clear.

Three ways: HTTPS with a certificate of its own; plain HTTP on loopback, for one machine or behind a proxy that speaks
HTTPS; nothing else. Browsers treat loopback as trustworthy, so cookies stay `Secure` there too.
"""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn

from platesieve.domain.errors import ConfigError, KeyFileError

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.applications import Starlette

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
GRACE_S = 1  # for open streams of live hits when the dashboard ends


@dataclass(frozen=True, slots=True)
class Serving:
    """Where to listen, already checked.

    Attributes:
        host: address to bind.
        port: 0 lets the system choose.
        hosts: names in the Host header that are answered, lower case.
        certificate: chain in PEM, or None.
        key: its private key.
        behind_proxy: whether a proxy on this machine speaks HTTPS for us.
    """

    host: str
    port: int
    hosts: frozenset[str]
    certificate: Path | None = None
    key: Path | None = None
    behind_proxy: bool = False

    @property
    def https_only(self) -> bool:
        """Return whether a request that did not come over HTTPS is refused."""
        return self.behind_proxy

    @property
    def shown(self) -> str:
        """Return name and port as people type them."""
        outside = sorted(self.hosts - LOOPBACK_NAMES)
        if self.behind_proxy:
            return f"{self.host}:{self.port}, for the proxy that answers to {', '.join(outside)}"
        return f"{outside[0] if outside else self.host}:{self.port}"

    @property
    def scheme(self) -> str:
        """Return what to write before the address."""
        return "https" if self.certificate else "http"


def serving(
    host: str,
    port: int,
    names: tuple[str, ...] = (),
    certificate: Path | None = None,
    key: Path | None = None,
    *,
    behind_proxy: bool = False,
) -> Serving:
    """Return where to listen.

    Raises:
        ConfigError: it would be plain HTTP on a network, or the options contradict each other.
        KeyFileError: certificate or key cannot be used.
    """
    loopback = _is_loopback(host)
    if (certificate is None) != (key is None):
        raise ConfigError("a certificate needs its key, and a key its certificate", "give --cert and --key together")
    if certificate is None and not loopback:
        raise ConfigError(
            f"the dashboard does not speak plain HTTP on {host}: passwords and plates would cross the network",
            "give --cert and --key, or keep 127.0.0.1 and put a proxy with HTTPS before it (--behind-proxy)",
        )
    if behind_proxy and not (loopback and names and certificate is None):
        raise ConfigError(
            "--behind-proxy needs plain HTTP on loopback and the name that the proxy answers to",
            "write for example: platesieve dashboard --behind-proxy --name plates.example",
        )
    if certificate is not None and key is not None:
        _check_certificate(certificate, key)
    hosts = {name.lower() for name in names}
    hosts |= LOOPBACK_NAMES if loopback else {f"[{host}]" if ":" in host else host.lower()}
    return Serving(host, port, frozenset(hosts), certificate, key, behind_proxy)


def server_of(app: Starlette, where: Serving) -> uvicorn.Server:
    """Return a server that answers requests when its `run` is called, until a signal or `should_exit` ends it."""
    config = uvicorn.Config(
        app,
        host=where.host,
        port=where.port,
        ssl_certfile=str(where.certificate) if where.certificate else None,
        ssl_keyfile=str(where.key) if where.key else None,
        proxy_headers=where.behind_proxy,
        forwarded_allow_ips="127.0.0.1,::1",
        server_header=False,
        date_header=True,
        access_log=False,  # an access log of its own beside the transparency log would be a second, weaker one
        log_level="warning",
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=15,
        h11_max_incomplete_event_size=16 * 1024,
        limit_concurrency=512,
    )
    return uvicorn.Server(config)


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_certificate(certificate: Path, key: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ssl.SSLError, ValueError) as error:
        raise KeyFileError(
            f"certificate {certificate} and key {key} cannot be used together",
            "give the chain and the unencrypted key of one certificate, both PEM and readable for you",
        ) from error
