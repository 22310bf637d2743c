"""A whole camera process out of real rules and fake surroundings.

Usage::

    station = Station("us-mn", [[("ABC123", 100.0)], [("ABC123", 104.0)]], hotlist="ABC123,stolen,state,")
    station.play()
    station.outlet.sent, station.log.entries
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from platesieve.domain.folding import fold
from platesieve.flow.books import Books, Facts
from platesieve.flow.judge import Judge
from platesieve.flow.obedience import Obedience
from platesieve.flow.sight import Sight
from platesieve.hotlist.hotlist import HotList
from platesieve.pipeline import Parts, Pipeline
from platesieve.policy.force import suited
from platesieve.policy.instruments import instruments_for
from platesieve.policy.load import load_pack, load_policy
from platesieve.settings import Audit, Device, Tracking, Vision
from platesieve.vision.frame import Frame
from tests.fakes.audit_log import FakeAuditLog
from tests.fakes.clock import FakeClock
from tests.fakes.eyes import ScriptedEyes
from tests.fakes.outlet import FakeOutlet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.flow.judge import Judgement
    from platesieve.flow.obedience import LastingMemory
    from platesieve.ports import AuditLog, Outlet

INTERVAL_S = 0.1
MINUTELY = Audit(batch_s=60.0)
QUIET_FRAMES = 15  # long enough for every pass to end


class Station:
    """One camera process; `outlet`, `log` and `clock` are open to the test. Real parts may take the place of fakes."""

    def __init__(
        self,
        policy: str | bytes,
        script: Sequence[Sequence[tuple[str, float]]],
        *,
        hotlist: str = "",
        recipients: dict[str, bytes] | None = None,
        command_key: bytes | None = None,
        suspended: bool = False,
        device_secret: bytes | None = None,
        memory: LastingMemory | None = None,
        clock: FakeClock | None = None,
        log: AuditLog | None = None,
        outlet: Outlet | None = None,
        sight: Sight | None = None,
        audit: Audit = MINUTELY,
    ) -> None:
        self.story: list[str] = []
        self.clock = clock or FakeClock()
        self.log, self.outlet = FakeAuditLog(self.story), FakeOutlet(self.story)
        rules = load_pack(policy) if isinstance(policy, str) else load_policy(policy, "policy.toml")
        here = replace(Device(), mount=rules.mounts[0], latitude_deg=44.97759, longitude_deg=-93.26502)
        self.device = suited(here, rules)
        rows = f"plate,category,list,expires\n{hotlist}\n".encode()
        now = self.clock.now()
        instruments = instruments_for(self.device, recipients or {}, rules.epochs_s)
        wanted = HotList.from_csv(rows, "wanted.csv", now) if hotlist else HotList.empty()
        self.judge = Judge(rules, wanted, self.device, instruments)
        self.eyes = ScriptedEyes(script)
        looking = Sight(self.eyes, self.eyes, Vision(motion_fraction=0.0), Tracking(), lambda text: fold(text).encode())
        books = Books(self.judge, audit, Facts("0" * 64, "1" * 64, {}), now)
        obedience = Obedience(self.device, command_key, suspended=suspended, device_secret=device_secret, memory=memory)
        parts = Parts(
            sight or looking, self.judge, books, obedience, log or self.log, outlet or self.outlet, self.clock
        )
        self.pipeline = Pipeline(parts)
        self._frames = len(script)
        self._numbers = itertools.count()

    def frame(self) -> Frame:
        """Return the next frame; a tenth of a second passes."""
        self.clock.advance(INTERVAL_S)
        now = self.clock.now()
        return Frame(np.zeros((480, 640), np.uint8), next(self._numbers), now.wall_ns, now.monotonic_ns)

    def step(self) -> tuple[Judgement, ...]:
        """Take one frame through the flow."""
        frame = self.frame()
        return self.pipeline.step(frame, self.clock.now())

    def play(self, quiet_frames: int = QUIET_FRAMES) -> list[Judgement]:
        """Take the whole script through the flow, and then frames without a plate until every pass has ended."""
        return [judged for _ in range(self._frames + quiet_frames) for judged in self.step()]
