"""What a verification says: findings, each with its clause, and one sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platesieve.audit.anchor import Anchor
    from platesieve.audit.checkpoint import Checkpoint

MAX_FINDINGS = 100  # a log that is altered everywhere needs no longer list


class Outcome(StrEnum):
    """What a verification ends with."""

    INTACT = "intact"
    ALTERED = "altered"
    CONTRADICTS_WITNESS = "contradicts-witness"


class Fault(StrEnum):
    """What a finding is about."""

    SIGNATURE = "signature"
    ORIGIN = "origin"
    MISSING = "missing"
    LENGTH = "length"
    ENTRY = "entry"
    TILE = "tile"
    ROOT = "root"
    TIME = "time"
    STRAY = "stray"
    ROLLED_BACK = "rolled-back"
    FORKED = "forked"
    OTHER_KEY = "other-key"
    BACKDATED = "backdated"
    COSIGNATURE = "cosignature"


_WARNINGS = {Fault.TIME, Fault.STRAY}
_AGAINST_WITNESS = {Fault.ROLLED_BACK, Fault.FORKED, Fault.OTHER_KEY, Fault.BACKDATED}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be; `step` is the clause of FORMAT.md; `excused` by another entry."""

    step: str
    fault: Fault
    text: str
    excused: bool = False

    @property
    def warning(self) -> bool:
        """Return whether an intact log may have it."""
        return self.excused or self.fault in _WARNINGS


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found, and in one sentence what it means."""

    outcome: Outcome
    sentence: str
    findings: tuple[Finding, ...]
    checkpoint: Checkpoint | None
    anchors: tuple[Anchor, ...] = ()

    @property
    def ok(self) -> bool:
        """Return whether the log is what its device signed, and contradicts no witness."""
        return self.outcome is Outcome.INTACT

    @property
    def remedy(self) -> str:
        """Return what to do about it; nothing where nothing is wrong."""
        return "" if self.ok else "keep the folder as it is for the auditor, and compare it with a witnessed checkpoint"


@dataclass(slots=True)
class Findings:
    """Collects findings, up to a bound."""

    found: list[Finding] = field(default_factory=list)

    def add(self, step: str, fault: Fault, text: str, *, excused: bool = False) -> None:
        """Add one."""
        if len(self.found) < MAX_FINDINGS:
            self.found.append(Finding(step, fault, text, excused))


def conclude(checkpoint: Checkpoint | None, anchors: tuple[Anchor, ...], findings: tuple[Finding, ...]) -> Verdict:
    """Return the verdict: what contradicts a witness counts most."""
    faults = [finding for finding in findings if not finding.warning]
    against = [finding for finding in faults if finding.fault in _AGAINST_WITNESS]
    if against:
        sentence = f"the log contradicts a checkpoint that a witness holds: {against[0].text}"
        return Verdict(Outcome.CONTRADICTS_WITNESS, sentence, findings, checkpoint, anchors)
    if faults:
        more = f" (and {len(faults) - 1} more findings)" if len(faults) > 1 else ""
        sentence = f"the log is not what its device signed: {faults[0].text}{more}"
        return Verdict(Outcome.ALTERED, sentence, findings, checkpoint, anchors)
    size = checkpoint.size if checkpoint else 0
    furthest = max((anchor.size for anchor in anchors), default=None)
    seen = "" if furthest is None else f"; its first {furthest} entries are those that a witness saw"
    unsaid = "" if anchors else "; without a witnessed checkpoint nothing is known about entries cut off its end"
    sentence = f"the log is intact: {size} {'entry' if size == 1 else 'entries'}, signed by its device{seen}{unsaid}"
    return Verdict(Outcome.INTACT, sentence, findings, checkpoint, anchors)
