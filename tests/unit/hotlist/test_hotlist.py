"""Hot lists: what is wanted is found, what is wrong is named without its plate."""

from __future__ import annotations

import pickle
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platesieve.domain.errors import ConfigError
from platesieve.domain.instant import NS_PER_S, Instant
from platesieve.domain.match import Match, MatchKind
from platesieve.domain.plate import PlateText
from platesieve.hotlist.hotlist import HotList
from platesieve.hotlist.table import read_table

NOW = Instant(1_795_350_896 * NS_PER_S, 5_000 * NS_PER_S)  # 2026-11-22 12:34:56 UTC
ALIKE = str.maketrans("OQIB", "0018")
TABLE = """plate,category,list,expires
can-ary 7,stolen,state-police,2026-12-31
B0B1,warrant,metro-pd,
OLD1,stolen,state-police,2026-11-21
"""


def loaded(text: str = TABLE) -> HotList:
    """Return a list as it is loaded now."""
    return HotList.from_csv(text, "wanted.csv", NOW)


def problems_of(text: str | bytes) -> tuple[str, ...]:
    """Return what is said about a table that is no hot list."""
    with pytest.raises(ConfigError) as caught:
        HotList.from_csv(text, "wanted.csv", NOW)
    return caught.value.problems


def test_a_wanted_plate_is_found() -> None:
    """Letter by letter it is exact, whatever way it was written; another plate is not found."""
    assert loaded().match(PlateText("CANARY7"), NOW) == (Match(MatchKind.EXACT, "stolen", "state-police"),)
    assert loaded().match(PlateText("CANARY8"), NOW) == ()


def test_a_plate_that_looks_alike_is_a_lookalike() -> None:
    """0 and O, 1 and I, 8 and B are one glyph to a reader, and the match says so."""
    assert loaded().match(PlateText("80BI"), NOW) == (Match(MatchKind.LOOKALIKE, "warrant", "metro-pd"),)


def test_exact_matches_come_first() -> None:
    """Of two entries that look alike the one that was read stands first."""
    found = loaded("plate,category,list\nB0B,a,x\nBOB,b,x\n").match(PlateText("BOB"), NOW)

    assert [(match.kind, match.category) for match in found] == [(MatchKind.EXACT, "b"), (MatchKind.LOOKALIKE, "a")]


def test_what_is_over_is_not_wanted() -> None:
    """A date holds until its end, UTC; entries that were over are skipped and counted, later ones end in time."""
    hotlist = loaded()
    last = Instant(1_798_761_600 * NS_PER_S - 1, NOW.monotonic_ns)  # the last moment of 2026-12-31
    after = Instant(1_798_761_600 * NS_PER_S, NOW.monotonic_ns)

    assert (hotlist.count, hotlist.expired) == (2, 1)
    assert hotlist.match(PlateText("OLD1"), NOW) == ()
    assert hotlist.match(PlateText("CANARY7"), last)
    assert not hotlist.match(PlateText("CANARY7"), after)


def test_columns_may_stand_in_any_order_and_expires_may_be_missing() -> None:
    """The first line says which is which; times with an offset and a byte order mark are understood."""
    assert loaded("list,plate,category\nmetro-pd,ABC1,stolen\n").count == 1
    assert loaded("\ufeffplate,category,list,expires\r\nABC1,stolen,x,2026-12-01T00:00:00-06:00\r\n").count == 1


def test_every_bad_row_is_named_without_its_plate() -> None:
    """Lines are right even after a cell with a line break; no cell is repeated, any could be a plate."""
    text = (
        "plate,category,list,expires\n"
        "CANARY7,stolen,x,soon\n"
        '"CAN\nARY7",Stolen!,x,\n'
        "CANARY7CANARY7,stolen,x,\n"
        "stolen,CANARY7,x,\n"
        "CANARY7,stolen\n"
        "GOOD1,stolen,x,\n"
        "CANARY7,stolen,CANARY7,\n"
        "CANARY7,stolen,x,2026-02-30\n"
    )

    problems = problems_of(text)

    assert [problem.split(":")[1] for problem in problems] == ["2", "3", "5", "6", "7", "9", "10"]
    assert "CANARY7" not in "".join(problems).upper()
    assert "ARY7" not in "".join(problems)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "ABC123,stolen,x,\n",
        "plate,category\n",
        "plate,category,list,expires,name\n",
        "plate,category,list,list\n",
        "plate,category,list\nABC\x00,a,b\n",
        'plate,category,list\n"ABC,a,b\n',
        "plate,category,list\nABC1,a," + "b" * 33 + "\n",
        "plate,category,list\nABC1,-a,b\n",
        "plate,category,list\nÄBC1,a,b\n",
        "plate,category,list,expires\nABC1,a,b,9999-12-31\n",
        b"plate,category,list\n\xff\n",
        b"plate,category,list\n" + b"A" * 200_000,
    ],
)
def test_what_is_no_hot_list_is_refused(text: str | bytes) -> None:
    """Missing or unknown columns, broken quotes, other letters: ConfigError with lines, never another exception."""
    assert all(problem.startswith("wanted.csv:") for problem in problems_of(text))


def test_there_is_no_place_for_free_text() -> None:
    """A column of names or remarks is refused as a whole, and its name is not repeated."""
    problems = problems_of("plate,category,list,remarks\nABC1,stolen,x,ex-wife\n")

    assert len(problems) == 1
    assert "remarks" not in problems[0]


def test_nothing_prints_a_plate() -> None:
    """Neither the list nor a row shows one, and the list cannot be pickled."""
    hotlist = loaded()
    rows = list(read_table(TABLE.encode(), "wanted.csv"))

    assert "CANARY" not in f"{hotlist!r} {hotlist} {rows!r}"
    assert repr(hotlist) == "HotList(2 entries of metro-pd, state-police)"
    with pytest.raises(TypeError):
        pickle.dumps(hotlist)


def test_what_the_audit_log_wants_to_know() -> None:
    """Names, hash, count and age; the age runs on the monotonic clock."""
    hotlist = loaded()
    later = Instant(0, NOW.monotonic_ns + 3_600 * NS_PER_S)

    assert hotlist.list_ids == ("metro-pd", "state-police")
    assert len(hotlist.sha256) == 64
    assert hotlist.age_s(later) == 3600.0
    assert hotlist.stale(later, 3599)
    assert not hotlist.stale(later, 3600)
    assert HotList.empty().age_s(later) == 0.0
    assert HotList.empty().match(PlateText("ABC1"), NOW) == ()


def test_a_long_list_is_loaded_and_searched_quickly() -> None:
    """A hundred thousand rows; a look-up does not depend on how many there are."""
    rows = "".join(f"{number:06d},stolen,state,2026-12-31\n" for number in range(100_000))
    start = time.perf_counter()
    hotlist = loaded("plate,category,list,expires\n" + rows)
    assert time.perf_counter() - start < 20  # a second or two on an idle machine

    start = time.perf_counter()
    for _ in range(1000):
        hotlist.match(PlateText("ZZZ999"), NOW)
    assert (time.perf_counter() - start) / 1000 < 0.001


def test_progress_is_told_and_memory_is_a_record_for_each_entry() -> None:
    """Every hundred thousand rows; what stays is 36 bytes each, whatever Python's objects weigh."""
    rows = "".join(f"{number:06d},stolen,state,\n" for number in range(200_000))
    told: list[int] = []
    hotlist = HotList.from_csv("plate,category,list,expires\n" + rows, "w.csv", NOW, told.append)

    assert told == [100_000, 200_000]
    assert len(hotlist._records) == 36 * hotlist.count
    assert hotlist.match(PlateText("123456"), NOW)


@given(
    st.lists(
        st.tuples(
            st.text("0ODQ1I8BX", min_size=1, max_size=4),
            st.sampled_from(["stolen", "warrant"]),
            st.sampled_from(["a", "b"]),
            st.sampled_from(["", "2026-11-21", "2026-11-22", "2027-01-01"]),
        ),
        max_size=30,
    ),
    st.text("0ODQ1I8BX", min_size=1, max_size=4),
)
def test_a_match_is_what_looking_at_every_row_gives(rows: list[tuple[str, str, str, str]], plate: str) -> None:
    """Against the plain way to do it, over few glyphs so that much looks alike."""
    hotlist = loaded("plate,category,list,expires\n" + "".join(",".join(row) + "\n" for row in rows))

    found = {
        ("exact" if text == plate else "lookalike", category, list_id)
        for text, category, list_id, until in rows
        if text.translate(ALIKE) == plate.translate(ALIKE) and until != "2026-11-21"
    }
    told = [(match.kind.value, match.category, match.list_id) for match in hotlist.match(PlateText(plate), NOW)]
    assert sorted(told) == sorted(found)
    assert [kind for kind, _, _ in told] == sorted(kind for kind, _, _ in told)


def test_bytes_that_are_no_text_are_named_by_their_line_wherever_they_stand() -> None:
    """Also behind the first megabyte, and where a character is cut in two by the end of a piece."""
    row = b"ABC1,stolen,x\n"
    head = b"plate,category,list\n"
    many = (1 << 20) // len(row) + 5
    before = head + row * many

    assert problems_of(before + b"\xff\n")[0].startswith(f"wanted.csv:{many + 2}:")
    assert problems_of(before + b"\xe2\x82")[0].startswith(f"wanted.csv:{many + 2}:")


def test_a_list_of_one_glyph_costs_no_more() -> None:
    """Plates that all fold to the same are no attack on loading."""
    glyphs = "0ODQ"
    rows = [
        f"{a}{b}{c}{d}{e}{f},s,x\n"
        for a in glyphs
        for b in glyphs
        for c in glyphs
        for d in glyphs
        for e in glyphs
        for f in glyphs
    ]
    start = time.perf_counter()

    assert loaded("plate,category,list\n" + "".join(rows)).count == 4096
    assert time.perf_counter() - start < 5
