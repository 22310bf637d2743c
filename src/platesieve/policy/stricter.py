"""Whether one policy lets no more through than another: field by field, and how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platesieve.domain.match import Disposition
from platesieve.policy.actions import Drop, Keep, Pseudonym, Scope, ToCell, ToPeriod, ToStep
from platesieve.policy.fields import Field
from platesieve.policy.language import Publish, Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platesieve.policy.actions import Action
    from platesieve.policy.language import Policy

_TOLERANCE = 1e-9
_SCOPES = tuple(Scope)  # from the one in which fewest reads can be linked


def at_most(action: Action, than: Action) -> bool:
    """Return whether one action gives away no more than another, to anybody.

    A partial order: seal and pseudonym stand side by side, because a recipient reads what is sealed to him and
    everybody links what is under a pseudonym.
    """
    if action == than or isinstance(action, Drop) or isinstance(than, Keep):
        return True
    match action, than:
        case ToPeriod(coarse), ToPeriod(fine):
            return coarse % fine == 0
        case ToCell(coarse, unit), ToCell(fine, other_unit):
            return unit == other_unit and unit == "deg" and _is_multiple(coarse, fine)
        case ToStep(coarse), ToStep(fine):
            return _is_multiple(coarse, fine)
        case Pseudonym(short, near), Pseudonym(long, far):
            return long % short == 0 and _SCOPES.index(near) <= _SCOPES.index(far)
        case _:
            return False


def widenings(policy: Policy, than: Policy) -> tuple[str, ...]:
    """Return where `policy` lets more through than another, in short sentences; empty where it nowhere does."""
    found = []
    if not set(policy.mounts) <= set(than.mounts):
        found.append(f"{policy.id} is for more kinds of device")
    if than.operators and not (policy.operators and set(policy.operators) <= set(than.operators)):
        found.append(f"{policy.id} is for more kinds of operator")
    found += [f"{policy.id} does not require: {name}" for name in sorted(than.requires - policy.requires)]
    old, new = than.reading, policy.reading
    if new.raw_lifetime_s > old.raw_lifetime_s:
        found.append(f"{policy.id} keeps reads in RAM for longer")
    if new.min_agreeing_frames < old.min_agreeing_frames or new.min_confidence < old.min_confidence:
        found.append(f"{policy.id} is content with less certain reads")
    if policy.holds and (than.holds is None or policy.holds.longest_s > than.holds.longest_s):
        found.append(f"{policy.id} lets reads be held for longer")
    if policy.holds and policy.holds.plates and not (than.holds and than.holds.plates):
        found.append(f"{policy.id} lets single plates be held")
    if policy.hotlists.manual_expires_s > than.hotlists.manual_expires_s:
        found.append(f"{policy.id} lets entries made by hand live longer")
    pairs = [(disposition, disposition) for disposition in Disposition]
    if new.min_agreeing_frames > old.min_agreeing_frames or new.min_confidence > old.min_confidence:
        # Reads that were hits or misses become unsure: that section must be no wider than theirs either.
        pairs += [(Disposition.UNSURE, Disposition.HIT), (Disposition.UNSURE, Disposition.MISS)]
    for mine, theirs in pairs:
        found += [
            f"{policy.id} {widening} for {mine}" for widening in _widenings(policy.section(mine), than.section(theirs))
        ]
    return tuple(dict.fromkeys(found))


def _widenings(section: Section, than: Section) -> Iterator[str]:
    if section.publish is Publish.NONE:
        return
    if than.publish is Publish.NONE:
        yield "publishes something"
        return
    if section.publish is Publish.EVENT:
        if than.publish is not Publish.EVENT:
            yield "publishes single reads"
        if section.retention_s > than.retention_s:
            yield "keeps reads for longer"
    elif than.publish is Publish.AGGREGATE:
        yield from _wider_counts(section, than)
    for field in Field:
        if field is Field.TIME and section.publish is Publish.AGGREGATE:
            continue  # the window says it all
        if not at_most(section.action(field), than.action(field)):
            yield f"tells more of {field}"


def _wider_counts(section: Section, than: Section) -> Iterator[str]:
    mine, theirs = section.aggregate, than.aggregate
    if mine is None or theirs is None:
        return
    if mine.window_s % theirs.window_s:
        yield "counts in finer windows"
    if mine.suppress_below < theirs.suppress_below:
        yield "tells smaller counts"
    if mine.retention_s > theirs.retention_s:
        yield "keeps counts for longer"


def _is_multiple(coarse: float, fine: float) -> bool:
    quotient = coarse / fine
    return quotient > 1 - _TOLERANCE and abs(quotient - round(quotient)) < _TOLERANCE
