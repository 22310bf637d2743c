"""What plates are drawn from: the dies of authorities, what single states issue, and a video codec."""

from __future__ import annotations

import importlib
import itertools
import re

import cv2
import numpy as np
import pytest

pytest.importorskip("PIL", reason="needs the extra `train`")
pytest.importorskip("av", reason="needs the extra `train`")
codec, degrade, formats = (
    importlib.import_module(f"models.datasets.{name}") for name in ("codec", "degrade", "formats")
)
faces, glyphs, shelf, strokes = (
    importlib.import_module(f"models.datasets.fonts.{name}") for name in ("faces", "glyphs", "shelf", "strokes")
)
plates = importlib.import_module("models.datasets.plates")
draw, north_america = (importlib.import_module(f"models.datasets.plates.{name}") for name in ("draw", "north_america"))
new_sheet = importlib.import_module("models.datasets.plates.sheet").new_sheet
write_serial = importlib.import_module("models.datasets.plates.writing").write_serial

pytestmark = pytest.mark.training

STATES = (
    "AL AK AZ AR CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR "
    "PA RI SC SD TN TX UT VT VA WA WV WI WY PR GU"
)
PROVINCES = "ON QC BC AB MB SK NS NB NL PE YT NT NU"


@pytest.mark.parametrize("name", sorted(faces.FACES))
def test_a_face_tells_its_characters_apart(name: str) -> None:
    """All 36 are drawn, and two are alike only where the authority strikes them with one die."""
    alike = {("0", "O"), ("1", "I")} if name != "fe" else set()
    font = strokes.face_font(np.random.default_rng(4), faces.FACES[name])
    assert set(font.glyphs) == set(glyphs.CHARACTERS)
    for one, other in itertools.combinations(glyphs.CHARACTERS, 2):
        first, second = font.glyphs[one], font.glyphs[other]
        same = first.shape == second.shape and np.abs(first.astype(int) - second).mean() < 3
        assert not same or (one, other) in alike, (one, other)


def test_fonts_of_a_face_are_alike_and_not_the_same() -> None:
    """Dies, printers and makers differ a little."""
    one, other = (strokes.face_font(np.random.default_rng(k), faces.FACES["fe"]) for k in (1, 2))
    assert any(not np.array_equal(one.glyphs[c], other.glyphs[c]) for c in "ABC")
    assert not any(one.glyphs[c].shape[0] != other.glyphs[c].shape[0] for c in "ABC")


def test_most_plates_of_an_authority_are_struck_with_its_own_dies() -> None:
    """And the others with any: old, foreign and home-made ones."""
    rng, kept = np.random.default_rng(1), shelf.FontShelf()
    kinds = [kept.pick(rng, 0.3, "fe").kind for _ in range(200)]
    assert 0.5 < kinds.count("face") / 200 < 0.7
    assert all(kept.pick(rng, 0.3).kind != "face" for _ in range(50))


def test_every_state_and_province_has_a_table_and_every_table_a_country() -> None:
    """California's lies in formats.toml, by itself."""
    states = formats.states()
    assert set(states) <= set(formats.tables())
    assert set(states["US"]) == set(STATES.split())
    assert "US-CA" in formats.tables()
    assert set(states["CA"]) == set(PROVINCES.split())
    assert set(states["AU"]) == {"NSW", "VIC", "QLD", "WA", "SA", "TAS", "ACT", "NT"}


def test_faces_and_art_that_tables_name_exist() -> None:
    """A slip of the pen in a table would be drawn as nothing."""
    tables = [*formats.tables().values(), *(each for parts in formats.states().values() for each in parts.values())]
    assert {table["face"] for table in tables if "face" in table} == set(faces.FACES)
    assert {table["art"] for table in tables if "art" in table} == {"left", "middle", "horizon", "bands"}


@pytest.mark.parametrize("country", ["US", "CA", "AU"])
def test_every_format_of_a_state_can_be_written(country: str) -> None:
    """And is as long as serials are."""
    rng = np.random.default_rng(2)
    for name, part in formats.states()[country].items():
        for text in part["formats"]:
            serial = write_serial(rng, text)
            assert 4 <= sum(c in glyphs.CHARACTERS for c in serial) <= 8, (name, text)


def test_a_states_plate_carries_its_own_serial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn as a state alone, the country's plates have the state's format; drawn as no state, another."""
    only = {"US": {"XX": {"weight": 1, "names": ["X"], "slogans": [""], "formats": ["Q#Q#Q#Q"], "art": "horizon"}}}
    monkeypatch.setattr(formats, "states", lambda: only)
    formats._odds.cache_clear()
    try:
        for share, wanted in ((1.0, 12), (0.0, 0)):
            monkeypatch.setattr(formats, "STATE_SHARE", share)
            drawn = [plates.draw_plate(np.random.default_rng(k), "US").text for k in range(12)]
            assert sum(re.fullmatch(r"Q\dQ\dQ\dQ", text) is not None for text in drawn) == wanted
    finally:
        formats._odds.cache_clear()


def test_an_emblem_stands_between_the_groups_where_a_state_has_one() -> None:
    """In place of a gap or a dash, in most of its plates; a format without a gap stays as it is."""
    rng = np.random.default_rng(11)
    table = {"formats": ["@@ ##-@@"], "art": "middle"}
    written = [draw._pattern(rng, table) for _ in range(200)]
    assert set(written) == {"@@ ##-@@", "@@*##-@@"}
    assert written.count("@@*##-@@") / 200 == pytest.approx(draw.EMBLEM_SHARE, abs=0.1)
    dashed = {draw._pattern(rng, {"formats": ["@@-##"], "art": "middle"}) for _ in range(50)}
    assert dashed == {"@@-##", "@@*##"}
    assert {draw._pattern(rng, {"formats": ["@@@###"], "art": "middle"}) for _ in range(50)} == {"@@@###"}
    assert {draw._pattern(rng, {"formats": ["@@ ##"]}) for _ in range(50)} == {"@@ ##"}


def test_dark_plates_have_light_characters_and_hills_leave_the_serial_its_contrast() -> None:
    """`dark` turns the ground; what is painted behind the serial stays far from ink."""
    for share, darker in ((1.0, True), (0.0, False)):
        sheet = north_america.draw_us(np.random.default_rng(12), "ABC 123", {"dark": share})
        assert (sheet.ground < sheet.ink) is darker
    for seed in range(20):
        rng = np.random.default_rng(seed)
        sheet = new_sheet(rng, 2.0, busy=0.0)
        plain = sheet.luma.copy()
        north_america._hills(rng, sheet)
        moved = np.abs(sheet.luma - plain)
        assert moved.max() > 0
        assert moved.max() < 0.5 * abs(sheet.ink - sheet.ground) + 25  # a ramp of light lies under it in some


@pytest.mark.parametrize(("face", "character"), [("netherlands", c) for c in "BDPR"] + [("fe", "0")])
def test_slits_stay_open(face: str, character: str) -> None:
    """A character with a slit encloses one space fewer than without, in nearly every font of the family."""
    opened = 0
    for k in range(30):
        glyph = strokes.face_font(np.random.default_rng(k), faces.FACES[face]).glyphs[character]
        opened += holes(glyph) < {"B": 2}.get(character, 1)
    assert opened >= 27


def test_without_a_slit_characters_are_closed() -> None:
    """The control: the other families, where B has two holes and the rest one."""
    for k in range(5):
        font = strokes.face_font(np.random.default_rng(k), faces.FACES["charles-wright"])
        assert [holes(font.glyphs[c]) for c in "BDPR0"] == [2, 1, 1, 1, 1]


def holes(glyph: np.ndarray) -> int:
    """Return how many spaces a glyph encloses."""
    around = cv2.copyMakeBorder(glyph, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=0)
    return cv2.connectedComponents((around < 128).astype(np.uint8), connectivity=4)[0] - 2


def test_a_share_of_a_countrys_plates_is_drawn_as_its_states_issue_them() -> None:
    """By the number of their vehicles; a country without states has its own table."""
    rng = np.random.default_rng(3)
    whole = formats.tables()["US"]
    names = [table["names"][0] for table in (formats.chosen(rng, "US") for _ in range(600)) if table != whole]
    assert len(names) / 600 == pytest.approx(formats.STATE_SHARE, abs=0.06)
    assert names.count("TEXAS") > names.count("Alaska")
    assert formats.chosen(rng, "DE") is formats.tables()["DE"]


def test_shares_of_formats_sum_to_one_and_know_the_states() -> None:
    """They become the device's patterns."""
    tables, states = formats.tables(), formats.states()
    shares = formats.series(tables["US"], states["US"])
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["@@@*####"] > formats.series(tables["US"], None)["@@@*####"]  # Texas, North Carolina, Florida
    assert "PC ######" in shares


@pytest.mark.parametrize("size", [(40, 90), (41, 91), (17, 33)])
def test_a_picture_that_was_filmed_is_the_same_picture_a_little_worse(size: tuple[int, int]) -> None:
    """Same size, odd ones too; not the same bytes, and not another picture."""
    rng = np.random.default_rng(5)
    luma = np.kron(rng.integers(30, 220, (9, 12)), np.ones((8, 8))).astype(np.uint8)[: size[0], : size[1]]
    luma = np.ascontiguousarray(luma)
    for _ in range(4):
        seen = codec.as_video(rng, luma)
        assert seen.shape == luma.shape
        assert seen.dtype == np.uint8
        off = np.abs(seen.astype(int) - luma)
        assert 0 < off.mean() < 12


def test_coarser_films_lose_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rate factor is heeded."""
    luma = np.random.default_rng(6).integers(0, 255, (64, 96), np.uint8)
    lost = []
    for factor in (codec.FINEST, codec.COARSEST):
        monkeypatch.setattr(codec, "FINEST", factor)
        monkeypatch.setattr(codec, "COARSEST", factor)
        seen = codec.as_video(np.random.default_rng(7), luma)
        lost.append(float(np.abs(seen.astype(int) - luma).mean()))
    assert lost[1] > 2 * lost[0]


def test_spoiled_pictures_are_filmed_as_often_as_the_table_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """COVERAGE.md tells the share."""
    filmed: list[int] = []

    def film(_rng: np.random.Generator, luma: np.ndarray) -> np.ndarray:
        filmed.append(1)
        return luma

    monkeypatch.setattr(degrade, "as_video", film)
    rng, luma = np.random.default_rng(8), np.full((30, 80), 90, np.uint8)
    for _ in range(500):
        degrade.spoil(rng, luma)
    assert len(filmed) / 500 == pytest.approx(degrade.CHANCES["H.264"], abs=0.05)
