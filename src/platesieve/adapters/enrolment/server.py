"""The agency's address for devices: POST /enrol with a token, POST /renew with the certificate that is to be replaced.

Refusals look alike and come slowly: one a second, whoever asks, so that a token cannot be guessed and nobody learns
which tokens exist.
"""

from __future__ import annotations

import json
import logging
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from platesieve.adapters.enrolment.authority_folder import RefusedError
from platesieve.domain.errors import KeyFileError, PlatesieveError

if TYPE_CHECKING:
    from pathlib import Path

    from platesieve.adapters.enrolment.authority_folder import AuthorityFolder

_log = logging.getLogger(__name__)
_MAX_BODY_BYTES: Final = 16_384
_REQUEST_S: Final = 10.0
_REFUSAL_S: Final = 1.0
_MAX_CONNECTIONS: Final = 16


class EnrolmentServer(ThreadingHTTPServer):
    """Listens for devices.

    Args:
        authority: signs.
        listen: host and port; port 0 takes a free one.
        certificate: PEM file of this address, signed by the same authority.
        key: PEM file of its key.
        refusal_s: how long a refusal takes.

    Raises:
        KeyFileError: certificate or key cannot be used.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        authority: AuthorityFolder,
        listen: tuple[str, int],
        certificate: Path,
        key: Path,
        *,
        refusal_s: float = _REFUSAL_S,
    ) -> None:
        self.authority, self._refusal_s = authority, refusal_s
        self._one_at_a_time = threading.Lock()
        self._room = threading.BoundedSemaphore(_MAX_CONNECTIONS)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_3
        self._context.verify_mode = ssl.CERT_OPTIONAL  # a device that enrols has none yet
        try:
            self._context.load_cert_chain(str(certificate), str(key), password=str)
            self._context.load_verify_locations(cadata=authority.certificate.decode())
        except (OSError, ValueError) as error:
            raise KeyFileError(
                "certificate or key of this address cannot be used", "give --cert and --key as PEM files"
            ) from error
        super().__init__(listen, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle in a thread of its own, as long as there is room."""
        if self._room.acquire(timeout=_REQUEST_S):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Shake hands here and not where connections are accepted: one slow peer must not stop the others."""
        try:
            request.settimeout(_REQUEST_S)
            with self._context.wrap_socket(request, server_side=True) as connection:
                super().process_request_thread(connection, client_address)
        except OSError:
            self.shutdown_request(request)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base class's signature
        """Say no more than that a connection failed."""
        _log.info("a connection failed")

    def refuse_slowly(self) -> None:
        """Wait, one asker after the other."""
        with self._one_at_a_time:
            time.sleep(self._refusal_s)


class _Handler(BaseHTTPRequestHandler):
    server: EnrolmentServer
    server_version, sys_version = "platesieve", ""
    timeout = _REQUEST_S

    def do_POST(self) -> None:
        """Answer one request."""
        try:
            document = self._document()
            certificate = self._certificate(document)
        except (RefusedError, KeyFileError) as error:
            reason = error.answer.value if isinstance(error, RefusedError) else "malformed"
            _log.warning("refused: %s", reason)
            self.server.refuse_slowly()
            self._answer(403, {"error": "refused"})
        except PlatesieveError:
            _log.exception("a request could not be handled")
            self._answer(500, {"error": "try again later"})
        else:
            self._answer(200, {"certificate": certificate.decode()})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Write no access log: refusals are logged with their reason, grants are in issued.json."""

    def _certificate(self, document: dict[str, Any]) -> bytes:
        match self.path, document:
            case "/enrol", {"request": str(request), "token": str(token), **more}:
                certificate = self.server.authority.enrol(request.encode(), token)
                if isinstance(lists_key := more.get("lists_key"), str):
                    self.server.authority.keep_lists_key(request.encode(), lists_key)
                return certificate
            case "/renew", {"request": str(request)}:
                return self.server.authority.renew(request.encode(), self._peer_serial())
        raise KeyFileError("a request of no known kind", "use platesieve enrol")

    def _peer_serial(self) -> int:
        peer = self.connection.getpeercert() if isinstance(self.connection, ssl.SSLSocket) else None
        if not peer:
            raise KeyFileError("a renewal without a certificate", "enrol with a token")
        return int(str(peer["serialNumber"]), 16)

    def _document(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _MAX_BODY_BYTES:
            raise KeyFileError("a request without a length, or too long", "use platesieve enrol")
        try:
            return dict(json.loads(self.rfile.read(int(length))))
        except (ValueError, TypeError, RecursionError) as error:
            raise KeyFileError("a request that is not JSON", "use platesieve enrol") from error

    def _answer(self, status: int, document: dict[str, str]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
