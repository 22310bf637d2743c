"""What a policy means, in plain words: a row for each field and disposition, and what to know before using it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from platesieve.domain.confusion import collision_share
from platesieve.domain.folding import STANDARD, Folding
from platesieve.domain.match import Disposition
from platesieve.policy.actions import (
    Drop,
    Keep,
    Pseudonym,
    Scope,
    Seal,
    SealFormat,
    ToCell,
    ToCountry,
    ToPeriod,
    ToStep,
)
from platesieve.policy.decide import NOTICE, expiry_grain_s
from platesieve.policy.duration import say_duration
from platesieve.policy.fields import SHOWS_PLATE, Classification, Field, classification
from platesieve.policy.language import Publish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platesieve.policy.actions import Action
    from platesieve.policy.language import Policy, Section

_WHERE = {
    Scope.DEVICE: "this device only",
    Scope.SITE: "the same at all devices of the site",
    Scope.FLEET: "the same at all devices of the agency",
}
EVERYBODY = "whoever may subscribe, and the broker"
NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Row:
    """What becomes of one field for one disposition."""

    disposition: Disposition
    field: Field
    leaves: str
    why: str
    how_long: str
    who: str
    classification: Classification


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know about a policy: `proved` follows from its text, a `warning` is for a person to weigh."""

    level: Literal["proved", "warning"]
    sentence: str


def explain(policy: Policy) -> tuple[Row, ...]:
    """Return a row for every field of every disposition, those that are dropped included."""
    return tuple(_row(policy, disposition, field) for disposition in Disposition for field in Field)


def summary(policy: Policy, disposition: Disposition) -> str:
    """Return in one sentence what becomes of reads of a disposition."""
    section = policy.section(disposition)
    match section.publish:
        case Publish.NONE:
            return "nothing leaves, and the read is gone from RAM within " + say_duration(policy.reading.raw_lifetime_s)
        case Publish.AGGREGATE:
            counts = section.aggregate
            if counts is None:
                return "nothing leaves"
            small = f", those below {counts.suppress_below} left out" if counts.suppress_below else ""
            return f"only counts leave, one for every {say_duration(counts.window_s).removeprefix('1 ')}{small}"
        case Publish.EVENT:
            collector = f", or once {section.collector} has signed for it" if section.collector else ""
            return f"one event for each vehicle, erased here after {say_duration(section.retention_s)}{collector}"


def findings(policy: Policy) -> tuple[Finding, ...]:
    """Return what can be proved of a policy, and what a person should weigh."""
    proved = (Finding("proved", sentence) for sentence in _proved(policy))
    return (*proved, *(Finding("warning", sentence) for sentence in _warnings(policy)))


def _row(policy: Policy, disposition: Disposition, field: Field) -> Row:
    section = policy.section(disposition)
    rule = section.rules.get(field)
    action = section.action(field)
    if section.publish is Publish.NONE or isinstance(action, Drop):
        why = (rule.why or "the policy drops it") if rule else "not named by the policy, so it is dropped"
        return Row(disposition, field, "nothing", why, "gone with the read", NOBODY, classification(field))
    why = (rule.why if rule else None) or policy.title
    if section.publish is Publish.AGGREGATE and section.aggregate is not None:
        told = "the window of the count" if field is Field.TIME else f"counts for each {field.value}"
        kept = say_duration(section.aggregate.retention_s)  # how many there were is about nobody, so it is public
        return Row(disposition, field, told, why, kept, EVERYBODY, Classification.PUBLIC)
    who = f"the holder of {action.to}'s private key" if isinstance(action, Seal) else EVERYBODY
    kept = say_duration(section.retention_s)
    return Row(disposition, field, leaves(field, action, policy.folding), why, kept, who, classification(field))


def leaves(field: Field, action: Action, folding: Folding = STANDARD) -> str:  # noqa: PLR0911 - one line for each action reads best
    """Return in which form a field leaves, in words."""
    match action:
        case Keep():
            return "as it is"
        case ToPeriod(period_s):
            return f"the span of {say_duration(period_s)} it lies in, UTC"
        case ToCell(size, unit):
            return f"the centre of a cell of {size:g} {unit}"
        case ToStep(step):
            return f"rounded down to a multiple of {step:g}"
        case ToCountry():
            return "the country only"
        case Pseudonym(epoch_s, scope):
            folded = f", after {' '.join(folding.groups)} are folded" if field is Field.PLATE and folding.groups else ""
            return f"a pseudonym for {say_duration(epoch_s)}, {_WHERE[scope]}{folded}"
        case Seal(to, SealFormat.AGE):
            return f"sealed to {to}, as an age file"
        case Seal(to):
            return f"sealed to {to}"
        case _:
            return "nothing"


def _proved(policy: Policy) -> Iterator[str]:
    sections = {disposition: policy.section(disposition) for disposition in Disposition}
    events = {name: section for name, section in sections.items() if section.publish is Publish.EVENT}
    if not any(_action_is(section, SHOWS_PLATE, Keep) for section in events.values()):
        yield "no plate and no picture of one leaves in clear, for any disposition"
    if not policy.wants_pictures:
        yield "no picture leaves, so none is taken"
    elif all(isinstance(section.action(Field.SCENE_CROP), Drop) for section in events.values()):
        yield "no picture of a vehicle leaves, so none that could show occupants"
    if policy.miss.publish is Publish.NONE:
        yield "of a vehicle that nobody looks for nothing leaves, not even a count"
    elif policy.miss.publish is Publish.AGGREGATE:
        yield "of a vehicle that nobody looks for nothing leaves but a count"
    longest = max((section.retention_s for section in events.values()), default=0)
    if longest:
        held = ", unless a signed hold keeps it for longer" if policy.holds else ""
        yield f"every read is erased everywhere at most {say_duration(longest)} after the vehicle was last seen{held}"
    yield f"a read is gone from RAM within {say_duration(policy.reading.raw_lifetime_s)} after that"
    if Disposition.HIT in events:
        yield f"every alert says: {NOTICE}"


def _warnings(policy: Policy) -> Iterator[str]:
    for disposition in Disposition:
        section = policy.section(disposition)
        if section.publish is Publish.EVENT:
            for sentence in _event_warnings(policy, section):
                yield f"{disposition}: {sentence}"
        elif section.publish is Publish.AGGREGATE and section.aggregate and section.aggregate.suppress_below < 2:  # noqa: PLR2004 - a count of one is one vehicle
            yield f"{disposition}: a count of one tells that a single vehicle passed in its window"
    if any(policy.section(disposition).publish is Publish.EVENT for disposition in Disposition):
        yield "whoever listens live sees when an event arrives, whatever its time field says"
        yield "agency, site and device stand in the topic of every event, and a fixed reader's id is its place"
    yield from _people_warnings(policy)
    unverified = [source.url for source in policy.sources if "C:" in source.verified or "M:" in source.verified]
    if unverified:
        yield "rests in part on secondary sources (C) or memory (M): see the sources"


def _people_warnings(policy: Policy) -> Iterator[str]:
    """Yield what people can do: confirm an alert, add a plate, hold reads."""
    if policy.hit.publish is Publish.EVENT and isinstance(policy.hit.action(Field.PLATE_CROP), Drop):
        yield "hit: no picture of the plate leaves, so that nobody can confirm an alert by eye"
    if policy.hotlists.manual_expires_s:
        life = say_duration(policy.hotlists.manual_expires_s)
        yield f"a person with the command key may add plates for up to {life}, with reason and case number"
    if policy.holds is not None:
        what = "this camera's reads, or those of one plate," if policy.holds.plates else "this camera's reads"
        yield f"whoever holds the command key may hold {what} for up to {say_duration(policy.holds.longest_s)}"
        if policy.holds.plates:
            yield "the later expiry of a read whose plate is held shows to everybody who gets the event"


def _event_warnings(policy: Policy, section: Section) -> Iterator[str]:
    if isinstance(section.action(Field.PLATE), Keep):
        yield "the plate is readable by the broker and every subscriber; seal it to one recipient instead"
    if _action_is(section, SHOWS_PLATE - {Field.PLATE}, Keep):
        yield "a picture leaves in clear, and the plate can be read in it"
    if not isinstance(section.action(Field.SCENE_CROP), Drop):
        yield "a picture of the vehicle can show who sits in it"
    if "fixed" in policy.mounts and isinstance(section.action(Field.LOCATION), (ToCell, Seal)):
        yield "hiding the place protects nothing on a fixed reader: its place is known"
    grain_s = expiry_grain_s(section)
    if grain_s is not None and section.time_period_s is None:
        yield f"time does not leave, but the expiry tells the span of {say_duration(grain_s)} in which it passed"
    aliases = [rule.action for rule in section.rules.values() if isinstance(rule.action, Pseudonym)]
    epochs = [alias.epoch_s for alias in aliases]
    if epochs:
        yield from _folding_cost(policy.folding)
        widest = max((alias.scope for alias in aliases), key=list(Scope).index)
        where = {Scope.DEVICE: "this device", Scope.SITE: "the devices of its site"}.get(widest, "all devices")
        yield f"within {say_duration(max(epochs))} all passes of one vehicle at {where} can be linked"
        if widest is not Scope.DEVICE:
            yield f"whoever steals a device with a {widest} key computes the pseudonyms of all epochs to come"
        if section.time_period_s is None and not isinstance(section.action(Field.TIME), Keep):
            yield f"the epoch of the pseudonym tells the span of {say_duration(min(epochs))} in which it passed"


def _folding_cost(folding: Folding) -> Iterator[str]:
    """Yield what the groups cost on plates of three letters and three digits."""
    share = folding.merged_share(letters=3, digits=3)
    pairs = collision_share(folding.groups, "@@@###")
    yield (
        f"of plates with three letters and three digits {share:.0%} have the folded form of another; two strangers are "
        f"taken for one vehicle {pairs * 1e8:.1f} times in a hundred million"
    )


def _action_is(section: Section, among: frozenset[Field], kind: type[Keep]) -> bool:
    return any(isinstance(section.action(field), kind) for field in among)
