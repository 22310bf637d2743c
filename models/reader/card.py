"""What the measured parts of the reader's card say; `python -m models.common.card` writes them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from models.common import provenance
from models.common.markdown import NOT_MEASURED, hits, how_large, rate, table, verdict
from models.datasets.crops import BY_EYE

if TYPE_CHECKING:
    from collections.abc import Mapping

BARS = {"openalpr-eu": {"folded": 0.99, "strict": 0.92}, "openalpr-us-a": {"folded": None, "strict": None}}
"""The least share of a figure; None: more than the peer reads of the same boxes in the same run."""


def net(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return how large the net is, counted in the released float file."""
    return how_large(measured.get("size"), "a crop")


def scores(entry: Mapping[str, Any], _: Mapping[str, Any]) -> str:
    """Return the scores on true boxes, beside the peer in the same run and the bars."""
    form, rows = entry.get("form", "float"), []
    other = "float" if form == "int8" else "int8"
    for name, ours in entry["scores"].items():
        readers = [(f"**ours, released ({form})**", ours)]
        readers += [(f"ours, {other}", entry.get(f"scores_{other}", {}).get(name))]
        if name != BY_EYE:  # plates of which the peer was not sure: no fair comparison
            readers += [("peer", entry.get("scores_peer", {}).get(name))]
            readers += [("peer, box grown by 5 %", entry.get("scores_peer_margin", {}).get(name))]
        for who, row in readers:
            if row:
                bars = _bars(name, entry) if row is ours else ""
                figures = (rate(row[k]) for k in ("strict", "folded", "corrected"))
                rows.append((name, row["folded"]["n"], who, *figures, bars))
    return table(("set", "n", "reader", "strict", "folded", "folded, labels corrected", "must"), rows)


def _bars(name: str, entry: Mapping[str, Any]) -> str:
    """Return each bar of a set, and whether it was met."""
    told = []
    for figure, least in BARS.get(name, {}).items():
        score = entry["scores"][name][figure]
        if least is not None:
            spare = hits(score) - math.ceil(least * score["n"] - 1e-9)
            told.append(f"{figure} {f'{least:.2f}'.lstrip('0')}: {verdict(spare)}")
            continue
        for who, key in (("the peer", "scores_peer"), ("the peer with a grown box", "scores_peer_margin")):
            peer = entry.get(key, {}).get(name)
            result = verdict(hits(score) - hits(peer[figure]) - 1) if peer else NOT_MEASURED
            told.append(f"{figure} above {who}: {result}")
    return "; ".join(told)


def honesty(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return calibration error and precision of the surest reads."""
    rows = []
    for name, row in measured["calibration"].items():
        sure = row["precision_of_most_confident_90"]
        shown = f"{sure['value']:.3f} [{sure['low']:.3f}, {sure['high']:.3f}]"
        each = f"{row['error_of_characters']:.3f}, n = {row['characters']}"
        rows.append((f"{name}{_fitted(name, row)}", f"{row['error']:.3f}", each, shown, sure["n"]))
    error = ("expected calibration error of texts", "of single characters (O=0, I=1)")
    return table(("set", *error, "precision of the 90 % most confident reads", "n"), rows)


def _fitted(name: str, row: Mapping[str, Any]) -> str:
    if name != "held-out":
        return ""
    if "temperatures" not in row:
        return ", in sample: these crops chose the temperature"
    first, second = row["temperatures"]
    return f", each half with the temperature of the other ({first:g}, {second:g})"


def light(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return scores by thirds of light."""
    rows = [(name, f"{s['from']} to {s['to']}", rate(s), s["n"]) for name, s in measured["light"].items()]
    return table(("third of the crops", "luma (mean, or standard deviation)", "folded, corrected", "n"), rows)


def regions(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return scores of drawn plates by table of formats, and what the device then says of their country."""
    said = measured["region_head"].get("drawn", {})
    rows = [
        (name, rate(s), *_named(said.get(name)))
        for name, s in sorted(measured["drawn_by_region"].items(), key=lambda each: each[1]["share"])
    ]
    drawn = table(("formats of", "read right (folded)", *_COUNTRY), rows)
    photographs = measured["region_head"].get("photographs", {})
    known = [
        (name, row["expected"][0] if len(row["expected"]) == 1 else "Europe", row["named"]["n"], *_named(row))
        for name, row in photographs.items()
    ]
    if not known:
        known = [("photographs of known country", NOT_MEASURED, NOT_MEASURED, *_named(None))]
    return drawn + "\n" + table(("photographs", "from", "n", *_COUNTRY), known)


_COUNTRY = ("country named", "right of those named", "left unknown")


def _named(row: Mapping[str, Any] | None) -> tuple[str, str, str]:
    if row is None:
        return NOT_MEASURED, NOT_MEASURED, NOT_MEASURED
    right = row["right"]
    if not right["n"]:
        told = "none named"
    elif not row["expected"]:
        told = f"none of {right['n']}: taught as unknown"
    else:
        told = f"{rate(right)}, n = {right['n']}"
    return rate(row["named"]), told, f"{1 - row['named']['share']:.3f}"


def faults(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return the sweeps as rows."""
    rows = [
        (name.replace("_", " "), " ".join(f"{s['at']:g}: {s['share']:.2f}" for s in levels))
        for name, levels in measured["sweeps"].items()
    ]
    return table(("fault", "level: share read right (n = 80 each)"), rows)


def others(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return two-row plates, lettering, and clips with and without the vote."""
    texts = measured["lettering"]
    rows: list[tuple[object, ...]] = [
        ("drawn plates of two rows, read right", rate(measured["two_rows"]), measured["two_rows"]["n"]),
        ("drawn badges, times, telephone numbers that gave a text", rate(texts["read"]), texts["read"]["n"]),
        ("... with every character above 0.9", rate(texts["read_surely"]), texts["read_surely"]["n"]),
    ]
    told = table(("", "share", "n"), rows)
    clips = measured.get("clips", {})
    if clips:
        lines = [
            (name, c["expected"], f"{c['right']} right, {c['wrong']} wrong",
             f"{c['single_frames']['best_right']} right, {c['single_frames']['best_wrong']} wrong",
             f"{c['single_frames']['right']} of {c['single_frames']['reads']}")
            for name, c in clips.items()
        ]  # fmt: skip
        head = ("clip", "plates", "vote of all frames", "most confident frame alone", "single frames right")
        told += "\n" + table(head, lines)
    return told


def speed(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return the times of one run: of the networks, and of all that is done to a plate."""
    rows = [(f"network alone: {name}", t["median"], t["p10"]) for name, t in measured["ms"].items()]
    whole = measured.get("ms_of_a_plate")
    rows += [(name, t["median"], t["p10"]) for name, t in (whole or {}).items()]
    if not whole:
        rows.append(("from a frame to a text, ours and the peer; seven looks", NOT_MEASURED, NOT_MEASURED))
    return table(("one thread, taken in turn", "median ms", "10th percentile ms"), rows)


def limits(_: Mapping[str, Any], __: Mapping[str, Any]) -> str:
    """Return the limits that go with how this reader came about."""
    return provenance.SPLIT_CAME_LATE.get("reader", "")


BLOCKS = {
    "net": net, "drawings": provenance.drawings, "data": provenance.reader_data,
    "evaluation": provenance.reader_evaluation, "personal": provenance.personal("reader"), "scores": scores,
    "honesty": honesty, "light": light, "regions": regions, "faults": faults, "others": others, "speed": speed,
    "limits": limits,
}  # fmt: skip
