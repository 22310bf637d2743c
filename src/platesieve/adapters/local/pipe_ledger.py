"""What came back through the pipe, or is to go back, and was not handed on yet."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

from platesieve.domain.notice import Arrived, Command, Erased, TurnedAway

if TYPE_CHECKING:
    from platesieve.domain.notice import Notice

_log = logging.getLogger(__name__)
_MAX_COMMANDS = 32  # a broker that floods us with commands fills this and no more


class Ledger:
    """Notices that were not handed on yet: counts add up per reason, commands are few. Not thread-safe."""

    def __init__(self) -> None:
        self._erased: dict[str, int] = {}
        self._commands: deque[Command] = deque()
        self._delivery: dict[type, Arrived | TurnedAway] = {}  # the last word of each counts

    def add(self, notice: Notice) -> None:
        """Keep a Notice; a command too many is dropped."""
        if isinstance(notice, Erased):
            self._erased[notice.reason] = self._erased.get(notice.reason, 0) + notice.count
        elif isinstance(notice, (Arrived, TurnedAway)):
            self._delivery[type(notice)] = notice
        elif len(self._commands) < _MAX_COMMANDS:
            self._commands.append(notice)
        else:
            _log.warning("a command was dropped: %d wait already", _MAX_COMMANDS)

    def take(self) -> list[Notice]:
        """Return, once each, what was kept."""
        taken: list[Notice] = [*self._commands, *self._delivery.values()]
        taken += [Erased(n, reason) for reason, n in self._erased.items()]
        self._delivery.clear()
        self._commands.clear()
        self._erased.clear()
        return taken
