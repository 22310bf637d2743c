"""A bundle over a real line that is cut: with and without ranges, replaced under way, and a line that never holds."""

from __future__ import annotations

import hashlib
import random
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from platesieve.adapters.delivery import bundle_fetch, fetchers
from platesieve.adapters.delivery.system_update import Offer
from platesieve.domain.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

PIECE = 1 << 16  # what the device reads at a time
BUNDLE = random.Random(7).randbytes(40 * PIECE)  # noqa: S311 - any bytes will do
OFFER = Offer("0.2.0", len(BUNDLE), hashlib.sha256(BUNDLE).hexdigest())


@dataclass
class Server:
    """A static server on loopback whose line breaks.

    Attributes:
        cuts: after how many bytes the line of each answer breaks; answers beyond go through.
        contents: what each answer is taken from, the last one for good.
        ranges: whether it knows ranges.
        odd_range: a Content-Range that it sends, whatever was asked for.
        status: what it answers instead of the file.
        asked: from which place each request wanted the file.
        sent: bytes of the file that went out.
    """

    cuts: list[int] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=lambda: [BUNDLE])
    ranges: bool = True
    odd_range: str = ""
    status: int = 200
    asked: list[int] = field(default_factory=list)
    sent: int = 0
    port: int = 0

    @property
    def source(self) -> fetchers.Source:
        """Return the server as a device knows it."""
        return fetchers.server(f"http://localhost:{self.port}", None)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request, as far as the line goes."""
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        content = self.contents[min(len(self.asked), len(self.contents) - 1)]
        self.asked.append(start)
        if self.status != 200 or (asked and self.ranges and start >= len(content)):
            request.send_error(416 if self.status == 200 else self.status)
            return
        if asked and self.ranges:
            request.send_response(206)
            request.send_header("Content-Range", self.odd_range or f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            start = 0
            request.send_response(200)
        request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        body = content[start:]
        if self.cuts:
            body = body[: self.cuts.pop(0)]
        self.sent += len(body)
        request.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Server]:
    """Start a server."""
    one = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            one.answer(self)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    http = ThreadingHTTPServer(("localhost", 0), Handler)
    one.port = http.server_port
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield one
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def pauses() -> list[float]:
    """Return a list of the pauses that were made, in seconds; nobody waits for them."""
    return []


def fetch(server: Server, folder: Path, pauses: list[float]) -> Path:
    """Fetch as a device does in one night."""
    return bundle_fetch.fetch(OFFER, server.source, folder / "update", pauses.append)


def test_after_a_cut_only_what_is_missing_comes(server: Server, tmp_path: Path, pauses: list[float]) -> None:
    """Three cuts, and every byte travels once."""
    server.cuts = [10 * PIECE, 5 * PIECE, 20 * PIECE]
    found = fetch(server, tmp_path, pauses)

    assert found.read_bytes() == BUNDLE
    assert server.asked == [0, 10 * PIECE, 15 * PIECE, 35 * PIECE]
    assert server.sent == len(BUNDLE)
    assert pauses == [5, 10, 20]
    assert [path.name for path in found.parent.iterdir()] == ["bundle.raucb"]


def test_from_a_server_without_ranges_all_of_it_comes_again(
    server: Server, tmp_path: Path, pauses: list[float]
) -> None:
    """The control: the same cuts, the same bundle in the end, and more bytes on the line."""
    server.ranges, server.cuts = False, [10 * PIECE, 15 * PIECE, 35 * PIECE]

    assert fetch(server, tmp_path, pauses).read_bytes() == BUNDLE
    assert server.sent == len(BUNDLE) + 60 * PIECE


def test_what_came_one_night_is_there_the_next(server: Server, tmp_path: Path, pauses: list[float]) -> None:
    """The number of tries has a cap; then it is said that the line is bad, and nothing that came is lost."""
    server.cuts = [PIECE] * 30
    with pytest.raises(DeliveryError, match="cannot be reached") as cut:
        fetch(server, tmp_path, pauses)
    assert cut.value.fault is None
    assert len(server.asked) == bundle_fetch.MOST_TRIES == len(pauses) + 1
    assert max(pauses) == 300
    assert not (tmp_path / "update/bundle.raucb").exists()

    assert fetch(server, tmp_path, pauses).read_bytes() == BUNDLE
    assert server.sent == len(BUNDLE)


@pytest.mark.parametrize(("ranges", "status", "tries"), [(True, 200, 3), (False, 200, 4), (True, 503, 3)])
def test_a_line_that_brings_nothing_more_is_left_alone(
    server: Server, tmp_path: Path, pauses: list[float], *, ranges: bool, status: int, tries: int
) -> None:
    """Without ranges a line that always breaks at one place would cost the whole each time."""
    server.ranges, server.status = ranges, status
    server.cuts = [0] * 50 if ranges else [8 * PIECE] * 50
    with pytest.raises(DeliveryError):
        fetch(server, tmp_path, pauses)

    assert len(server.asked) == tries


def test_what_is_not_there_is_asked_for_once(server: Server, tmp_path: Path, pauses: list[float]) -> None:
    """No second try mends a 404."""
    server.status = 404
    with pytest.raises(DeliveryError, match="has not all the files"):
        fetch(server, tmp_path, pauses)
    assert (len(server.asked), pauses) == (1, [])


@pytest.mark.parametrize("changed", [39, 2])
def test_a_bundle_that_was_replaced_under_way_is_fetched_anew(
    server: Server, tmp_path: Path, pauses: list[float], changed: int
) -> None:
    """A wrong tail, or a wrong beginning: the hash over all of it tells, and the right one is fetched whole."""
    wrong = bytearray(BUNDLE)
    wrong[changed * PIECE] ^= 1
    server.cuts = [10 * PIECE]
    server.contents = [bytes(wrong), BUNDLE, BUNDLE] if changed < 10 else [BUNDLE, bytes(wrong), BUNDLE]

    assert fetch(server, tmp_path, pauses).read_bytes() == BUNDLE
    assert server.asked == [0, 10 * PIECE, 0]


@pytest.mark.parametrize("wrong", [BUNDLE[:-1] + b"x", BUNDLE[:-PIECE], BUNDLE + BUNDLE, BUNDLE[: 5 * PIECE]])
def test_a_wrong_tail_that_stays_is_refused(server: Server, tmp_path: Path, pauses: list[float], wrong: bytes) -> None:
    """Changed, shorter, longer, shorter than what is here: fetched anew once, refused, and not one byte stays."""
    server.cuts, server.contents = [10 * PIECE], [BUNDLE, wrong]
    with pytest.raises(DeliveryError, match="another update than the one that was signed") as refused:
        fetch(server, tmp_path, pauses)

    assert refused.value.fault == "bad-signature"
    assert len(server.asked) <= 4
    assert list((tmp_path / "update").iterdir()) == []


def test_a_range_that_was_not_asked_for_is_not_used(server: Server, tmp_path: Path, pauses: list[float]) -> None:
    """A proxy that answers with another part: the whole is asked for instead."""
    server.cuts, server.odd_range = [10 * PIECE], f"bytes 0-{PIECE}/{len(BUNDLE)}"

    assert fetch(server, tmp_path, pauses).read_bytes() == BUNDLE
    assert server.asked == [0, 10 * PIECE, 0]


def test_parts_of_a_bundle_that_is_offered_no_more_go(server: Server, tmp_path: Path, pauses: list[float]) -> None:
    """Another offer begins at its own beginning, and the room of the old one is free."""
    (tmp_path / "update").mkdir()
    (tmp_path / "update" / f"{'0' * 64}.part").write_bytes(BUNDLE)
    fetch(server, tmp_path, pauses)

    assert server.asked == [0]
    assert [path.name for path in (tmp_path / "update").iterdir()] == ["bundle.raucb"]
