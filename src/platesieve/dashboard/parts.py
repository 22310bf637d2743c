"""What the pages are made with, put together once by the composition root."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from platesieve.dashboard.journal import Note
from platesieve.dashboard.limits import EXPORTS, REVEALS, SIGN_IN_BY_ADDRESS, SIGN_IN_BY_NAME, Limiter
from platesieve.domain.errors import ConfigError
from platesieve.domain.instant import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from platesieve.audit.entries.choices import Role as LoggedRole
    from platesieve.collector.records import Hold
    from platesieve.collector.reveal import Revealed, RevealRequest
    from platesieve.collector.store import CollectorStore
    from platesieve.dashboard.journal import Act
    from platesieve.dashboard.live import Watcher
    from platesieve.dashboard.places import Place
    from platesieve.dashboard.register import Register
    from platesieve.dashboard.screen import Screen
    from platesieve.dashboard.serving import Serving
    from platesieve.domain.access import Purpose
    from platesieve.ports import Clock

RELOCK_S = 60


class Reveals(Protocol):
    """The collector's `RevealDesk`: logs first, opens then."""

    def reveal(self, request: RevealRequest) -> Revealed:
        """Open fields of one event; raises where they may not be opened, or the log cannot be written."""


class Retention(Protocol):
    """The collector's `RetentionDesk`: logs first, keeps or lets go then."""

    def hold(self, event_id: str, user: str, case: str, days: int) -> Hold:
        """Keep an event for a case; raises where that is not possible, or the log cannot be written."""

    def lift(self, event_id: str) -> int:
        """End every hold on an event."""


@dataclass(frozen=True, slots=True)
class Desks:
    """The ways to what is sealed or would be erased. Each writes into the transparency log first.

    Attributes:
        reveals: opens fields.
        retention: keeps events for a case, and lets them go.
        package: returns the files of a case, by case number, account name, purpose and role.
    """

    reveals: Reveals
    retention: Retention
    package: Callable[[str, str, Purpose, LoggedRole], Mapping[str, bytes]]


@dataclass(frozen=True, slots=True)
class Options:
    """What a site sets.

    Attributes:
        agency: shown beside the role; empty where there is nothing to say.
        case_format: regular expression that a whole case number must match. The one that ships wants digits on both
            sides of a dash, so that no plate can stand in the access log as if it were a case.
        case_example: shown beside the field.
        relock_s: how long opened fields stay on the screen.
        reports: folder of pages made by `platesieve report --html`, or None.
        checkpoint: file with the newest checkpoint of the collector's own log, or None.
    """

    agency: str = ""
    case_format: str = r"[0-9]{2,4}-[0-9]{3,8}"
    case_example: str = "26-004217"
    relock_s: int = RELOCK_S
    reports: Path | None = None
    checkpoint: Path | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that a page may use."""

    serving: Serving
    register: Register
    store: CollectorStore
    desks: Desks
    clock: Clock
    screen: Screen
    watcher: Watcher
    places: Mapping[str, Place]
    options: Options = field(default_factory=Options)
    by_name: Limiter = field(default_factory=lambda: Limiter(SIGN_IN_BY_NAME))
    by_address: Limiter = field(default_factory=lambda: Limiter(SIGN_IN_BY_ADDRESS))
    by_account: Limiter = field(default_factory=lambda: Limiter(REVEALS))
    by_exporter: Limiter = field(default_factory=lambda: Limiter(EXPORTS))

    def now_ns(self) -> int:
        """Return the wall clock, nanoseconds since the Unix epoch."""
        return self.clock.now().wall_ns

    def now_s(self) -> float:
        """Return the wall clock in seconds."""
        return self.now_ns() / NS_PER_S

    def note(self, actor: str, act: Act, subject: str = "", address: str = "") -> None:
        """Add a line to the journal."""
        self.register.note(Note(self.now_ns(), actor, act, subject, address))


def checked_case_format(pattern: str) -> str:
    """Return a regular expression that case numbers can be checked with.

    Raises:
        ConfigError: it is none, or it would take no case number at all for one.
    """
    try:
        takes_nothing = re.fullmatch(pattern, "") is not None
    except re.error as error:
        raise ConfigError("--case-format is no regular expression", "write one like [0-9]{2}-[0-9]{6}") from error
    if takes_nothing:
        raise ConfigError(
            "--case-format takes an empty case number", "a reveal needs one; write one like [0-9]{2}-[0-9]{6}"
        )
    return pattern
