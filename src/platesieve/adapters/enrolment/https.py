"""One question over HTTPS: a signing request, answered with a certificate, by an address of the agency's authority."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Final, Protocol

from platesieve.domain.errors import ConfigError, KeyFileError, LinkError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MAX_ANSWER_BYTES: Final = 16_384
_FORBIDDEN: Final = 403


class Ask(Protocol):
    """Sends a document and returns the certificate in the answer."""

    def __call__(self, url: str, document: Mapping[str, str], pair: tuple[Path, Path] | None, /) -> bytes:
        """See `asker`."""


def asker(authority: Path, limit_s: float = 20.0) -> Ask:
    """Return what asks an address that shows a certificate of `authority`, and no other.

    What it returns raises KeyFileError where the agency refuses, LinkError where it cannot be reached.

    Args:
        authority: PEM file.
        limit_s: how long an answer may take.
    """

    def ask(url: str, document: Mapping[str, str], pair: tuple[Path, Path] | None) -> bytes:
        if not url.startswith("https://"):
            raise ConfigError("the agency's address is not https", "write https://HOST:PORT")
        body = json.dumps(document).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - https, above
        try:
            context = ssl.create_default_context(cafile=str(authority))
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            if pair is not None:
                context.load_cert_chain(*map(str, pair))
            with urllib.request.urlopen(request, timeout=limit_s, context=context) as answer:  # noqa: S310 - https, above
                content = answer.read(_MAX_ANSWER_BYTES)
            return str(json.loads(content)["certificate"]).encode()
        except urllib.error.HTTPError as error:
            with error:
                if error.code == _FORBIDDEN:
                    raise KeyFileError("the agency refuses this device", "ask it for a new token") from error
                raise LinkError(f"the agency's address answers {error.code}", "try again; tell the agency") from error
        except (OSError, ValueError, KeyError) as error:
            reason = getattr(error, "reason", error)
            raise LinkError(
                f"the agency cannot be reached: {type(reason).__name__}",
                "check the network, the clock, and the address in platesieve.toml",
            ) from error

    return ask
