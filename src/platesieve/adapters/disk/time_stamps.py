"""Time stamps of the log by an authority that knows nothing of it (RFC 3161): `anchors/`, beside the log (FORMAT 10).

The request holds the hash of a checkpoint and nothing else. Request and answer are files, so that a site without a
network carries them by hand; `ask` is for those that have one.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import urllib3

from platesieve.adapters.disk.whole_file import write_whole
from platesieve.audit.anchor import Anchor
from platesieve.audit.checkpoint import Checkpoint
from platesieve.audit.words import NS_PER_S
from platesieve.domain.errors import AuditError, ConfigError, InputError, KeyFileError, LinkError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampResponse

    from platesieve.audit.log_files import LogFiles
    from platesieve.audit.note import NoteVerifier

FOLDER = "anchors"
_NAME = re.compile(rf"{FOLDER}/([0-9]{{1,16}})\.tsr", re.ASCII)
_MAX_BYTES = 64 * 1024  # a token with its chain of certificates has about 6 KB
_LIMIT_S = 30.0
_HTTP_OK = 200


def request_for(note: bytes) -> bytes:
    """Return a time-stamp request (DER) for a checkpoint.

    Raises:
        ConfigError: the library is not installed.
    """
    try:
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder  # noqa: PLC0415 - optional
    except ImportError as error:
        raise _not_installed() from error
    return TimestampRequestBuilder().data(note).hash_algorithm(HashAlgorithm.SHA256).build().as_bytes()


def keep_pending(log: Path, size: int, note: bytes) -> None:
    """Keep the checkpoint that a request is about: when the answer comes the log has grown.

    Raises:
        StorageError: the folder cannot be written.
    """
    folder = log / FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder} cannot be made: {error.strerror}", "make the log's folder writable") from error
    write_whole(folder / f"{size}.checkpoint", note)


def ask(url: str, request: bytes) -> bytes:
    """Return what an authority answers over HTTP (RFC 3161, 3.4); it is signed, so that plain HTTP will do.

    Raises:
        LinkError: it cannot be reached, or answers with something else.
    """
    hint = "try again later, or carry the request there yourself: --query, then --response"
    http = urllib3.PoolManager(timeout=_LIMIT_S, retries=False)
    try:
        with http.request(
            "POST", url, body=request, headers={"Content-Type": "application/timestamp-query"}, preload_content=False
        ) as answer:
            content = answer.read(_MAX_BYTES + 1)
            status = answer.status
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise LinkError(f"the time-stamping authority cannot be reached: {type(error).__name__}", hint) from error
    if status != _HTTP_OK or len(content) > _MAX_BYTES:
        raise LinkError(f"the time-stamping authority answers {status}, {len(content)} bytes", hint)
    return bytes(content)


def keep_answer(log: Path, token: bytes, roots: Sequence[Certificate]) -> Anchor:
    """Keep an answer beside the checkpoint that it is about, and return what it says.

    Raises:
        InputError: it is about no checkpoint that was kept here, or nobody who is trusted signed it.
        StorageError: it cannot be written.
    """
    stamp = _decoded(token)
    for file in sorted((log / FOLDER).glob("*.checkpoint")):
        note = file.read_bytes()
        if hashlib.sha256(note).digest() == stamp.tst_info.message_imprint.message:
            try:
                anchor = _anchor(note, stamp, roots)
            except AuditError as error:
                raise InputError(error.message, error.hint) from error
            write_whole(file.with_suffix(".tsr"), token)
            return anchor
    raise InputError("this time stamp is about no checkpoint in anchors", "give the answer to a request made here")


def stamped_anchors(files: LogFiles, device: NoteVerifier, roots: Sequence[Certificate]) -> tuple[Anchor, ...]:
    """Return what the time stamps beside a log say: that it had a checkpoint, and when at the latest.

    Raises:
        AuditError: a checkpoint is not of this device.
        InputError: a time stamp is damaged, of no trusted authority, or about something else.
    """
    anchors = []
    for name in sorted(files.names()):
        if _NAME.fullmatch(name):
            note = files.read(name.removesuffix("tsr") + "checkpoint") or b""
            device.open(note)
            try:
                anchors.append(_anchor(note, _decoded(files.read(name) or b""), roots))
            except (InputError, AuditError) as error:
                raise InputError(f"{name}: {error.message}", error.hint) from error
    return tuple(anchors)


def count_beside(files: LogFiles) -> int:
    """Return how many time stamps lie beside a log; nothing is verified."""
    return sum(_NAME.fullmatch(name) is not None for name in files.names())


def load_roots(paths: Iterable[Path]) -> tuple[Certificate, ...]:
    """Return the certificates of time-stamping authorities that are trusted, from PEM files.

    Raises:
        InputError: a file cannot be read.
        KeyFileError: it holds no certificate.
    """
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415 - costs 60 ms that few commands need

    roots: list[Certificate] = []
    for path in paths:
        hint = "give the authority's certificate, and those above it, as PEM"
        try:
            roots += load_pem_x509_certificates(path.read_bytes())
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}", hint) from error
        except ValueError as error:
            raise KeyFileError(f"{path} holds no certificate", hint) from error
    return tuple(roots)


def _anchor(note: bytes, stamp: TimeStampResponse, roots: Sequence[Certificate]) -> Anchor:
    """Return what a time stamp says of a checkpoint, after its signature and chain were verified."""
    from rfc3161_client import VerificationError, VerifierBuilder  # noqa: PLC0415 - optional

    builder = VerifierBuilder()
    for root in roots:
        builder = builder.add_root_certificate(root)
    try:
        builder.build().verify_message(stamp, note)
    except VerificationError as error:
        raise AuditError(
            "a time stamp is not of a trusted authority, or not about its checkpoint",
            "give --tsa-certificate with the authority's certificate and those above it",
        ) from error
    text = note.decode().split("\n\n")[0] + "\n"
    moment = stamp.tst_info.gen_time
    return Anchor(Checkpoint.from_text(text), "a time-stamping authority", int(moment.timestamp()) * NS_PER_S)


def _decoded(token: bytes) -> TimeStampResponse:
    try:
        from rfc3161_client import decode_timestamp_response  # noqa: PLC0415 - optional
    except ImportError as error:
        raise _not_installed() from error
    hint = "ask the authority again"
    try:
        stamp = decode_timestamp_response(token)
        if stamp.status != 0:
            raise InputError("the time-stamping authority refused the request", hint)
        _ = stamp.tst_info.gen_time
    except (ValueError, TypeError) as error:
        raise InputError("this is no answer of a time-stamping authority", hint) from error
    return stamp


def _not_installed() -> ConfigError:
    return ConfigError("time stamps need rfc3161-client", "pip install 'platesieve[anchor]'")
