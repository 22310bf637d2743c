"""New hits on every open page within a second, and the alarm when a camera's log contradicts itself.

One watcher asks the store, whoever writes to it, five times a second, and tells every open stream. A stream begins
where its page ended (the cursor of the newest hit it shows) and, after a broken connection, where it broke, so that
nothing falls between. It ends when the session behind it does.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from platesieve.collector.records import CheckpointStatus
from platesieve.dashboard.alert import alert_of
from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import PlatesieveError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from platesieve.collector.records import Camera, Stored
    from platesieve.collector.store import CollectorStore
    from platesieve.dashboard.screen import Screen
    from platesieve.ports import Clock

POLL_S = 0.2
CAMERAS_EVERY = 5  # polls
GLANCE_S = 0.1
ALIVE_EVERY = 10  # glances
HEARTBEAT_EVERY = 100
_BATCH = 100
_HITS = (Kind.HIT,)
_log = logging.getLogger(__name__)


class Watcher:
    """Watches the store for everybody."""

    def __init__(self, store: CollectorStore, screen: Screen, clock: Clock) -> None:
        self._store = store
        self._screen = screen
        self._clock = clock
        self._cursor = 0
        self._forked: tuple[Camera, ...] = ()
        self.failing = False

    def forked(self) -> tuple[Camera, ...]:
        """Return the cameras whose log contradicts what was seen before, as the store has it now."""
        cameras = self._store.cameras(self._clock.now().wall_ns)
        return tuple(one for one in cameras if one.checkpoint_status is CheckpointStatus.FORKED)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch as long as this is entered."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def stream(self, since: int, alive: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Yield server-sent events (HTML Standard, 9.2): `hit`, `alarm`, `ended`.

        Args:
            since: cursor of the newest hit that the page has.
            alive: whether the session still lives; asked once a second, and before anything is told.
        """
        yield b"retry: 1000\n\n"
        try:
            async for message in self._told_since(since, alive):
                yield message
        except PlatesieveError as error:
            _log.warning("%s", error.message)  # the stream ends; browsers ask again in a second

    async def _told_since(self, since: int, alive: Callable[[], bool]) -> AsyncIterator[bytes]:
        alarm: tuple[Camera, ...] | None = None
        for glance in itertools.count():
            news = self._cursor > since or self._forked != alarm
            if (news or glance % ALIVE_EVERY == 0) and not await run_in_threadpool(alive):
                yield _message("ended", "{}")
                return
            if self._cursor > since:
                for stored in await run_in_threadpool(self._store.events, since, _BATCH, _HITS):
                    since = stored.cursor
                    yield _message("hit", self._told(stored), since)
            if self._forked != alarm:
                alarm = self._forked
                yield _message("alarm", json.dumps({"html": self._screen.fragment("alarm.html", forked=alarm)}))
            elif glance % HEARTBEAT_EVERY == 0:
                yield b": still here\n\n"  # so that a connection that broke is noticed, and the light goes out
            await asyncio.sleep(GLANCE_S)

    def _told(self, stored: Stored) -> str:
        alert = alert_of(stored)
        html = self._screen.fragment("alert_row.html", alert=alert)
        return json.dumps({"html": html, "say": f"New alert: {alert.title}, {alert.device}", "id": alert.id})

    async def _watch(self) -> None:
        for poll in itertools.count():
            try:
                if poll == 0:
                    self._cursor = await self._newest()
                if poll % CAMERAS_EVERY == 0:
                    self._forked = await run_in_threadpool(self.forked)
                news: Sequence[Stored] = await run_in_threadpool(self._store.events, self._cursor, _BATCH, _HITS)
                self._cursor = news[-1].cursor if news else self._cursor
                self.failing = False
            except PlatesieveError as error:
                if not self.failing:
                    _log.warning("%s", error.message)
                self.failing = True
            await asyncio.sleep(POLL_S)

    async def _newest(self) -> int:
        newest = await run_in_threadpool(self._store.newest, 1, _HITS)
        return newest[0].cursor if newest else 0


def _message(kind: str, data: str, id_: int | None = None) -> bytes:
    number = "" if id_ is None else f"id: {id_}\n"
    return f"{number}event: {kind}\ndata: {data}\n\n".encode()  # JSON has no line end in it
