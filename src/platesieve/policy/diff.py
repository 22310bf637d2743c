"""What changes from one policy to the next, in words: what becomes stricter, what looser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from platesieve.domain.match import Disposition
from platesieve.policy.actions import Drop, ToPeriod
from platesieve.policy.duration import write_duration
from platesieve.policy.explain import leaves
from platesieve.policy.fields import Field
from platesieve.policy.language import Publish
from platesieve.policy.stricter import at_most, widenings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platesieve.policy.actions import Action
    from platesieve.policy.language import Policy, Section

Direction: TypeAlias = Literal["stricter", "looser", "other"]
_SAYS = {Publish.NONE: "nothing", Publish.AGGREGATE: "counts", Publish.EVENT: "single reads"}
_ORDER = (Publish.NONE, Publish.AGGREGATE, Publish.EVENT)


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. What is neither clearly stricter nor clearly looser counts as looser: somebody has to look."""

    direction: Direction
    sentence: str


def differences(old: Policy, new: Policy) -> tuple[Change, ...]:
    """Return what becomes stricter and what looser from one policy to another; nothing is left out."""
    found = [*_conditions(old, new), *_reading(old, new)]
    for disposition in Disposition:
        changes = _section(old.section(disposition), new.section(disposition))
        found += [Change(change.direction, f"{disposition}: {change.sentence}") for change in changes]
    if not any(change.direction == "looser" for change in found):
        # What only follows from several values at once: reads that become unsure meet the section of the unsure.
        found += [Change("looser", f"{sentence} than before") for sentence in widenings(new, old)]
    return tuple(found)


def _grown(name: str, before: float, after: float, written: tuple[str, str], *, more_is: Direction) -> Iterator[Change]:
    """Yield a change of a number, of which more is stricter or looser."""
    if before != after:
        opposite: Direction = "looser" if more_is == "stricter" else "stricter"
        yield Change(more_is if after > before else opposite, f"{name}: was {written[0]}, is {written[1]}")


def _lasting(name: str, before_s: int, after_s: int) -> Iterator[Change]:
    yield from _grown(name, before_s, after_s, (write_duration(before_s), write_duration(after_s)), more_is="looser")


def _conditions(old: Policy, new: Policy) -> Iterator[Change]:
    """Yield what changes of who may use it, where, and from when to when."""
    for mount in sorted(set(old.mounts) ^ set(new.mounts)):
        added = mount in new.mounts
        yield Change(
            "looser" if added else "stricter", f"{mount} readers: {'may use it now' if added else 'no longer'}"
        )
    everybody = ("police", "public", "private")
    before, after = set(old.operators or everybody), set(new.operators or everybody)
    for operator in sorted(before ^ after):
        added = operator in after
        what = "may use it now" if added else "no longer"
        yield Change("looser" if added else "stricter", f"operators of kind {operator}: {what}")
    for requirement in sorted(old.requires ^ new.requires):
        added = requirement in new.requires
        yield Change("stricter" if added else "looser", f"{requirement}: {'required now' if added else 'not required'}")
    if old.effective != new.effective:
        direction: Direction = "stricter" if new.effective > old.effective else "looser"
        yield Change(direction, f"in force from {new.effective}, was from {old.effective}")
    if old.expires != new.expires:
        sooner = new.expires is not None and (old.expires is None or new.expires < old.expires)
        yield Change(
            "stricter" if sooner else "looser", f"expires {new.expires or 'never'}, was {old.expires or 'never'}"
        )
    if old.on_expiry != new.on_expiry:
        direction = "looser" if old.on_expiry is None else "stricter" if new.on_expiry is None else "other"
        yield Change(direction, f"after expiry: {new.on_expiry or 'nothing is read'}, was {old.on_expiry or 'nothing'}")


def _reading(old: Policy, new: Policy) -> Iterator[Change]:
    """Yield what changes of how sure a read must be, how long it lives, and of the hot lists."""
    was, now = old.reading, new.reading
    frames = (str(was.min_agreeing_frames), str(now.min_agreeing_frames))
    yield from _grown("agreeing frames", was.min_agreeing_frames, now.min_agreeing_frames, frames, more_is="stricter")
    sure = (f"{was.min_confidence:g}", f"{now.min_confidence:g}")
    yield from _grown("confidence of a read", was.min_confidence, now.min_confidence, sure, more_is="stricter")
    yield from _lasting("life of a read in RAM", was.raw_lifetime_s, now.raw_lifetime_s)
    lists, newer = old.hotlists, new.hotlists
    yield from _lasting("age of a hot list", lists.max_age_s, newer.max_age_s)
    yield from _lasting("life of an entry made by hand", lists.manual_expires_s, newer.manual_expires_s)
    held, holds = old.holds, new.holds
    yield from _lasting("longest hold", held.longest_s if held else 0, holds.longest_s if holds else 0)
    if held and holds and held.plates != holds.plates:
        yield Change(
            "looser" if holds.plates else "stricter", f"holds of one plate: {'now' if holds.plates else 'no longer'}"
        )
    if old.folding != new.folding:
        names = (" ".join(new.folding.groups) or "nothing", " ".join(old.folding.groups) or "nothing")
        yield Change("other", f"folded: {names[0]}, was {names[1]}")
    if old.log_of_use != new.log_of_use:
        yield Change("other", f"log of use: per {new.log_of_use or 'nothing'}, was per {old.log_of_use or 'nothing'}")


def _section(old: Section, new: Section) -> Iterator[Change]:
    if old.publish is not new.publish:
        wider = _ORDER.index(new.publish) > _ORDER.index(old.publish)
        leave = "leaves" if new.publish is Publish.NONE else "leave"
        sentence = f"{_SAYS[new.publish]} {leave}, before it was {_SAYS[old.publish]}"
        yield Change("looser" if wider else "stricter", sentence)
    if Publish.NONE not in {old.publish, new.publish}:
        yield from _kept(old, new)
    for field in Field:
        yield from _field(field, old, new)
    if old.collector != new.collector and new.publish is not Publish.NONE:
        names = (f"{new.collector} signs for it" if new.collector else "nobody signs", old.collector or "nobody")
        yield Change("other", f"receipt: {names[0]}, was {names[1]}")


def _kept(old: Section, new: Section) -> Iterator[Change]:
    """Yield what changes of how long, and of how counts are made."""
    if old.publish is new.publish is Publish.EVENT:
        yield from _lasting("retention", old.retention_s, new.retention_s)
    was, now = old.aggregate, new.aggregate
    if was is None or now is None:
        return
    if was.window_s != now.window_s:
        coarser = now.window_s % was.window_s == 0
        windows = (write_duration(now.window_s), write_duration(was.window_s))
        yield Change("stricter" if coarser else "looser", f"counts for every {windows[0]}, was {windows[1]}")
    small = (str(was.suppress_below), str(now.suppress_below))
    yield from _grown("smallest count that is told", was.suppress_below, now.suppress_below, small, more_is="stricter")
    yield from _lasting("retention of counts", was.retention_s, now.retention_s)


def _field(field: Field, old: Section, new: Section) -> Iterator[Change]:
    was, now = _effective(field, old), _effective(field, new)
    if was != now:
        direction: Direction = "stricter" if at_most(now, was) else "looser"
        yield Change(direction, f"{field}: was {leaves(field, was)}, is {leaves(field, now)}")


def _effective(field: Field, section: Section) -> Action:
    """Return what happens to a field; where nothing leaves it is dropped, and a count tells its window as its time."""
    if section.publish is Publish.NONE:
        return Drop()
    if field is Field.TIME and section.aggregate is not None:
        return ToPeriod(section.aggregate.window_s)
    return section.action(field)
