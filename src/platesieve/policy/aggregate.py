"""Counts of windows: how many passed, nothing about one of them.

Pure steps over a value: `add` counts, `close` gives the counts of windows that are over, `flush` those of all of
them. Windows are counted from 1970-01-01 UTC, so that a window says nothing about when the device began.
Before another policy comes into force the caller flushes: counts of two policies are never mixed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from platesieve.domain.disclosure import Disclosure, Kind
from platesieve.domain.instant import NS_PER_S
from platesieve.policy.coarsen import floor_to, whole_second

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platesieve.domain.decision import Tally
    from platesieve.domain.disclosure import Json
    from platesieve.domain.instant import Instant
    from platesieve.domain.match import Disposition
    from platesieve.policy.instruments import Instruments
    from platesieve.policy.language import Policy

Window: TypeAlias = "tuple[int, Disposition]"  # its beginning in nanoseconds since the Unix epoch, and what is counted
Counts: TypeAlias = "Mapping[tuple[tuple[str, str], ...], int]"  # by group


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows that are open. `Windows()` is the beginning."""

    open: Mapping[Window, Counts] = field(default_factory=lambda: MappingProxyType({}))


def add(windows: Windows, tally: Tally, policy: Policy, at: Instant) -> Windows:
    """Return the windows with one more vehicle.

    Args:
        windows: those that are open.
        tally: what `decide` answered.
        policy: under which it was decided.
        at: when the vehicle was last seen; its window is the one that this lies in.
    """
    rules = policy.section(tally.disposition).aggregate
    if rules is None:
        return windows
    window = (floor_to(at.wall_ns, rules.window_s), tally.disposition)
    counts = dict(windows.open.get(window, {}))
    counts[tally.group] = counts.get(tally.group, 0) + 1
    return Windows(MappingProxyType({**windows.open, window: counts}))


def close(
    windows: Windows, policy: Policy, now: Instant, instruments: Instruments
) -> tuple[Windows, tuple[Disclosure, ...]]:
    """Return the windows that stay open, and the counts of those that are over.

    A window is over when no Sighting that belongs to it can come any more: its end and the raw lifetime have passed.
    """
    over = {window: counts for window, counts in windows.open.items() if _over_ns(window, policy) <= now.wall_ns}
    if not over:
        return windows, ()
    left = {window: counts for window, counts in windows.open.items() if window not in over}
    return Windows(MappingProxyType(left)), _disclose(over, policy, instruments, partial=False)


def flush(
    windows: Windows, policy: Policy, now: Instant, instruments: Instruments
) -> tuple[Windows, tuple[Disclosure, ...]]:
    """Return no windows, and the counts of all: before a shutdown, a suspension or a change of policy.

    Counts of a window that is not over yet are marked `partial`; the rest of it may come from the next run. Where
    small counts are suppressed, those of partial windows are too: two parts do not add up to permission.
    """
    closed, disclosures = close(windows, policy, now, instruments)
    return Windows(), disclosures + _disclose(closed.open, policy, instruments, partial=True)


def _over_ns(window: Window, policy: Policy) -> int:
    start_ns, disposition = window
    rules = policy.section(disposition).aggregate
    window_s = rules.window_s if rules else 0
    return start_ns + (window_s + policy.reading.raw_lifetime_s) * NS_PER_S


def _disclose(
    windows: Mapping[Window, Counts], policy: Policy, instruments: Instruments, *, partial: bool
) -> tuple[Disclosure, ...]:
    told = (_count(window, windows[window], policy, instruments, partial=partial) for window in sorted(windows))
    return tuple(disclosure for disclosure in told if disclosure is not None)


def _count(
    window: Window, counts: Counts, policy: Policy, instruments: Instruments, *, partial: bool
) -> Disclosure | None:
    """Return the counts of one window, or None where every one is too small to be told."""
    start_ns, disposition = window
    section = policy.section(disposition)
    rules = section.aggregate
    if rules is None:
        return None
    large: list[Json] = [
        {"disposition": disposition.value, "count": count, **dict(group)}
        for group, count in sorted(counts.items())
        if count >= rules.suppress_below
    ]
    if not large:
        return None
    end_ns = start_ns + rules.window_s * NS_PER_S
    body: dict[str, Json] = {
        "policy": policy.stamp,
        "window": {"start": whole_second(start_ns), "end": whole_second(end_ns)},
        "counts": large,
    }
    if partial:
        body["partial"] = True
    expires_ns = end_ns + rules.retention_s * NS_PER_S
    return Disclosure(instruments.new_id(), Kind.COUNT, body, expires_ns, section.collector)
