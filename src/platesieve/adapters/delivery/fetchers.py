"""Where a repository is fetched from: an HTTPS server, a folder (USB stick, SD card), or the spool between processes.

All of them are bounded: by the length that is signed or allowed (python-tuf counts the bytes), and by time. None of
them is trusted: what they bring counts only once it is verified.
"""

from __future__ import annotations

import os
import re
import stat
import time
from abc import abstractmethod
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import urllib3
from tuf.api.exceptions import DownloadError, DownloadHTTPError
from tuf.ngclient import FetcherInterface

from platesieve import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK_BYTES = 1 << 16
_STALL_S = 15.0
_LIMIT_S = 900.0  # 64 MiB at the 600 kbit/s of a poor mobile link; slower is an attack, or no use
_METADATA, _TARGETS = "metadata/", "targets/"


@dataclass(frozen=True, slots=True)
class Source:
    """A repository somewhere: how to fetch from it, the address it begins at, and what to call it in a sentence."""

    fetcher: Fetcher
    base: str
    name: str

    @property
    def metadata_url(self) -> str:
        """Return where metadata is."""
        return f"{self.base}{_METADATA}"

    @property
    def targets_url(self) -> str:
        """Return where documents are."""
        return f"{self.base}{_TARGETS}"


def server(url: str, ca_file: str | None, limit_s: float = _LIMIT_S) -> Source:
    """Return the repository on an HTTPS server, from which a file may come as slowly as `limit_s`."""
    return Source(HttpsFetcher(ca_file, limit_s), f"{url.rstrip('/')}/", url)


def folder(path: Path) -> Source:
    """Return the repository in a folder, as `platesieve agency publish` writes it."""
    return Source(FolderFetcher(path), "", str(path))


def spool(path: Path) -> Source:
    """Return the repository that `TrustStore` keeps: what another process has verified and this one verifies again."""
    return Source(SpoolFetcher(path), "", "the spool")


class CutError(DownloadError):
    """The server could not be reached, or the line broke: another try may go better."""


class Fetcher(FetcherInterface):
    """Fetches a file from its beginning or from further on."""

    @abstractmethod
    def fetch_from(self, url: str, offset: int) -> Iterator[tuple[int, bytes]]:
        """Yield the rest of a file in order, each piece with its place in the file.

        The first place is `offset`, or 0 where whoever has the file cannot begin there.

        Raises:
            CutError: it did not come to its end.
            DownloadError: it does not come from there.
        """

    def _fetch(self, url: str) -> Iterator[bytes]:
        return (chunk for _, chunk in self.fetch_from(url, 0))


class HttpsFetcher(Fetcher):
    """Fetches over TLS with a verified server. No redirects, no proxies, no cookies.

    Args:
        ca_file: certificates of the CA that the server's must come from; None takes those of the system.
        limit_s: how long one file may take.
    """

    def __init__(self, ca_file: str | None, limit_s: float = _LIMIT_S) -> None:
        self._limit_s = limit_s
        self._pool = urllib3.PoolManager(
            ca_certs=ca_file,
            cert_reqs="CERT_REQUIRED",
            headers={"User-Agent": f"platesieve/{__version__}", "Accept-Encoding": "identity"},
            timeout=urllib3.Timeout(connect=_STALL_S, read=_STALL_S),
            retries=False,
        )

    def fetch_from(self, url: str, offset: int) -> Iterator[tuple[int, bytes]]:
        """Ask for a range (RFC 9110, 14) where it is not the whole; a server may answer with the whole all the same."""
        asked = {"Range": f"bytes={offset}-"} if offset else {}
        end_s = time.monotonic() + self._limit_s
        try:
            headers = {**self._pool.headers, **asked}
            response = self._pool.request("GET", url, headers=headers, preload_content=False, redirect=False)
            try:
                position = _begins_at(response, offset)
                for chunk in response.stream(_CHUNK_BYTES, decode_content=False) if position is not None else ():
                    if time.monotonic() > end_s:
                        raise DownloadError("the server is too slow")
                    yield position or 0, chunk
                    position = (position or 0) + len(chunk)
            finally:
                response.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise CutError(f"the server cannot be reached: {type(error).__name__}") from error
        if position is None:
            yield from self.fetch_from(url, 0)


class FolderFetcher(Fetcher):
    """Fetches from a folder below which no link and nothing but plain files is followed.

    Args:
        root: the folder, with `metadata/` and `targets/` in it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def fetch_from(self, url: str, offset: int) -> Iterator[tuple[int, bytes]]:
        """Read a file from a place on."""
        for chunk in _read(self._root, self._inside(url), offset):
            yield offset, chunk
            offset += len(chunk)

    def _inside(self, url: str) -> Path:
        """Return the path of a file below the folder."""
        return Path(url)


class SpoolFetcher(FolderFetcher):
    """Fetches from what a `TrustStore` keeps, whose files are named without version and hash.

    Args:
        root: the folder of the store. Its current generation is looked up once for each look into it.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._store = root

    def look(self) -> None:
        """Take the generation that is current now; until the next look it stays the same one."""
        self._root = self._store / (self._store / "current").readlink()

    def _inside(self, url: str) -> Path:
        if url.startswith(_TARGETS):
            kind, _, file = url.removeprefix(_TARGETS).rpartition("/")
            return Path(_TARGETS) / quote(f"{kind}/{file.partition('.')[2]}", "")
        version, _, role = url.removeprefix(_METADATA).partition(".")
        if role == "root.json":
            return Path(_METADATA) / "root_history" / f"{version}.{role}"
        return Path(_METADATA) / (role if version.isdigit() else f"{version}.{role}")


def _begins_at(response: urllib3.BaseHTTPResponse, offset: int) -> int | None:
    """Return where an answer begins in the file; None where it has nothing of what was asked for.

    Raises:
        CutError: the server is out of order for now.
        DownloadHTTPError: it refuses.
    """
    match response.status:
        case HTTPStatus.OK:
            return 0
        case HTTPStatus.PARTIAL_CONTENT if offset:
            named = re.match(r"bytes (\d{1,19})-", response.headers.get("Content-Range", ""), re.ASCII)
            return offset if named and int(named[1]) == offset else None
        case HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE if offset:
            return None
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.BAD_GATEWAY | HTTPStatus.SERVICE_UNAVAILABLE:
            raise CutError(f"the server answers {response.status}")
        case status:
            raise DownloadHTTPError(f"the server answers {status}", status)


def _read(root: Path, inside: Path, offset: int) -> Iterator[bytes]:
    """Yield the bytes of a plain file below a folder, from a place on.

    A stick can hold links to anywhere, pipes that never answer, and names with `..`: none of these is opened.
    """
    if inside.is_absolute() or ".." in inside.parts:
        raise DownloadError("a name leads out of the folder")
    try:
        if (root / inside).resolve() != root.resolve() / inside:
            raise DownloadError("a link stands where a file should be")
        descriptor = os.open(root / inside, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise DownloadError("something stands there that is no file")
            file.seek(offset)
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DownloadHTTPError("the folder has no such file", HTTPStatus.NOT_FOUND) from error
    except OSError as error:
        raise DownloadError(f"the folder cannot be read: {error.strerror}") from error
