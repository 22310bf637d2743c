"""Fetch a bundle over a line that is cut: go on where it ended, tonight and the next night, and believe only the whole.

What is there already, and what a server adds to it, counts only once length and hash of all of it are the signed ones.
A whole that is another one is thrown away; if it was put together from parts, it is fetched once more from its
beginning, for the server may have replaced the file meanwhile.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import time
from typing import TYPE_CHECKING, Final

from tuf.api.exceptions import DownloadError

from platesieve.adapters.delivery.fetchers import CutError
from platesieve.adapters.delivery.stored import as_delivery_error
from platesieve.domain.errors import DeliveryError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from platesieve.adapters.delivery.fetchers import Source
    from platesieve.adapters.delivery.system_update import Offer

FETCHED: Final = "bundle.raucb"  # in the device's folder, for the installing service
LIMIT_S: Final = 6 * 3600.0  # 600 MB at the 300 kbit/s of a very poor mobile link
MOST_TRIES: Final = 20  # of one night; what came stays for the next
_MOST_IN_VAIN = (
    3  # tries in a row that brought nothing: a server without ranges would cost the link the whole each time
)
_PAUSE_S, _LONGEST_PAUSE_S = 5.0, 300.0
_ROOM_BYTES = 64 << 20  # that the audit log and the outbox keep
_log = logging.getLogger(__name__)


def fetch(offer: Offer, source: Source, folder: Path, pause: Callable[[float], None] = time.sleep) -> Path:
    """Fetch a bundle into a folder; return the file. Only a whole and right one has that name.

    Raises:
        DeliveryError: it does not come, or is not the one that was signed.
        StorageError: there is no room for it.
    """
    fetched, part = folder / FETCHED, folder / f"{offer.sha256}.part"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if fetched.exists() and _is(offer, fetched):
        return fetched
    forget(folder, keep=part.name)
    needed, room = 2 * offer.length + _ROOM_BYTES - _size(part), shutil.disk_usage(folder).free
    if room < needed:
        raise StorageError(
            f"an update of {offer.length >> 20} MiB has no room twice: {room >> 20} MiB are free", "give a larger card"
        )
    with as_delivery_error(source.name):
        if not _complete(offer, source, part, pause) and not _complete(offer, source, part, pause):
            raise _another(source)
        part.replace(fetched)
    return fetched


def forget(folder: Path, keep: str = "") -> None:
    """Remove what was fetched, whole or in part, but for one name: the agency offers another one, or none any more."""
    for path in (folder / FETCHED, *folder.glob("*.part")):
        if path.name != keep:
            path.unlink(missing_ok=True)


def _complete(offer: Offer, source: Source, part: Path, pause: Callable[[float], None]) -> bool:
    """Bring a part to its end and return whether it is the signed whole; if not it is gone.

    Raises:
        DownloadError: the line was cut too often, or the server has no such file.
        DeliveryError: all of it came in one piece, and it is another bundle.
    """
    end_s, pause_s, in_vain = time.monotonic() + LIMIT_S, _PAUSE_S, 0
    for number in range(1, MOST_TRIES + 1):
        before = _size(part)
        try:
            in_one_piece = _add(offer, source, part, end_s)
            break
        except CutError:
            in_vain = 0 if _size(part) > before else in_vain + 1
            if number == MOST_TRIES or in_vain == _MOST_IN_VAIN:
                raise
            _log.warning("the line was cut: %d of %d MiB are here", _size(part) >> 20, offer.length >> 20)
            pause(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
    if _is(offer, part):
        return True
    part.unlink()
    if in_one_piece:
        raise _another(source)
    return False


def _add(offer: Offer, source: Source, part: Path, end_s: float) -> bool:
    """Ask for what is missing and write it where it belongs; return whether one answer brought the whole.

    A server without ranges begins at the beginning; what is there already is written over and not cut off before.
    """
    begun_at = None
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "wb") as file:
        have = os.fstat(file.fileno()).st_size
        try:
            if have < offer.length:
                for position, chunk in source.fetcher.fetch_from(f"{source.base}{offer.file}", have):
                    begun_at = position if begun_at is None else begun_at
                    if position + len(chunk) > offer.length:
                        file.truncate(0)  # it can never be the signed one
                        break
                    if time.monotonic() > end_s:
                        raise DownloadError("the server is too slow")
                    file.seek(position)
                    file.write(chunk)
        finally:
            file.flush()
            os.fsync(file.fileno())
    return begun_at == 0 or (begun_at is None and have == 0)


def _another(source: Source) -> DeliveryError:
    return DeliveryError(
        f"{source.name} has another update than the one that was signed",
        "have the agency publish again; the system stays as it is",
        "bad-signature",
    )


def _is(offer: Offer, path: Path) -> bool:
    if _size(path) != offer.length:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == offer.sha256


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
