"""What must hold between the values of a policy. Each check names where, what is wrong and what to do.

See DECISIONS.md for why each of them refuses instead of warning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from platesieve.domain.match import Disposition
from platesieve.policy.actions import Drop, Keep, Pseudonym, Scope, Seal, SealFormat, ToPeriod
from platesieve.policy.duration import divides_time, write_duration
from platesieve.policy.fields import ALERT_ONLY, COUNTABLE, SHOWS_PLATE, Field
from platesieve.policy.language import Publish, Requirement, Section
from platesieve.policy.stricter import at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platesieve.policy.actions import Action
    from platesieve.policy.language import Policy
    from platesieve.policy.lines import Path

Problem: TypeAlias = "tuple[Path, str]"

MAX_RAW_LIFETIME_S = 60
MIN_FRAMES_OF_ALERT = 2


def check_policy(policy: Policy) -> Iterator[Problem]:
    """Yield every contradiction in a policy."""
    yield from _check_dates(policy)
    if policy.jurisdiction != "any" and not policy.sources:
        yield ("sources",), "a law without a source cannot be checked; add what it was written from"
    if len(set(policy.mounts)) != len(policy.mounts):
        yield ("mounts",), "names a mount twice; name each once"
    if Requirement.EXCLUDED_PLACES in policy.requires and "mobile" in policy.mounts:
        yield ("requires",), 'a reader that moves cannot know that it keeps out of a place; write mounts = ["fixed"]'
    if policy.reading.raw_lifetime_s > MAX_RAW_LIFETIME_S:
        yield ("reading", "raw_lifetime"), f"a read stays in RAM too long; write at most {MAX_RAW_LIFETIME_S}s"
    glyphs = "".join(policy.folding.groups)
    if len(set(glyphs)) != len(glyphs):
        yield ("folding",), "has a glyph in two groups, or twice in one; name each once"
    alerts = policy.hit.publish is Publish.EVENT
    if alerts and policy.reading.min_agreeing_frames < MIN_FRAMES_OF_ALERT:
        yield (
            ("reading", "min_agreeing_frames"),
            f"one frame is not enough to trouble anybody; an alert needs {MIN_FRAMES_OF_ALERT} that agree",
        )
    if policy.holds is not None and not any(policy.section(d).publish is Publish.EVENT for d in Disposition):
        yield ("holds",), "no read leaves, so that there is nothing to hold; remove it"
    yield from _check_recipients(policy)
    yield from _check_rings(policy)
    for disposition in Disposition:
        for path, problem in _check_section(policy.section(disposition), disposition):
            yield (disposition.value, *path), problem


def _check_dates(policy: Policy) -> Iterator[Problem]:
    if policy.expires is not None and policy.expires <= policy.effective:
        yield ("expires",), "is not after `effective`; write a later date or remove it"
    if policy.on_expiry is not None and policy.expires is None:
        yield ("on_expiry",), "names a successor, but the policy never expires; add `expires` or remove it"


def _check_recipients(policy: Policy) -> Iterator[Problem]:
    """A name stands for one key, and a key is for age files or for HPKE."""
    both = policy.age_recipients & policy.hpke_recipients
    for disposition in Disposition:
        for field, action in _actions(policy.section(disposition)):
            if isinstance(action, Seal) and action.format is SealFormat.AGE and action.to in both:
                yield (
                    (disposition.value, "fields", field.value),
                    f"{action.to} has another key for what is no age file; write another name for the pictures",
                )


def _check_rings(policy: Policy) -> Iterator[Problem]:
    """A shared key goes forward by one step an epoch, so that its epochs have one length."""
    first: dict[Scope, int] = {}
    for disposition in Disposition:
        for field, action in _actions(policy.section(disposition)):
            if not isinstance(action, Pseudonym) or action.scope is Scope.DEVICE:
                continue
            if first.setdefault(action.scope, action.epoch_s) != action.epoch_s:
                length = write_duration(first[action.scope])
                yield (
                    (disposition.value, "fields", field.value),
                    f"the key of a {action.scope} has one length of epoch; write {length}, as above",
                )


def _check_section(section: Section, disposition: Disposition) -> Iterator[Problem]:
    if section.publish is not Publish.AGGREGATE and section.aggregate is not None:
        yield ("aggregate",), 'is there, but nothing is counted; write publish = "aggregate" or remove it'
    if disposition is not Disposition.HIT:
        yield from _check_nobody_wanted(section, disposition)
    match section.publish:
        case Publish.EVENT:
            yield from _check_event(section)
        case Publish.AGGREGATE:
            yield from _check_counts(section)
        case Publish.NONE:
            for field, action in _actions(section):
                yield ("fields", field.value), f"publish = none lets nothing leave; drop {field} ({_name(action)} now)"


def _check_nobody_wanted(section: Section, disposition: Disposition) -> Iterator[Problem]:
    for field, action in _actions(section):
        if field in SHOWS_PLATE and isinstance(action, Keep):
            remedy = "seal it" if field is not Field.PLATE else "seal it, use a pseudonym"
            yield (
                ("fields", field.value),
                (
                    f"the plate of a vehicle that nobody is known to look for ({disposition}) never leaves in clear; "
                    f"{remedy} or drop it"
                ),
            )
        if field in ALERT_ONLY:
            yield ("fields", field.value), f"only a hit has a {field}; move it to [hit.fields] or remove it"


def _check_event(section: Section) -> Iterator[Problem]:
    if section.retention_s == 0:
        yield ("retention",), 'events without a retention would be kept for ever; add it, for example "24h"'
    yield from _check_alternatives(section)
    for field, action in _actions(section):
        path: Path = ("fields", field.value)
        match action:
            case ToPeriod(period_s):
                yield from _check_period(section, period_s, path)
            case Pseudonym(epoch_s):
                yield from _check_epoch(section, epoch_s, path)


def _check_alternatives(section: Section) -> Iterator[Problem]:
    """They say the plate: whoever may not have it may not have them."""
    if not at_most(section.action(Field.ALTERNATIVES), section.action(Field.PLATE)):
        yield (
            ("fields", "alternatives"),
            "alternatives say the plate, so they go only where it goes; write what stands at plate, or drop them",
        )


def _check_period(section: Section, period_s: int, path: Path) -> Iterator[Problem]:
    if not divides_time(period_s):
        yield path, f"{write_duration(period_s)} neither divides a day nor is whole days; write for example 15m or 1h"
    if 0 < section.retention_s <= period_s:
        yield (
            path,
            (
                "time is not finer than the retention, so that a read could expire at once; "
                f"write a period shorter than {write_duration(section.retention_s)}"
            ),
        )


def _check_epoch(section: Section, epoch_s: int, path: Path) -> Iterator[Problem]:
    if epoch_s > section.retention_s:
        yield (
            path,
            (
                "a pseudonym would outlive what it stands for; "
                f"write an epoch of at most {write_duration(section.retention_s)}"
            ),
        )
    if not divides_time(epoch_s):
        yield path, f"{write_duration(epoch_s)} neither divides a day nor is whole days; write for example 15m or 1h"
    period_s = section.time_period_s
    if period_s and epoch_s % period_s:
        yield (
            path,
            (
                "the epoch would tell the time more finely than the coarsened time does; "
                f"write a multiple of {write_duration(period_s)}"
            ),
        )


def _check_counts(section: Section) -> Iterator[Problem]:
    if section.aggregate is None:
        yield ("aggregate",), 'is missing; add aggregate = { window = "1h", suppress_below = 0 }'
        return
    if not divides_time(section.aggregate.window_s):
        yield ("aggregate", "window"), "neither divides a day nor is whole days; write for example 15m, 1h or 1d"
    for field, action in _actions(section):
        path: Path = ("fields", field.value)
        if field is Field.TIME:
            if action != ToPeriod(section.aggregate.window_s):
                window = write_duration(section.aggregate.window_s)
                yield path, f'a count tells its window and no other time; write coarsen to "{window}" or remove it'
        elif field not in COUNTABLE:
            yield path, f"counts cannot be split by {field}; drop it"
        elif isinstance(action, (Pseudonym, Seal)):
            yield path, f"counts cannot be split by a hidden value; keep or drop {field}"


def _actions(section: Section) -> Iterator[tuple[Field, Action]]:
    """Yield the fields that leave in some form."""
    for field, rule in section.rules.items():
        if not isinstance(rule.action, Drop):
            yield field, rule.action


def _name(action: Action) -> str:
    return type(action).__name__.lower()
