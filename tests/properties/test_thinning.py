"""Whatever is thinned, every contradiction that the full file shows against any log is shown by what stays."""

from __future__ import annotations

from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from platesieve.audit import thinning
from platesieve.audit.growth import GrowthByProofs
from platesieve.audit.proof import TiledTree
from platesieve.audit.thinning import Line, Spacing, lasting
from platesieve.audit.witness import Kept, Observation, Seen, observe
from tests.fakes.log_files import OTHER_SIGNER, SIGNER, START_NS, LogInMemory, S, many

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Thinner = Callable[[Sequence[Kept]], list[Kept]]

LONGEST = 10
SPACING = Spacing(every_days=1, hourly_days=4)
HOUR_NS, DAY_NS = 3600 * S, 86_400 * S
CONTRADICTIONS = set(Seen) - {Seen.FIRST, Seen.GREW, Seen.SAME, Seen.UNPROVEN}


class Shown(NamedTuple):
    """A log that somebody shows: so many entries of the honest one, and up to its size others; perhaps signed anew."""

    honest: int
    size: int
    anew: bool = False


ANY_LOG = [Shown(honest, size) for size in range(LONGEST + 1) for honest in range(size + 1)]


@cache
def log_of(shown: Shown) -> LogInMemory:
    """Return its files."""
    log = LogInMemory(OTHER_SIGNER if shown.anew else SIGNER)
    return log.grow(many(shown.honest)).grow(many(shown.size - shown.honest, first=1000))


@cache
def root_at(shown: Shown, size: int) -> bytes:
    """Return the root over the first entries of a log."""
    return log_of(Shown(min(shown.honest, size), size)).root


@cache
def growth_of(shown: Shown) -> GrowthByProofs:
    """Return every proof that its device can make."""
    tree = TiledTree(log_of(shown), shown.size)
    return GrowthByProofs({size: tree.consistency(size) for size in range(1, shown.size)})


def seen(kept: Sequence[Kept], shown: Shown, at_ns: int = START_NS) -> Observation:
    """Return what a witness says to it."""
    return observe(kept, log_of(shown).checkpoint, at_ns, SIGNER.verifier, growth_of(shown))


class Step(NamedTuple):
    """What comes to a witness, after how long, and whether it thins its file then."""

    shown: Shown
    gap_s: int
    thins: bool


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Return a log that grows over days, and now and then something else."""
    steps: list[Step] = []
    sizes = accumulate(draw(st.lists(st.integers(1, 2), min_size=3, max_size=LONGEST // 2 + 2)))
    others = st.none() | st.sampled_from(ANY_LOG) | st.builds(lambda s: s._replace(anew=True), st.sampled_from(ANY_LOG))
    for size in sizes:
        if size > LONGEST:
            break
        gap_s = draw(st.sampled_from([60, 600, 3000, 7000, 40_000, 86_400, 300_000]))
        steps.append(Step(Shown(size, size), gap_s, draw(st.booleans())))
        other = draw(st.none() | others)
        if other is not None and (other.anew or other.honest < other.size or other.size < size):
            steps.append(Step(other, draw(st.sampled_from([1, 4000])), thins=False))
    return steps


def thin(kept: Sequence[Kept]) -> list[Kept]:
    """Return what stays of a file."""
    stays = lasting((Line(n, k.seen, k.seen_ns, k.checkpoint.size) for n, k in enumerate(kept)), SPACING)
    return [line for number, line in enumerate(kept) if number in stays]


def files_of(steps: Sequence[Step], thinner: Thinner) -> tuple[list[Kept], list[Kept]]:
    """Return the file of a witness that keeps everything, and of one that thins now and then and at the end."""
    full: list[Kept] = []
    thinned: list[Kept] = []
    now_ns = START_NS
    for step in steps:
        now_ns += step.gap_s * S
        for file in (full, thinned):
            observation = seen(file, step.shown, now_ns)
            if observation.kept is not None:
                file.append(observation.kept)
        if step.thins:
            thinned = thinner(thinned)
    return full, thinner(thinned)


def accepted(kept: Sequence[Kept]) -> list[Kept]:
    """Return the chain."""
    return [line for line in kept if line.seen not in CONTRADICTIONS]


def contradicted(kept: Sequence[Kept], shown: Shown) -> bool:
    """Return whether an auditor who holds a log to every line finds one that it does not begin with."""
    heads = [line.checkpoint for line in accepted(kept)]
    return any(head.size > shown.size or head.root != root_at(shown, head.size) for head in heads)


def hold_to_everything(steps: Sequence[Step], thinner: Thinner) -> None:
    """Assert that the thinned file shows what the full one shows."""
    full, thinned = files_of(steps, thinner)
    newest = accepted(full)[-1]
    for shown in ANY_LOG:
        assert contradicted(thinned, shown) == contradicted(full, shown)
        before, after = seen(full, shown), seen(thinned, shown)
        assert after.ok == before.ok
        if shown.size >= newest.checkpoint.size:
            assert after.seen is before.seen  # a fork is called a fork
    assert accepted(thinned)[-1] == newest
    assert accepted(thinned)[0] == accepted(full)[0]
    notes = {line.note for line in thinned}
    assert all(line.note in notes for line in full if line.seen in CONTRADICTIONS)
    for number, line in enumerate(thinned):
        if line.seen in CONTRADICTIONS - {Seen.OTHER_KEY}:  # both sides of it are still there
            judged = observe(thinned[:number], line.note, line.seen_ns, SIGNER.verifier, growth_of(of_note(line)))
            assert judged.seen is line.seen


def of_note(line: Kept) -> Shown:
    """Return the log that a checkpoint is of."""
    return next(shown for shown in ANY_LOG if log_of(shown).checkpoint == line.note)


def hold_to_dates(steps: Sequence[Step], thinner: Thinner) -> None:
    """Assert that what dates an entry is of the same moment, hour or day, by its age."""
    full, thinned = files_of(steps, thinner)
    today = full[-1].seen_ns // DAY_NS
    for entry in range(accepted(full)[-1].checkpoint.size):
        for with_it in (True, False):  # in the log at the latest; not yet in it at
            before, after = (_dating(file, entry, with_it=with_it) for file in (full, thinned))
            if before is None:
                assert after is None
                continue
            assert after is not None
            age = today - before // DAY_NS
            unit = 1 if age <= SPACING.every_days else HOUR_NS if age <= SPACING.hourly_days else DAY_NS
            assert before // unit == after // unit


def _dating(kept: Sequence[Kept], entry: int, *, with_it: bool) -> int | None:
    chain = [(line.seen_ns, line.checkpoint.size > entry) for line in accepted(kept)]
    found = [seen_ns for seen_ns, has in chain if has is with_it]
    return (found[0] if with_it else found[-1]) if found else None


OF_TESTS = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


@given(histories())
@settings(OF_TESTS)
def test_every_contradiction_that_the_full_file_shows_is_still_shown(steps: list[Step]) -> None:
    """Against every log there can be: forks, rollbacks, logs cut off; and those that it was shown."""
    hold_to_everything(steps, thin)


@given(histories())
@settings(OF_TESTS)
def test_entries_are_dated_to_the_moment_the_hour_or_the_day(steps: list[Step]) -> None:
    """From both sides: when an entry was there at the latest, and when it was not there yet."""
    hold_to_dates(steps, thin)


@given(histories())
@settings(OF_TESTS)
def test_what_was_thinned_loses_nothing_by_being_thinned_again(steps: list[Step]) -> None:
    """Nothing changes until the days do."""
    _, thinned = files_of(steps, thin)
    assert thin(thinned) == thinned


def without_the_newest(kept: Sequence[Kept]) -> list[Kept]:
    """Forget the last line that was accepted."""
    chain = accepted(kept)
    return [line for line in thin(kept) if len(chain) < 2 or line != chain[-1]]


def without_contradictions(kept: Sequence[Kept]) -> list[Kept]:
    """Forget what is proof."""
    return accepted(thin(kept))


def without_the_other_side(kept: Sequence[Kept]) -> list[Kept]:
    """Forget what a contradiction contradicts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(thinning, "_contradicted", lambda _: ())
        return thin(kept)


def without_the_first(kept: Sequence[Kept]) -> list[Kept]:
    """Forget what nobody proved."""
    return [line for line in thin(kept) if len(kept) < 2 or line.seen is not Seen.FIRST]


def without_the_last_of_an_hour(kept: Sequence[Kept]) -> list[Kept]:
    """Keep the first of each day alone, and the newest."""
    return [line for n, line in enumerate(kept) if n in {0, len(kept) - 1} or line.seen in CONTRADICTIONS
            or line.seen_ns // DAY_NS != kept[n - 1].seen_ns // DAY_NS]  # fmt: skip


@pytest.mark.parametrize(
    ("thinner", "hold"),
    [
        (without_the_newest, hold_to_everything),
        (without_contradictions, hold_to_everything),
        (without_the_first, hold_to_everything),
        (without_the_last_of_an_hour, hold_to_dates),
    ],
)
def test_thinning_that_takes_too_much_is_caught(
    thinner: Thinner, hold: Callable[[Sequence[Step], Thinner], None]
) -> None:
    """The control of the above."""

    @given(histories())
    @settings(OF_TESTS, max_examples=500, database=None, phases=[Phase.generate])
    def search(steps: list[Step]) -> None:
        hold(steps, thinner)

    with pytest.raises(AssertionError):
        search()


def test_a_fork_whose_other_side_is_gone_is_caught() -> None:
    """The control for what a search seldom meets: a fork between two of many checkpoints of one hour, days ago."""
    grown = [Step(Shown(size, size), 60, thins=False) for size in range(1, 9)]
    forked, later = Step(Shown(4, 6), 60, thins=False), Step(Shown(9, 9), 300_000, thins=True)
    hold_to_everything([*grown, forked, later], thin)
    with pytest.raises(AssertionError, match="FORKED"):
        hold_to_everything([*grown, forked, later], without_the_other_side)
