"""What the audit log says of updates of the whole system: decided at each start, by the process that writes the log.

The system that was replaced cannot say so, and root has no way into the log. So the version that runs is compared with
the one that the log named last; root's notes add what a comparison cannot show: a hash, a refusal, and a system that
was gone before its camera process could write anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from platesieve.audit.entry import Component, Updated, UpdateStage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Try:
    """A bundle that was given to RAUC.

    Attributes:
        sha256: hash of the bundle, hex.
        running: version of the system that ran then, where it was known.
        version: what the bundle says of itself, where it could be read.
        refused: RAUC did not take it; otherwise the other slot was written and started once.
    """

    sha256: str
    running: str | None
    version: str | None
    refused: bool


def system_updates(
    at_ns: int, running: str | None, said: Iterable[Updated], tries: Sequence[Try]
) -> tuple[Updated, ...]:
    """Return what the log does not say yet.

    Args:
        at_ns: time of the entries.
        running: version of the system that runs; None on a device whose system has none, and then nothing is said.
        said: entries about the system, the newest first; only as many are taken as are needed.
        tries: what root noted, oldest first.
    """
    if running is None:
        return ()
    older = iter(said)
    last = next(older, None)
    fresh = _not_told(tries, chain(() if last is None else (last,), older))
    entries: list[Updated] = []
    ran = None if last is None else _runs_after(last)
    for number, one in enumerate(fresh):
        after = fresh[number + 1].running if number + 1 < len(fresh) else running
        entries.append(_outcome(at_ns, one, one.running or ran, after))
        ran = _runs_after(entries[-1])
    if ran is None:
        entries.append(Updated(at_ns, Component.SYSTEM, UpdateStage.INSTALLED, running))
    elif ran != running:
        entries.append(_changed(at_ns, running, ran, None if fresh else last))
    return tuple(entries)


def _outcome(at_ns: int, one: Try, before: str | None, after: str | None) -> Updated:
    """Return what became of a try: where the same version ran before and after it, the new one did not stay."""
    if one.refused:
        return Updated(at_ns, Component.SYSTEM, UpdateStage.REFUSED, one.version, one.sha256, before)
    if after == before:
        return Updated(at_ns, Component.SYSTEM, UpdateStage.ROLLED_BACK, one.version, one.sha256, before)
    return Updated(at_ns, Component.SYSTEM, UpdateStage.ACTIVATED, after, one.sha256, before)


def _changed(at_ns: int, running: str, ran: str, last: Updated | None) -> Updated:
    """Return the entry for a version that changed without a note of root's: mostly back, after a trial that failed."""
    if last is not None and last.stage is UpdateStage.ACTIVATED and last.from_version == running:
        return Updated(at_ns, Component.SYSTEM, UpdateStage.ROLLED_BACK, ran, last.sha256, running)
    return Updated(at_ns, Component.SYSTEM, UpdateStage.ACTIVATED, running, None, ran)


def _runs_after(entry: Updated) -> str | None:
    """Return the version that runs once an entry was written."""
    stays = entry.stage in {UpdateStage.REFUSED, UpdateStage.ROLLED_BACK}
    return entry.from_version if stays else entry.version


def _not_told(tries: Sequence[Try], said: Iterable[Updated]) -> Sequence[Try]:
    """Return the tries behind the newest one that the log names."""
    places = {one.sha256: number for number, one in enumerate(tries)}
    told = next((places[entry.sha256] for entry in said if entry.sha256 in places), -1) if tries else -1
    return tries[told + 1 :]
