"""Where a repository is fetched from: an HTTPS server, a folder (USB stick, SD card), or the spool between processes.

All of them are bounded: by the length that is signed or allowed (python-tuf counts the bytes), and by time. None of
them is trusted: what they bring counts only once it is verified.
"""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass
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
_HTTP_OK, _HTTP_NOT_FOUND = 200, 404
_METADATA, _TARGETS = "metadata/", "targets/"


@dataclass(frozen=True, slots=True)
class Source:
    """A repository somewhere: how to fetch from it, the address it begins at, and what to call it in a sentence."""

    fetcher: FetcherInterface
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


class HttpsFetcher(FetcherInterface):
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

    def _fetch(self, url: str) -> Iterator[bytes]:
        end_s = time.monotonic() + self._limit_s
        try:
            response = self._pool.request("GET", url, preload_content=False, redirect=False)
            try:
                if response.status != _HTTP_OK:
                    raise DownloadHTTPError(f"the server answers {response.status}", response.status)
                for chunk in response.stream(_CHUNK_BYTES, decode_content=False):
                    if time.monotonic() > end_s:
                        raise DownloadError("the server is too slow")
                    yield chunk
            finally:
                response.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise DownloadError(f"the server cannot be reached: {type(error).__name__}") from error


class FolderFetcher(FetcherInterface):
    """Fetches from a folder below which no link and nothing but plain files is followed.

    Args:
        root: the folder, with `metadata/` and `targets/` in it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def _fetch(self, url: str) -> Iterator[bytes]:
        yield from _read(self._root, self._inside(url))

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


def _read(root: Path, inside: Path) -> Iterator[bytes]:
    """Yield the bytes of a plain file below a folder.

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
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DownloadHTTPError("the folder has no such file", _HTTP_NOT_FOUND) from error
    except OSError as error:
        raise DownloadError(f"the folder cannot be read: {error.strerror}") from error
