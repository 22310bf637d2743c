"""The cards say what was measured, of the files that are released, and nothing else."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest

from models.common.binding import code_digest
from models.common.card import BLOCKS, COMMON, MODELS, filled, made
from models.common.markdown import hits, rate, table, verdict
from models.common.provenance import CROPS, SCENES, drawings, personal, reader_data
from models.common.release import MANIFEST
from models.datasets.crops import BLANK, BY_EYE
from models.datasets.labels import CROP_SETS, SCENE_SETS
from models.detector.card import bias, plate_free
from models.detector.card import scores as detector_scores
from models.reader.card import honesty, regions, speed
from models.reader.card import scores as reader_scores

pytestmark = pytest.mark.training

ENTRY = {
    "version": "9", "samples": 1234567, "file": "reader-int8.onnx", "form": "int8", "sha256": "ab" * 32,
    "form_reason": "int8 is released: twice as fast", "input": "a", "output": "b", "run": "models/runs/reader.sh",
}  # fmt: skip
MANIFESTED: dict[str, Any] = {"reader": ENTRY, "detector": {"sha256": "ef" * 32}}
TEMPLATE = (
    "before\n<!-- measured: identity -->\nold\n<!-- end -->\nafter\n<!-- measured: measured-with -->\n<!-- end -->\n"
)
CODE = "12" * 32


def measured_with(**changed: str) -> dict[str, Any]:
    """Return figures of the released pair and today's code, with other digests where told."""
    return {
        "sha256": ENTRY["sha256"],
        "measured_with": {"reader": "ab" * 32, "detector": "ef" * 32, "code": CODE} | changed,
    }


def share(count: int, of: int) -> dict[str, Any]:
    """Return a share as released.toml holds it."""
    return {"share": round(count / of, 4), "n": of, "interval95": [0.0, 1.0]}


def test_measured_parts_are_written_anew_and_the_rest_stays() -> None:
    """Twice gives the same, so that a card can be checked against its figures."""
    card = filled(TEMPLATE, "reader", MANIFESTED, measured_with(), CODE)
    assert card.startswith("before\n<!-- measured: identity -->\n|")
    assert "<!-- end -->\nafter\n" in card
    assert "1,234,567" in card
    assert "old" not in card
    assert filled(card, "reader", MANIFESTED, measured_with(), CODE) == card


def test_figures_of_another_file_are_refused() -> None:
    """A card must not praise a model with the scores of another."""
    with pytest.raises(SystemExit, match=r"of another file: run `python -m models\.reader\.measure` first"):
        filled(TEMPLATE, "reader", MANIFESTED, measured_with() | {"sha256": "cd" * 32}, CODE)


@pytest.mark.parametrize(("role", "other"), [("detector", "reader"), ("reader", "detector")])
def test_figures_with_another_partner_are_refused(role: str, other: str) -> None:
    """What the detector's card says of false plates is said of one reader only, and the other way round."""
    measured = measured_with(**{other: "cd" * 32}) | {"sha256": MANIFESTED[role]["sha256"]}
    with pytest.raises(
        SystemExit, match=rf"another {other} than is released: run `python -m models\.{role}\.measure` first"
    ):
        filled("no parts", role, MANIFESTED, measured, CODE)


def test_other_code_is_said_and_not_refused() -> None:
    """A figure of older code is a figure; whoever reads it is told."""
    now = filled(TEMPLATE, "reader", MANIFESTED, measured_with(), CODE)
    assert "Measured with the detector `efefefefefef` and the code around both `121212121212`, as they are now." in now
    then = filled(TEMPLATE, "reader", MANIFESTED, measured_with(code="34" * 32), CODE)
    assert "`343434343434`. **That code has changed since**: `python -m models.reader.measure`" in then


def test_figures_from_before_say_that_nobody_knows() -> None:
    """They are not passed off as bound to anything."""
    card = filled(TEMPLATE, "reader", MANIFESTED, {"sha256": ENTRY["sha256"]}, CODE)
    assert "With which detector, and with which code around both, these figures were measured was not recorded." in card


def test_shares_come_with_their_intervals() -> None:
    """In the text as in the tables."""
    assert rate({"share": 0.5, "interval95": [0.25, 0.75], "n": 8}) == "0.500 [0.250, 0.750]"
    assert rate(None) == "not measured"
    assert table(("a", "b"), [(1, 2)]) == "| a | b |\n|---|---|\n| 1 | 2 |\n"


def test_a_verdict_counts_plates() -> None:
    """What is missing, or what is to spare."""
    assert verdict(0) == "met, 0 plates to spare"
    assert verdict(1) == "met, 1 plate to spare"
    assert verdict(-2) == "missed by 2 plates"
    assert [hits(share(count, 589)) for count in range(590)] == list(range(590))


def reader_entry(eu: int, us: int, peer: int) -> dict[str, Any]:
    """Return scores with so many right of 108 and of 111, and so many of the peer's, strict as folded."""
    sets = {"openalpr-eu": share(eu, 108), "openalpr-us-a": share(us, 111)}
    rows = {name: dict.fromkeys(("strict", "folded", "corrected"), score) for name, score in sets.items()}
    theirs = {"openalpr-us-a": dict.fromkeys(("strict", "folded", "corrected"), share(peer, 111))}
    return {"form": "float", "scores": rows, "scores_peer": theirs}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (reader_entry(106, 90, 90), "folded .99: missed by 1 plate; strict .92: met, 6 plates to spare"),
        (reader_entry(107, 90, 90), "folded .99: met, 0 plates to spare"),
        (reader_entry(99, 90, 90), "folded .99: missed by 8 plates; strict .92: missed by 1 plate"),
        (reader_entry(99, 90, 90), "folded above the peer: missed by 1 plate"),
        (reader_entry(99, 93, 90), "folded above the peer: met, 2 plates to spare"),
        (reader_entry(99, 93, 90), "strict above the peer with a grown box: not measured"),
    ],
)
def test_the_reader_meets_a_bar_or_misses_it(entry: dict[str, Any], said: str) -> None:
    """107 of 108 are the first above .99, 100 the first above .92; as many as the peer is not above it."""
    assert said in reader_scores(entry, {})


@pytest.mark.parametrize(
    ("found", "false", "said"),
    [
        (107, 3, "recall .99: met, 0 plates to spare; false .03: met, 0 false plates to spare"),
        (106, 4, "recall .99: missed by 1 plate; false .03: missed by 1 false plate"),
    ],
)
def test_the_detector_meets_a_bar_or_misses_it(found: int, false: int, said: str) -> None:
    """Of 108 plates 107 have to be found, and three may be false."""
    row = {
        "recall": share(found, 108),
        "top1": share(108, 108),
        "false_per_picture": round(false / 108, 4),
        "average_precision": 0.9,
    }
    sizes = {"480x288": 0.6, "320x192": 0.6}
    entry = {"size": "480x288", "thresholds": sizes, "scores": {f"openalpr-eu {size}": row for size in sizes}}
    released, other = detector_scores(entry, {}).splitlines()[2:]
    assert released.endswith(f"| {said} |")
    assert other.endswith("| 0.900 |  |")


def test_what_was_not_measured_is_not_said() -> None:
    """Figures from before a part was measured show the gap."""
    score = share(1, 2)
    before = {"drawn_by_region": {"GB": score}, "region_head": {"by_region": {"GB": score}}, "ms": {}}
    assert "| GB | 0.500 [0.000, 1.000] | not measured | not measured | not measured |" in regions({}, before)
    assert "seven looks | not measured | not measured |" in speed({}, before)
    assert bias({}, {}) == "Held-out scenes: not measured.\n"


def test_the_country_is_told_as_the_device_tells_it() -> None:
    """Named, right of those named, unknown; a name is wrong wherever none is taught."""
    head = {
        "drawn": {
            "GB": {"expected": ["GB"], "named": share(3, 4), "right": share(2, 3)},
            "GULF": {"expected": [], "named": share(1, 4), "right": share(0, 1)},
            "CA": {"expected": ["CA"], "named": share(0, 4), "right": share(0, 1) | {"n": 0}},
        },
        "photographs": {"crops-x": {"expected": ["DE", "FR"], "named": share(1, 2), "right": share(1, 1)}},
    }
    told = regions({}, {"drawn_by_region": dict.fromkeys(head["drawn"], share(1, 4)), "region_head": head})
    assert "| GB | 0.250 [0.000, 1.000] | 0.750 [0.000, 1.000] | 0.667 [0.000, 1.000], n = 3 | 0.250 |" in told
    assert "| none of 1: taught as unknown | 0.750 |" in told
    assert "| none named | 1.000 |" in told
    assert "| crops-x | Europe | 2 | 0.500 [0.000, 1.000] | 1.000 [0.000, 1.000], n = 1 | 0.500 |" in told


def test_in_sample_confidences_say_so() -> None:
    """Crops that chose the temperature flatter it."""
    row: dict[str, Any] = {"error": 0.01, "error_of_characters": 0.002, "characters": 63}
    row |= {"precision_of_most_confident_90": {"value": 1.0, "low": 0.9, "high": 1.0, "n": 9}}
    assert "held-out, in sample: these crops chose the temperature |" in honesty({}, {"calibration": {"held-out": row}})
    fitted = {"calibration": {"held-out": row | {"temperatures": [1.2, 1.4]}}}
    assert "held-out, each half with the temperature of the other (1.2, 1.4) |" in honesty({}, fitted)


def test_every_set_of_photographs_has_its_terms() -> None:
    """Whoever adds a set says where it is from."""
    assert set(SCENES) == set(SCENE_SETS)
    assert set(CROPS) == {*CROP_SETS, *(f"{BY_EYE}: {name}" for name in SCENE_SETS), BLANK}


def test_the_photographs_are_those_that_the_reader_was_taught_on() -> None:
    """As its checkpoint says; a reader from before that was kept has no count."""
    known = {"crops-openlpr": 5, f"{BY_EYE}: india": 3, BLANK: 2}
    told = reader_data({}, {"training_crops": known, "held_out_crops": {f"{BY_EYE}: india": 1}})
    assert "| read-by-eye: india | 3 / 1 | license_plate_ai @5730d1c1 |" in told
    assert "| blank plates and signs | 2 / 0 |" in told
    assert "not counted when this reader was released" in reader_data({}, {"training_crops": {}, "held_out_crops": {}})


def test_plates_that_the_peer_was_not_sure_of_are_not_held_against_it() -> None:
    """They were chosen by that."""
    score = {"strict": share(1, 2), "folded": share(1, 2), "corrected": share(1, 2)}
    sets = {"crops-openlpr": score, BY_EYE: score}
    told = reader_scores({"form": "int8", "scores": sets, "scores_peer": sets}, {})
    assert told.count("| peer |") == 1
    assert f"| {BY_EYE} | 2 | **ours, released (int8)** |" in told


def test_copyleft_typefaces_are_named() -> None:
    """Each with its exception."""
    told = drawings({}, {})
    assert "fonts-urw-base35 (AGPL-3 with font exception)" in told
    assert "OFL-1.1)," not in told


def test_both_cards_speak_of_personal_data() -> None:
    """Of what was written on the plates each says what is true of its model."""
    assert "is what the reader was taught" in personal("reader")({}, {})
    assert "taught the detector nothing" in personal("detector")({}, {})


def test_a_caveat_stands_beside_the_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    """And goes from one place when it is true no more."""
    assert "274 of the 609 held-out scenes" in plate_free({}, {"per_1000_frames": {}})
    monkeypatch.setattr("models.common.provenance.SPLIT_CAME_LATE", {})
    assert "274" not in plate_free({}, {"per_1000_frames": {}})


@pytest.mark.parametrize("role", sorted(BLOCKS))
def test_every_measured_part_of_a_card_has_its_writer(role: str) -> None:
    """And every writer its place."""
    card = (MODELS / role / "CARD.md").read_text()
    placed = sorted(p.split(" -->")[0] for p in card.split("<!-- measured: ")[1:])
    assert sorted([*BLOCKS[role], *COMMON]) == placed


@pytest.mark.parametrize("role", sorted(BLOCKS))
def test_a_file_made_by_more_than_its_script_tells_how(role: str) -> None:
    """What was released tells its chain of runs; what the script makes is not given the story of another file."""
    entry = tomllib.loads(MANIFEST.read_text())[role]
    story = made(role, entry)
    if "+rebuilt" not in entry["version"]:
        assert "One chain of" in story
        assert "have not been measured" in story
    rebuilt = made(role, entry | {"float_sha256": "cd" * 32, "samples": 2750000, "samples_before": 0})
    assert "One chain of" not in rebuilt
    assert "So was this one made, on 2,750,000 samples" in rebuilt
    chained = made(role, entry | {"float_sha256": "cd" * 32, "samples": 900, "samples_before": 500})
    assert "had seen 500 of its 900 samples" in chained
    assert "So was this one made" not in chained


@pytest.mark.parametrize("role", sorted(BLOCKS))
def test_the_card_is_of_the_released_file(role: str) -> None:
    """Whoever releases a model, or changes the code around it, writes its card."""
    figures = MODELS / role / "measured.json"
    if not figures.is_file():
        pytest.skip(f"{role}: released before cards were measured")
    manifest = tomllib.loads(MANIFEST.read_text())
    card = (MODELS / role / "CARD.md").read_text()
    assert filled(card, role, manifest, json.loads(figures.read_text()), code_digest()) == card
