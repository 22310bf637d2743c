"""The device's part in being witnessed: proofs go out with each checkpoint, cosignatures come back (FORMAT 9.5-9.7).

Stands between the flow and the pipe, so that neither knows of it. A cosigned checkpoint comes the way that commands
come; it begins with the origin of a log, where a command begins with a brace.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import PlatesieveError
from platesieve.domain.notice import Command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.domain.disclosure import Disclosure, Json, Stretch
    from platesieve.domain.notice import Notice
    from platesieve.ports import Outlet

_log = logging.getLogger(__name__)
_COMMAND = b"{"


class Testimony(Protocol):
    """What witnesses said of this device's log, kept beside it."""

    def believe(self, note: bytes) -> None:
        """Keep a cosigned checkpoint.

        Raises:
            AuditError: it is none, no witness that we know made it, or it tells of another history than ours.
        """

    def proofs(self) -> Json:
        """Return consistency proofs from what witnesses have to what the log is now, for the checkpoint event."""


class WitnessedOutlet:
    """See ports.Outlet."""

    def __init__(self, outlet: Outlet, testimony: Testimony) -> None:
        self._outlet = outlet
        self._testimony = testimony
        self._said = ""

    def send(self, disclosure: Disclosure) -> None:
        """Add to a checkpoint what shows that the log only grew."""
        if disclosure.kind is Kind.CHECKPOINT and (proofs := self._proofs()):
            disclosure = replace(disclosure, body={**disclosure.body, "consistency": proofs})
        self._outlet.send(disclosure)

    def stretch(self, stretches: Sequence[Stretch]) -> None:
        """Pass it on."""
        self._outlet.stretch(stretches)

    def notices(self) -> Sequence[Notice]:
        """Return what came back, without what witnesses said: that is kept here."""
        others: list[Notice] = []
        for notice in self._outlet.notices():
            if isinstance(notice, Command) and not notice.document.lstrip().startswith(_COMMAND):
                self._believe(notice.document)
            else:
                others.append(notice)
        return others

    def drain(self, timeout_s: float) -> bool:
        """Pass it on."""
        return self._outlet.drain(timeout_s)

    def close(self) -> None:
        """Pass it on."""
        self._outlet.close()

    def _believe(self, note: bytes) -> None:
        try:
            self._testimony.believe(note)
        except PlatesieveError as error:
            if str(error) != self._said:  # a witness that nobody named here comes with every checkpoint
                _log.warning("what a witness said was not kept: %s", error)
            self._said = str(error)

    def _proofs(self) -> Json:
        try:
            return self._testimony.proofs()
        except PlatesieveError as error:  # the checkpoint itself must leave all the same
            _log.warning("a checkpoint leaves without a proof: %s", error)
            return []
